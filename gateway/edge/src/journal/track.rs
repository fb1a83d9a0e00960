//! The track: positions with numbers of their own, no chain, and a bound. At the bound the oldest go first, and a
//! record of the ledger stream says which.
//!
//! A line is `{"seq":7,"boot":1,"up_ms":86123,"at":"2020-09-03T00:01:02.345Z","clock":"gnss","fix":{…}}`.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use waypost_core::fact::{ClockQuality, Moment, WallTime};

use super::{
    error::JournalError,
    number::{from_sql, to_sql},
    sql,
};

/// Longest fix, in bytes of JSON.
pub const FIX_BYTES_MAX: usize = 1024;
/// Most positions that wait for a commit; while nothing can be written, the oldest of them are let go.
const WAITING_MAX: usize = 256;
/// At the bound this part of it is dropped at once, so that not every position costs a record.
const DROPPED_PART: u64 = 16;

/// One line of the track.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    /// Its number among the positions.
    pub seq: u64,
    /// Which start of the gateway.
    pub boot: u32,
    /// Milliseconds since that start.
    pub up_ms: u64,
    /// What the wall clock said.
    pub at: WallTime,
    /// How far `at` can be believed.
    pub clock: ClockQuality,
    /// What the receiver said, as it was given.
    pub fix: Box<RawValue>,
}

/// The writer's view of the track.
#[derive(Debug)]
pub(super) struct Track {
    /// Most positions on the disk.
    most: u64,
    /// Number of the oldest on the disk; one more than `last` where there is none.
    first: u64,
    /// Number of the newest on the disk.
    last: u64,
    /// The hub has positions up to this one.
    held: u64,
    /// Made, not written yet.
    waiting: Vec<(u64, String)>,
    /// To be deleted with the next commit: all up to this number.
    dropped: Option<u64>,
}

impl Track {
    pub(super) fn read(connection: &Connection, most: u64, held: u64) -> Result<Self, JournalError> {
        let (first, last) = ends(connection)?;
        Ok(Self { most: most.max(1), first, last, held, waiting: Vec::new(), dropped: None })
    }

    /// After a failed commit: what is on the disk. Positions that wait get their numbers anew.
    pub(super) fn back_to(&mut self, connection: &Connection) -> Result<(), JournalError> {
        (self.first, self.last) = ends(connection)?;
        self.dropped = None;
        // They may be on the disk or not, and nothing rests on them.
        self.waiting.clear();
        Ok(())
    }

    pub(super) fn add(&mut self, boot: u32, now: Moment, fix: &str) {
        let Ok(fix) = RawValue::from_string(fix.to_owned()) else {
            tracing::warn!("a position that is not JSON was not written");
            return;
        };
        if self.waiting.len() >= WAITING_MAX {
            return;
        }
        let seq = self.last() + 1;
        let position = Position { seq, boot, up_ms: now.up_ms, at: now.at, clock: now.clock, fix };
        match serde_json::to_string(&position) {
            Ok(line) => self.waiting.push((seq, line)),
            Err(error) => tracing::warn!(%error, "a position was not written"),
        }
    }

    /// The range that the bound drops with the next commit and that the hub does not have. What the hub has goes
    /// before, without a word.
    pub(super) fn overflow(&mut self) -> Option<(u64, u64)> {
        let last = self.last();
        if (last + 1).saturating_sub(self.first) <= self.most {
            return None;
        }
        let part = (self.most / DROPPED_PART).max(1);
        let through = last.saturating_sub(self.most) + part - 1;
        let through = through.min(last.saturating_sub(1));
        self.dropped = Some(self.dropped.unwrap_or(0).max(through));
        let first = self.first.max(self.held + 1);
        (first <= through).then_some((first, through))
    }

    /// Writes what waits, within the transaction that is open. Returns how many rows that were.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let mut written = 0;
        if !self.waiting.is_empty() {
            let mut insert = connection.prepare_cached(sql::TRACK_INSERT)?;
            for (seq, line) in &self.waiting {
                insert.execute(params![to_sql(*seq), line])?;
                written += 1;
            }
        }
        if let Some(through) = self.dropped {
            let dropped = connection.prepare_cached(sql::TRACK_DROP)?.execute([to_sql(through)])?;
            written += u64::try_from(dropped).unwrap_or_default();
        }
        Ok(written)
    }

    pub(super) fn committed(&mut self) {
        self.last = self.last();
        self.waiting.clear();
        if let Some(through) = self.dropped.take() {
            self.first = self.first.max(through + 1);
        }
    }

    /// The hub has them: they need no room here. The newest stays, so that its number is not used again.
    pub(super) fn held(&mut self, through: u64) {
        self.held = through;
        let through = through.min(self.last.saturating_sub(1));
        if through >= self.first {
            self.dropped = Some(self.dropped.unwrap_or(0).max(through));
        }
    }

    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Number of the newest, written or waiting.
    pub(super) fn last(&self) -> u64 {
        self.waiting.last().map_or(self.last, |(seq, _)| *seq)
    }
}

/// Numbers of the oldest and the newest on the disk.
fn ends(connection: &Connection) -> Result<(u64, u64), JournalError> {
    let end = |query| {
        connection
            .prepare_cached(query)
            .and_then(|mut end| end.query_row([], |row| row.get(0).map(from_sql)).optional())
            .map_err(JournalError::sqlite("reading the track"))
    };
    let last = end(sql::TRACK_LAST)?.unwrap_or(0);
    Ok((end(sql::TRACK_FIRST)?.unwrap_or(last + 1), last))
}

/// Number of the newest on the disk; 0 where there is none.
pub(super) fn last(connection: &Connection) -> Result<u64, JournalError> {
    Ok(ends(connection)?.1)
}
