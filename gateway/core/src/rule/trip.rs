//! The vehicle's trip, from its first box to its last, and the fences that it passes.

use super::{
    asked::{Asked, Facts},
    change::{Applied, Change},
    row::{ONLY, TripRow},
};
use crate::fact::{
    Fact,
    id::{FenceId, SiteId},
};

pub(super) fn starts_with_this_box(trip: &TripRow, from: &SiteId) -> Option<Fact> {
    (!trip.open).then(|| Fact::TripStarted { from: from.clone() })
}

pub(super) fn ends_with_this_box(trip: &TripRow, at: &SiteId) -> Option<Fact> {
    (trip.open && trip.aboard <= 1).then(|| Fact::TripEnded { at: at.clone(), boxes: trip.boxes })
}

/// Only a change is worth a fact. A fence left for another one at once gives two.
pub(super) fn at_fence(asked: &Asked<'_>, now: Option<&FenceId>) -> Facts {
    let before = asked.row::<TripRow>(ONLY)?.unwrap_or_default().fence;
    if before.as_deref() == now.map(FenceId::as_str) {
        return Ok(Vec::new());
    }
    let left = before.and_then(|fence| FenceId::new(fence).ok()).map(|fence| Fact::FenceLeft { fence });
    let entered = now.cloned().map(|fence| Fact::FenceEntered { fence });
    Ok(left.into_iter().chain(entered).collect())
}

pub(super) fn started(change: &mut Change<'_>) -> Applied {
    edit(change, |trip| {
        trip.open = true;
        trip.boxes = 0;
    })
}

pub(super) fn loaded(change: &mut Change<'_>) -> Applied {
    edit(change, |trip| {
        trip.boxes += 1;
        trip.aboard += 1;
    })
}

pub(super) fn unloaded(change: &mut Change<'_>) -> Applied {
    edit(change, |trip| trip.aboard = trip.aboard.saturating_sub(1))
}

pub(super) fn ended(change: &mut Change<'_>) -> Applied {
    edit(change, |trip| trip.open = false)
}

pub(super) fn fence(change: &mut Change<'_>, fence: Option<&FenceId>) -> Applied {
    edit(change, |trip| trip.fence = fence.map(FenceId::to_string))
}

fn edit(change: &mut Change<'_>, edit: impl FnOnce(&mut TripRow)) -> Applied {
    change.edit(ONLY, edit)
}
