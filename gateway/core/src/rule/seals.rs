//! What is heard of seals.
//!
//! The frame counter written down only grows. An authentic newer frame is believed. Anything else (a frame without
//! authentication, silence) can make the state worse and never better, and moves no counter.

use super::{
    answer::Refusal,
    asked::{Asked, Facts, stop},
    change::{Applied, Change},
    row::{BoxRow, SealRow},
};
use crate::fact::{
    AlarmKind, Fact, SealReading, SealState,
    id::{BoxId, SealId},
};

/// A seal whose state stays is written down this often, in milliseconds of the boot; and so often at the most does a
/// reading without authentication count as news.
pub const HEARD_EVERY_MS: u64 = 60_000;

pub(super) fn note(asked: &Asked<'_>, reading: &SealReading) -> Facts {
    let row: Option<SealRow> = asked.row(reading.seal.as_str())?;
    if is_believed(reading) { note_frame(asked, row, reading) } else { note_hearsay(asked, row, reading) }
}

fn note_frame(asked: &Asked<'_>, row: Option<SealRow>, reading: &SealReading) -> Facts {
    let Some(row) = row else {
        return changed(asked, None, SealState::Unread, reading);
    };
    let reading = &with_doubt(&row, reading);
    if is_replay(&row, reading) {
        return stop(Refusal::SealReplay);
    }
    if row.reading == *reading {
        return Ok(Vec::new());
    }
    if news(&row, reading) {
        let before = row.reading.state;
        return changed(asked, row.box_id, before, reading);
    }
    let place = asked.place;
    let heard = row.boot == place.boot && place.now.up_ms.saturating_sub(row.up_ms) < HEARD_EVERY_MS;
    Ok(if heard { Vec::new() } else { vec![Fact::SealHeard { reading: reading.clone() }] })
}

/// A clock that was in doubt once stays so: closed is not believed any more.
fn with_doubt(row: &SealRow, reading: &SealReading) -> SealReading {
    let mut reading = reading.clone();
    if row.doubted && matches!(reading.state, SealState::Closed | SealState::LowBattery) {
        reading.state = SealState::ClockInDoubt;
    }
    reading
}

/// Another state, or another count of openings: it was opened and closed between two frames.
fn news(row: &SealRow, reading: &SealReading) -> bool {
    row.reading.state != reading.state || row.reading.event_count != reading.event_count
}

fn note_hearsay(asked: &Asked<'_>, row: Option<SealRow>, reading: &SealReading) -> Facts {
    let (on, before, raised_ms) = match row {
        // Only what was cleared since must wait; worse on top of bad is said at once.
        Some(row) if row.boot == asked.place.boot && row.reading.authentic => {
            (row.box_id, row.reading.state, row.raised_ms)
        }
        Some(row) => (row.box_id, row.reading.state, None),
        None => (None, SealState::Unread, None),
    };
    let just_raised = raised_ms.is_some_and(|at| asked.place.now.up_ms.saturating_sub(at) < HEARD_EVERY_MS);
    if just_raised || severity(reading.state) <= severity(before) {
        return Ok(Vec::new());
    }
    changed(asked, on, before, reading)
}

/// The change, and an alarm where the seal is on a box in the hands of this site.
fn changed(asked: &Asked<'_>, on: Option<BoxId>, before: SealState, reading: &SealReading) -> Facts {
    let mut facts = vec![Fact::SealChanged { box_id: on.clone(), reading: reading.clone(), before }];
    let Some(box_id) = on else {
        return Ok(facts);
    };
    let row: BoxRow = asked.row(box_id.as_str())?.unwrap_or_default();
    let reopened =
        row.sealed_count.is_some() && is_believed(reading) && reading.event_count != row.sealed_count;
    let alarm = match reading.state {
        SealState::Open => Some(AlarmKind::SealOpened),
        SealState::Tampered => Some(AlarmKind::SealTampered),
        SealState::Silent => Some(AlarmKind::SealSilent),
        SealState::ClockInDoubt => Some(AlarmKind::SealClockInDoubt),
        SealState::Closed | SealState::LowBattery if reopened && before != SealState::Open => {
            Some(AlarmKind::SealOpened)
        }
        SealState::LowBattery if before != SealState::LowBattery => Some(AlarmKind::SealBatteryLow),
        SealState::Closed | SealState::LowBattery | SealState::Unread => None,
    };
    if let Some(alarm) = alarm.filter(|_| row.is_in_custody()) {
        facts.push(Fact::AlarmRaised { alarm, subject: box_id.to_string() });
    }
    Ok(facts)
}

/// A seal that was started anew has had its battery out: on a box in the hands of this site that is an alarm. What it
/// says of itself stands.
pub(super) fn note_restart(asked: &Asked<'_>, seal: &SealId) -> Facts {
    let row: Option<SealRow> = asked.row(seal.as_str())?;
    let Some(box_id) = row.and_then(|row| row.box_id) else {
        return Ok(Vec::new());
    };
    let row: BoxRow = asked.row(box_id.as_str())?.unwrap_or_default();
    let alarm = Fact::AlarmRaised { alarm: AlarmKind::SealRestarted, subject: box_id.to_string() };
    Ok(if row.is_in_custody() { vec![alarm] } else { Vec::new() })
}

