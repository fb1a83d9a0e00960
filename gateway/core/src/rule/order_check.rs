//! What an order may say. What cannot be is refused as a whole, with a word for the person who made it.

use std::collections::BTreeSet;

use super::{
    elsewhere::STALE_AFTER_MIN_MAX,
    order::{CampaignTerms, FenceEntry, FilterList, Order, OrderDocument, SealEntry, Secret, StaffEntry},
    row::{Manifest, ONLY, PinRule},
    shift::is_day,
};
use crate::code::claim::{LANES_MAX, MEMORY_MAX_KIB, PASSES_MAX};
use crate::filter::{HEADER_BYTES, PIECE_BYTES_MAX};

/// Most entries of a list in an order.
pub const ENTRIES_MAX: usize = 5_000;
/// Most tubes in one box of a manifest.
pub const TUBES_MAX: usize = 500;
/// Most rounds of a campaign.
pub const ROUNDS_MAX: usize = 32;
/// Most packs for one person.
pub const PACKS_MAX: u32 = 100;
/// Time between two frames of a seal, in milliseconds.
pub const INTERVAL_MS: std::ops::RangeInclusive<u32> = 10..=3_600_000;
/// Most seals that are paired anew by one order.
pub const REPAIRED_MAX: usize = 1_000;
/// Most pieces of a filter: the base and the deltas since.
pub const PIECES_MAX: usize = 33;
/// Radius of a fence, in metres.
pub const RADIUS_M: std::ops::RangeInclusive<f64> = 20.0..=5_000.0;

type Checked = Result<(), String>;

/// Can this order be?
///
/// # Errors
/// What cannot be, in English.
pub fn check(document: &OrderDocument) -> Checked {
    match &document.order {
        Order::Filter { list } => {
            ensure(document.id == list.id(), || "its id is not the campaign's and the round's".into())?;
            return filter(list);
        }
        Order::Campaign { terms, key } => {
            ensure(document.id == terms.id.as_str(), || "its id is not the campaign's".into())?;
            ensure(is_key::<32>(key), || "the campaign's key is not 64 hex characters".into())?;
            return campaign(terms);
        }
        Order::Staff { people } => staff(people),
        Order::Seals { seals } => seal_list(seals),
        Order::Fences { fences } => fence_list(fences),
        Order::Manifest { boxes } => manifest(boxes),
    }?;
    ensure(document.id == ONLY, || format!("the id of a list is `{ONLY}`"))
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

/// A key of that many bytes, or one that was looked at before it was encrypted for the card.
fn is_key<const N: usize>(key: &Secret) -> bool {
    key.kept().is_some() || key.bytes::<N>().is_some()
}

/// Not too many, and none twice.
fn distinct<'a>(what: &str, entries_max: usize, keys: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = BTreeSet::new();
    for key in keys {
        ensure(seen.insert(key), || format!("{what} {key} is there twice"))?;
    }
    ensure(seen.len() <= entries_max, || format!("more than {entries_max} entries"))
}

fn campaign(terms: &CampaignTerms) -> Checked {
    let hash = terms.hash;
    let lanes_ok = (1..=LANES_MAX).contains(&hash.p);
    let hash_ok = lanes_ok && (8 * hash.p..=MEMORY_MAX_KIB).contains(&hash.m_kib);
    ensure(hash_ok && (1..=PASSES_MAX).contains(&hash.t), || "the hash's cost is out of bounds".into())?;
    ensure(!terms.documents.is_empty(), || "it takes no document".into())?;
    ensure(!terms.rounds.is_empty(), || "it has no round".into())?;
    distinct("round", ROUNDS_MAX, terms.rounds.iter().map(|round| round.id.as_str()))?;
    if let Some(elsewhere) = &terms.elsewhere {
        let fits = (1..=STALE_AFTER_MIN_MAX).contains(&elsewhere.stale_after_min);
        ensure(fits, || format!("a filter is stale after 1 to {STALE_AFTER_MIN_MAX} minutes"))?;
    }
    for round in &terms.rounds {
        let id = &round.id;
        ensure(is_day(&round.from) && is_day(&round.until), || format!("a day of round {id} is no day"))?;
        ensure(round.from <= round.until, || format!("round {id} ends before it begins"))?;
        let packs_ok = (1..=PACKS_MAX).contains(&round.packs_first) && round.packs_again <= PACKS_MAX;
        ensure(packs_ok, || format!("round {id} gives a number of packs that cannot be"))?;
        let overlaps = |other: &&super::order::Round| {
            other.id != *id && other.from <= round.until && round.from <= other.until
        };
        if let Some(other) = terms.rounds.iter().find(overlaps) {
            return Err(format!("rounds {id} and {} overlap", other.id));
        }
    }
    if let Some(last) = &terms.disputes_until {
        let after_all = terms.rounds.iter().all(|round| round.until <= *last);
        ensure(is_day(last) && after_all, || {
            "its last day for disputes is no day, or lies before a round's last day".into()
        })?;
    }
    Ok(())
}

