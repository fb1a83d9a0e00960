//! What is wrong because time has passed: handovers that do not pair, boxes that are late.

use rusqlite::Connection;

use crate::{
    places::Places,
    store::{
        alarm::{HubAlarm, raise},
        open::StoreError,
        sql,
    },
};

/// Looks at the clock.
pub(crate) fn tick(
    db: &Connection,
    places: &Places,
    now_ms: i64,
    pair_within_ms: i64,
) -> Result<(), StoreError> {
    let mut query = db.prepare_cached(sql::BOX_LATE)?;
    let mut rows = query.query([now_ms])?;
    while let Some(row) = rows.next()? {
        let (code, holder, due_ms): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let gateway = places.iter().find(|place| place.site.as_str() == holder);
        let gateway = gateway.map_or(holder.as_str(), |place| place.gateway.as_str());
        raise(db, HubAlarm::NotReceivedInTime, &code, gateway, due_ms)?;
    }
    let mut query = db.prepare_cached(sql::UNPAIRED_DUE)?;
    let mut rows = query.query([now_ms.saturating_sub(pair_within_ms)])?;
    while let Some(row) = rows.next()? {
        let (code, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let (time_ms, gateway): (i64, String) = (row.get(2)?, row.get(3)?);
        let alarm = if kind == "handover" { HubAlarm::HandoverUnpaired } else { HubAlarm::ReceiptUnpaired };
        raise(db, alarm, &code, &gateway, time_ms.saturating_add(pair_within_ms))?;
    }
    Ok(())
}
