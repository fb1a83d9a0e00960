//! What the control room sees at a glance.

use rusqlite::Connection;
use serde::Serialize;
use waypost_core::fact::WallTime;

use super::Totals;
use crate::{
    places::Places,
    store::{meta::meta, open::StoreError, sql},
};

/// Most boxes in a summary, the latest changed first.
pub const BOXES_MAX: u32 = 1_000;

/// Most alarms in a summary, the newest first.
pub const ALARMS_MAX: u32 = 1_000;

/// `GET /api/summary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Every gateway of the configuration.
    pub gateways: Vec<GatewayRow>,
    /// Boxes.
    pub boxes: Vec<BoxRow>,
    /// Alarms that stand.
    pub alarms: Vec<AlarmRow>,
    /// Counts over everything.
    pub totals: Totals,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayRow {
    /// Its id.
    pub id: String,
    /// Its site.
    pub site: String,
    /// When it was last heard, in the hub's time; none: never.
    pub last_seen: Option<WallTime>,
    /// Records that it has and the hub has not acknowledged, as it last said.
    pub queued: u64,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxRow {
    /// Its id.
    pub id: String,
    /// See [`super::custody::BoxView::state`].
    pub state: String,
    /// The site that has it.
    pub holder: String,
    /// Since when.
    pub since: WallTime,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmRow {
    /// What.
    pub kind: String,
    /// The box, seal, item, journal or claim it is about.
    pub subject: String,
    /// Since when.
    pub since: WallTime,
    /// The gateway or gateways that it comes from.
    pub gateway: String,
}

/// Reads the summary, all of one moment.
pub(crate) fn read(db: &Connection, places: &Places) -> Result<Summary, StoreError> {
    let moment = db.unchecked_transaction()?;
    let mut totals: Totals = match meta(&moment, "totals")? {
        Some(json) => serde_json::from_str(&json).map_err(|_| StoreError::Row("totals"))?,
        None => Totals::default(),
    };
    totals.boxes.alarmed = moment.query_row(sql::BOX_ALARMED_COUNT, [], |row| row.get(0))?;
    Ok(Summary {
        gateways: gateways(&moment, places)?,
        boxes: boxes(&moment)?,
        alarms: alarms(&moment)?,
        totals,
    })
}

fn gateways(db: &Connection, places: &Places) -> Result<Vec<GatewayRow>, StoreError> {
    let mut query = db.prepare_cached(sql::GATEWAY_ALL)?;
    let heard = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    let heard = heard.collect::<Result<std::collections::HashMap<String, (i64, u64)>, _>>()?;
    let row = |place: &crate::places::Place| {
        let heard = heard.get(place.gateway.as_str());
        GatewayRow {
            id: place.gateway.to_string(),
            site: place.site.to_string(),
            last_seen: heard.map(|(seen_ms, _)| WallTime(*seen_ms)),
            queued: heard.map_or(0, |(_, queued)| *queued),
        }
    };
    Ok(places.iter().map(row).collect())
}

fn boxes(db: &Connection) -> Result<Vec<BoxRow>, StoreError> {
    let mut query = db.prepare_cached(sql::BOX_ALL)?;
    let rows = query.query_map([BOXES_MAX], |row| {
        let since = WallTime(row.get(3)?);
        Ok(BoxRow { id: row.get(0)?, state: row.get(1)?, holder: row.get(2)?, since })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn alarms(db: &Connection) -> Result<Vec<AlarmRow>, StoreError> {
    let mut query = db.prepare_cached(sql::ALARM_OPEN)?;
    let rows = query.query_map([ALARMS_MAX], |row| {
        let since = WallTime(row.get(3)?);
        Ok(AlarmRow { kind: row.get(0)?, subject: row.get(1)?, gateway: row.get(2)?, since })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
