//! Timers that warn before a limit is broken, and what an alarm leaves in the ledger.

use super::{
    asked::{Asked, Facts},
    change::{Applied, Change},
    ledger::RowKind,
    row::{BoxRow, DUE, StockRow},
};
use crate::fact::{AlarmKind, ClockQuality, Fact, WallTime};

/// A box is warned of so long before it is due, in milliseconds.
pub const WARN_BEFORE_MS: i64 = 30 * 60 * 1000;
/// A due time further back than this, in milliseconds, was written by a clock that was not set: nothing is so late
/// without having been late, and alarmed, long before.
pub const DUE_PAST_MS_MAX: i64 = DAY_MS;
/// The same for one further ahead, in milliseconds: a box is under way for hours.
pub const DUE_AHEAD_MS_MAX: i64 = 7 * DAY_MS;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Boxes looked at in one tick. A centre holds a few dozen.
const BOXES_MAX: usize = 1_024;
/// Alarms raised in one tick; the others come with the next.
const ALARMS_MAX: usize = 64;

pub(super) fn tick(asked: &Asked<'_>) -> Facts {
    let mut facts = Vec::new();
    if asked.place.now.clock == ClockQuality::Unset {
        return Ok(facts);
    }
    for box_id in asked.ledger.children(RowKind::Box, DUE, BOXES_MAX)? {
        if facts.len() == ALARMS_MAX {
            break;
        }
        let row: BoxRow = asked.row(&box_id)?.unwrap_or_default();
        if let Some(alarm) = alarm(&row, asked.place.now.at) {
            facts.push(Fact::AlarmRaised { alarm, subject: box_id });
        }
    }
    Ok(facts)
}

/// Can a box that is under way now be due then? If not, the time is by a clock that was not set, and nobody is alarmed.
pub fn is_believable(due: WallTime, now: WallTime) -> bool {
    due >= now.plus_ms(-DUE_PAST_MS_MAX) && due <= now.plus_ms(DUE_AHEAD_MS_MAX)
}

/// A box that is late already is not among those that are looked at.
fn alarm(row: &BoxRow, now: WallTime) -> Option<AlarmKind> {
    let due = row.due.filter(|due| is_believable(*due, now))?;
    if now > due {
        return Some(AlarmKind::DeliveryLate);
    }
    let soon = now >= due.plus_ms(-WARN_BEFORE_MS);
    (soon && !row.warned).then_some(AlarmKind::DeliveryDueSoon)
}

/// Notes that an alarm went out, so that it goes out once.
pub(super) fn raised(change: &mut Change<'_>, alarm: AlarmKind, subject: &str) -> Applied {
    match alarm {
        AlarmKind::DeliveryDueSoon | AlarmKind::DeliveryLate => {
            let Some(mut row) = change.row::<BoxRow>(subject)? else {
                return Ok(());
            };
            row.warned = true;
            row.late |= alarm == AlarmKind::DeliveryLate;
            change.put(subject, row)
        }
        AlarmKind::StockLow => change.edit(subject, |row: &mut StockRow| row.low = true),
        _ => Ok(()),
    }
}
