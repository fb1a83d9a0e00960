//! From a fact to the rows that it changes.

use super::{
    act::Act,
    campaign_end,
    change::Change,
    custody::{comparison, handover, packing, sealing},
    entitlement, hand_out,
    ledger::{LedgerError, LedgerMut},
    orders, paper, pin,
    place::Place,
    restore, seals, shift, stock, timers, trip,
};
use crate::fact::Fact;

/// Changes the ledger by what a granted request brings beside its facts: a manifest or a filter, which leave none. Called once,
/// after [`apply`] for each fact.
///
/// # Errors
/// A damaged row or a failed store.
pub fn take(place: &Place<'_>, ledger: &mut dyn LedgerMut, seq: u64, act: &Act) -> Result<(), LedgerError> {
    match act {
        Act::ApplyOrder { document } => orders::taken(&mut Change { place, ledger, seq }, document),
        _ => Ok(()),
    }
}

/// Changes the ledger as a recorded fact says. The same facts in the same order give the same ledger, so it can be
/// made again from the journal: `place` then holds the record's clock, boot and person.
///
/// `act` is looked at only for what a fact does not carry: the content of an order, and the badge of who signed in
/// where `place.by` is none. With any other act the order's version is noted and its content is not.
///
/// # Errors
/// A damaged row or a failed store.
pub fn apply(
    place: &Place<'_>,
    ledger: &mut dyn LedgerMut,
    seq: u64,
    fact: &Fact,
    act: &Act,
) -> Result<(), LedgerError> {
    let change = &mut Change { place, ledger, seq };
    match fact {
        Fact::JournalStarted { previous, .. } => restore::started(change, previous.is_some()),
        Fact::LedgerRestored { part: number, digest, .. } => match act {
            Act::RestoreLedger { part } if (part.part, &part.digest) == (*number, digest) => {
                restore::applied(change, part)
            }
            _ => Ok(()),
        },
        Fact::GatewayStarted { .. }
        | Fact::ClockFound { .. }
        | Fact::TrackDropped { .. }
        | Fact::CampaignPairMade { .. } => Ok(()),
        Fact::CampaignKeysDestroyed { campaign } => campaign_end::ended(change, campaign),
        Fact::OrderApplied { order, id, epoch, number } => {
            orders::applied(change, (order, id), (*epoch, *number), act)
        }
        Fact::ShiftOpened { role, day } => shift::opened(change, *role, day, act),
        Fact::SignedIn { role } => shift::signed_in(change, *role, act),
        Fact::SessionEnded { .. } => shift::session_ended(change),
        Fact::PinRefused { operator, attempts, .. } => pin::refused(change, operator, *attempts),
        Fact::PinUnlocked { operator, approved_by } => {
            pin::cleared(change, approved_by)?;
            pin::cleared(change, operator)
        }
        Fact::ShiftClosed { .. } => shift::closed(change),
        Fact::PaperReprinted { record, number } => paper::reprinted(change, *record, *number),
        Fact::TubeCollected { tube, .. } => packing::collected(change, tube),
        Fact::BoxStarted { box_id } => packing::started(change, box_id),
        Fact::TubePacked { tube, box_id } => packing::packed(change, tube, box_id),
        Fact::TubeTakenOut { tube, box_id, .. } => packing::taken_out(change, tube, box_id),
        Fact::TubeMoved { tube, from, to, .. } => packing::moved(change, tube, from, to),
        Fact::BoxClosed { box_id, .. } => packing::closed(change, box_id),
        Fact::BoxReopened { box_id, .. } => packing::reopened(change, box_id),
        Fact::BoxSealed { box_id, reading, due, .. } => sealing::sealed(change, box_id, reading, *due),
        Fact::BoxHandedOver { box_id, to, reading, .. } => {
            handover::handed_over(change, box_id, to, reading.as_ref())
        }
        Fact::BoxReceived { box_id, from, reading, exception, .. } => {
            handover::received(change, box_id, from, reading.as_ref(), *exception)
        }
        Fact::BoxOpened { box_id } => comparison::opened(change, box_id),
        Fact::TubeReceived { tube, box_id } => comparison::tube_received(change, tube, box_id),
        Fact::DiscrepancyFound { box_id, tube, code } => comparison::disputed(change, box_id, tube, *code),
        Fact::BoxCompared { box_id, .. } => comparison::compared(change, box_id),
        Fact::DiscrepancySettled { box_id, tube, .. } => comparison::settled(change, box_id, tube),
        Fact::BoxEmptied { box_id } => comparison::emptied(change, box_id),
        Fact::SealRepaired { seal, pairing } => seals::repaired(change, seal, *pairing),
        Fact::SealChanged { reading, .. } | Fact::SealHeard { reading } => seals::heard(change, reading),
        Fact::StockMoved { item, quantity, .. } => stock::moved(change, item, *quantity),
        Fact::StockCounted { item, counted, .. } => stock::counted(change, item, *counted),
        Fact::ClaimServed { campaign, round, claim, packs, proxy, approved_by, .. } => {
            if let Some(supervisor) = approved_by {
                pin::cleared(change, supervisor)?;
            }
            entitlement::served(change, (campaign, round), *claim, *packs, *proxy)
        }
        Fact::ClaimVoided { campaign, claim, packs, mends, approved_by, .. } => {
            pin::cleared(change, approved_by)?;
            entitlement::voided(change, campaign, *claim, *packs, *mends)
        }
        Fact::HandOutConfirmed { record, handed, campaign, claim, packs, .. } => {
            hand_out::confirmed(change, campaign, *claim, (*record, *packs), *handed)
        }
        Fact::TripStarted { .. } => trip::started(change),
        Fact::TripEnded { .. } => trip::ended(change),
        Fact::FenceEntered { fence } => trip::fence(change, Some(fence)),
        Fact::FenceLeft { .. } => trip::fence(change, None),
        Fact::AlarmRaised { alarm, subject } => timers::raised(change, *alarm, subject),
    }
}
