//! What each kind of fact does to the projections. Each line is read once.

use rusqlite::{Connection, OptionalExtension};
use waypost_core::{
    fact::{
        ExceptionReason, Fact, Record, SealReading, SiteKind, WallTime,
        id::{BoxId, TubeId},
    },
    rule::row::Manifest,
};

use super::{Projections, custody::What};
use crate::{
    restore,
    store::{
        alarm::{HubAlarm, note, raise},
        known::{Known, NUMBER_MAX},
        open::StoreError,
        sql,
    },
    time,
};

/// What a record is known by, beside what it says.
struct Context<'a> {
    db: &'a Connection,
    known: &'a Known,
    seq: u64,
    record: &'a Record,
    now_ms: i64,
}

impl Projections {
    /// Takes one line that `held` has passed. A line that cannot be read is counted and harms nothing.
    pub(crate) fn take(
        &mut self,
        db: &Connection,
        known: &Known,
        seq: u64,
        line: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.totals.records += 1;
        let record = match Record::from_line(line) {
            Ok(record) if record.seq == seq => record,
            _ => {
                self.totals.unreadable += 1;
                tracing::warn!(journal = %known.id, seq, "a record that this version cannot read is kept as it is");
                return Ok(());
            }
        };
        if record.at.as_millis() > now_ms.saturating_add(time::AHEAD_MS_MAX) {
            raise(db, HubAlarm::ClockAhead, &known.gateway, &known.gateway, now_ms)?;
        }
        self.fact(&Context { db, known, seq, record: &record, now_ms })
    }

    fn fact(&mut self, at: &Context<'_>) -> Result<(), StoreError> {
        match &at.record.fact {
            Fact::ClockFound { boot, offset_ms, quality } => {
                self.clock_found(at, *boot, *offset_ms, time::quality_number(*quality))
            }
            Fact::JournalStarted { previous: Some(previous), .. } => {
                if restore::followers(at.db, &at.known.gateway, previous.journal)? > 1 {
                    let subject = previous.journal.to_string();
                    raise(at.db, HubAlarm::Clone, &subject, &at.known.gateway, at.now_ms)?;
                }
                Ok(())
            }
            Fact::TrackDropped { first, last } => {
                if first <= last && *last <= NUMBER_MAX {
                    self.track_dropped.push((at.known.id, *first, *last));
                }
                Ok(())
            }
            Fact::CampaignPairMade { campaign, key } => {
                let values = (&at.known.gateway, campaign.as_str(), key.to_string());
                at.db.prepare_cached(sql::CAMPAIGN_PAIR_SET)?.execute(values)?;
                Ok(())
            }
            Fact::CampaignKeysDestroyed { campaign } => {
                let values = (&at.known.gateway, campaign.as_str());
                at.db.prepare_cached(sql::CAMPAIGN_PAIR_DELETE)?.execute(values)?;
                Ok(())
            }
            Fact::ClaimServed { campaign, round, claim, packs, .. } => {
                self.totals.masks.served += 1;
                self.totals.masks.packs += i64::from(*packs);
                let when = at.time()?;
                super::claims::served(at.db, self, (campaign, round, claim), (at.known.no, at.seq), when)
            }
            Fact::ClaimVoided { campaign, round, claim, packs, mends, .. }
            | Fact::HandOutConfirmed { campaign, round, claim, packs, record: mends, handed: false } => {
                self.totals.masks.served -= 1;
                self.totals.masks.packs -= i64::from(*packs);
                let when = at.time()?;
                super::claims::voided(
                    at.db,
                    self,
                    (campaign, round, claim),
                    (at.known.no, (*mends).min(NUMBER_MAX)),
                    when,
                )
            }
            Fact::AlarmRaised { alarm, subject } => {
                let name = name_of(alarm);
                note(at.db, (at.known.no, at.seq), &name, subject, &at.known.gateway, at.time()?)?;
                self.alarmed(at.db, subject)
            }
            fact => self.tube(at, fact).and_then(|()| self.of_box(at, fact)),
        }
    }

    /// What concerns tubes.
    fn tube(&mut self, at: &Context<'_>, fact: &Fact) -> Result<(), StoreError> {
        let tubes = &mut self.totals.tubes;
        match fact {
            Fact::TubeCollected { tube, .. } => {
                tubes.collected += 1;
                at.trail(tube.as_str())
            }
            Fact::TubePacked { tube, box_id } => {
                tubes.packed += 1;
                at.trails(tube, box_id)
            }
            Fact::TubeTakenOut { tube, box_id, .. } => {
                tubes.packed -= 1;
                at.trails(tube, box_id)
            }
            Fact::TubeMoved { tube, from, to, .. } => {
                at.trails(tube, from)?;
                at.trail(to.as_str())
            }
            Fact::TubeReceived { tube, box_id } => {
                tubes.received += 1;
                at.trails(tube, box_id)
            }
            Fact::DiscrepancyFound { box_id, tube, .. } | Fact::DiscrepancySettled { box_id, tube, .. } => {
                at.trails(tube, box_id)
            }
            _ => Ok(()),
        }
    }

