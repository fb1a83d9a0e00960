//! A batch of a track comes in. Its numbers may have gaps, and nothing chains them.
//!
//! A batch accounts for all numbers from its first to its last. A gap between two batches is either one that the
//! broker dropped, which will come again, or a true one. It is believed to be true when it is declared, or when the
//! batch behind it comes a second time: a gateway sends again from `held`, so it has nothing older.

use rusqlite::{Connection, OptionalExtension};
use waypost_core::wire::batch::Batch;

use super::{
    alarm::HubAlarm,
    known::Known,
    ledger::{AHEAD_MAX, keep_fork},
    open::StoreError,
    sql,
};

pub(super) const TRACK: u8 = 1;

/// Stores a batch and moves the track's `held`. Tells of a line that differs from the one stored.
pub(super) fn take(
    db: &Connection,
    known: &mut Known,
    batch: &Batch,
    now_ms: i64,
) -> Result<Option<HubAlarm>, StoreError> {
    let mut forked = false;
    let mut news = false;
    known.touched = true;
    for (seq, line) in batch.lines() {
        if seq <= known.track_top
            && let Some(here) = get(db, known.no, seq)?
        {
            if here != line {
                forked = true;
                keep_fork(db, known.no, TRACK, seq, None, line, now_ms)?;
            }
            continue;
        }
        news = true;
        let params = (known.no, TRACK, seq, None::<[u8; 32]>, line);
        db.prepare_cached(sql::RECORD_INSERT)?.execute(params)?;
    }
    known.dirty = true;
    known.track_top = known.track_top.max(batch.last);
    let far = batch.first > known.track_held.saturating_add(AHEAD_MAX);
    if batch.first <= known.track_held + 1 || far || (!news && is_next(db, known, batch.first)?) {
        known.track_held = known.track_held.max(batch.last);
    } else if news {
        // What it accounts for is kept as a range, as its own gaps are not in the lines.
        declare(db, known, batch.first, batch.last, "sent")?;
    }
    advance(db, known)?;
    Ok(forked.then_some(HubAlarm::Fork))
}

/// Notes that a range is accounted for.
pub(super) fn declare(
    db: &Connection,
    known: &Known,
    first: u64,
    last: u64,
    why: &str,
) -> Result<(), StoreError> {
    let none = None::<[u8; 32]>;
    db.prepare_cached(sql::LOST_INSERT)?.execute((known.no, TRACK, first, last, none, none, why))?;
    Ok(())
}

/// Moves `held` over ranges that are accounted for.
pub(super) fn advance(db: &Connection, known: &mut Known) -> Result<(), StoreError> {
    let mut query = db.prepare_cached(sql::LOST_AT)?;
    loop {
        let next = (known.no, TRACK, known.track_held + 1);
        let last: Option<u64> = query.query_row(next, |row| row.get(1)).optional()?;
        let Some(last) = last else { return Ok(()) };
        known.track_held = last;
        known.dirty = true;
    }
}

/// Is this the lowest number stored behind `held`?
fn is_next(db: &Connection, known: &Known, first: u64) -> Result<bool, StoreError> {
    let mut query = db.prepare_cached(sql::RECORD_NEXT)?;
    let next: Option<u64> = query.query_row((known.no, TRACK, known.track_held), |row| row.get(0))?;
    Ok(next == Some(first))
}

fn get(db: &Connection, no: i64, seq: u64) -> Result<Option<String>, StoreError> {
    let mut query = db.prepare_cached(sql::RECORD_GET)?;
    Ok(query.query_row((no, TRACK, seq), |row| row.get(1)).optional()?)
}
