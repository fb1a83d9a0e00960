//! Keeps the row of a box, its unpaired handovers and its manifest in step with its events.

use rusqlite::Connection;

use super::custody::{self, Event, What};
use crate::{
    places::Places,
    store::{
        alarm::{HubAlarm, settle},
        open::StoreError,
        sql,
    },
    time,
};
use waypost_core::fact::WallTime;

/// The latest events of a box that are looked at; a round has about ten.
const EVENTS_MAX: u32 = 512;

/// Works out anew where a box is. True where its manifest is no longer needed and went.
pub(super) fn refold(db: &Connection, places: &Places, code: &str, now_ms: i64) -> Result<bool, StoreError> {
    let events = load(db, code)?;
    let kind_of = |site: &str| places.kind(site);
    let Some(view) = custody::view(&events, &kind_of) else { return Ok(false) };
    let about: bool = db.prepare_cached(sql::ALARM_ABOUT)?.query_row([code], |row| row.get(0))?;
    let alarmed = about || view.flagged;
    db.prepare_cached(sql::BOX_SET)?.execute((
        code,
        view.state,
        &view.holder,
        view.since_ms,
        view.due_ms,
        view.delivered,
        view.compared,
        alarmed,
    ))?;
    // Also where the time was found to be later than it seemed: what is late all the same is raised again.
    if view.delivered || view.due_ms.is_none_or(|due_ms| due_ms >= now_ms) {
        settle(db, HubAlarm::NotReceivedInTime, code, now_ms)?;
    }
    keep_unpaired(db, code, &custody::unpaired(&events), now_ms)?;
    Ok(view.compared && db.prepare_cached(sql::MANIFEST_DELETE)?.execute([code])? > 0)
}

fn keep_unpaired(
    db: &Connection,
    code: &str,
    alone: &[custody::Unpaired],
    now_ms: i64,
) -> Result<(), StoreError> {
    db.prepare_cached(sql::UNPAIRED_CLEAR)?.execute([code])?;
    for end in alone {
        let kind = if end.given { "handover" } else { "receipt" };
        let params = (code, end.journal, end.seq, kind, &end.giver, &end.taker, end.time_ms);
        db.prepare_cached(sql::UNPAIRED_INSERT)?.execute(params)?;
    }
    if !alone.iter().any(|end| end.given) {
        settle(db, HubAlarm::HandoverUnpaired, code, now_ms)?;
    }
    if alone.iter().all(|end| end.given) {
        settle(db, HubAlarm::ReceiptUnpaired, code, now_ms)?;
    }
    Ok(())
}

fn load(db: &Connection, code: &str) -> Result<Vec<Event>, StoreError> {
    let mut query = db.prepare_cached(sql::BOX_EVENTS)?;
    let mut rows = query.query((code, EVENTS_MAX))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(what) = What::of(row.get(2)?) else { continue };
        let quality = time::quality_of(row.get(9)?);
        let (at, stored_ms) = (WallTime(row.get(8)?), row.get(10)?);
        let corrected = time::correct(at, quality, row.get(7)?, row.get(11)?);
        let due: Option<i64> = row.get(6)?;
        events.push(Event {
            journal: row.get(0)?,
            seq: row.get(1)?,
            what,
            site: row.get(3)?,
            other: row.get(4)?,
            flagged: row.get(5)?,
            due_ms: due
                .and_then(|due| corrected.due(at, WallTime(due), WallTime(stored_ms)))
                .map(WallTime::as_millis),
            // A clock that nothing confirms may say anything: until it is found, the time it came here is nearer.
            time_ms: if corrected.sure { corrected.at.as_millis() } else { stored_ms },
        });
    }
    Ok(events)
}
