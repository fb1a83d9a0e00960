//! The lines of the ledger stream and the chain that holds them together.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use waypost_core::fact::{Fact, Link, Record};

use super::{
    ask::Acknowledged,
    database::{self, put_meta},
    error::JournalError,
    held,
    number::{from_sql, to_sql},
    sql,
    witness::Seen,
};

/// A start checks the links of so many records at the end; the whole chain is `waypost journal verify`'s work.
const TAIL_CHECKED: u64 = 64;

/// Where a prune cut the journal: the chain goes on from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// Number of the last record that was deleted.
    pub seq: u64,
    /// Its link.
    pub link: Link,
    /// What the hub had acknowledged then.
    pub ack: Acknowledged,
}

/// The boundary; none where nothing was ever pruned.
pub(super) fn boundary(connection: &Connection) -> Result<Option<Boundary>, JournalError> {
    database::meta(connection, "boundary")?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| JournalError::Damaged { what: format!("the boundary of the prune: {error}") })
}

/// Number and link before the first record that is there.
pub(super) fn start(connection: &Connection) -> Result<(u64, Link), JournalError> {
    Ok(boundary(connection)?.map_or((0, Link::START), |boundary| (boundary.seq, boundary.link)))
}

/// Number and link of the last record.
pub(super) fn tail(connection: &Connection) -> Result<(u64, Link), JournalError> {
    let reading = JournalError::sqlite("reading its end");
    let found = connection
        .prepare_cached(sql::LEDGER_TAIL)
        .and_then(|mut tail| {
            tail.query_row([], |row| Ok((from_sql(row.get(0)?), Link::from_bytes(row.get(1)?)))).optional()
        })
        .map_err(reading)?;
    found.map_or_else(|| start(connection), Ok)
}

/// The tail, after checking the links of the last records and that the journal does not end before what the hub has.
pub(super) fn checked_tail(connection: &Connection) -> Result<(u64, Link), JournalError> {
    let (last, link) = tail(connection)?;
    let (begin, _) = start(connection)?;
    let after = last.saturating_sub(TAIL_CHECKED).max(begin);
    let from = link_at(connection, after)?
        .ok_or_else(|| JournalError::Damaged { what: format!("record {after} is missing") })?;
    let (checked, found) = recompute(connection, after, from, TAIL_CHECKED)?;
    if (checked, found) != (last, link) {
        return Err(JournalError::Damaged {
            what: format!("record {checked} is not the last one, {last} is"),
        });
    }
    if let Some(ack) = held::stored(connection)?
        && ack.held > last
    {
        let what = format!("it ends at record {last}, and the hub holds record {}", ack.held);
        return Err(JournalError::Damaged { what });
    }
    Ok((last, link))
}

/// Follows the chain over at most `most` records after `seq`. Returns the number and link it came to.
pub(super) fn recompute(
    connection: &Connection,
    seq: u64,
    link: Link,
    most: u64,
) -> Result<(u64, Link), JournalError> {
    let (mut seq, mut link) = (seq, link);
    for line in lines(connection, seq, most)? {
        if line.seq != seq + 1 {
            return Err(JournalError::Damaged { what: format!("record {} is missing", seq + 1) });
        }
        link = link.after(line.line.as_bytes());
        if line.link != Some(link) {
            return Err(JournalError::Damaged { what: format!("record {} does not fit its link", line.seq) });
        }
        seq = line.seq;
    }
    Ok((seq, link))
}

/// One line of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// Its link; positions have none.
    pub link: Option<Link>,
    /// The exact bytes.
    pub line: String,
}

/// Lines of the ledger stream after a number, in order.
pub(super) fn lines(connection: &Connection, after: u64, most: u64) -> Result<Vec<Line>, JournalError> {
    let reading = JournalError::sqlite("reading records");
    let mut statement = connection.prepare_cached(sql::LEDGER_AFTER).map_err(&reading)?;
    let mut rows = statement.query(params![to_sql(after), to_sql(most)]).map_err(&reading)?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        lines.push(line(row)?);
    }
    Ok(lines)
}

