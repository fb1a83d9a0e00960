//! Verifies the whole journal in the background: every record against its link, the ledger against the records, and
//! every row of the ledger against its sum and the indexes that find it.
//!
//! A start looks at the journal's end only. What lies before it is looked at here, on a thread of its own at the lowest
//! priority, a few hundred records or rows at a time with a pause after each: a verdict never waits for it, and no read is
//! held open, so that the log can start anew. A finding goes to the panel, the log and the hub. Where a row is not found
//! or not as it was written a wrong verdict could follow, so the writer is stopped; a damaged record alone stops nobody.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use rusqlite::{Connection, params};
use uuid::Uuid;
use waypost_core::{
    fact::{AlarmKind, Fact, Link, Record},
    rule::{Act, RowKind, entitlement::claim_id},
};

use super::{
    JournalError, JournalFailure, Reader, Request, RequestId, Writer,
    chain::{self, Line},
    number::{from_sql, to_sql},
    rows, sql,
    verify::check,
};

/// After a start devices and link come first.
const BEGINS_AFTER: Duration = Duration::from_secs(10);
/// Between two whole looks.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Records or rows looked at between two pauses: some milliseconds' work on a Raspberry Pi.
const CHUNK: u64 = 256;
/// The pause: a million records take about eleven minutes, at a few hundredths of a core.
const PAUSE: Duration = Duration::from_millis(150);
/// Added to the thread's niceness, so that everybody else comes first.
const NICE: i32 = 15;

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// A record: its verdict was given long ago, and no new one rests on it.
    Record(String),
    /// A row, or what finds it: the next verdict could rest on it.
    Ledger(String),
}

/// How the looks are paced.
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    /// Before the first look.
    pub begins_after: Duration,
    /// Between two looks.
    pub every: Duration,
    /// After each few hundred records.
    pub pause: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { begins_after: BEGINS_AFTER, every: EVERY, pause: PAUSE }
    }
}

/// Ends the looks when it is dropped.
#[derive(Debug)]
pub struct Looks {
    _stop: SyncSender<()>,
}

/// Looks at the journal from now on.
///
/// # Errors
/// There is no thread.
pub fn look_after(reader: Reader, writer: Writer, boot: u32, pacing: Pacing) -> Result<Looks, JournalError> {
    let (stop, stopping) = sync_channel::<()>(1);
    let looks = move || {
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!(%error, "the journal's looks run at the usual priority");
        }
        let mut wait = pacing.begins_after;
        let mut number = 0;
        while waits(&stopping, wait) {
            number += 1;
            match look(&reader, &mut || waits(&stopping, pacing.pause)) {
                Ok(Some(flaw)) => {
                    tell(&writer, boot, number, flaw);
                    return;
                }
                Ok(None) => tracing::debug!("the whole journal is as it was written"),
                Err(error) => {
                    tracing::warn!(error = super::in_one_line(&error), "the journal could not be looked at")
                }
            }
            wait = pacing.every;
        }
    };
    thread::Builder::new().name("verify".to_owned()).spawn(looks).map_err(JournalError::Thread)?;
    Ok(Looks { _stop: stop })
}

