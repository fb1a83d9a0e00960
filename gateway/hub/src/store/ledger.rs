//! A batch of a ledger comes in: in any order, more than once, cut in any way, or contradicting what is held.
//!
//! Each line is stored under its number. `held` moves as far as the chain links without a hole, over lines that came
//! ahead and over ranges declared lost too. Only what `held` has passed is projected, in the journal's order.

use rusqlite::{Connection, OptionalExtension};
use waypost_core::{fact::Link, wire::batch::Batch};

use super::{alarm::HubAlarm, known::Known, open::StoreError, sql};

/// Most records that a journal may have ahead of `held`. More is left to be sent again when the hole is filled.
pub const AHEAD_MAX: u64 = 65_536;

/// Most lines kept beside a journal. A clone that goes on for ever adds no more than these.
pub const FORKS_MAX: u64 = 10_000;

pub(super) const LEDGER: u8 = 0;

/// What became of a batch.
pub(super) enum Taken {
    /// Stored, or here already. The alarm tells of lines that had to be kept beside.
    Stored(Option<HubAlarm>),
    /// The whole message is to be kept apart, for this reason.
    Apart(HubAlarm),
    /// Too far ahead: it will come again.
    TooFar,
}

/// A line that `held` passed over, for the projections.
pub(super) type Passed<'a> = &'a mut dyn FnMut(&Known, u64, &str) -> Result<(), StoreError>;

/// Stores a batch and moves `held`.
pub(super) fn take(
    db: &Connection,
    known: &mut Known,
    batch: &Batch,
    now_ms: i64,
    passed: Passed<'_>,
) -> Result<Taken, StoreError> {
    if batch.last > known.held.saturating_add(AHEAD_MAX) {
        return Ok(Taken::TooFar);
    }
    let Ok(links) = batch.links() else { return Ok(Taken::Apart(HubAlarm::ChainBroken)) };
    known.touched = true;
    // By far the most: the next lines of the chain, and nothing ahead of them.
    if batch.first == known.held + 1 && known.top == known.held && batch.before == known.link {
        append(db, known, batch, &links, passed)?;
        return advance(db, known, now_ms, passed).map(Taken::Stored);
    }
    if batch.last <= known.held || batch.first <= known.held + 1 {
        // It overlaps what is held, or should follow it: the neighbour before it must be the same.
        if let Some(before) = link_at(db, known, batch.first - 1)?
            && before != batch.before
        {
            return Ok(Taken::Apart(HubAlarm::ChainBroken));
        }
    }
    let fork = insert_each(db, known, batch, &links, now_ms, passed)?;
    let contradiction = advance(db, known, now_ms, passed)?;
    Ok(Taken::Stored(fork.or(contradiction)))
}

fn append(
    db: &Connection,
    known: &mut Known,
    batch: &Batch,
    links: &[Link],
    passed: Passed<'_>,
) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(sql::RECORD_INSERT)?;
    for ((seq, line), link) in batch.lines().zip(links) {
        insert.execute((known.no, LEDGER, seq, link.as_bytes(), line))?;
        passed(known, seq, line)?;
    }
    known.held = batch.last;
    known.top = batch.last;
    known.link = batch.after;
    known.dirty = true;
    Ok(())
}

/// Line by line, as some may be here. From the first line that differs on, all belong to another branch.
fn insert_each(
    db: &Connection,
    known: &mut Known,
    batch: &Batch,
    links: &[Link],
    now_ms: i64,
    passed: Passed<'_>,
) -> Result<Option<HubAlarm>, StoreError> {
    let mut forked = false;
    for ((seq, line), link) in batch.lines().zip(links) {
        let here = get(db, known.no, seq)?;
        match here {
            Some((here_link, here_line)) if here_line == line && here_link == Some(*link) && !forked => {}
            Some(_) => {
                forked = true;
                keep_fork(db, known.no, LEDGER, seq, Some(link), line, now_ms)?;
            }
            None if forked => keep_fork(db, known.no, LEDGER, seq, Some(link), line, now_ms)?,
            None => {
                let params = (known.no, LEDGER, seq, link.as_bytes(), line);
                db.prepare_cached(sql::RECORD_INSERT)?.execute(params)?;
                known.top = known.top.max(seq);
                known.dirty = true;
                if seq <= known.held {
                    // Within a range declared lost, and found again after all.
                    passed(known, seq, line)?;
                }
            }
        }
    }
    Ok(forked.then_some(HubAlarm::Fork))
}

