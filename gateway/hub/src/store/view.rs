//! What readers ask of the store: the summary, a trace, the manifests on the road.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{WallTime, id::CampaignId},
    rule::{elsewhere::ServedElsewhere, row::Manifest},
    wire::ack::Ack,
};

use super::{
    meta::number,
    open::{StoreError, reader},
    sql,
};
use crate::{
    places::{Pairs, Places},
    project::{
        services,
        summary::{self, Summary},
        trace::{self, Trace},
    },
    time,
};

/// Pairs of campaigns that are read at most: of a thousand gateways ten campaigns each.
const PAIRS_MAX: u32 = 10_000;

/// A connection that only reads. Clones share it. Every call blocks: not for the async threads.
#[derive(Clone)]
pub struct View {
    db: Arc<Mutex<Connection>>,
    places: Arc<Places>,
}

/// What laboratories and vehicles are to meet. (epoch, number) grows with every commit, so it is an order's version.
#[derive(Debug, Clone)]
pub struct OnTheRoad {
    /// The store's epoch.
    pub epoch: u64,
    /// The store's commits.
    pub number: u64,
    /// Those still on the road first, each with its JSON's length in bytes.
    pub manifests: Vec<(Manifest, usize)>,
}

impl View {
    /// Opens the store of a folder, beside its writer.
    pub fn open(dir: &Path, places: Arc<Places>) -> Result<Self, StoreError> {
        Ok(Self { db: Arc::new(Mutex::new(reader(dir)?)), places })
    }

    /// What the control room sees at a glance.
    pub fn summary(&self) -> Result<Summary, StoreError> {
        self.with(|db| summary::read(db, &self.places))
    }

    /// The chain of hands of a tube or box; none where nothing is known of it.
    pub fn trace(&self, code: &str) -> Result<Option<Trace>, StoreError> {
        self.with(|db| trace::read(db, &self.places, code))
    }

    /// Manifests of sealed boxes that are not compared yet.
    pub fn on_the_road(&self) -> Result<OnTheRoad, StoreError> {
        self.with(|db| {
            let moment = db.unchecked_transaction()?;
            let mut query = moment.prepare_cached(sql::MANIFEST_ALL)?;
            let mut rows = query.query([])?;
            let mut manifests = Vec::new();
            while let Some(row) = rows.next()? {
                let body: String = row.get(0)?;
                let mut manifest: Manifest =
                    serde_json::from_str(&body).map_err(|_| StoreError::Row("manifest"))?;
                manifest.due = corrected_due(row, manifest.due)?;
                manifests.push((manifest, body.len()));
            }
            Ok(OnTheRoad { epoch: number(&moment, "epoch")?, number: number(&moment, "commits")?, manifests })
        })
    }

    /// The pairs that gateways made for campaigns.
    pub fn campaign_pairs(&self) -> Result<Pairs, StoreError> {
        self.with(|db| {
            let mut query = db.prepare_cached(sql::CAMPAIGN_PAIR_ALL)?;
            let mut rows = query.query([PAIRS_MAX])?;
            let mut pairs = Pairs::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(2)?;
                let key = key.parse().map_err(|_| StoreError::Row("campaign_pair"))?;
                pairs.insert((row.get(0)?, row.get(1)?), key);
            }
            Ok(pairs)
        })
    }

    /// What other journals than `but` served to a person.
    pub(crate) fn served_elsewhere(
        &self,
        person: (&CampaignId, &ClaimToken),
        but: Uuid,
    ) -> Result<Vec<ServedElsewhere>, StoreError> {
        self.with(|db| services::elsewhere(db, &self.places, person, but))
    }

    /// Does an acknowledgement tell of more than this store has? Then it was sent by a store that came further.
    pub fn is_behind(&self, ack: &Ack) -> Result<bool, StoreError> {
        self.with(|db| {
            let epoch = number(db, "epoch")?;
            let mut query = db.prepare_cached(sql::JOURNAL_HELD)?;
            let held =
                query.query_row([ack.journal.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let (ledger, track): (u64, u64) = held.unwrap_or_default();
            Ok(ack.epoch > epoch
                || ack.epoch == epoch && (ack.ledger.held > ledger || ack.track.held > track))
        })
    }

    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read(&self.db.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When a manifest's box is due, by the clock as it was found after the sealing.
fn corrected_due(row: &rusqlite::Row<'_>, due: WallTime) -> Result<WallTime, StoreError> {
    let (Some(up_ms), Some(at_ms), Some(quality)) = (row.get(2)?, row.get(3)?, row.get(4)?) else {
        return Ok(due);
    };
    let at = WallTime(at_ms);
    Ok(time::correct(at, time::quality_of(quality), up_ms, row.get(5)?).moved(at, due))
}