/// True when the time is over; false when it is time to end.
fn waits(stopping: &Receiver<()>, time: Duration) -> bool {
    matches!(stopping.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

/// Tells whoever must know.
fn tell(writer: &Writer, boot: u32, number: u64, flaw: Flaw) {
    let (what, stops) = match flaw {
        Flaw::Record(what) => (what, false),
        Flaw::Ledger(what) => (what, true),
    };
    tracing::error!(
        what,
        stops,
        "the journal is not as it was written: `waypost journal salvage` repairs it"
    );
    writer.note_damage(&what);
    if let Ok(id) = RequestId::new(format!("damage-{boot}-{number}")) {
        let subject: String = what.chars().take(120).collect();
        let act = Act::RaiseAlarm { alarm: AlarmKind::JournalDamaged, subject };
        let verdict = writer.ask_blocking(Request { id, by: None, act });
        tracing::info!(?verdict, "the alarm of a damaged journal");
    }
    if stops {
        writer.condemn(JournalFailure::Damaged { what });
    }
}

/// One whole look; `pause` is called again and again, and ends it with false. None: all is as it was written.
///
/// # Errors
/// The journal cannot be read, which says nothing about what is in it.
pub fn look(reader: &Reader, pause: &mut dyn FnMut() -> bool) -> Result<Option<Flaw>, JournalError> {
    let found = look_at_records(reader, pause)?;
    if found.is_some() {
        return Ok(found);
    }
    look_at_rows(reader, pause)
}

fn look_at_records(reader: &Reader, pause: &mut dyn FnMut() -> bool) -> Result<Option<Flaw>, JournalError> {
    let journal = reader.journal()?;
    let (end, (mut last, mut link)) = {
        let connection = reader.connection();
        (chain::tail(&connection)?.0, chain::start(&connection)?)
    };
    while last < end {
        let read = chain::lines(&reader.connection(), last, CHUNK);
        let lines = match read {
            Ok(lines) => lines,
            Err(JournalError::Damaged { what }) => return Ok(Some(Flaw::Record(what))),
            Err(error) => return flaw_of(error).map(Some),
        };
        if lines.is_empty() {
            // Pruned in the meantime, or gone.
            let begin = chain::start(&reader.connection())?;
            if begin.0 <= last {
                return Ok(Some(Flaw::Record(format!("record {} is missing", last + 1))));
            }
            (last, link) = begin;
            continue;
        }
        for line in &lines {
            match step(reader, line, (last, link), journal)? {
                Ok(next) => (last, link) = next,
                // Pruned in the meantime: the look goes on behind the boundary.
                Err(_) if chain::start(&reader.connection())?.0 > last => {
                    (last, link) = chain::start(&reader.connection())?;
                    break;
                }
                Err(flaw) => return Ok(Some(flaw)),
            }
        }
        if !pause() {
            return Ok(None);
        }
    }
    Ok(None)
}

type Place = (u64, Link);

/// One record: does it fit, and is what it changed in the ledger?
fn step(
    reader: &Reader,
    line: &Line,
    (last, link): Place,
    journal: Uuid,
) -> Result<Result<Place, Flaw>, JournalError> {
    let link = match check(line, last, link, journal) {
        Ok(link) => link,
        Err(why) => return Ok(Err(Flaw::Record(format!("record {}: {why}", last + 1)))),
    };
    let Some((kind, id)) = Record::from_line(&line.line).ok().and_then(|record| row_of(&record.fact)) else {
        return Ok(Ok((line.seq, link)));
    };
    match rows::is_there(&reader.connection(), kind, &id) {
        Ok(true) => Ok(Ok((line.seq, link))),
        Ok(false) => Ok(Err(Flaw::Ledger(format!("what record {} says is not in the ledger", line.seq)))),
        Err(error) => flaw_of(error).map(Err),
    }
}

/// The row that a fact leaves for good, where it leaves one.
fn row_of(fact: &Fact) -> Option<(RowKind, String)> {
    match fact {
        Fact::TubeCollected { tube, .. } | Fact::TubePacked { tube, .. } => {
            Some((RowKind::Tube, tube.to_string()))
        }
        Fact::ClaimServed { campaign, claim, .. } => Some((RowKind::Claim, claim_id(campaign, *claim))),
        _ => None,
    }
}

fn look_at_rows(reader: &Reader, pause: &mut dyn FnMut() -> bool) -> Result<Option<Flaw>, JournalError> {
    let mut after = 0;
    loop {
        let looked = rows_after(&reader.connection(), after);
        match looked {
            Ok(Some(last)) => after = last,
            Ok(None) => return Ok(None),
            Err(error) => return flaw_of(error).map(Some),
        }
        if !pause() {
            return Ok(None);
        }
    }
}

/// Looks at some rows behind a number. Gives the last one's; none where no row follows.
fn rows_after(connection: &Connection, after: u64) -> Result<Option<u64>, JournalError> {
    let reading = JournalError::sqlite("reading the ledger");
    let mut statement = connection.prepare_cached(sql::ROW_CHUNK).map_err(&reading)?;
    let mut found = statement.query(params![to_sql(after), to_sql(CHUNK)]).map_err(&reading)?;
    let mut last = None;
    while let Some(row) = found.next().map_err(&reading)? {
        last = Some(row.get(0).map(from_sql).map_err(&reading)?);
        rows::as_written(connection, row)?;
    }
    Ok(last)
}

/// Damage is a flaw of the ledger; anything else is an error.
fn flaw_of(error: JournalError) -> Result<Flaw, JournalError> {
    match error.failure() {
        JournalFailure::Damaged { what } => Ok(Flaw::Ledger(what)),
        _ => Err(error),
    }
}
