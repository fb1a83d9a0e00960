//! Which records are old enough to be pruned: by the hub's time, never by the gateway's.
//!
//! Every half day of the hub's signed time a mark says how far the hub's second copy had come then. A record is as old as
//! the first mark that lies at or behind it. A gateway whose clock is wrong, or stands still, so prunes nothing early; and
//! one that the hub does not reach prunes nothing at all.

use std::collections::VecDeque;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use waypost_core::fact::WallTime;

use super::{ask::Acknowledged, database, error::JournalError};

/// Between two marks, in milliseconds of the hub's time.
const APART_MS: i64 = 12 * 60 * 60 * 1000;
/// Most marks: more than a year of them. The oldest goes; its records then count as old as the next one's.
const MARKS_MAX: usize = 800;
/// Where they stand among the single values.
const NAME: &str = "marks";

/// The hub had a second copy up to this number at this time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    seq: u64,
    at: WallTime,
}

/// The marks, oldest first; both their numbers and their times rise.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: VecDeque<Mark>,
    /// Changed and not on the disk yet.
    waits: bool,
}

impl Marks {
    pub(super) fn read(connection: &Connection) -> Result<Self, JournalError> {
        let marks =
            database::meta(connection, NAME)?.map(|text| serde_json::from_str(&text)).transpose().map_err(
                |error| JournalError::Damaged { what: format!("the marks of the hub's time: {error}") },
            )?;
        Ok(Self { marks: marks.unwrap_or_default(), waits: false })
    }

    /// An acknowledgement was believed.
    pub(super) fn acknowledged(&mut self, ack: &Acknowledged) {
        // A store that went back, or a clock that was set back: what was reckoned by either begins anew.
        while self.marks.back().is_some_and(|mark| mark.seq > ack.safe || mark.at > ack.time) {
            self.marks.pop_back();
            self.waits = true;
        }
        let is_due = self.marks.back().is_none_or(|mark| {
            mark.seq < ack.safe && ack.time.as_millis().saturating_sub(mark.at.as_millis()) >= APART_MS
        });
        if is_due {
            self.marks.push_back(Mark { seq: ack.safe, at: ack.time });
            self.waits = true;
        }
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
    }

    /// The number up to which records are older than this, at that time of the hub; 0 where none is.
    pub(super) fn older_than(&self, keep_ms: i64, now: WallTime) -> u64 {
        let is_old = |mark: &&Mark| now.as_millis().saturating_sub(mark.at.as_millis()) >= keep_ms;
        self.marks.iter().take_while(is_old).last().map_or(0, |mark| mark.seq)
    }

    /// What is pruned needs no mark, but for the last.
    pub(super) fn pruned(&mut self, through: u64) {
        while self.marks.len() > 1 && self.marks.get(1).is_some_and(|mark| mark.seq <= through) {
            self.marks.pop_front();
            self.waits = true;
        }
    }

    /// Writes them where they changed, within the transaction that is open.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.waits {
            return Ok(());
        }
        let text = serde_json::to_string(&self.marks)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        database::put_meta(connection, NAME, &text)
    }

    pub(super) fn committed(&mut self) {
        self.waits = false;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use waypost_core::fact::Link;

    use super::*;

    const DAY_MS: i64 = 2 * APART_MS;

    fn ack(safe: u64, days: i64) -> Acknowledged {
        let time = WallTime(days * DAY_MS);
        Acknowledged {
            epoch: 1,
            time,
            journal: Uuid::nil(),
            held: safe,
            safe,
            link: Link::START,
            track_held: 0,
        }
    }

    fn marks(acks: &[(u64, i64)]) -> Marks {
        let mut marks = Marks::default();
        acks.iter().for_each(|(safe, days)| marks.acknowledged(&ack(*safe, *days)));
        marks
    }

    #[test]
    fn a_record_is_as_old_as_the_hubs_time_since_it_was_safe() {
        let marks = marks(&[(10, 1), (10, 2), (20, 3), (30, 4), (31, 4)]);
        let older = |keep, now| marks.older_than(keep * DAY_MS, WallTime(now * DAY_MS));
        assert_eq!((older(3, 3), older(3, 4), older(3, 6), older(3, 7), older(3, 900)), (0, 10, 20, 30, 30));
    }

    #[test]
    fn a_store_or_a_clock_that_goes_back_takes_its_marks_along() {
        let mut went_back = marks(&[(10, 1), (20, 3), (30, 4)]);
        went_back.acknowledged(&ack(12, 5));
        assert_eq!(went_back.older_than(0, WallTime(99 * DAY_MS)), 12);
        assert_eq!(went_back.older_than(2 * DAY_MS, WallTime(6 * DAY_MS)), 10);
        let mut set_back = marks(&[(10, 1), (20, 3_650)]);
        set_back.acknowledged(&ack(21, 2));
        assert_eq!(set_back.older_than(DAY_MS, WallTime(2 * DAY_MS)), 10, "20 is of today");
    }

    #[test]
    fn marks_are_bounded() {
        let mut marks = Marks::default();
        (1..10_000).for_each(|day: u32| marks.acknowledged(&ack(day.into(), day.into())));
        assert_eq!(marks.marks.len(), MARKS_MAX);
        marks.pruned(9_990);
        assert!(marks.marks.len() <= 10);
    }
}
