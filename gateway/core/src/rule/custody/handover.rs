//! A box changes hands. Each end records it on its own.
//!
//! Without remark a box goes on only with its seal closed, authentic and at the count of openings at which it was
//! sealed. At the dock no box is turned away: a permitted person receives it under exception, and an alarm goes out.

use super::super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    ledger::RowKind,
    roles::may_receive_under_exception,
    row::{BoxRow, BoxState, Manifest, ONLY, SealRow, TripRow, TubeRow, TubeState},
    seals, trip,
};
use crate::fact::{
    AlarmKind, ExceptionReason, Fact, SealReading, SealState, SiteKind,
    id::{BoxId, SealId, SiteId},
};

/// Most tubes of one box that are looked at; boxes hold far fewer.
const TUBES_MAX: usize = 1_000;

pub(in super::super) fn hand_over(
    asked: &Asked<'_>,
    box_id: &BoxId,
    to: &SiteId,
    reading: Option<&SealReading>,
    remark: Option<ExceptionReason>,
) -> Facts {
    let Some(row) = asked.row::<BoxRow>(box_id.as_str())? else {
        return stop(Refusal::BoxUnknown);
    };
    if !matches!(row.state, BoxState::Sealed | BoxState::Carried) {
        return stop(Refusal::BoxState { state: row.state });
    }
    let found = fault(asked, row.seal.as_ref(), row.sealed_count, reading)?;
    let remark = match (found, remark) {
        (Some(reason), None) => return stop(Refusal::NeedsException { reason }),
        (found, said) => truest(found, said),
    };
    let mut facts = vec![Fact::BoxHandedOver {
        box_id: box_id.clone(),
        to: to.clone(),
        reading: reading.cloned(),
        remark,
    }];
    if asked.place.kind == SiteKind::Vehicle {
        let trip: TripRow = asked.row(ONLY)?.unwrap_or_default();
        facts.extend(trip::ends_with_this_box(&trip, to));
    }
    Ok(facts)
}

pub(in super::super) fn receive(
    asked: &Asked<'_>,
    box_id: &BoxId,
    from: &SiteId,
    reading: Option<&SealReading>,
    said: Option<ExceptionReason>,
) -> Facts {
    let row: BoxRow = asked.row(box_id.as_str())?.unwrap_or_default();
    if !matches!(row.state, BoxState::Empty | BoxState::HandedOver) {
        return stop(Already::BoxHere);
    }
    let manifest: Option<Manifest> = asked.row(box_id.as_str())?;
    let seal = manifest.as_ref().map(|manifest| &manifest.seal);
    let count = manifest.as_ref().and_then(|manifest| manifest.event_count);
    let found = fault(asked, seal, count, reading)?;
    let exception = truest(found, said);
    let alarming = exception.is_some_and(|reason| reason != ExceptionReason::CountUnknown);
    if alarming {
        let needs = may_receive_under_exception(asked.place.kind);
        match (said, found) {
            (None, Some(reason)) => return stop(Refusal::NeedsException { reason }),
            _ if !asked.desk.role.is_some_and(|role| needs.contains(&role)) => {
                return stop(Refusal::NotPermitted { needs: needs.to_vec() });
            }
            _ => {}
        }
    }
    let mut facts = Vec::with_capacity(3);
    if asked.place.kind == SiteKind::Vehicle {
        let trip: TripRow = asked.row(ONLY)?.unwrap_or_default();
        facts.extend(trip::starts_with_this_box(&trip, from));
    }
    facts.push(Fact::BoxReceived {
        box_id: box_id.clone(),
        from: from.clone(),
        reading: reading.cloned(),
        manifest: manifest.is_some(),
        exception,
    });
    if alarming {
        let subject = box_id.to_string();
        facts.push(Fact::AlarmRaised { alarm: AlarmKind::ReceivedUnderException, subject });
    }
    Ok(facts)
}

