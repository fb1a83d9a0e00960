//! Gateways that began a new journal get their ledger back; a journal of which two copies are about is to be closed.
//!
//! A ledger is made again with the gateways' own rules, from the records of the gateway's other journals: all that are
//! held, then the lines that are kept beside them, as a card put back from a copy wrote those later. Published
//! retained, in parts; again whenever something that it was made of changed.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;
use waypost_core::{
    fact::{Fact, Link, Moment, Record},
    rule::{
        Act, Ledger, LedgerError, MemoryLedger, Place, RowKind, apply,
        ledger::{load, store},
        restored::RestoredRow,
        row::{BoxRow, ClaimRow, ONLY, OrderRow, ProxyRow, QuotaRow, SealRow, StockRow, TripRow, TubeRow},
    },
    wire::{
        keys::SignKey,
        restore::{FROM_MAX, KnownEnd, NewJournal, RestorePart},
    },
};

use crate::{
    causes::Causes,
    ingest::orders::OrderBook,
    places::{self, Places},
    store::{meta::number, open::StoreError, sql, view::View},
};

/// Most rows of one kind that are put back; the first by id where there are more, and the log says so.
const ROWS_MAX: usize = 200_000;

/// Most journals of one gateway that are looked at; the latest.
const JOURNALS_MAX: usize = 64;

/// Why a ledger cannot be put together.
#[derive(Debug, thiserror::Error)]
enum RestoreError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Wire(#[from] waypost_core::wire::restore::RestoreError),
}

impl From<rusqlite::Error> for RestoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A journal as the store has it.
#[derive(Debug, Clone)]
struct Journal {
    no: i64,
    id: Uuid,
    held: u64,
    link: Link,
    previous: Option<Uuid>,
    /// Lines kept beside it.
    beside: u64,
}

/// How far what a ledger was made of had come.
type MadeOf = Vec<(i64, u64, u64)>;

/// What was published, so that only what changed is made again.
pub(crate) struct Restores {
    view: View,
    made: BTreeMap<Uuid, (MadeOf, String)>,
    commits: Option<u64>,
}

impl Restores {
    /// Over a view of its own: others do not wait while a journal is read through.
    pub(crate) fn new(view: View) -> Self {
        Self { view, made: BTreeMap::new(), commits: None }
    }

    /// Makes what changed, and lays it into the book. Blocks.
    pub(crate) fn renew(&mut self, book: &OrderBook, places: &Places, key: &SignKey) {
        let view = self.view.clone();
        let done = view.with(|db| {
            let commits = number(db, "commits")?;
            if self.commits == Some(commits) {
                return Ok(());
            }
            let epoch = number(db, "epoch")?;
            for (gateway, journals) in journals(db)? {
                let Some(place) = places.gateway(&gateway) else { continue };
                self.one_gateway(db, (epoch, commits), place, &journals, (book, key));
            }
            self.commits = Some(commits);
            Ok(())
        });
        if let Err(error) = done {
            tracing::error!(error = %Causes(&error), "the journals cannot be looked through");
        }
    }

    fn one_gateway(
        &mut self,
        db: &Connection,
        version: (u64, u64),
        place: &places::Place,
        journals: &[Journal],
        (book, key): (&OrderBook, &SignKey),
    ) {
        for journal in journals.iter().filter(|journal| journal.beside > 0) {
            let order = NewJournal { gateway: place.gateway.clone(), journal: journal.id };
            match order.sign(key) {
                Ok(bytes) => book.put_signed(order.topic(), &bytes),
                Err(error) => tracing::error!(%error, "the order for a new journal cannot be signed"),
            }
        }
        let followed: BTreeSet<Uuid> = journals.iter().filter_map(|journal| journal.previous).collect();
        let newest = journals.last().map(|journal| journal.id);
        for journal in journals {
            let in_use = journal.previous.is_some() || newest == Some(journal.id);
            if !in_use || followed.contains(&journal.id) || journals.len() < 2 || journal.held == 0 {
                continue;
            }
            let others: Vec<&Journal> = journals.iter().filter(|other| other.id != journal.id).collect();
            let made_of: MadeOf = others.iter().map(|other| (other.no, other.held, other.beside)).collect();
            if self.made.get(&journal.id).is_some_and(|(of, _)| *of == made_of) {
                continue;
            }
            match parts(db, version, place, journal.id, &others) {
                Ok(parts) => self.publish(made_of, parts, (book, key)),
                Err(error) => tracing::error!(
                    error = %Causes(&error), journal = %journal.id, "a ledger cannot be put together"
                ),
            }
        }
    }

