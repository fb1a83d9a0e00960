//! A closed box is sealed: on a reading of its seal that is closed and authentic.

use super::super::{
    answer::Refusal,
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    row::{BoxRow, BoxState, Paper, SealRow},
    seals,
};
use crate::fact::{
    Fact, SealReading, SealState, WallTime,
    id::{BoxId, MechanicalSealId},
};

pub(in super::super) fn seal_box(
    asked: &Asked<'_>,
    box_id: &BoxId,
    reading: &SealReading,
    mechanical: Option<&MechanicalSealId>,
    due: WallTime,
) -> Facts {
    let Some(row) = asked.row::<BoxRow>(box_id.as_str())? else {
        return stop(Refusal::BoxUnknown);
    };
    if row.state != BoxState::Closed {
        return stop(Refusal::BoxState { state: row.state });
    }
    if !reading.is_closed_and_authentic() {
        return stop(Refusal::SealNotClosed { state: reading.state, authentic: reading.authentic });
    }
    if reading.event_count.is_none() && mechanical.is_none() {
        return stop(Refusal::SealWithoutCount);
    }
    seal_is_free(asked, reading, box_id)?;
    Ok(vec![Fact::BoxSealed {
        box_id: box_id.clone(),
        reading: reading.clone(),
        mechanical: mechanical.cloned(),
        tubes: row.tubes,
        due,
    }])
}

fn seal_is_free(asked: &Asked<'_>, reading: &SealReading, box_id: &BoxId) -> Result<(), Stop> {
    let Some(seal) = asked.row::<SealRow>(reading.seal.as_str())? else {
        return Ok(());
    };
    if seals::is_replay(&seal, reading) {
        return stop(Refusal::SealReplay);
    }
    if seal.doubted {
        let authentic = reading.authentic;
        return stop(Refusal::SealNotClosed { state: SealState::ClockInDoubt, authentic });
    }
    match seal.box_id {
        Some(other) if other != *box_id => stop(Refusal::SealInUse { box_id: other }),
        _ => Ok(()),
    }
}

pub(in super::super) fn sealed(
    change: &mut Change<'_>,
    box_id: &BoxId,
    reading: &SealReading,
    due: WallTime,
) -> Applied {
    let seq = change.seq;
    change.edit_box(box_id, |row| {
        row.state = BoxState::Sealed;
        row.seal = Some(reading.seal.clone());
        row.sealed_count = reading.event_count;
        row.due = Some(due);
        row.warned = false;
        row.late = false;
        row.seq = seq;
    })?;
    seals::heard(change, reading)?;
    seals::put_on(change, &reading.seal, box_id)?;
    change.edit_desk(|desk| {
        desk.counts.boxes_sealed += 1;
        desk.paper = Some(Paper::of(seq));
    })
}
