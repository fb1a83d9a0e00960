//! What the writer keeps in memory of each journal: where its `held` stands.

use std::collections::HashMap;

use rusqlite::Connection;
use uuid::Uuid;
use waypost_core::fact::Link;

use super::{hole::Hole, open::StoreError, sql};

/// Highest number that a record may have: what the database can hold, halved, so that adding to it is safe. A journal
/// of a thousand records a second reaches it after 146 million years.
pub const NUMBER_MAX: u64 = u64::MAX >> 2;

/// One journal.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its number in the store.
    pub no: i64,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub gateway: String,
    /// Last number of the ledger without a hole.
    pub held: u64,
    /// The link there.
    pub link: Link,
    /// Highest number of the ledger that is stored.
    pub top: u64,
    /// Last number of the track that is acknowledged.
    pub track_held: u64,
    /// Highest number of the track that is stored.
    pub track_top: u64,
    /// Changed since the last commit.
    pub dirty: bool,
    /// Touched since the last commit: to be acknowledged, even if nothing is new.
    pub touched: bool,
    /// What the ledger lacks behind `held`, as far as its batches tell.
    pub hole: Hole,
}

/// All journals by id.
#[derive(Debug, Default)]
pub(crate) struct Journals {
    by_id: HashMap<Uuid, Known>,
}

impl Journals {
    pub(super) fn load(db: &Connection) -> Result<Self, StoreError> {
        let mut by_id = HashMap::new();
        let mut query = db.prepare_cached(sql::JOURNAL_ALL)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let known = Known {
                no: row.get(0)?,
                id: Uuid::from_bytes(row.get(1)?),
                gateway: row.get(2)?,
                held: row.get(3)?,
                link: Link::from_bytes(row.get(4)?),
                top: row.get(5)?,
                track_held: row.get(6)?,
                track_top: row.get(7)?,
                dirty: false,
                touched: false,
                hole: Hole::default(),
            };
            by_id.insert(known.id, known);
        }
        Ok(Self { by_id })
    }

    /// The journal, made where it is new. None where it is another gateway's: no journal changes hands.
    pub(super) fn get_or_make(
        &mut self,
        db: &Connection,
        gateway: &str,
        id: Uuid,
    ) -> Result<Option<&mut Known>, StoreError> {
        let known = match self.by_id.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let params = (id.as_bytes(), gateway, Link::START.as_bytes());
                db.prepare_cached(sql::JOURNAL_INSERT)?.execute(params)?;
                entry.insert(Known {
                    no: db.last_insert_rowid(),
                    id,
                    gateway: gateway.to_owned(),
                    held: 0,
                    link: Link::START,
                    top: 0,
                    track_held: 0,
                    track_top: 0,
                    dirty: false,
                    touched: true,
                    hole: Hole::default(),
                })
            }
        };
        Ok((known.gateway == gateway).then_some(known))
    }

    /// The journal of that id.
    pub(super) fn get_mut(&mut self, id: &Uuid) -> Option<&mut Known> {
        self.by_id.get_mut(id)
    }

    /// All are to be acknowledged anew.
    pub(super) fn touch_all(&mut self) {
        self.by_id.values_mut().for_each(|known| known.touched = true);
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Vec<&Known> {
        let mut all: Vec<_> = self.by_id.values().collect();
        all.sort_by_key(|known| known.no);
        all
    }

    /// Writes what changed.
    pub(super) fn flush(&mut self, db: &Connection) -> Result<(), StoreError> {
        let mut update = db.prepare_cached(sql::JOURNAL_UPDATE)?;
        for known in self.by_id.values_mut().filter(|known| known.dirty) {
            let link = known.link.as_bytes();
            update.execute((known.no, known.held, link, known.top, known.track_held, known.track_top))?;
            known.dirty = false;
        }
        Ok(())
    }

    /// Those touched since the last call, the oldest first.
    pub(super) fn take_touched(&mut self) -> Vec<Known> {
        let mut touched = Vec::new();
        for known in self.by_id.values_mut() {
            if std::mem::take(&mut known.touched) {
                touched.push(known.clone());
            }
        }
        touched.sort_by_key(|known| known.no);
        touched
    }
}
