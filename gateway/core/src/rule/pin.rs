//! Badge and PIN: attempts are limited, and what was tried wrongly is on record.
//!
//! The hash is not made here: it takes tens of milliseconds and the badge's code, which no request holds. Whoever asks
//! brings the result ([`PinProof`]); the ledger says against which verifier it must have been found.

use super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    ledger::{Ledger, LedgerError, load},
    place::Place,
    roles::may_agree,
    row::{PinRow, PinRule, StaffRow},
};
use crate::fact::{Fact, id::OperatorId};

pub use super::proof::PinProof;

/// Wrong PINs in a row before a badge is locked.
pub const ATTEMPTS_MAX: u32 = 5;
/// The first lock, in milliseconds. Each further wrong PIN doubles it.
pub const LOCK_FIRST_MS: u64 = 60_000;
/// The longest lock, in milliseconds.
pub const LOCK_MAX_MS: u64 = 3_600_000;

/// Milliseconds for which a person's badge is still locked; 0 where it is not.
///
/// No wall clock is asked, and a restart makes no lock shorter: it begins again with the gateway's start.
///
/// # Errors
/// A damaged row or a failed store.
pub fn locked_ms(
    ledger: &dyn Ledger,
    person: &OperatorId,
    boot: u32,
    up_ms: u64,
) -> Result<u64, LedgerError> {
    let row: PinRow = load(ledger, person.as_str())?.unwrap_or_default();
    let gone = if row.boot == boot { up_ms.saturating_sub(row.up_ms) } else { up_ms };
    Ok(lock_ms(row.wrong).saturating_sub(gone))
}

/// How long so many wrong PINs in a row lock a badge.
fn lock_ms(wrong: u32) -> u64 {
    let Some(further) = wrong.checked_sub(ATTEMPTS_MAX) else { return 0 };
    1_u64.checked_shl(further.min(32)).map_or(LOCK_MAX_MS, |times| (LOCK_FIRST_MS * times).min(LOCK_MAX_MS))
}

/// Nothing where the person is who the badge says; the fact of a wrong PIN where not.
pub(super) fn weigh(
    asked: &Asked<'_>,
    person: &StaffRow,
    proof: Option<&PinProof>,
) -> Result<Option<Fact>, Stop> {
    let PinRule::Argon2id(verifier) = &person.pin else { return Ok(None) };
    let Place { now, boot, .. } = asked.place;
    let left_ms = locked_ms(asked.ledger, &person.operator, *boot, now.up_ms)?;
    if left_ms > 0 {
        return stop(Refusal::PinLocked { left_ms });
    }
    match proof {
        Some(proof) if proof.against == verifier.hash && proof.right => Ok(None),
        Some(proof) if proof.against == verifier.hash => {
            let row: PinRow = asked.row(person.operator.as_str())?.unwrap_or_default();
            let attempts = row.wrong.saturating_add(1);
            let (operator, locked_ms) = (person.operator.clone(), lock_ms(attempts));
            Ok(Some(Fact::PinRefused { operator, attempts, locked_ms }))
        }
        _ => stop(Refusal::NeedsPin),
    }
}

pub(super) fn unlock(asked: &Asked<'_>, badge: &str, approval: &str, proof: Option<&PinProof>) -> Facts {
    let (Some(person), Some(supervisor)) = (asked.row::<StaffRow>(badge)?, asked.row::<StaffRow>(approval)?)
    else {
        return stop(Refusal::UnknownBadge);
    };
    if !may_agree().contains(&supervisor.role) {
        return stop(Refusal::NeedsSupervisor);
    }
    if supervisor.operator == person.operator {
        return stop(Refusal::SupervisorIsOperator);
    }
    if let Some(wrong) = weigh(asked, &supervisor, proof)? {
        return Ok(vec![wrong]);
    }
    let row: PinRow = asked.row(person.operator.as_str())?.unwrap_or_default();
    if row.wrong == 0 {
        return stop(Already::NotLocked);
    }
    Ok(vec![Fact::PinUnlocked { operator: person.operator, approved_by: supervisor.operator }])
}

pub(super) fn refused(change: &mut Change<'_>, operator: &OperatorId, attempts: u32) -> Applied {
    let (boot, up_ms) = (change.place.boot, change.place.now.up_ms);
    change.put(operator.as_str(), PinRow { wrong: attempts, boot, up_ms })
}

/// Who was let in, or was let off, starts anew.
pub(super) fn cleared(change: &mut Change<'_>, operator: &OperatorId) -> Applied {
    if change.row::<PinRow>(operator.as_str())?.is_some_and(|row| row.wrong > 0) {
        change.put(operator.as_str(), PinRow::default())?;
    }
    Ok(())
}
