//! What the records add up to, one file an idea. Records of one journal come in its order; those of different journals
//! in any order, and the end is the same.

pub(crate) mod boxes;
mod claims;
pub mod custody;
pub(crate) mod facts;
pub mod services;
pub mod summary;
pub(crate) mod timers;
mod totals;
pub mod trace;

pub use totals::{BoxTotals, MaskTotals, Totals, TubeTotals};

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use rusqlite::Connection;
use uuid::Uuid;

use crate::{places::Places, store::open::StoreError};

/// What the projections keep between records and commits.
pub(crate) struct Projections {
    /// Who is who.
    pub places: Arc<Places>,
    /// Counts over all records.
    pub totals: Totals,
    /// Rounds by campaign and id.
    rounds: HashMap<(String, String), i64>,
    /// Boxes of which something was heard since the last commit.
    dirty_boxes: BTreeSet<String>,
    /// Ranges of a track that a gateway's bound dropped.
    track_dropped: Vec<(Uuid, u64, u64)>,
    /// The manifests on the road changed since this was last taken.
    manifests_changed: bool,
}

impl Projections {
    pub(crate) fn new(places: Arc<Places>, totals: Totals) -> Self {
        Self {
            places,
            totals,
            rounds: HashMap::new(),
            dirty_boxes: BTreeSet::new(),
            track_dropped: Vec::new(),
            manifests_changed: false,
        }
    }

    /// Works out anew what changed, once for each box, before a commit.
    pub(crate) fn settle(&mut self, db: &Connection, now_ms: i64) -> Result<(), StoreError> {
        for code in std::mem::take(&mut self.dirty_boxes) {
            self.manifests_changed |= boxes::refold(db, &self.places, &code, now_ms)?;
        }
        Ok(())
    }

    /// Track ranges to be passed over.
    pub(crate) fn take_track_dropped(&mut self) -> Vec<(Uuid, u64, u64)> {
        std::mem::take(&mut self.track_dropped)
    }

    /// Did the manifests change since this was last asked?
    pub(crate) fn take_manifests_changed(&mut self) -> bool {
        std::mem::take(&mut self.manifests_changed)
    }
}
