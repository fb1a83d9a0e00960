//! Checks a whole journal: every link from the first record (or the boundary of a prune) on, and the sum of every
//! row of the ledger.

use uuid::Uuid;
use waypost_core::fact::{Fact, Link, Record};

use super::{
    chain::{self, Boundary, Line},
    error::JournalError,
    held,
    reader::Reader,
    rows,
};

/// Records read at a time: a reader that stays long keeps the writer's log from starting anew.
const CHUNK: u64 = 1024;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The journal.
    pub journal: Uuid,
    /// Number before the first record checked: 0, or the boundary of a prune.
    pub after: u64,
    /// Where a prune cut the journal, and on which acknowledgement; none where nothing was ever pruned.
    pub boundary: Option<Boundary>,
    /// Number of the last record that fits.
    pub last: u64,
    /// Its link.
    pub link: Link,
    /// The first thing that is wrong with the records, if any.
    pub bad: Option<BadRecord>,
    /// Rows of the ledger whose sum is wrong, as `kind id`; at most 100 are named.
    pub bad_rows: Vec<String>,
}

/// The first record that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Its number.
    pub seq: u64,
    /// What is wrong.
    pub why: String,
}

impl Verified {
    /// Nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.bad.is_none() && self.bad_rows.is_empty()
    }
}

/// Checks all of it. `progress` hears now and then how many of how many records are done. An error means that it
/// could not be checked; what is wrong with the records is in the result.
pub fn verify(reader: &Reader, mut progress: impl FnMut(u64, u64)) -> Result<Verified, JournalError> {
    let (end, held, (after, mut link)) = {
        let connection = reader.connection();
        (chain::tail(&connection)?.0, held::stored(&connection)?, chain::start(&connection)?)
    };
    let journal = reader.journal()?;
    let boundary = chain::boundary(&reader.connection())?;
    let mut last = after;
    let mut bad = boundary.as_ref().and_then(beyond_its_word);
    while last < end && bad.is_none() {
        let read = chain::lines(&reader.connection(), last, CHUNK);
        let lines = match read {
            Ok(lines) => lines,
            Err(JournalError::Damaged { .. }) => {
                (last, link, bad) = one_by_one(reader, last, link, journal)?;
                break;
            }
            Err(error) => return Err(error),
        };
        if lines.is_empty() {
            break;
        }
        for line in &lines {
            match check(line, last, link, journal) {
                Ok(next) => (last, link) = (line.seq, next),
                Err(why) => {
                    bad = Some(BadRecord { seq: last + 1, why });
                    break;
                }
            }
        }
        progress(last - after, end - after);
    }
    if bad.is_none()
        && let Some(held) = held
        && held.held > last
    {
        bad = Some(BadRecord { seq: last + 1, why: format!("missing; the hub holds record {}", held.held) });
    }
    if bad.is_none()
        && let Some(seen) = reader.seen_beyond(last)?
    {
        bad = Some(BadRecord {
            seq: last + 1,
            why: format!("missing; the journal had come to record {}", seen.seq),
        });
    }
    let bad_rows = rows::bad_rows(&reader.connection())?;
    Ok(Verified { journal, after, boundary, last, link, bad, bad_rows })
}

/// Checks the end as a start does: the last links, and that the hub has nothing beyond it. Gives number and link of the
/// last record.
pub fn verify_tail(reader: &Reader) -> Result<(u64, Link), JournalError> {
    let (last, link) = chain::checked_tail(&reader.connection())?;
    match reader.seen_beyond(last)? {
        Some(seen) => Err(JournalError::TailLost { last, seen }),
        None => Ok((last, link)),
    }
}

/// A prune may delete what the hub had in a second copy, and nothing beyond.
fn beyond_its_word(boundary: &Boundary) -> Option<BadRecord> {
    let safe = boundary.ack.safe;
    (boundary.seq > safe).then(|| BadRecord {
        seq: safe + 1,
        why: format!(
            "it was pruned, up to record {}, and the hub had vouched for those up to {safe}",
            boundary.seq
        ),
    })
}

/// Somewhere in the next lines is one that cannot be read: finds it.
fn one_by_one(
    reader: &Reader,
    mut last: u64,
    mut link: Link,
    journal: Uuid,
) -> Result<(u64, Link, Option<BadRecord>), JournalError> {
    loop {
        let read = chain::lines(&reader.connection(), last, 1);
        let why = match read {
            Ok(lines) => match lines.first() {
                Some(line) => match check(line, last, link, journal) {
                    Ok(next) => {
                        (last, link) = (line.seq, next);
                        continue;
                    }
                    Err(why) => why,
                },
                None => return Ok((last, link, None)),
            },
            Err(JournalError::Damaged { what }) => what,
            Err(error) => return Err(error),
        };
        return Ok((last, link, Some(BadRecord { seq: last + 1, why })));
    }
}

/// Checks one line against what came before it. Gives its link.
pub(super) fn check(line: &Line, before: u64, link: Link, journal: Uuid) -> Result<Link, String> {
    if line.seq != before + 1 {
        return Err(format!("missing; record {} comes next", line.seq));
    }
    let link = link.after(line.line.as_bytes());
    if line.link != Some(link) {
        return Err("the line does not fit its link".to_owned());
    }
    let record = Record::from_line(&line.line).map_err(|error| error.to_string())?;
    if record.seq != line.seq {
        return Err(format!("the line says that it is record {}", record.seq));
    }
    if line.seq == 1 {
        match record.fact {
            Fact::JournalStarted { journal: named, .. } if named == journal => {}
            _ => return Err("the first record does not name this journal".to_owned()),
        }
    }
    Ok(link)
}
