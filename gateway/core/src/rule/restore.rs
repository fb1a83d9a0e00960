//! A gateway with a new journal gets its ledger back from the hub, in parts; until all are there its claims are
//! provisional.
//!
//! What is put back is added to what happened here meanwhile: services of a person are united, stock and counts are
//! summed, a tube or box that was handled here since stays as it is here. A later version takes the place of an
//! earlier one, and the same part twice changes nothing.

use serde::{Deserialize, Serialize};

use super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    ledger::{Row, RowKind},
    restored::RestoredRow,
    row::{
        BoxRow, ClaimRow, ONLY, OrderRow, ProxyRow, QuotaRow, SealRow, Service, StockRow, TripRow, TubeRow,
    },
};
use crate::{
    fact::Fact,
    wire::restore::{PARTS_MAX, RestorePart},
};

/// How far a ledger was put back; the only id is [`ONLY`]. There is none in a gateway's first journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreRow {
    /// The ledger of the journal before this one has not come back yet.
    pub waits: bool,
    /// The version that is being taken or was taken.
    pub version: (u64, u64),
    /// Of that version: SHA-256 over all its rows, hex.
    pub digest: String,
    /// Parts of it that were taken.
    pub taken: Vec<u32>,
    /// Stock that was put back, by item: a later version takes its place.
    pub stock: Vec<(String, i64)>,
    /// Persons counted that were put back, by the row's kind and id.
    pub counts: Vec<(u8, String, u32)>,
}

impl Row for RestoreRow {
    const KIND: RowKind = RowKind::Restore;
}

/// Is the ledger of the journal before this one still missing? Then claims are provisional.
pub(super) fn waits(asked: &Asked<'_>) -> Result<bool, Stop> {
    Ok(asked.shared::<RestoreRow>(ONLY)?.is_some_and(|row| row.waits))
}

pub(super) fn weigh(asked: &Asked<'_>, part: &RestorePart) -> Facts {
    let invalid = |why: &str| stop(Refusal::OrderInvalid { why: why.to_owned() });
    if part.gateway != *asked.place.gateway {
        return invalid("it is for another gateway");
    }
    if part.part == 0 || part.part > part.parts || part.parts > PARTS_MAX {
        return invalid("its part cannot be");
    }
    let row: RestoreRow = asked.row(ONLY)?.unwrap_or_default();
    if row.digest == part.digest && row.taken.contains(&part.part) {
        return stop(Already::OrderInForce);
    }
    if part.version() < row.version {
        return stop(Refusal::OrderOlder { epoch: row.version.0, number: row.version.1 });
    }
    Ok(vec![Fact::LedgerRestored {
        from: part.from.clone(),
        part: part.part,
        parts: part.parts,
        rows: u32::try_from(part.rows.len()).unwrap_or(u32::MAX),
        digest: part.digest.clone(),
    }])
}

/// A journal that follows another one waits for its ledger.
pub(super) fn started(change: &mut Change<'_>, follows: bool) -> Applied {
    if follows { change.edit(ONLY, |row: &mut RestoreRow| row.waits = true) } else { Ok(()) }
}

pub(super) fn applied(change: &mut Change<'_>, part: &RestorePart) -> Applied {
    let mut state: RestoreRow = change.row(ONLY)?.unwrap_or_default();
    if state.digest != part.digest {
        state.digest.clone_from(&part.digest);
        state.taken.clear();
    }
    state.version = part.version();
    for row in &part.rows {
        put_back(change, &mut state, row)?;
    }
    state.taken.push(part.part);
    if state.taken.len() >= usize::try_from(part.parts).unwrap_or(usize::MAX) {
        state.waits = false;
    }
    change.put(ONLY, state)
}

fn put_back(change: &mut Change<'_>, state: &mut RestoreRow, row: &RestoredRow) -> Applied {
    match row {
        RestoredRow::Claim { id, served } => change.edit(id, |row: &mut ClaimRow| unite(row, served)),
        RestoredRow::Stock { id, on_hand } => {
            let before = before(&mut state.stock, id, *on_hand);
            change.edit(id, |row: &mut StockRow| {
                row.on_hand = row.on_hand.saturating_add(on_hand.saturating_sub(before));
            })
        }
        RestoredRow::Quota { id, persons } => {
            let more = more(state, RowKind::Quota, id, *persons);
            change.edit(id, |row: &mut QuotaRow| row.persons = row.persons.saturating_add(more))
        }
        RestoredRow::Proxy { id, persons } => {
            let more = more(state, RowKind::Proxy, id, *persons);
            change.edit(id, |row: &mut ProxyRow| row.persons = row.persons.saturating_add(more))
        }
        RestoredRow::Tube { id, tube } => match change.row::<TubeRow>(id)? {
            // A record of this journal put it there.
            Some(here) if here.seq > 0 => Ok(()),
            _ => change.put(id, tube.clone()),
        },
        RestoredRow::Box { id, held } => match change.row::<BoxRow>(id)? {
            Some(here) if here.seq > 0 => Ok(()),
            _ => change.put(id, held.clone()),
        },
        RestoredRow::Seal { id, seal } => match change.row::<SealRow>(id)? {
            Some(here) if here.reading.counter >= seal.reading.counter => Ok(()),
            _ => change.put(id, seal.clone()),
        },
        RestoredRow::Trip { trip } => match change.row::<TripRow>(ONLY)? {
            Some(here) if here.open => Ok(()),
            _ => change.put(ONLY, trip.clone()),
        },
        RestoredRow::Order { id, version } => match change.row::<OrderRow>(id)? {
            Some(_) => Ok(()),
            // Its content is not here: the same version must be taken once more.
            None => change.put(id, just_below(*version)),
        },
    }
}

/// Adds what is not there, the earlier first. A service taken back anywhere is taken back.
pub fn unite(row: &mut ClaimRow, served: &[Service]) {
    let same = |one: &Service, other: &Service| {
        (one.seq == 0 || other.seq == 0 || one.seq == other.seq)
            && (&one.round, one.at, &one.site, one.packs)
                == (&other.round, other.at, &other.site, other.packs)
    };
    let mut added = Vec::new();
    for service in served {
        match row.served.iter_mut().find(|here| same(here, service)) {
            Some(here) => here.voided |= service.voided,
            None => added.push(service.clone()),
        }
    }
    row.served.splice(0..0, added);
}

fn before(stock: &mut Vec<(String, i64)>, id: &str, now: i64) -> i64 {
    match stock.iter_mut().find(|(item, _)| item == id) {
        Some((_, put_back)) => std::mem::replace(put_back, now),
        None => {
            stock.push((id.to_owned(), now));
            0
        }
    }
}

/// How many more than an earlier version put back.
fn more(state: &mut RestoreRow, kind: RowKind, id: &str, now: u32) -> u32 {
    match state.counts.iter_mut().find(|(of, name, _)| *of == kind as u8 && name == id) {
        Some((_, _, put_back)) => now.saturating_sub(std::mem::replace(put_back, now)),
        None => {
            state.counts.push((kind as u8, id.to_owned(), now));
            now
        }
    }
}

fn just_below(version: OrderRow) -> OrderRow {
    match version.number.checked_sub(1) {
        Some(number) => OrderRow { number, ..version },
        None => OrderRow { epoch: version.epoch.saturating_sub(1), number: u64::MAX },
    }
}
