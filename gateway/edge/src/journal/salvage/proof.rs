//! Which of the records that were seen the chain proves, and which ranges are gone.

use rusqlite::{Connection, OptionalExtension, params};
use waypost_core::fact::Link;

use super::pages::{Found, Seen};
use crate::journal::{
    error::JournalError,
    number::{from_sql, to_sql},
    salvaged::LostRange,
};

/// Most ranges and single numbers that a report names.
const NAMED_MAX: usize = 1000;

/// Most links that are kept of records whose lines cannot be read.
const LOOSE_MAX: u64 = 100_000;
/// Most times that one of them is looked for.
const SEARCHES_MAX: u32 = 1000;

/// What the chain says of the records that were seen.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pub proven: u64,
    pub unproven: Vec<u64>,
    pub lost: Vec<LostRange>,
    /// Number and link of the last record that is proven.
    pub last: (u64, Option<Link>),
}

/// Records that were seen, kept on the disk: there may be a million.
pub(super) struct SeenStore(Connection);

impl SeenStore {
    pub(super) fn make(path: &std::path::Path) -> Result<Self, JournalError> {
        let store = Connection::open(path).map_err(failed)?;
        store
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;
                 CREATE TABLE seen (seq INTEGER NOT NULL, link BLOB NOT NULL, line TEXT NOT NULL,
                                    PRIMARY KEY (seq, link, line)) WITHOUT ROWID;
                 CREATE TABLE loose (number INTEGER PRIMARY KEY, link BLOB NOT NULL UNIQUE);
                 CREATE TABLE proven (seq INTEGER PRIMARY KEY, link BLOB NOT NULL, line TEXT NOT NULL);",
            )
            .map_err(failed)?;
        Ok(Self(store))
    }

    pub(super) fn add(&self, found: &Found) -> Result<(), JournalError> {
        match found {
            Found::Record(seen) => self.add_record(seen),
            Found::Link(link) => self.add_loose(link),
        }
    }

    fn add_loose(&self, link: &[u8; 32]) -> Result<(), JournalError> {
        let insert = "INSERT OR IGNORE INTO loose (link) SELECT ?1 \
                      WHERE coalesce((SELECT max(number) FROM loose), 0) < ?2";
        let mut insert = self.0.prepare_cached(insert).map_err(failed)?;
        insert.execute(params![link, to_sql(LOOSE_MAX)]).map(|_| ()).map_err(failed)
    }

    fn loose(&self) -> Result<Vec<Link>, JournalError> {
        let mut find = self.0.prepare("SELECT link FROM loose").map_err(failed)?;
        let rows = find.query_map([], |row| Ok(Link::from_bytes(row.get(0)?))).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn add_record(&self, seen: &Seen) -> Result<(), JournalError> {
        let insert = "INSERT OR IGNORE INTO seen VALUES (?1, ?2, ?3)";
        let mut insert = self.0.prepare_cached(insert).map_err(failed)?;
        insert.execute(params![to_sql(seen.seq), seen.link, seen.line]).map(|_| ()).map_err(failed)
    }

    /// Different lines that were seen.
    pub(super) fn count(&self) -> Result<u64, JournalError> {
        let count = "SELECT count(DISTINCT seq) FROM seen";
        self.0.query_row(count, [], |row| row.get(0).map(from_sql)).map_err(failed)
    }

    fn of(&self, seq: u64) -> Result<Vec<(Link, String)>, JournalError> {
        let mut find = self.0.prepare_cached("SELECT link, line FROM seen WHERE seq = ?1").map_err(failed)?;
        let rows = find
            .query_map([to_sql(seq)], |row| Ok((Link::from_bytes(row.get(0)?), row.get(1)?)))
            .map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// The link before a record, where the one before it was not seen as what it is: its line cannot be read, or it was
    /// read with another number, which is forgotten then.
    fn link_before(
        &self,
        seq: u64,
        all: &[(Link, String)],
        loose: &[Link],
    ) -> Result<Option<Link>, JournalError> {
        let leads_here = |link: &Link| all.iter().any(|(own, line)| link.after(line.as_bytes()) == *own);
        if let Some(link) = loose.iter().find(|link| leads_here(link)) {
            return Ok(Some(*link));
        }
        for other in misread(seq.saturating_sub(1)) {
            let Some((link, _)) = self.of(other)?.into_iter().find(|(link, _)| leads_here(link)) else {
                continue;
            };
            let forget = "DELETE FROM seen WHERE seq = ?1 AND link = ?2";
            self.0.execute(forget, params![to_sql(other), link.as_bytes()]).map_err(failed)?;
            return Ok(Some(link));
        }
        Ok(None)
    }

    fn next(&self, after: u64) -> Result<Option<u64>, JournalError> {
        let mut find = self
            .0
            .prepare_cached("SELECT seq FROM seen WHERE seq > ?1 ORDER BY seq LIMIT 1")
            .map_err(failed)?;
        find.query_row([to_sql(after)], |row| row.get(0).map(from_sql)).optional().map_err(failed)
    }

    /// Proven records behind a number, in order.
    pub(super) fn proven(&self, after: u64, most: u64) -> Result<Vec<(u64, Link, String)>, JournalError> {
        let query = "SELECT seq, link, line FROM proven WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut find = self.0.prepare_cached(query).map_err(failed)?;
        let rows = find
            .query_map([to_sql(after), to_sql(most)], |row| {
                Ok((from_sql(row.get(0)?), Link::from_bytes(row.get(1)?), row.get(2)?))
            })
            .map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    /// Walks the chain from a place that is known. A record is proven if the link before it and its line give its
    /// link, or give the one from which the record after it follows. Of a record whose own line is lost the link
    /// still counts where the next one follows from it. So one that is damaged takes no other with it.
    pub(super) fn prove(&self, begin: (u64, Link)) -> Result<Proof, JournalError> {
        let mut proof = Proof { last: (begin.0, Some(begin.1)), ..Proof::default() };
        let mut known = Some(begin.1);
        let mut before = begin.0;
        let mut gap: Option<(u64, Option<Link>)> = None;
        let (loose, mut searches) = (self.loose()?, 0);
        while let Some(seq) = self.next(before)? {
            if seq != before + 1 && gap.is_none() {
                gap = Some((before + 1, known));
            }
            let (all, behind) = (self.of(seq)?, self.of(seq + 1)?);
            if seq != before + 1 {
                known = None;
                if searches < SEARCHES_MAX {
                    searches += 1;
                    known = self.link_before(seq, &all, &loose)?;
                }
                if let (Some(link), Some((first, link_before))) = (known, gap) {
                    gap = None;
                    let range = LostRange { first, last: seq - 1, before: link_before, after: Some(link) };
                    proof.lost.push(range);
                }
            }
            let leads_on =
                |link: &Link| behind.iter().any(|(next, line)| link.after(line.as_bytes()) == *next);
            let fits = known.and_then(|known| {
                let own = all.iter().map(|(link, line)| (known.after(line.as_bytes()), *link, line));
                own.clone()
                    .find(|(ours, link, _)| ours == link)
                    .or_else(|| own.clone().find(|(ours, _, _)| leads_on(ours)))
                    .map(|(ours, _, line)| (ours, line))
            });
            if let Some((link, line)) = fits {
                let insert = "INSERT INTO proven VALUES (?1, ?2, ?3)";
                let mut insert = self.0.prepare_cached(insert).map_err(failed)?;
                insert.execute(params![to_sql(seq), link.as_bytes(), line]).map_err(failed)?;
                proof.proven += 1;
                proof.last = (seq, Some(link));
                known = Some(link);
            } else {
                let (first, link_before) = gap.take().unwrap_or((seq, known));
                if proof.unproven.len() < NAMED_MAX {
                    proof.unproven.push(seq);
                }
                known = all.iter().map(|(link, _)| *link).find(leads_on);
                match known {
                    Some(_) => {
                        proof.lost.push(LostRange { first, last: seq, before: link_before, after: known })
                    }
                    None => gap = Some((first, link_before)),
                }
            }
            before = seq;
        }
        if let Some((first, link)) = gap {
            proof.lost.push(LostRange { first, last: before, before: link, after: None });
        }
        Ok(proof)
    }
}

/// Numbers as which one may have been read in which a bit flipped.
fn misread(seq: u64) -> impl Iterator<Item = u64> {
    let text = seq.to_string().into_bytes();
    let places = (0..text.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    places.filter_map(move |(at, bit)| {
        let mut other = text.clone();
        *other.get_mut(at)? ^= 1 << bit;
        let digits = other.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(&other).ok().filter(|_| digits)?.parse().ok()
    })
}

pub(super) fn failed(source: rusqlite::Error) -> JournalError {
    JournalError::Sqlite { doing: "keeping what was found", source }
}