    fn publish(&mut self, made_of: MadeOf, parts: Vec<RestorePart>, (book, key): (&OrderBook, &SignKey)) {
        let Some(RestorePart { gateway, journal, digest, ends, .. }) = parts.first().cloned() else { return };
        // The same rows again are no news, but where the journals end may be.
        let says = format!("{digest} {ends:?}");
        let before = self.made.insert(journal, (made_of, says.clone()));
        if before.is_some_and(|(_, before)| before == says) {
            return;
        }
        tracing::info!(%gateway, %journal, parts = parts.len(), "a ledger goes back to its gateway");
        for part in parts {
            match part.sign(key) {
                Ok(bytes) => book.put_signed(part.topic(), &bytes),
                Err(error) => tracing::error!(%error, "a part of a ledger cannot be signed"),
            }
        }
    }
}

/// The journals of each gateway, the oldest first.
fn journals(db: &Connection) -> Result<BTreeMap<String, Vec<Journal>>, StoreError> {
    let mut all: BTreeMap<String, Vec<Journal>> = BTreeMap::new();
    let mut query = db.prepare_cached(sql::JOURNAL_ALL)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let no = row.get(0)?;
        let journal = Journal {
            no,
            id: Uuid::from_bytes(row.get(1)?),
            held: row.get(3)?,
            link: Link::from_bytes(row.get(4)?),
            previous: previous(db, no)?,
            beside: db.prepare_cached(sql::FORK_COUNT)?.query_row([no], |row| row.get(0))?,
        };
        all.entry(row.get(2)?).or_default().push(journal);
    }
    for journals in all.values_mut() {
        let surplus = journals.len().saturating_sub(JOURNALS_MAX);
        journals.drain(..surplus);
    }
    Ok(all)
}

/// How many journals of a gateway follow that one.
pub(crate) fn followers(db: &Connection, gateway: &str, journal: Uuid) -> Result<usize, StoreError> {
    let of_gateway = journals(db)?.remove(gateway).unwrap_or_default();
    Ok(of_gateway.iter().filter(|one| one.previous == Some(journal)).count())
}

/// The journal that a journal's first record names.
fn previous(db: &Connection, no: i64) -> Result<Option<Uuid>, StoreError> {
    let mut query = db.prepare_cached(sql::JOURNAL_FIRST)?;
    let line: Option<String> = query.query_row([no], |row| row.get(0)).optional()?;
    Ok(match line.map(|line| Record::from_line(&line)) {
        Some(Ok(Record { fact: Fact::JournalStarted { previous: Some(previous), .. }, .. })) => {
            Some(previous.journal)
        }
        _ => None,
    })
}

fn parts(
    db: &Connection,
    (epoch, number): (u64, u64),
    place: &places::Place,
    journal: Uuid,
    others: &[&Journal],
) -> Result<Vec<RestorePart>, RestoreError> {
    let mut ledger = MemoryLedger::default();
    let mut ends = Vec::new();
    for other in others {
        replay(db, place, other, &mut ledger)?;
        if other.held > 0 {
            ends.push(KnownEnd { journal: other.id, seq: other.held, link: other.link });
        }
        let mut query = db.prepare_cached(sql::RESTORE_FORK_ENDS)?;
        let mut rows = query.query([other.no])?;
        while let Some(row) = rows.next()? {
            ends.push(KnownEnd { journal: other.id, seq: row.get(0)?, link: Link::from_bytes(row.get(1)?) });
        }
        // Numbers of one journal mean nothing in the next one.
        forget_numbers(&mut ledger)?;
    }
    // The message holds them all in its header.
    ends.truncate(4 * FROM_MAX);
    let from = others.iter().rev().take(FROM_MAX).rev().map(|other| other.id).collect();
    let like = RestorePart {
        gateway: place.gateway.clone(),
        journal,
        from,
        ends,
        epoch,
        number,
        part: 0,
        parts: 0,
        digest: String::new(),
        rows: Vec::new(),
    };
    Ok(RestorePart::split(&like, rows(&ledger)?)?)
}