/// Reads columns `seq, link, line`.
pub(super) fn line(row: &rusqlite::Row<'_>) -> Result<Line, JournalError> {
    let seq = row.get(0).map(from_sql).map_err(JournalError::sqlite("reading records"))?;
    // A flipped bit can make a text that is no UTF-8, or a link of another type.
    let rest = || -> rusqlite::Result<(Link, String)> { Ok((Link::from_bytes(row.get(1)?), row.get(2)?)) };
    let (link, line) = rest()
        .map_err(|error| JournalError::Damaged { what: format!("record {seq} cannot be read: {error}") })?;
    Ok(Line { seq, link: Some(link), line })
}

/// The link at a number: of a record that is there, of the boundary, or of the start. None: pruned, or not there yet.
pub(super) fn link_at(connection: &Connection, seq: u64) -> Result<Option<Link>, JournalError> {
    if seq == 0 {
        return Ok(Some(Link::START));
    }
    let (begin, link) = start(connection)?;
    if seq == begin {
        return Ok(Some(link));
    }
    let found = connection
        .prepare_cached(sql::LEDGER_LINK)
        .and_then(|mut find| find.query_row([to_sql(seq)], |row| row.get(0).map(Link::from_bytes)).optional())
        .map_err(JournalError::sqlite("reading a link"))?;
    match found {
        Some(link) => Ok(Some(link)),
        None => Ok(database::meta(connection, &gap_name(seq))?.and_then(|text| text.parse().ok())),
    }
}

/// The name of the value that says how far a journal had come whose end is lost.
const LOST_TAIL: &str = "lost_tail";

/// Notes in a journal that is not continued how far it had come.
pub(super) fn note_lost_tail(connection: &Connection, seen: &Seen) -> Result<(), JournalError> {
    let text =
        serde_json::to_string(seen).map_err(|error| JournalError::Damaged { what: error.to_string() })?;
    put_meta(connection, LOST_TAIL, &text).map_err(JournalError::sqlite("noting its lost end"))
}

/// How far a journal had come whose end is lost; none where it is all there.
pub(super) fn lost_tail(connection: &Connection) -> Result<Option<Seen>, JournalError> {
    database::meta(connection, LOST_TAIL)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| JournalError::Damaged { what: format!("the note of its lost end: {error}") })
}

/// The name under which a salvage keeps the link at the end of a range that it did not bring back.
pub(super) fn gap_name(last: u64) -> String {
    format!("link {last}")
}

/// The facts of records; those that are pruned are left out.
pub(super) fn facts(connection: &Connection, first: u64, last: u64) -> Result<Vec<Fact>, JournalError> {
    let reading = JournalError::sqlite("reading records");
    let mut statement = connection.prepare_cached(sql::LEDGER_BETWEEN).map_err(&reading)?;
    let mut rows = statement.query([to_sql(first), to_sql(last)]).map_err(&reading)?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let line: String = row.get(0).map_err(&reading)?;
        let record = Record::from_line(&line)
            .map_err(|error| JournalError::Damaged { what: format!("records {first} to {last}: {error}") })?;
        facts.push(record.fact);
    }
    Ok(facts)
}

/// Deletes records and their requests up to a number and leaves the boundary. Returns the number it came to.
pub(super) fn prune(connection: &Connection, through: u64, ack: &Acknowledged) -> Result<u64, JournalError> {
    let pruning = JournalError::sqlite("pruning");
    let (begin, _) = start(connection)?;
    if through <= begin {
        return Ok(begin);
    }
    let link = link_at(connection, through)?
        .ok_or_else(|| JournalError::Damaged { what: format!("record {through} is missing") })?;
    let boundary = Boundary { seq: through, link, ack: *ack };
    let text = serde_json::to_string(&boundary)
        .map_err(|error| JournalError::Damaged { what: error.to_string() })?;
    let transaction = connection.unchecked_transaction().map_err(&pruning)?;
    put_meta(connection, "boundary", &text).map_err(&pruning)?;
    transaction.execute(sql::LEDGER_PRUNE, [to_sql(through)]).map_err(&pruning)?;
    transaction.execute(sql::REQUEST_PRUNE, [to_sql(through)]).map_err(&pruning)?;
    transaction.commit().map_err(&pruning)?;
    Ok(through)
}
