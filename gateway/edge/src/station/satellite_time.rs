//! When a receiver's time is believed, and when it sets the clock.
//!
//! A receiver's week counter rolls over, its battery dies and it wakes in 1980, or it is fed a false signal. Its time
//! counts where it lies less than 90 days after the floor (the latest time that is past for certain: the build, the last
//! record, the hub's word), as told or later by whole rollovers. It sets the clock once a few readings agree, and moves
//! a clock that is right already only after many: one odd reading moves nothing. A clock that is right never shows a
//! time before one that it has shown, so no record is earlier than the one before it.

use jiff::Timestamp;
use waypost_core::fact::{ClockQuality, Moment, WallTime};
use waypost_drivers::gnss::rollover;

use crate::clock::AFTER_FLOOR_MS_MAX;

/// A clock that is off by more than so many real milliseconds is set again.
const OFF_MS: f64 = 2_000.0;
/// A right clock may be set back by so many real milliseconds (leap seconds that a cold receiver did not know), and
/// stands still until then; what tells an earlier time is not believed.
const BACK_MS_MAX: f64 = 60_000.0;
/// Readings that must agree before they set a clock …
const AGREEING: u32 = 3;
/// … and before they move one that is right.
const AGREEING_TO_MOVE: u32 = 30;

/// What receivers told so far.
#[derive(Debug, Default)]
pub struct SatelliteTime {
    candidate: Option<Candidate>,
}

/// An offset that readings agree on.
#[derive(Debug)]
struct Candidate {
    first_offset_ms: i64,
    readings: u32,
}

impl SatelliteTime {
    /// The offset that a reading gives the clock, where it is to be set: `wall = up_ms + offset`.
    ///
    /// `rate` is the clock's: simulated milliseconds a real one.
    pub fn told(
        &mut self,
        told: Timestamp,
        now: Moment,
        floor: Option<WallTime>,
        rate: f64,
    ) -> Option<(WallTime, i64)> {
        let rate = rate.max(1.0);
        let Some(told) = believed(told, now, floor, rate) else {
            self.candidate = None;
            return None;
        };
        let told = WallTime(told.as_millisecond());
        let is_off = apart_ms(told.as_millis(), now.at.as_millis()) > OFF_MS * rate;
        if now.clock == ClockQuality::Gnss && !is_off {
            self.candidate = None;
            return None;
        }
        let offset_ms = told.as_millis().saturating_sub_unsigned(now.up_ms);
        let candidate = match &mut self.candidate {
            Some(candidate) if apart_ms(candidate.first_offset_ms, offset_ms) <= OFF_MS * rate => candidate,
            other => other.insert(Candidate { first_offset_ms: offset_ms, readings: 0 }),
        };
        candidate.readings = candidate.readings.saturating_add(1);
        let needed = if is_right(now) && is_off { AGREEING_TO_MOVE } else { AGREEING };
        if candidate.readings < needed {
            return None;
        }
        self.candidate = None;
        Some((told, offset_ms))
    }
}

/// The time that a fix on the track bears: a rolled-over one is mended; one that cannot be, and lies before the floor, is
/// no time. One that lies far after the floor stays, as a gateway may have been on a shelf.
pub fn on_track(told: Timestamp, now: Moment, floor: Option<WallTime>, rate: f64) -> Option<Timestamp> {
    let floor_or_now = floor_at(now, floor, rate.max(1.0));
    let after = |floor: WallTime| told.as_millisecond() >= floor.as_millis();
    believed(told, now, floor, rate).or_else(|| floor_or_now.is_none_or(after).then_some(told))
}

/// The time that a receiver's date stands for. Without a floor any is taken as it is.
fn believed(told: Timestamp, now: Moment, floor: Option<WallTime>, rate: f64) -> Option<Timestamp> {
    match floor_at(now, floor, rate) {
        Some(floor) => rollover::mend(told, floor.timestamp(), AFTER_FLOOR_MS_MAX),
        None => Some(told),
    }
}

/// A clock that is right is a floor too.
fn floor_at(now: Moment, floor: Option<WallTime>, rate: f64) -> Option<WallTime> {
    let back_ms = (BACK_MS_MAX * rate) as i64;
    floor.max(is_right(now).then(|| now.at.plus_ms(-back_ms)))
}