/// Applies every record of a journal, then the lines beside it. A line that this version cannot read says nothing.
fn replay(
    db: &Connection,
    place: &places::Place,
    journal: &Journal,
    ledger: &mut MemoryLedger,
) -> Result<(), RestoreError> {
    let mut held = db.prepare_cached(sql::RESTORE_LINES)?;
    let mut rows = held.query((journal.no, journal.held))?;
    while let Some(row) = rows.next()? {
        replay_line(place, ledger, &row.get::<_, String>(0)?)?;
    }
    let mut beside = db.prepare_cached(sql::RESTORE_FORK_LINES)?;
    let mut rows = beside.query([journal.no])?;
    while let Some(row) = rows.next()? {
        replay_line(place, ledger, &row.get::<_, String>(0)?)?;
    }
    Ok(())
}

fn replay_line(place: &places::Place, ledger: &mut MemoryLedger, line: &str) -> Result<(), LedgerError> {
    let Ok(record) = Record::from_line(line) else { return Ok(()) };
    let at = Place {
        gateway: &place.gateway,
        site: &place.site,
        kind: place.kind,
        now: Moment { up_ms: record.up_ms, at: record.at, clock: record.clock },
        boot: record.boot,
        next_seq: record.seq,
        by: record.by.as_ref(),
        box_tubes_max: u32::MAX,
        par: &[],
    };
    apply(&at, ledger, record.seq, &record.fact, &Act::Tick)
}

/// Sets the numbers of records in rows to 0.
fn forget_numbers(ledger: &mut MemoryLedger) -> Result<(), LedgerError> {
    for id in ledger.ids(RowKind::Claim, usize::MAX)? {
        let Some(mut row) = load::<ClaimRow>(ledger, &id)? else { continue };
        row.served.iter_mut().for_each(|service| service.seq = 0);
        store(ledger, &id, row)?;
    }
    for id in ledger.ids(RowKind::Tube, usize::MAX)? {
        if let Some(row) = load::<TubeRow>(ledger, &id)? {
            store(ledger, &id, TubeRow { seq: 0, ..row })?;
        }
    }
    for id in ledger.ids(RowKind::Box, usize::MAX)? {
        if let Some(row) = load::<BoxRow>(ledger, &id)? {
            store(ledger, &id, BoxRow { seq: 0, ..row })?;
        }
    }
    Ok(())
}

fn rows(ledger: &MemoryLedger) -> Result<Vec<RestoredRow>, LedgerError> {
    let mut all = Vec::new();
    let ids = |kind| {
        let ids = ledger.ids(kind, ROWS_MAX)?;
        if ids.len() == ROWS_MAX {
            tracing::error!(?kind, "more rows than are put back");
        }
        Ok::<_, LedgerError>(ids)
    };
    for id in ids(RowKind::Claim)? {
        if let Some(ClaimRow { served }) = load(ledger, &id)? {
            all.push(RestoredRow::Claim { id, served });
        }
    }
    for id in ids(RowKind::Stock)? {
        if let Some(StockRow { on_hand, .. }) = load(ledger, &id)? {
            all.push(RestoredRow::Stock { id, on_hand });
        }
    }
    for id in ids(RowKind::Quota)? {
        if let Some(QuotaRow { persons }) = load(ledger, &id)? {
            all.push(RestoredRow::Quota { id, persons });
        }
    }
    for id in ids(RowKind::Proxy)? {
        if let Some(ProxyRow { persons }) = load(ledger, &id)? {
            all.push(RestoredRow::Proxy { id, persons });
        }
    }
    for id in ids(RowKind::Box)? {
        if let Some(held) = load::<BoxRow>(ledger, &id)? {
            all.push(RestoredRow::Box { id, held });
        }
    }
    for id in ids(RowKind::Tube)? {
        if let Some(tube) = load::<TubeRow>(ledger, &id)? {
            all.push(RestoredRow::Tube { id, tube });
        }
    }
    for id in ids(RowKind::Seal)? {
        if let Some(seal) = load::<SealRow>(ledger, &id)? {
            // Times of an earlier journal's boots say nothing in this one.
            all.push(RestoredRow::Seal { id, seal: SealRow { up_ms: 0, boot: 0, raised_ms: None, ..seal } });
        }
    }
    for id in ids(RowKind::Order)? {
        if let Some(version) = load::<OrderRow>(ledger, &id)? {
            all.push(RestoredRow::Order { id, version });
        }
    }
    if let Some(trip) = load::<TripRow>(ledger, ONLY)? {
        all.push(RestoredRow::Trip { trip });
    }
    Ok(all)
}
