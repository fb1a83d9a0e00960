//! A tube is collected and packed; a box is started, closed with its checklist, and perhaps opened again.
//!
//! One box is open on a desk. A tube is in one box at the most, and only an open box takes one.

use super::super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    row::{BoxRow, BoxState, TubeRow, TubeState},
};
use crate::fact::{
    Checklist, Fact,
    id::{BookingId, BoxId, TubeId},
};

pub(in super::super) fn scan_tube(asked: &Asked<'_>, tube: &TubeId, booking: Option<&BookingId>) -> Facts {
    let known: Option<TubeRow> = asked.row(tube.as_str())?;
    let collected = || Fact::TubeCollected { tube: tube.clone(), booking: booking.cloned() };
    let Some(open) = &asked.desk.open_box else {
        return match known.map(|row| row.state) {
            None => Ok(vec![collected()]),
            Some(TubeState::Collected) => stop(Already::Collected),
            Some(state) => stop(Refusal::TubeState { state }),
        };
    };
    let new = match known {
        None => true,
        Some(TubeRow { state: TubeState::Collected, .. }) => false,
        Some(row) => return stop(why_not_packed(row, open)),
    };
    has_room(asked, &packing(asked, open)?)?;
    let packed = Fact::TubePacked { tube: tube.clone(), box_id: open.clone() };
    Ok(if new { vec![collected(), packed] } else { vec![packed] })
}

/// What is said of a tube that is somewhere else than on the desk.
fn why_not_packed(row: TubeRow, open: &BoxId) -> Stop {
    match (row.state, row.box_id) {
        (TubeState::Packed, Some(box_id)) if box_id == *open => Already::InThisBox.into(),
        (TubeState::Packed, Some(box_id)) => Refusal::TubeInOtherBox { box_id }.into(),
        (state, _) => Refusal::TubeState { state }.into(),
    }
}

fn packing(asked: &Asked<'_>, open: &BoxId) -> Result<BoxRow, Stop> {
    let row: BoxRow = asked.row(open.as_str())?.unwrap_or_default();
    match row.state {
        BoxState::Packing => Ok(row),
        state => stop(Refusal::BoxState { state }),
    }
}

fn has_room(asked: &Asked<'_>, row: &BoxRow) -> Result<(), Stop> {
    let tubes_max = asked.place.box_tubes_max;
    if row.tubes >= tubes_max { stop(Refusal::BoxFull { tubes_max }) } else { Ok(()) }
}

pub(in super::super) fn start_box(asked: &Asked<'_>, box_id: &BoxId) -> Facts {
    if asked.desk.open_box.as_ref() == Some(box_id) {
        return stop(Already::BoxOpen);
    }
    let row: BoxRow = asked.row(box_id.as_str())?.unwrap_or_default();
    let begun = match row.state {
        // A box that was handed over has come back.
        BoxState::Empty | BoxState::HandedOver => Fact::BoxStarted { box_id: box_id.clone() },
        // It was opened again for a tube that was moved out of it.
        BoxState::Packing => Fact::BoxReopened { box_id: box_id.clone(), mends: row.seq },
        state => return stop(Refusal::BoxState { state }),
    };
    clear_desk(asked, begun)
}

pub(in super::super) fn reopen_box(asked: &Asked<'_>, box_id: &BoxId) -> Facts {
    if asked.desk.open_box.as_ref() == Some(box_id) {
        return stop(Already::BoxOpen);
    }
    let Some(row) = asked.row::<BoxRow>(box_id.as_str())? else {
        return stop(Refusal::BoxUnknown);
    };
    match row.state {
        BoxState::Closed | BoxState::Packing => {
            clear_desk(asked, Fact::BoxReopened { box_id: box_id.clone(), mends: row.seq })
        }
        state => stop(Refusal::BoxState { state }),
    }
}

/// Puts a box on the desk. One that lies there with nothing in it was chosen by mistake and is put back.
fn clear_desk(asked: &Asked<'_>, begun: Fact) -> Facts {
    let Some(open) = &asked.desk.open_box else {
        return Ok(vec![begun]);
    };
    if packing(asked, open)?.tubes > 0 {
        return stop(Refusal::OtherBoxOpen { box_id: open.clone() });
    }
    Ok(vec![Fact::BoxEmptied { box_id: open.clone() }, begun])
}

pub(in super::super) fn undo_tube(asked: &Asked<'_>) -> Facts {
    let (Some((mends, tube)), Some(open)) = (&asked.desk.last_packed, &asked.desk.open_box) else {
        return stop(Refusal::NothingToUndo);
    };
    let row: Option<TubeRow> = asked.row(tube)?;
    let still_there = row.is_some_and(|row| {
        row.state == TubeState::Packed && row.seq == *mends && row.box_id.as_ref() == Some(open)
    });
    match TubeId::new(tube.as_str()) {
        Ok(tube) if still_there => Ok(vec![Fact::TubeTakenOut { tube, box_id: open.clone(), mends: *mends }]),
        _ => stop(Refusal::NothingToUndo),
    }
}