fn staff(people: &[StaffEntry]) -> Checked {
    distinct("badge", ENTRIES_MAX, people.iter().map(|entry| entry.badge.as_str()))?;
    let is_hash = |entry: &StaffEntry| {
        entry.badge.len() == 64 && entry.badge.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if let Some(entry) = people.iter().find(|entry| !is_hash(entry)) {
        return Err(format!("the badge of {} is not 64 lower-case hex characters", entry.person.operator));
    }
    let cost_ok = |entry: &&StaffEntry| match &entry.person.pin {
        PinRule::None => true,
        PinRule::Argon2id(verifier) => verifier.check().is_ok(),
    };
    match people.iter().find(|entry| !cost_ok(entry)) {
        Some(entry) => {
            Err(format!("the cost of the PIN's hash of {} is out of bounds", entry.person.operator))
        }
        None => Ok(()),
    }
}

fn seal_list(seals: &[SealEntry]) -> Checked {
    distinct("seal", ENTRIES_MAX, seals.iter().map(|entry| entry.seal.as_str()))?;
    distinct("address", ENTRIES_MAX, seals.iter().map(|entry| entry.address.as_str()))?;
    let with_key: BTreeSet<&str> =
        seals.iter().filter(|entry| entry.key.is_some()).map(|entry| entry.seal.as_str()).collect();
    for entry in seals {
        let seal = &entry.seal;
        let key_ok = entry.key.as_ref().is_none_or(is_key::<16>);
        ensure(key_ok, || format!("the key of seal {seal} is not 32 hex characters"))?;
        let may_have_key = entry.format.is_bthome() && entry.beside.is_none();
        ensure(entry.key.is_none() || may_have_key, || {
            format!(
                "seal {seal} has a key, and neither another format than BTHome nor a tag beside a seal has one"
            )
        })?;
        let interval_ok = entry.interval_ms.is_none_or(|ms| entry.key.is_some() && INTERVAL_MS.contains(&ms));
        ensure(interval_ok, || {
            format!("the interval of seal {seal} is not 10 to 3,600,000 ms, or it has no key")
        })?;
        let Some(beside) = &entry.beside else { continue };
        ensure(with_key.contains(beside.as_str()), || {
            format!("{seal} stands beside {beside}, which is no seal with a key in this order")
        })?;
    }
    Ok(())
}

fn fence_list(fences: &[FenceEntry]) -> Checked {
    distinct("fence", ENTRIES_MAX, fences.iter().map(|entry| entry.id.as_str()))?;
    let can_be = |entry: &FenceEntry| {
        let fence = &entry.fence;
        (-90.0..=90.0).contains(&fence.lat)
            && (-180.0..=180.0).contains(&fence.lon)
            && RADIUS_M.contains(&fence.radius_m)
    };
    match fences.iter().find(|entry| !can_be(entry)) {
        Some(entry) => Err(format!("fence {} lies nowhere, or its radius is not 20 to 5,000 m", entry.id)),
        None => Ok(()),
    }
}

fn filter(list: &FilterList) -> Checked {
    ensure(!list.pieces.is_empty(), || "it has no piece".into())?;
    distinct("piece", PIECES_MAX, list.pieces.iter().map(|piece| piece.digest.as_str()))?;
    for piece in &list.pieces {
        let is_sum = piece.digest.len() == 64
            && piece.digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure(is_sum, || "the sum of a piece is not 64 lower-case hex characters".into())?;
        let fits = (HEADER_BYTES as u64..=PIECE_BYTES_MAX).contains(&piece.bytes);
        ensure(fits, || "a piece has a length that cannot be".into())?;
    }
    Ok(())
}

fn manifest(boxes: &[Manifest]) -> Checked {
    distinct("box", ENTRIES_MAX, boxes.iter().map(|entry| entry.box_id.as_str()))?;
    for entry in boxes {
        distinct("tube", TUBES_MAX, entry.tubes.iter().map(String::as_str))?;
    }
    Ok(())
}