fn is_right(now: Moment) -> bool {
    now.clock >= ClockQuality::Ntp
}

fn apart_ms(one: i64, two: i64) -> f64 {
    one.saturating_sub(two).unsigned_abs() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn at(text: &str) -> WallTime {
        text.parse().unwrap()
    }

    fn unset() -> Moment {
        Moment { up_ms: 1_000, at: WallTime(5_000), clock: ClockQuality::Unset }
    }

    /// The offset after as many readings as a clock needs that is not right yet.
    fn set(told: WallTime, now: Moment, floor: Option<WallTime>) -> Option<i64> {
        let mut time = SatelliteTime::default();
        let mut offset = None;
        for _ in 0..AGREEING {
            assert_eq!(offset, None, "one reading sets nothing");
            offset = time.told(told.timestamp(), now, floor, 1.0).map(|(_, offset)| offset);
        }
        offset
    }

    #[test]
    fn a_satellites_time_sets_the_clock_only_near_what_is_known() {
        let floor = at("2020-09-03T00:00:00Z");
        let told = at("2020-09-03T01:00:00Z");
        let offset = told.as_millis() - 1_000;
        assert_eq!(set(told, unset(), Some(floor)), Some(offset));
        assert_eq!(set(told, unset(), None), Some(offset));
        let rolled_over = told.plus_ms(-rollover::ROLLOVER_MS);
        assert_eq!(set(rolled_over, unset(), Some(floor)), Some(offset), "a rollover is mended");
        assert_eq!(set(told.plus_ms(91 * DAY_MS), unset(), Some(floor)), None);
        assert_eq!(set(floor.plus_ms(-1), unset(), Some(floor)), None);
        assert_eq!(set(at("1980-01-06T00:00:00Z"), unset(), Some(floor)), None);
    }

    #[test]
    fn a_right_clock_is_left_alone_and_moved_only_by_many_that_agree() {
        let told = at("2020-09-03T01:00:00Z");
        let right = Moment { up_ms: 1_000, at: told.plus_ms(500), clock: ClockQuality::Gnss };
        let mut time = SatelliteTime::default();
        assert_eq!(time.told(told.timestamp(), right, None, 1.0), None);
        let off = Moment { at: told.plus_ms(-5_000), ..right };
        for reading in 1..AGREEING_TO_MOVE {
            assert_eq!(time.told(told.timestamp(), off, None, 1.0), None, "{reading}");
        }
        // An odd one in between: it begins anew.
        assert_eq!(time.told(told.plus_ms(DAY_MS).timestamp(), off, None, 1.0), None);
        for reading in 1..AGREEING_TO_MOVE {
            assert_eq!(time.told(told.timestamp(), off, None, 1.0), None, "{reading}");
        }
        assert!(time.told(told.timestamp(), off, None, 1.0).is_some());
        assert_eq!(
            time.told(told.timestamp(), Moment { at: told.plus_ms(-60_000), ..off }, None, 600.0),
            None
        );
    }

    #[test]
    fn a_time_before_what_a_right_clock_has_shown_is_not_believed() {
        let shown = at("2020-09-03T01:00:00Z");
        let right = Moment { up_ms: 1_000, at: shown, clock: ClockQuality::Ntp };
        assert_eq!(set(shown.plus_ms(-3_600_000), right, None), None);
        assert_eq!(set(shown.plus_ms(-500), right, None), Some(shown.as_millis() - 1_500));
    }

    #[test]
    fn a_fix_on_the_track_bears_a_mended_time_or_none() {
        let floor = Some(at("2020-09-03T00:00:00Z"));
        let told = at("2020-09-03T01:00:00Z").timestamp();
        let rolled_over = at("2020-09-03T01:00:00Z").plus_ms(-rollover::ROLLOVER_MS).timestamp();
        assert_eq!(on_track(rolled_over, unset(), floor, 1.0), Some(told));
        assert_eq!(on_track(at("1980-01-06T00:00:00Z").timestamp(), unset(), floor, 1.0), None);
        let shelf = at("2022-01-01T00:00:00Z").timestamp();
        assert_eq!(on_track(shelf, unset(), floor, 1.0), Some(shelf));
        assert_eq!(on_track(rolled_over, unset(), None, 1.0), Some(rolled_over));
    }
}
