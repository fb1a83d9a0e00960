//! Shifts and people: the first badge opens a shift, the next one changes person, a word ends it.

use jiff::civil::Date;

use super::{
    act::Act,
    answer::{Already, Refusal},
    asked::{Asked, Facts, stop},
    change::{Applied, Change},
    ledger::LedgerError,
    pin::{self, PinProof},
    row::{Desk, ONLY, Paper, StaffRow},
};
use crate::fact::{Fact, Role, ShiftCounts, WallTime, id::OperatorId};

pub(super) fn sign_in(asked: &Asked<'_>, badge: &str, day: &str, proof: Option<&PinProof>) -> Facts {
    let Some(person) = asked.row::<StaffRow>(badge)? else {
        return stop(Refusal::UnknownBadge);
    };
    // The record names whose badge it was, nobody else.
    if asked.place.by.is_some_and(|by| *by != person.operator) {
        return stop(Refusal::NotSignedIn);
    }
    if asked.desk.operator.as_ref() == Some(&person.operator) {
        return stop(Already::SignedIn);
    }
    if asked.desk.day.is_none() && !is_day(day) {
        return stop(Refusal::BadDay);
    }
    if let Some(wrong) = pin::weigh(asked, &person, proof)? {
        return Ok(vec![wrong]);
    }
    if asked.desk.day.is_some() {
        return Ok(vec![Fact::SignedIn { role: person.role }]);
    }
    Ok(vec![Fact::ShiftOpened { role: person.role, day: day.to_owned() }])
}

pub(super) fn close(asked: &Asked<'_>, unsynced: u64) -> Facts {
    Ok(vec![Fact::ShiftClosed { counts: asked.desk.counts, unsynced }])
}

pub(super) fn end_session(asked: &Asked<'_>) -> Facts {
    // The gateway asks: the counter is not read for it.
    let desk: Option<Desk> = asked.row(ONLY)?;
    let operator = desk.and_then(|desk| desk.operator);
    Ok(operator.map(|operator| Fact::SessionEnded { operator }).into_iter().collect())
}

/// A civil day in the one way that days are compared in: as text.
pub(super) fn is_day(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|day| day.to_string() == text)
}

/// When a day is over in the last time zone, which is twelve hours behind UTC; none where the text is no day.
pub(super) fn end_of_day_everywhere(day: &str) -> Option<WallTime> {
    let next = day.parse::<Date>().ok()?.tomorrow().ok()?;
    let noon = next.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(WallTime(noon.timestamp().as_millisecond()))
}

pub(super) fn opened(change: &mut Change<'_>, role: Role, day: &str, act: &Act) -> Applied {
    let who = who(change, act)?;
    let_in(change, who.as_ref())?;
    let opened = change.place.now.at;
    change.edit_desk(|desk| {
        desk.operator = who;
        desk.role = Some(role);
        desk.day = Some(day.to_owned());
        desk.opened = Some(opened);
        desk.counts = ShiftCounts::default();
    })
}

pub(super) fn signed_in(change: &mut Change<'_>, role: Role, act: &Act) -> Applied {
    let who = who(change, act)?;
    let_in(change, who.as_ref())?;
    change.edit_desk(|desk| {
        desk.operator = who;
        desk.role = Some(role);
    })
}

fn let_in(change: &mut Change<'_>, who: Option<&OperatorId>) -> Applied {
    who.map_or(Ok(()), |who| pin::cleared(change, who))
}

/// The day goes on; only nobody is at the counter.
pub(super) fn session_ended(change: &mut Change<'_>) -> Applied {
    change.edit_desk(|desk| {
        desk.operator = None;
        desk.role = None;
    })
}

/// The box on the desk stays there for the next shift.
pub(super) fn closed(change: &mut Change<'_>) -> Applied {
    let seq = change.seq;
    change.edit_desk(|desk| {
        *desk = Desk { open_box: desk.open_box.take(), paper: Some(Paper::of(seq)), ..Desk::default() };
    })
}

fn who(change: &Change<'_>, act: &Act) -> Result<Option<OperatorId>, LedgerError> {
    match (change.place.by, act) {
        (Some(by), _) => Ok(Some(by.clone())),
        (None, Act::SignIn { badge, .. }) => Ok(change.row::<StaffRow>(badge)?.map(|row| row.operator)),
        (None, _) => Ok(None),
    }
}
