//! What time it was: a record's own clock, or what a later record of the same boot says that clock was worth.

use waypost_core::{
    fact::{ClockQuality, WallTime},
    rule::timers::is_believable,
};

/// A record dated so much ahead of the hub's clock, in milliseconds, is reported.
pub const AHEAD_MS_MAX: i64 = 86_400_000;

/// When something happened, as well as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrected {
    /// The time.
    pub at: WallTime,
    /// The clock was right, or was found to be so and so wrong. Else `at` is what an unsure clock said.
    pub sure: bool,
}

impl Corrected {
    /// A time to keep that the record names and its own clock reckoned: moved as the record's time was. None where that
    /// clock is not known to be right and the time is beyond belief on the day on which the record came.
    pub fn due(self, said_at: WallTime, due: WallTime, came: WallTime) -> Option<WallTime> {
        let moved = self.moved(said_at, due);
        (self.sure || is_believable(moved, came)).then_some(moved)
    }

    /// A time that the record names and its own clock reckoned, moved as the record's time was.
    pub fn moved(self, said_at: WallTime, named: WallTime) -> WallTime {
        named.plus_ms(self.at.as_millis().saturating_sub(said_at.as_millis()))
    }
}

/// Corrects a record's time. `offset_ms` is that of its boot (`wall = up_ms + offset_ms`), where one was found: the last
/// that was found, which also mends what a clock said that a receiver had lied to.
pub fn correct(at: WallTime, quality: ClockQuality, up_ms: u64, offset_ms: Option<i64>) -> Corrected {
    let found = offset_ms.map(|offset_ms| WallTime(offset_ms.saturating_add_unsigned(up_ms)));
    match found {
        Some(found) if !is_sure(quality) || is_far(at, found) => Corrected { at: found, sure: true },
        _ => Corrected { at, sure: is_sure(quality) },
    }
}

/// So far apart are no two times of one clock that is right.
fn is_far(at: WallTime, found: WallTime) -> bool {
    at.as_millis().saturating_sub(found.as_millis()).unsigned_abs() > AHEAD_MS_MAX.unsigned_abs()
}

/// Was the clock confirmed when the record was made?
pub fn is_sure(quality: ClockQuality) -> bool {
    quality >= ClockQuality::Ntp
}

/// The quality as it is stored: 0 the worst, 3 the best.
pub(crate) fn quality_number(quality: ClockQuality) -> u8 {
    match quality {
        ClockQuality::Unset => 0,
        ClockQuality::Rtc => 1,
        ClockQuality::Ntp => 2,
        ClockQuality::Gnss => 3,
    }
}

/// The quality of a stored number.
pub(crate) fn quality_of(number: u8) -> ClockQuality {
    match number {
        3 => ClockQuality::Gnss,
        2 => ClockQuality::Ntp,
        1 => ClockQuality::Rtc,
        _ => ClockQuality::Unset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_before_the_clock_was_found_gets_the_offset_of_its_boot() {
        let wrong = WallTime(5_000);
        let at = |quality, offset| correct(wrong, quality, 4_000, offset);
        let found = Some(1_600_000_000_000);
        assert_eq!(at(ClockQuality::Unset, found), Corrected { at: WallTime(1_600_000_004_000), sure: true });
        assert_eq!(at(ClockQuality::Rtc, found), at(ClockQuality::Unset, found));
        assert_eq!(at(ClockQuality::Unset, None), Corrected { at: wrong, sure: false });
        assert_eq!(at(ClockQuality::Gnss, None), Corrected { at: wrong, sure: true });
    }

    #[test]
    fn a_right_clocks_time_holds_unless_its_boot_was_found_to_be_another_day() {
        let (offset_ms, up_ms) = (1_600_000_000_000, 4_000);
        let found = WallTime(offset_ms + 4_000);
        let corrected = |at| correct(at, ClockQuality::Gnss, up_ms, Some(offset_ms)).at;
        assert_eq!(corrected(found.plus_ms(-30_000)), found.plus_ms(-30_000));
        for days in [-80, 80, 3_650] {
            assert_eq!(corrected(found.plus_ms(days * 86_400_000)), found, "a receiver lied by {days} days");
        }
    }

    #[test]
    fn a_due_time_moves_with_its_records_and_is_not_believed_before() {
        let (at, due, came) = (WallTime(5_000), WallTime(65_000), WallTime(1_600_000_100_000));
        let unset = ClockQuality::Unset;
        let found = correct(at, unset, 4_000, Some(1_600_000_000_000));
        assert_eq!(found.due(at, due, came), Some(WallTime(1_600_000_064_000)));
        assert_eq!(correct(at, unset, 4_000, None).due(at, due, came), None);
        let (at, due) = (came.plus_ms(-60_000), came.plus_ms(60_000));
        assert_eq!(correct(at, ClockQuality::Rtc, 4_000, None).due(at, due, came), Some(due));
        // What a right clock said holds, however late the record comes.
        let late = came.plus_ms(30 * 86_400_000);
        assert_eq!(correct(at, ClockQuality::Gnss, 4_000, None).due(at, due, late), Some(due));
    }
}
