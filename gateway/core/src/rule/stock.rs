//! Stock on hand: the sum of its movements. A count that differs is a movement of the difference.

use super::{
    answer::Refusal,
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    row::StockRow,
};
use crate::fact::{
    AlarmKind, Fact, MovementReason, RepairReason,
    id::{ItemId, SiteId},
};

/// The item that is handed out for claims.
pub const PACKS: &str = "packs";
/// The most pieces in one movement.
pub const MOVED_MAX: i64 = 1_000_000;
/// The most pieces on hand of one item.
pub const ON_HAND_MAX: i64 = 1_000_000_000;
/// A count that differs by more pieces than this, and by more than [`VARIANCE_PERCENT`], raises an alarm.
pub const VARIANCE_PIECES: i64 = 10;
/// Percent of what was expected.
pub const VARIANCE_PERCENT: i64 = 5;

pub(super) fn move_goods(
    asked: &Asked<'_>,
    item: &ItemId,
    quantity: i64,
    reason: MovementReason,
    with: Option<&SiteId>,
) -> Facts {
    let row: StockRow = asked.row(item.as_str())?.unwrap_or_default();
    let on_hand = row.on_hand.saturating_add(quantity);
    let absurd = quantity == 0 || quantity.saturating_abs() > MOVED_MAX || on_hand > ON_HAND_MAX;
    if absurd || comes(reason) != (quantity > 0) {
        return stop(Refusal::BadQuantity);
    }
    if on_hand < 0 {
        return stop(Refusal::OutOfStock { on_hand: row.on_hand });
    }
    let mut facts = vec![Fact::StockMoved { item: item.clone(), quantity, reason, with: with.cloned() }];
    facts.extend(low(asked, item.as_str(), &row, on_hand));
    Ok(facts)
}

fn comes(reason: MovementReason) -> bool {
    match reason {
        MovementReason::Received | MovementReason::Returned => true,
        MovementReason::Issued | MovementReason::Used | MovementReason::Discarded => false,
    }
}

pub(super) fn count_goods(
    asked: &Asked<'_>,
    item: &ItemId,
    counted: i64,
    reason: Option<RepairReason>,
) -> Facts {
    if !(0..=ON_HAND_MAX).contains(&counted) {
        return stop(Refusal::BadQuantity);
    }
    let row: StockRow = asked.row(item.as_str())?.unwrap_or_default();
    let expected = row.on_hand;
    let variance = counted - expected;
    if variance != 0 && reason.is_none() {
        return stop(Refusal::NeedsReason { variance });
    }
    let reason = reason.filter(|_| variance != 0);
    let mut facts = vec![Fact::StockCounted { item: item.clone(), expected, counted, reason }];
    if variance.abs() > VARIANCE_PIECES.max(expected * VARIANCE_PERCENT / 100) {
        facts.push(Fact::AlarmRaised { alarm: AlarmKind::StockVariance, subject: item.to_string() });
    }
    facts.extend(low(asked, item.as_str(), &row, counted));
    Ok(facts)
}

/// Takes packs for a claim: an alarm perhaps, or not enough there.
pub(super) fn take_packs(asked: &Asked<'_>, packs: u32) -> Result<Option<Fact>, Stop> {
    let row: StockRow = asked.row(PACKS)?.unwrap_or_default();
    let on_hand = row.on_hand - i64::from(packs);
    if on_hand < 0 {
        return stop(Refusal::OutOfStock { on_hand: row.on_hand });
    }
    Ok(low(asked, PACKS, &row, on_hand))
}

/// An alarm where the item is at or below its par level: once, and again when goods came and were not enough.
fn low(asked: &Asked<'_>, item: &str, row: &StockRow, on_hand: i64) -> Option<Fact> {
    let (_, par) = asked.place.par.iter().find(|(id, _)| id.as_str() == item)?;
    let new = !row.low || on_hand > row.on_hand;
    (on_hand <= *par && new)
        .then(|| Fact::AlarmRaised { alarm: AlarmKind::StockLow, subject: item.to_owned() })
}

pub(super) fn moved(change: &mut Change<'_>, item: &ItemId, quantity: i64) -> Applied {
    add(change, item.as_str(), quantity)
}

pub(super) fn counted(change: &mut Change<'_>, item: &ItemId, counted: i64) -> Applied {
    let on_hand = change.row::<StockRow>(item.as_str())?.unwrap_or_default().on_hand;
    add(change, item.as_str(), counted - on_hand)
}

/// Packs came (back) or went.
pub(super) fn add(change: &mut Change<'_>, item: &str, quantity: i64) -> Applied {
    change.edit(item, |row: &mut StockRow| {
        row.on_hand = row.on_hand.saturating_add(quantity);
        row.low &= quantity <= 0;
    })
}