    /// What concerns boxes.
    fn of_box(&mut self, at: &Context<'_>, fact: &Fact) -> Result<(), StoreError> {
        match fact {
            Fact::BoxStarted { box_id } => self.event(at, box_id, What::Started, None, false, None),
            Fact::BoxClosed { box_id, .. } => self.event(at, box_id, What::Closed, None, false, None),
            Fact::BoxReopened { box_id, .. } => self.event(at, box_id, What::Reopened, None, false, None),
            Fact::BoxSealed { box_id, reading, due, .. } => {
                self.totals.boxes.sealed += 1;
                self.event(at, box_id, What::Sealed, None, false, Some(*due))?;
                self.sealed(at, box_id, reading, *due)
            }
            Fact::BoxHandedOver { box_id, to, remark, .. } => {
                self.event(at, box_id, What::HandedOver, Some(to.as_str()), is_alarming(*remark), None)
            }
            Fact::BoxReceived { box_id, from, exception, .. } => {
                if self.kind_of(at) == Some(SiteKind::Laboratory) {
                    self.totals.boxes.received += 1;
                }
                self.event(at, box_id, What::Received, Some(from.as_str()), is_alarming(*exception), None)
            }
            Fact::BoxOpened { box_id } => self.event(at, box_id, What::Opened, None, false, None),
            Fact::BoxCompared { box_id, .. } => self.event(at, box_id, What::Compared, None, false, None),
            Fact::BoxEmptied { box_id } => self.event(at, box_id, What::Emptied, None, false, None),
            Fact::SealChanged { box_id: Some(box_id), .. } => at.trail(box_id.as_str()),
            _ => Ok(()),
        }
    }

    fn event(
        &mut self,
        at: &Context<'_>,
        box_id: &BoxId,
        what: What,
        other: Option<&str>,
        flagged: bool,
        due: Option<WallTime>,
    ) -> Result<(), StoreError> {
        at.trail(box_id.as_str())?;
        let (record, known) = (at.record, at.known);
        let site = self.places.gateway(&known.gateway).map_or(known.gateway.as_str(), |p| p.site.as_str());
        let quality = time::quality_number(record.clock);
        at.db.prepare_cached(sql::BOX_EVENT_INSERT)?.execute(rusqlite::params![
            box_id.as_str(),
            known.no,
            at.seq,
            what.number(),
            site,
            other,
            flagged,
            due.map(WallTime::as_millis),
            record.boot,
            // A number that no clock can reach would be refused by the database.
            i64::try_from(record.up_ms).unwrap_or(i64::MAX),
            record.at.as_millis(),
            quality,
            at.now_ms,
        ])?;
        self.dirty_boxes.insert(box_id.to_string());
        Ok(())
    }

    /// Makes the manifest of what was packed into the box since its packing began.
    fn sealed(
        &mut self,
        at: &Context<'_>,
        box_id: &BoxId,
        reading: &SealReading,
        due: WallTime,
    ) -> Result<(), StoreError> {
        let Some(place) = self.places.gateway(&at.known.gateway) else { return Ok(()) };
        let manifest = Manifest {
            box_id: box_id.clone(),
            from: place.site.clone(),
            tubes: packed(at, box_id)?,
            seal: reading.seal.clone(),
            counter: reading.counter,
            pairing: reading.pairing,
            event_count: reading.event_count,
            due,
        };
        let body = serde_json::to_string(&manifest).map_err(|_| StoreError::Row("manifest"))?;
        let params = (box_id.as_str(), at.known.no, at.seq, body);
        at.db.prepare_cached(sql::MANIFEST_SET)?.execute(params)?;
        self.manifests_changed = true;
        // The row of the box may not be there before the commit's end.
        super::boxes::refold(at.db, &self.places, box_id.as_str(), at.now_ms)?;
        at.db.prepare_cached(sql::BOX_SEAL)?.execute((box_id.as_str(), reading.seal.as_str()))?;
        Ok(())
    }

    /// Boxes that an alarm is about, by name or by seal.
    pub(crate) fn alarmed(&mut self, db: &Connection, subject: &str) -> Result<(), StoreError> {
        let mut query = db.prepare_cached(sql::BOX_ABOUT)?;
        for code in query.query_map([subject], |row| row.get(0))? {
            self.dirty_boxes.insert(code?);
        }
        Ok(())
    }

