//! At the laboratory: a box is opened, its tubes are compared with the manifest, what disagrees is settled with a
//! reason, and the empty box can be used again. A tube counts as received only here.

use super::{
    super::{
        answer::{Already, Refusal},
        asked::{Asked, Facts, Stop, stop},
        change::{Applied, Change},
        ledger::RowKind,
        row::{BoxRow, BoxState, Manifest, TubeRow, TubeState},
        seals,
    },
    packing::put_tube,
};
use crate::fact::{
    AlarmKind, DiscrepancyCode, Fact, RepairReason,
    id::{BoxId, TubeId},
};

pub(in super::super) fn open_box(asked: &Asked<'_>, box_id: &BoxId) -> Facts {
    match &asked.desk.open_box {
        Some(open) if open == box_id => return stop(Already::BoxOpen),
        Some(open) => return stop(Refusal::OtherBoxOpen { box_id: open.clone() }),
        None => {}
    }
    let Some(row) = asked.row::<BoxRow>(box_id.as_str())? else {
        return stop(Refusal::BoxUnknown);
    };
    if row.state != BoxState::Received {
        return stop(Refusal::BoxState { state: row.state });
    }
    manifest(asked, box_id)?;
    Ok(vec![Fact::BoxOpened { box_id: box_id.clone() }])
}

pub(in super::super) fn compare_tube(asked: &Asked<'_>, tube: &TubeId) -> Facts {
    let (open, row) = opened_box(asked)?;
    let known: Option<TubeRow> = asked.row(tube.as_str())?;
    if known.as_ref().is_some_and(|known| compared_here(known, &open, &row)) {
        return stop(Already::Compared);
    }
    // A tube is received once: one that came in another box before is a second tube with its number.
    let seen = known.is_some_and(|known| known.state == TubeState::Received);
    let listed = manifest(asked, &open)?.tubes.iter().any(|listed| listed == tube.as_str());
    let tube = tube.clone();
    Ok(vec![if listed && !seen {
        Fact::TubeReceived { tube, box_id: open }
    } else {
        Fact::DiscrepancyFound { box_id: open, tube, code: DiscrepancyCode::NotOnManifest }
    }])
}

pub(in super::super) fn finish(asked: &Asked<'_>) -> Facts {
    let (open, row) = opened_box(asked)?;
    let mut facts = Vec::new();
    for tube in &manifest(asked, &open)?.tubes {
        let known: Option<TubeRow> = asked.row(tube)?;
        if known.is_some_and(|known| compared_here(&known, &open, &row)) {
            continue;
        }
        if let Ok(tube) = TubeId::new(tube.as_str()) {
            let code = DiscrepancyCode::NotInBox;
            facts.push(Fact::DiscrepancyFound { box_id: open.clone(), tube, code });
        }
    }
    let missing = u32::try_from(facts.len()).unwrap_or(u32::MAX);
    facts.push(Fact::BoxCompared { box_id: open.clone(), matched: row.matched, missing, extra: row.extra });
    if missing > 0 || row.extra > 0 {
        facts.push(Fact::AlarmRaised { alarm: AlarmKind::TubesDisagree, subject: open.to_string() });
    }
    Ok(facts)
}

/// The open box; the record that opened it is its `seq`.
fn opened_box(asked: &Asked<'_>) -> Result<(BoxId, BoxRow), Stop> {
    let Some(open) = &asked.desk.open_box else {
        return stop(Refusal::NoOpenBox);
    };
    let row: BoxRow = asked.row(open.as_str())?.unwrap_or_default();
    match row.state {
        BoxState::Opened => Ok((open.clone(), row)),
        state => stop(Refusal::BoxState { state }),
    }
}

/// Was the tube scanned since this box was opened? The box may have been here before with other tubes.
fn compared_here(tube: &TubeRow, open: &BoxId, row: &BoxRow) -> bool {
    tube.box_id.as_ref() == Some(open) && tube.seq > row.seq
}

fn manifest(asked: &Asked<'_>, box_id: &BoxId) -> Result<Manifest, Stop> {
    asked.row(box_id.as_str())?.ok_or(Stop::Refuse(Refusal::NoManifest))
}

pub(in super::super) fn settle(asked: &Asked<'_>, tube: &TubeId, reason: RepairReason) -> Facts {
    match asked.row::<TubeRow>(tube.as_str())? {
        Some(TubeRow { state: TubeState::Disputed, box_id: Some(box_id), .. }) => {
            Ok(vec![Fact::DiscrepancySettled { box_id, tube: tube.clone(), reason }])
        }
        _ => stop(Refusal::NoDiscrepancy),
    }
}

/// A compared box; at a centre one that was started and has nothing in it.
pub(in super::super) fn empty_box(asked: &Asked<'_>, box_id: &BoxId) -> Facts {
    let Some(row) = asked.row::<BoxRow>(box_id.as_str())? else {
        return stop(Refusal::BoxUnknown);
    };
    match row.state {
        BoxState::Compared => Ok(vec![Fact::BoxEmptied { box_id: box_id.clone() }]),
        BoxState::Packing if row.tubes == 0 => Ok(vec![Fact::BoxEmptied { box_id: box_id.clone() }]),
        state => stop(Refusal::BoxState { state }),
    }
}

pub(in super::super) fn opened(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let mut row: BoxRow = change.row(box_id.as_str())?.unwrap_or_default();
    if let Some(seal) = &row.seal {
        seals::take_off(change, seal)?;
    }
    row.state = BoxState::Opened;
    row.seq = change.seq;
    change.put(box_id.as_str(), row)?;
    change.edit_desk(|desk| desk.open_box = Some(box_id.clone()))
}

pub(in super::super) fn tube_received(change: &mut Change<'_>, tube: &TubeId, box_id: &BoxId) -> Applied {
    put_tube(change, tube, TubeState::Received, Some(box_id))?;
    change.edit_box(box_id, |row| row.matched += 1)?;
    change.edit_desk(|desk| desk.counts.tubes_received += 1)
}

pub(in super::super) fn disputed(
    change: &mut Change<'_>,
    box_id: &BoxId,
    tube: &TubeId,
    code: DiscrepancyCode,
) -> Applied {
    put_tube(change, tube, TubeState::Disputed, Some(box_id))?;
    match code {
        DiscrepancyCode::NotOnManifest => change.edit_box(box_id, |row| row.extra += 1),
        DiscrepancyCode::NotInBox => Ok(()),
    }
}

pub(in super::super) fn compared(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let seq = change.seq;
    change.edit_box(box_id, |row| {
        row.state = BoxState::Compared;
        row.seq = seq;
    })?;
    change.edit_desk(|desk| desk.open_box = None)
}

pub(in super::super) fn settled(change: &mut Change<'_>, box_id: &BoxId, tube: &TubeId) -> Applied {
    put_tube(change, tube, TubeState::Settled, Some(box_id))
}

pub(in super::super) fn emptied(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let seq = change.seq;
    change.put(box_id.as_str(), BoxRow { seq, ..BoxRow::default() })?;
    change.ledger.remove(RowKind::Manifest, box_id.as_str())?;
    change.edit_desk(|desk| {
        if desk.open_box.as_ref() == Some(box_id) {
            desk.open_box = None;
        }
    })
}
