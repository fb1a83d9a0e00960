//! The whole chain of hands of a tube or a box, from every record that speaks of it.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use waypost_core::fact::{Fact, Record, WallTime, id::BoxId};

use crate::{
    places::Places,
    store::{open::StoreError, sql},
    time,
};

/// Most records of one code that are read.
const TRAIL_MAX: u32 = 20_000;

/// `GET /api/trace/CODE`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The code.
    pub code: String,
    /// `tube` or `box`.
    pub kind: &'static str,
    /// What happened to it, in order.
    pub trail: Vec<Step>,
}

/// One record of the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// When, corrected.
    pub time: WallTime,
    /// Whether the clock was right or could be corrected.
    pub time_sure: bool,
    /// Which gateway recorded it.
    pub gateway: String,
    /// Where.
    pub site: String,
    /// Who; absent where the gateway itself noted it.
    pub by: Option<String>,
    /// The kind of fact.
    pub what: String,
    /// All else that the fact says.
    pub detail: Value,
    /// Where the record stands.
    pub record: Place,
}

/// A record's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The journal.
    pub journal: Uuid,
    /// Its number there.
    pub seq: u64,
}

/// A record of the trail, with its corrected time.
struct Found {
    no: i64,
    seq: u64,
    journal: Uuid,
    gateway: String,
    record: Record,
    line: String,
    time: time::Corrected,
}

/// Reads the chain; none where no record speaks of that code.
pub(crate) fn read(db: &Connection, places: &Places, code: &str) -> Result<Option<Trace>, StoreError> {
    let moment = db.unchecked_transaction()?;
    let mut found = load(&moment, code)?;
    if found.is_empty() {
        return Ok(None);
    }
    let is_tube = found.iter().any(|one| tube_of(&one.record.fact) == Some(code));
    if is_tube {
        add_its_boxes(&moment, &mut found)?;
    }
    // By time, but a journal's own numbers are the order within it.
    found.sort_by_key(|one| (one.no, one.seq));
    let mut before: Option<(i64, WallTime)> = None;
    let mut keyed = Vec::with_capacity(found.len());
    for one in found {
        let floor = before.filter(|(no, _)| *no == one.no).map(|(_, at)| at);
        let at = floor.map_or(one.time.at, |floor| floor.max(one.time.at));
        before = Some((one.no, at));
        keyed.push((at, one));
    }
    keyed.sort_by_key(|(at, one)| (*at, one.no, one.seq));
    let trail = keyed.into_iter().map(|(_, one)| one.step(places)).collect();
    Ok(Some(Trace { code: code.to_owned(), kind: if is_tube { "tube" } else { "box" }, trail }))
}

/// What happened to the boxes that the tube was in, from its packing to the box's emptying.
fn add_its_boxes(db: &Connection, found: &mut Vec<Found>) -> Result<(), StoreError> {
    let mut packings: Vec<(BoxId, (WallTime, i64, u64))> = Vec::new();
    for one in found.iter() {
        match &one.record.fact {
            Fact::TubePacked { box_id, .. } => {
                packings.push((box_id.clone(), (one.time.at, one.no, one.seq)))
            }
            Fact::TubeMoved { from, to, .. } => {
                packings.retain(|(packed, _)| packed != from);
                packings.push((to.clone(), (one.time.at, one.no, one.seq)));
            }
            Fact::TubeTakenOut { box_id, .. } => packings.retain(|(packed, _)| packed != box_id),
            _ => {}
        }
    }
    for (box_id, (since, no, seq)) in packings {
        let mut of_box = load(db, box_id.as_str())?;
        of_box.sort_by_key(|one| (one.time.at, one.no, one.seq));
        // Within a journal the numbers are the order: a box may be started and packed in one millisecond.
        let after = |one: &Found| if one.no == no { one.seq > seq } else { one.time.at >= since };
        let of_box = of_box.into_iter().filter(after);
        for one in of_box {
            match &one.record.fact {
                Fact::BoxEmptied { .. } | Fact::BoxStarted { .. } => break,
                // Of other tubes, or of this one and found already.
                fact if tube_of(fact).is_some() => {}
                _ => found.push(one),
            }
        }
    }
    Ok(())
}

fn load(db: &Connection, code: &str) -> Result<Vec<Found>, StoreError> {
    let mut query = db.prepare_cached(sql::TRAIL_ALL)?;
    let mut offset = db.prepare_cached(sql::BOOT_GET)?;
    let mut rows = query.query((code, TRAIL_MAX))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let no: i64 = row.get(0)?;
        let line: String = row.get(4)?;
        let Ok(record) = Record::from_line(&line) else { continue };
        let offset_ms = offset.query_row((no, record.boot), |row| row.get(0)).optional()?;
        let time = time::correct(record.at, record.clock, record.up_ms, offset_ms);
        let journal = Uuid::from_bytes(row.get(2)?);
        found.push(Found { no, seq: row.get(1)?, journal, gateway: row.get(3)?, record, line, time });
    }
    Ok(found)
}

impl Found {
    fn step(self, places: &Places) -> Step {
        // Read once more as plain JSON: whatever the fact says is shown, under the names of the record.
        let mut detail = match serde_json::from_str::<Value>(&self.line) {
            Ok(Value::Object(mut record)) => record.remove("fact").unwrap_or_default(),
            _ => Value::Null,
        };
        let kind = detail.as_object_mut().and_then(|fact| fact.remove("kind"));
        let what = kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let site = places.gateway(&self.gateway).map_or_else(String::new, |place| place.site.to_string());
        Step {
            time: self.time.at,
            time_sure: self.time.sure,
            gateway: self.gateway,
            site,
            by: self.record.by.map(String::from),
            what,
            detail,
            record: Place { journal: self.journal, seq: self.seq },
        }
    }
}

/// The tube that a fact is about.
fn tube_of(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::TubeCollected { tube, .. }
        | Fact::TubePacked { tube, .. }
        | Fact::TubeTakenOut { tube, .. }
        | Fact::TubeMoved { tube, .. }
        | Fact::TubeReceived { tube, .. }
        | Fact::DiscrepancyFound { tube, .. }
        | Fact::DiscrepancySettled { tube, .. } => Some(tube.as_str()),
        _ => None,
    }
}