    fn clock_found(
        &mut self,
        at: &Context<'_>,
        boot: u32,
        offset_ms: i64,
        quality: u8,
    ) -> Result<(), StoreError> {
        let no = at.known.no;
        let found = offset_ms.saturating_add_unsigned(at.record.up_ms);
        if boot == at.record.boot && found > at.now_ms.saturating_add(time::AHEAD_MS_MAX) {
            // A receiver lied; that it is ahead is reported where the record was taken.
            return Ok(());
        }
        at.db.prepare_cached(sql::BOOT_SET)?.execute((no, boot, offset_ms, quality))?;
        let mut query = at.db.prepare_cached(sql::BOX_EVENT_UNSURE)?;
        for code in query.query_map((no, boot, offset_ms), |row| row.get(0))? {
            self.dirty_boxes.insert(code?);
        }
        let mut query = at.db.prepare_cached(sql::MANIFEST_UNSURE)?;
        self.manifests_changed |= query.query_row((no, boot, offset_ms), |row| row.get::<_, bool>(0))?;
        let mut query = at.db.prepare_cached(sql::ALARM_OF_JOURNAL)?;
        let mut rows = query.query([no])?;
        while let Some(row) = rows.next()? {
            let (key, line): (String, String) = (row.get(0)?, row.get(1)?);
            let Ok(record) = Record::from_line(&line) else { continue };
            let since = time::correct(record.at, record.clock, record.up_ms, Some(offset_ms));
            if record.boot == boot && (!time::is_sure(record.clock) || since.at != record.at) {
                at.db.prepare_cached(sql::ALARM_SINCE)?.execute((key, since.at.as_millis()))?;
            }
        }
        Ok(())
    }

    fn kind_of(&self, at: &Context<'_>) -> Option<SiteKind> {
        self.places.gateway(&at.known.gateway).map(|place| place.kind)
    }
}

impl Context<'_> {
    fn trail(&self, code: &str) -> Result<(), StoreError> {
        self.db.prepare_cached(sql::TRAIL_INSERT)?.execute((code, self.known.no, self.seq))?;
        Ok(())
    }

    fn trails(&self, tube: &TubeId, box_id: &BoxId) -> Result<(), StoreError> {
        self.trail(tube.as_str())?;
        self.trail(box_id.as_str())
    }

    /// The record's corrected time, in milliseconds since 1970; the hub's own where nothing is sure.
    fn time(&self) -> Result<i64, StoreError> {
        let Record { at, clock, up_ms, boot, .. } = self.record;
        let mut query = self.db.prepare_cached(sql::BOOT_GET)?;
        let offset = query.query_row((self.known.no, boot), |row| row.get(0)).optional()?;
        let corrected = time::correct(*at, *clock, *up_ms, offset);
        Ok(if corrected.sure { corrected.at.as_millis() } else { self.now_ms })
    }
}

/// The tubes in a box, in the order in which they went in, by the records of the journal that packed it.
fn packed(at: &Context<'_>, box_id: &BoxId) -> Result<Vec<String>, StoreError> {
    let started: Option<u64> = at
        .db
        .prepare_cached(sql::BOX_STARTED)?
        .query_row((box_id.as_str(), at.known.no, What::Started.number()), |row| row.get(0))?;
    let mut query = at.db.prepare_cached(sql::TRAIL_SINCE)?;
    let mut rows = query.query((box_id.as_str(), at.known.no, started.unwrap_or(0)))?;
    let mut tubes: Vec<String> = Vec::new();
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        let Ok(record) = Record::from_line(&line) else { continue };
        match record.fact {
            Fact::TubePacked { tube, box_id: into } if into == *box_id => tubes.push(tube.into()),
            Fact::TubeMoved { tube, to, .. } if to == *box_id => tubes.push(tube.into()),
            Fact::TubeMoved { tube, .. } | Fact::TubeTakenOut { tube, .. } => {
                tubes.retain(|packed| packed != tube.as_str());
            }
            _ => {}
        }
    }
    Ok(tubes)
}

/// The name of a kind of alarm, as it is recorded.
pub(crate) fn name_of(alarm: &waypost_core::fact::AlarmKind) -> String {
    match serde_json::to_value(alarm) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "alarm".to_owned(),
    }
}

/// A manifest that had not come yet is no fault of the box: whoever took it said so, and the comparison follows.
fn is_alarming(reason: Option<ExceptionReason>) -> bool {
    reason.is_some_and(|reason| reason != ExceptionReason::CountUnknown)
}
