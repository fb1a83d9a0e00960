//! The 90 minutes: when a box must be at a laboratory, and how long that still is.

use jiff::{Timestamp, civil, tz::TimeZone};
use waypost_core::{
    fact::{ClockQuality, Moment, WallTime, id::BoxId},
    rule::timers::is_believable,
};

use crate::panel::Message;

/// A box is due so long after the closing of its session.
pub const DELIVERY_MS: i64 = 90 * MINUTE_MS;
/// A box sealed so long after a closing still belongs to that session: the last tubes are packed then.
pub const LATE_SEALING_MS: i64 = 60 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;

/// When a box that is sealed now must be at a laboratory. A site without sessions counts from now, and so does one whose
/// clock is not set: it cannot know which session this is, and what it writes moves with the clock once that is found.
pub fn due(now: Moment, closes: &[civil::Time], zone: &TimeZone) -> WallTime {
    let closes = if now.clock == ClockQuality::Unset { &[] } else { closes };
    let now = now.at;
    let date = zone.to_datetime(now.timestamp()).date();
    let closing = closes
        .iter()
        .filter_map(|close| zone.to_timestamp(date.to_datetime(*close)).ok())
        .map(Timestamp::as_millisecond)
        .find(|close| now.as_millis() <= close.saturating_add(LATE_SEALING_MS));
    WallTime(closing.unwrap_or(now.as_millis())).plus_ms(DELIVERY_MS)
}

/// How long the most urgent box has left, in words. Nothing is said of a time by a clock that was not set.
pub fn line<'a>(boxes: impl Iterator<Item = (&'a BoxId, &'a WallTime)>, now: WallTime) -> Option<Message> {
    let believable = boxes.filter(|(_, due)| is_believable(**due, now));
    let (box_id, due) = believable.min_by_key(|(_, due)| **due)?;
    let left = due.as_millis().saturating_sub(now.as_millis());
    let key = if left < 0 { "line-late" } else { "line-time-left" };
    Some(Message::new(key).text("box", box_id).number("minutes", left.abs() / MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_due_ninety_minutes_after_its_session_closes() {
        let zone = TimeZone::get("Asia/Hong_Kong").unwrap();
        let closes = ["13:30".parse().unwrap(), "20:00".parse().unwrap()];
        for (sealed, expected) in [
            ("2020-09-03T10:00:00+08:00", "2020-09-03T15:00:00+08:00"),
            ("2020-09-03T13:50:00+08:00", "2020-09-03T15:00:00+08:00"),
            ("2020-09-03T14:31:00+08:00", "2020-09-03T21:30:00+08:00"),
            ("2020-09-03T20:30:00+08:00", "2020-09-03T21:30:00+08:00"),
            ("2020-09-03T22:00:00+08:00", "2020-09-03T23:30:00+08:00"),
        ] {
            let sealed_at = moment(sealed, ClockQuality::Rtc);
            assert_eq!(due(sealed_at, &closes, &zone), expected.parse().unwrap(), "{sealed}");
        }
        let sealed = moment("2020-09-03T10:00:00Z", ClockQuality::Gnss);
        assert_eq!(due(sealed, &[], &zone), sealed.at.plus_ms(DELIVERY_MS));
    }

    #[test]
    fn a_clock_that_is_not_set_knows_no_session() {
        let zone = TimeZone::get("Asia/Hong_Kong").unwrap();
        let sealed = moment("1970-01-01T00:10:00Z", ClockQuality::Unset);
        assert_eq!(due(sealed, &["13:30".parse().unwrap()], &zone), sealed.at.plus_ms(DELIVERY_MS));
    }

    #[test]
    fn a_time_by_a_clock_that_was_not_set_is_not_shown() {
        let now: WallTime = "2020-09-03T04:00:00Z".parse().unwrap();
        let unset = (BoxId::new("B1").unwrap(), WallTime(5_400_000));
        let ahead = (BoxId::new("B2").unwrap(), now.plus_ms(30 * 24 * 60 * MINUTE_MS));
        let right = (BoxId::new("B3").unwrap(), now.plus_ms(20 * MINUTE_MS));
        let shown = |boxes: &[&(BoxId, WallTime)]| line(boxes.iter().map(|(id, due)| (id, due)), now);
        assert_eq!(shown(&[&unset, &ahead]), None);
        let left = Message::new("line-time-left").text("box", "B3").number("minutes", 20);
        assert_eq!(shown(&[&unset, &right, &ahead]), Some(left), "the others do not hide one that is right");
    }

    fn moment(at: &str, clock: ClockQuality) -> Moment {
        Moment { up_ms: 0, at: at.parse().unwrap(), clock }
    }
}