/// Moves `held` over what is stored or declared lost behind it, as far as the chain links.
pub(super) fn advance(
    db: &Connection,
    known: &mut Known,
    now_ms: i64,
    passed: Passed<'_>,
) -> Result<Option<HubAlarm>, StoreError> {
    let mut alarm = None;
    loop {
        let next = known.held + 1;
        if known.top >= next
            && let Some((link, line)) = get(db, known.no, next)?
        {
            let right = known.link.after(line.as_bytes());
            if link == Some(right) {
                known.held = next;
                known.link = right;
                known.dirty = true;
                passed(known, next, &line)?;
                continue;
            }
            // It came ahead and contradicts what is held now. One of those kept beside may link instead.
            keep_fork(db, known.no, LEDGER, next, link.as_ref(), &line, now_ms)?;
            db.prepare_cached(sql::RECORD_DELETE)?.execute((known.no, LEDGER, next))?;
            alarm = Some(HubAlarm::Fork);
        }
        if alarm.is_some() && restore(db, known, next)? {
            continue;
        }
        if !pass_lost(db, known, next, passed)? {
            return Ok(alarm);
        }
    }
}

/// Takes the line that links back from those kept beside.
fn restore(db: &Connection, known: &mut Known, seq: u64) -> Result<bool, StoreError> {
    let mut query = db.prepare_cached(sql::FORK_LINKS)?;
    let mut rows = query.query((known.no, seq))?;
    while let Some(row) = rows.next()? {
        let (id, link, line): (i64, [u8; 32], String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if known.link.after(line.as_bytes()) == Link::from_bytes(link) {
            drop(rows);
            db.prepare_cached(sql::FORK_DELETE)?.execute([id])?;
            db.prepare_cached(sql::RECORD_INSERT)?.execute((known.no, LEDGER, seq, link, line))?;
            known.top = known.top.max(seq);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Jumps over a range that the gateway declared lost, if its link at the near end is ours.
fn pass_lost(db: &Connection, known: &mut Known, next: u64, passed: Passed<'_>) -> Result<bool, StoreError> {
    let mut query = db.prepare_cached(sql::LOST_AT)?;
    let mut rows = query.query((known.no, LEDGER, next))?;
    while let Some(row) = rows.next()? {
        let (first, last): (u64, u64) = (row.get(0)?, row.get(1)?);
        let (before, after): ([u8; 32], [u8; 32]) = (row.get(2)?, row.get(3)?);
        if link_at(db, known, first - 1)? == Some(Link::from_bytes(before)) {
            known.held = last;
            known.link = Link::from_bytes(after);
            known.top = known.top.max(last);
            known.dirty = true;
            db.prepare_cached(sql::LOST_APPLIED)?.execute((known.no, LEDGER, first, last))?;
            // Some of the range may have come ahead before it was declared.
            let mut between = db.prepare_cached(sql::RECORD_BETWEEN)?;
            let mut rows = between.query((known.no, next, last))?;
            while let Some(row) = rows.next()? {
                let (seq, line): (u64, String) = (row.get(0)?, row.get(1)?);
                passed(known, seq, &line)?;
            }
            return Ok(true);
        }
    }
    Ok(false)
}

/// The link at a number, where it is known: the start, `held`, a stored line, the end of a range declared lost.
fn link_at(db: &Connection, known: &Known, seq: u64) -> Result<Option<Link>, StoreError> {
    if seq == 0 {
        return Ok(Some(Link::START));
    }
    if seq == known.held {
        return Ok(Some(known.link));
    }
    let stored = one_link(db, sql::RECORD_LINK, known.no, seq)?;
    if stored.is_some() { Ok(stored) } else { one_link(db, sql::LOST_LINK, known.no, seq) }
}

fn one_link(db: &Connection, sql: &str, no: i64, seq: u64) -> Result<Option<Link>, StoreError> {
    let link: Option<[u8; 32]> = db.prepare_cached(sql)?.query_row((no, seq), |row| row.get(0)).optional()?;
    Ok(link.map(Link::from_bytes))
}

fn get(db: &Connection, no: i64, seq: u64) -> Result<Option<(Option<Link>, String)>, StoreError> {
    let mut query = db.prepare_cached(sql::RECORD_GET)?;
    let row = query.query_row((no, LEDGER, seq), |row| {
        Ok((row.get::<_, Option<[u8; 32]>>(0)?.map(Link::from_bytes), row.get(1)?))
    });
    Ok(row.optional()?)
}

/// Keeps a line beside. Above [`FORKS_MAX`] it is only in the alarm and the log.
pub(super) fn keep_fork(
    db: &Connection,
    no: i64,
    stream: u8,
    seq: u64,
    link: Option<&Link>,
    line: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let kept: u64 = db.prepare_cached(sql::FORK_COUNT)?.query_row([no], |row| row.get(0))?;
    if kept >= FORKS_MAX {
        tracing::error!(journal = no, seq, "another line under a known number; no room to keep it");
        return Ok(());
    }
    let link = link.map(Link::as_bytes);
    db.prepare_cached(sql::FORK_INSERT)?.execute((no, stream, seq, link, line, now_ms))?;
    Ok(())
}