/// A frame that was authenticated, and not the lack of one.
fn is_believed(reading: &SealReading) -> bool {
    reading.authentic
        && reading.counter.is_some()
        && !matches!(reading.state, SealState::Silent | SealState::Unread)
}

/// An authentic frame that is not newer than the one written down, and is not that one.
pub(super) fn is_replay(row: &SealRow, reading: &SealReading) -> bool {
    // With a key that was replaced: whoever has it is not the seal.
    if is_believed(reading) && reading.pairing < row.pairing {
        return true;
    }
    match (row.reading.counter, reading.counter) {
        (Some(stored), Some(counter)) if is_believed(reading) => {
            counter < stored || counter == stored && !is_same_frame(row, reading)
        }
        _ => false,
    }
}

/// The stored counter may come from a manifest, without a state; or be a frame's whose state hearsay made worse.
fn is_same_frame(row: &SealRow, reading: &SealReading) -> bool {
    row.reading.authentic && row.reading == *reading
}

fn severity(state: SealState) -> u8 {
    match state {
        SealState::Unread | SealState::Closed | SealState::LowBattery => 0,
        SealState::Silent | SealState::ClockInDoubt => 1,
        SealState::Open => 2,
        SealState::Tampered => 3,
    }
}

pub(super) fn heard(change: &mut Change<'_>, reading: &SealReading) -> Applied {
    let mut row = seal_row(change, &reading.seal)?;
    let (up_ms, boot) = (change.place.now.up_ms, change.place.boot);
    if row.boot != boot {
        row.raised_ms = None;
    }
    if is_believed(reading) {
        if !is_replay(&row, reading) {
            row.reading = reading.clone();
        }
    } else if severity(reading.state) > severity(row.reading.state) {
        row.reading.state = reading.state;
        row.reading.authentic = false;
        row.raised_ms = Some(up_ms);
    }
    row.doubted |= is_believed(reading) && reading.state == SealState::ClockInDoubt;
    row.up_ms = up_ms;
    row.boot = boot;
    change.put(reading.seal.as_str(), row)
}

/// It was paired anew: what was heard with the old key counts no more. The box that it is on stays.
pub(super) fn repaired(change: &mut Change<'_>, seal: &SealId, pairing: u32) -> Applied {
    let before = seal_row(change, seal)?;
    let row = SealRow { box_id: before.box_id, pairing, ..new_row(seal) };
    change.put(seal.as_str(), row)
}

/// The pairing of a seal that was never met.
pub(super) fn note_pairing(change: &mut Change<'_>, seal: &SealId, pairing: u32) -> Applied {
    match change.row::<SealRow>(seal.as_str())? {
        Some(_) => Ok(()),
        None => change.put(seal.as_str(), SealRow { pairing, ..new_row(seal) }),
    }
}

pub(super) fn put_on(change: &mut Change<'_>, seal: &SealId, box_id: &BoxId) -> Applied {
    let row = SealRow { box_id: Some(box_id.clone()), ..seal_row(change, seal)? };
    change.put(seal.as_str(), row)
}

pub(super) fn take_off(change: &mut Change<'_>, seal: &SealId) -> Applied {
    let row = SealRow { box_id: None, ..seal_row(change, seal)? };
    change.put(seal.as_str(), row)
}

/// The counter that travelled with a box: no frame at or below it is taken here, and one that was taken before the
/// counter came is believed no more.
///
/// Counters of an earlier pairing say nothing. One of a later pairing, whose order has not come yet, begins it here.
pub(super) fn raise_floor(change: &mut Change<'_>, seal: &SealId, counter: u32, pairing: u32) -> Applied {
    let mut row = seal_row(change, seal)?;
    if row.pairing > pairing {
        return Ok(());
    }
    if row.pairing < pairing {
        row = SealRow { box_id: row.box_id, pairing, ..new_row(seal) };
    }
    if row.reading.counter.is_some_and(|stored| stored > counter) {
        return Ok(());
    }
    row.reading.counter = Some(counter);
    row.reading.authentic = false;
    change.put(seal.as_str(), row)
}

fn seal_row(change: &Change<'_>, seal: &SealId) -> Result<SealRow, super::LedgerError> {
    Ok(change.row(seal.as_str())?.unwrap_or_else(|| new_row(seal)))
}

fn new_row(seal: &SealId) -> SealRow {
    SealRow {
        reading: SealReading {
            seal: seal.clone(),
            state: SealState::Unread,
            authentic: false,
            counter: None,
            event_count: None,
            battery_percent: None,
            pairing: 0,
        },
        box_id: None,
        up_ms: 0,
        boot: 0,
        raised_ms: None,
        doubted: false,
        pairing: 0,
    }
}