/// What is wrong with the seal of a box, worst first; none where nothing is.
fn fault(
    asked: &Asked<'_>,
    seal: Option<&SealId>,
    sealed_count: Option<u32>,
    reading: Option<&SealReading>,
) -> Result<Option<ExceptionReason>, Stop> {
    let Some(reading) = reading else {
        return Ok(Some(ExceptionReason::SealUnread));
    };
    if seal.is_some_and(|seal| *seal != reading.seal) {
        return Ok(Some(ExceptionReason::WrongSeal));
    }
    match reading.state {
        SealState::Tampered => return Ok(Some(ExceptionReason::SealTampered)),
        SealState::Open => return Ok(Some(ExceptionReason::SealOpen)),
        SealState::Silent => return Ok(Some(ExceptionReason::SealSilent)),
        SealState::Unread => return Ok(Some(ExceptionReason::SealUnread)),
        SealState::ClockInDoubt => return Ok(Some(ExceptionReason::SealClockInDoubt)),
        SealState::Closed | SealState::LowBattery => {}
    }
    let stored: Option<SealRow> = asked.row(reading.seal.as_str())?;
    if stored.as_ref().is_some_and(|row| row.doubted) {
        return Ok(Some(ExceptionReason::SealClockInDoubt));
    }
    if !reading.authentic || stored.is_some_and(|row| seals::is_replay(&row, reading)) {
        return Ok(Some(ExceptionReason::SealNotAuthentic));
    }
    Ok(match sealed_count {
        None => Some(ExceptionReason::CountUnknown),
        count if count == reading.event_count => None,
        Some(_) => Some(ExceptionReason::SealCountChanged),
    })
}

/// What is recorded: what the rule found wins over what was said, except that a count that nobody could know says
/// less than what a person sees.
fn truest(found: Option<ExceptionReason>, said: Option<ExceptionReason>) -> Option<ExceptionReason> {
    match found {
        None | Some(ExceptionReason::CountUnknown) => said.or(found),
        found => found,
    }
}

pub(in super::super) fn handed_over(
    change: &mut Change<'_>,
    box_id: &BoxId,
    to: &SiteId,
    reading: Option<&SealReading>,
) -> Applied {
    let mut row: BoxRow = change.row(box_id.as_str())?.unwrap_or_default();
    if let Some(reading) = reading {
        seals::heard(change, reading)?;
    }
    if let Some(seal) = row.seal.as_ref() {
        seals::take_off(change, seal)?;
    }
    row.state = BoxState::HandedOver;
    row.other = Some(to.clone());
    row.seq = change.seq;
    change.put(box_id.as_str(), row)?;
    for tube in change.ledger.children(RowKind::Tube, box_id.as_str(), TUBES_MAX)? {
        if let Some(mut row) = change.row::<TubeRow>(&tube)? {
            row.state = TubeState::Away;
            change.put(&tube, row)?;
        }
    }
    change.edit_desk(|desk| desk.counts.boxes_handed_over += 1)?;
    if change.place.kind == SiteKind::Vehicle {
        // What the list said of it is done with.
        change.ledger.remove(RowKind::Manifest, box_id.as_str())?;
        trip::unloaded(change)?;
    }
    Ok(())
}

pub(in super::super) fn received(
    change: &mut Change<'_>,
    box_id: &BoxId,
    from: &SiteId,
    reading: Option<&SealReading>,
    exception: Option<ExceptionReason>,
) -> Applied {
    let manifest: Option<Manifest> = change.row(box_id.as_str())?;
    let in_vehicle = change.place.kind == SiteKind::Vehicle;
    let mut row = BoxRow {
        state: if in_vehicle { BoxState::Carried } else { BoxState::Received },
        seal: reading.map(|reading| reading.seal.clone()),
        other: Some(from.clone()),
        exception: exception.is_some(),
        seq: change.seq,
        ..BoxRow::default()
    };
    if let Some(manifest) = &manifest {
        listed(&mut row, manifest);
    }
    let seal = row.seal.clone();
    change.put(box_id.as_str(), row)?;
    if let Some(reading) = reading {
        seals::heard(change, reading)?;
    }
    if let Some(seal) = &seal {
        seals::put_on(change, seal, box_id)?;
    }
    change.edit_desk(|desk| desk.counts.boxes_received += 1)?;
    if in_vehicle { trip::loaded(change) } else { Ok(()) }
}

/// What the manifest says of a box that is here.
pub(in super::super) fn listed(row: &mut BoxRow, manifest: &Manifest) {
    row.tubes = u32::try_from(manifest.tubes.len()).unwrap_or(u32::MAX);
    row.seal = Some(manifest.seal.clone());
    row.sealed_count = manifest.event_count;
    row.due = Some(manifest.due);
}