pub(in super::super) fn move_tube(asked: &Asked<'_>, tube: &TubeId) -> Facts {
    let Some(open) = &asked.desk.open_box else {
        return stop(Refusal::NoOpenBox);
    };
    let Some(row) = asked.row::<TubeRow>(tube.as_str())? else {
        return stop(Refusal::TubeUnknown);
    };
    let from = match (row.state, row.box_id) {
        (TubeState::Packed, Some(from)) if from == *open => return stop(Already::InThisBox),
        (TubeState::Packed, Some(from)) => from,
        (state, _) => return stop(Refusal::TubeState { state }),
    };
    let source: BoxRow = asked.row(from.as_str())?.unwrap_or_default();
    has_room(asked, &packing(asked, open)?)?;
    let moved = Fact::TubeMoved { tube: tube.clone(), from: from.clone(), to: open.clone(), mends: row.seq };
    match source.state {
        BoxState::Packing => Ok(vec![moved]),
        // What was confirmed at its closing no longer holds: it is open again.
        BoxState::Closed => Ok(vec![Fact::BoxReopened { box_id: from, mends: source.seq }, moved]),
        state => stop(Refusal::BoxState { state }),
    }
}

pub(in super::super) fn close_box(asked: &Asked<'_>, checklist: &Checklist) -> Facts {
    let Some(open) = &asked.desk.open_box else {
        return stop(Refusal::NoOpenBox);
    };
    let row = packing(asked, open)?;
    if row.tubes == 0 {
        return stop(Refusal::BoxEmpty);
    }
    if !checklist.is_complete() {
        return stop(Refusal::ChecklistIncomplete);
    }
    Ok(vec![Fact::BoxClosed { box_id: open.clone(), tubes: row.tubes, checklist: *checklist }])
}

pub(in super::super) fn collected(change: &mut Change<'_>, tube: &TubeId) -> Applied {
    put_tube(change, tube, TubeState::Collected, None)?;
    change.edit_desk(|desk| desk.counts.tubes_collected += 1)
}

pub(in super::super) fn started(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let seq = change.seq;
    change.put(box_id.as_str(), BoxRow { state: BoxState::Packing, seq, ..BoxRow::default() })?;
    change.edit_desk(|desk| {
        desk.open_box = Some(box_id.clone());
        desk.last_packed = None;
    })
}

pub(in super::super) fn packed(change: &mut Change<'_>, tube: &TubeId, box_id: &BoxId) -> Applied {
    put_tube(change, tube, TubeState::Packed, Some(box_id))?;
    change.edit_box(box_id, |row| row.tubes += 1)?;
    let seq = change.seq;
    change.edit_desk(|desk| {
        desk.counts.tubes_packed += 1;
        desk.last_packed = Some((seq, tube.as_str().to_owned()));
    })
}

pub(in super::super) fn taken_out(change: &mut Change<'_>, tube: &TubeId, box_id: &BoxId) -> Applied {
    put_tube(change, tube, TubeState::Collected, None)?;
    change.edit_box(box_id, |row| row.tubes = row.tubes.saturating_sub(1))?;
    change.edit_desk(|desk| {
        desk.counts.tubes_packed = desk.counts.tubes_packed.saturating_sub(1);
        desk.last_packed = None;
    })
}

pub(in super::super) fn moved(change: &mut Change<'_>, tube: &TubeId, from: &BoxId, to: &BoxId) -> Applied {
    put_tube(change, tube, TubeState::Packed, Some(to))?;
    change.edit_box(from, |row| row.tubes = row.tubes.saturating_sub(1))?;
    change.edit_box(to, |row| row.tubes += 1)?;
    let seq = change.seq;
    change.edit_desk(|desk| desk.last_packed = Some((seq, tube.as_str().to_owned())))
}

pub(in super::super) fn closed(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let seq = change.seq;
    change.edit_box(box_id, |row| {
        row.state = BoxState::Closed;
        row.seq = seq;
    })?;
    change.edit_desk(|desk| {
        desk.open_box = None;
        desk.last_packed = None;
    })
}

/// It comes onto the desk where that is free, else it waits beside it.
pub(in super::super) fn reopened(change: &mut Change<'_>, box_id: &BoxId) -> Applied {
    let seq = change.seq;
    change.edit_box(box_id, |row| {
        row.state = BoxState::Packing;
        row.seq = seq;
    })?;
    change.edit_desk(|desk| {
        desk.open_box.get_or_insert_with(|| box_id.clone());
    })
}

pub(super) fn put_tube(
    change: &mut Change<'_>,
    tube: &TubeId,
    state: TubeState,
    box_id: Option<&BoxId>,
) -> Applied {
    let seq = change.seq;
    change.put(tube.as_str(), TubeRow { state, box_id: box_id.cloned(), seq })
}
