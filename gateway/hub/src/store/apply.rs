//! A group of jobs in one transaction: what came is stored, projected, and only then told to be held.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use waypost_core::{
    fact::{Fact, Record, Stream, WallTime},
    wire::{batch::Batch, express::Express, lost::Lost, upload::Upload},
};

use super::{
    alarm::{HubAlarm, note, raise},
    job::{Applied, HeldNow, Job},
    known::{Journals, Known, NUMBER_MAX},
    ledger::{self, Taken},
    meta::{meta, number, set_meta},
    open::{self, StoreError},
    sql, track,
    witness::{Seen, Witness},
};
use crate::{
    places::Places,
    project::{Projections, Totals, facts::name_of, timers},
};

/// Most messages kept apart. Above it they are only in the alarm and the log.
pub const APART_MAX: u64 = 1_000;

/// When a gateway was heard, and what it said then.
#[derive(Debug, Default)]
struct Heard {
    seen_ms: i64,
    queued: u64,
    online: bool,
    /// Not committed yet.
    news: bool,
}

/// The store, opened for writing.
pub struct Store {
    pub(super) db: Connection,
    dir: PathBuf,
    witness: Witness,
    pub(super) journals: Journals,
    pub(super) projections: Projections,
    /// When gateways were heard since the last commit.
    heard: BTreeMap<String, Heard>,
    epoch: u64,
    /// A new epoch was begun since the last commit: the orders are made again in it.
    raised: bool,
    commits: u64,
    pair_within_ms: i64,
    /// A transaction failed, and the memory could not be read again since.
    stale: bool,
    /// Acknowledges too early, to show that the power-cut tests see what that loses.
    #[cfg(feature = "soak")]
    before_commit: Option<super::soak::BeforeCommit>,
}

impl Store {
    /// Opens the store in a folder, or makes it. A store that is new, or older than it once was, gets a new epoch.
    /// `pair_within_ms` is how long both ends of a handover may lie apart.
    pub fn open(
        dir: &Path,
        places: Arc<Places>,
        now: WallTime,
        pair_within_ms: i64,
    ) -> Result<Self, StoreError> {
        let (db, _made) = open::writer(dir)?;
        let (witness, seen) = Witness::open(dir)?;
        let totals: Totals = match meta(&db, "totals")? {
            Some(json) => serde_json::from_str(&json).map_err(|_| StoreError::Row("totals"))?,
            None => Totals::default(),
        };
        let mut store = Self {
            journals: Journals::load(&db)?,
            projections: Projections::new(places, totals),
            heard: load_heard(&db)?,
            epoch: number(&db, "epoch")?,
            raised: false,
            commits: number(&db, "commits")?,
            dir: dir.to_owned(),
            witness,
            db,
            pair_within_ms,
            stale: false,
            #[cfg(feature = "soak")]
            before_commit: None,
        };
        let here = Seen { epoch: store.epoch, commits: store.commits };
        let restored = seen.epoch > here.epoch || seen.commits > here.commits;
        if restored || here.epoch == 0 {
            store.new_epoch(here.epoch.max(seen.epoch), restored, now)?;
        }
        Ok(store)
    }

    /// The epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Counts over all records.
    pub fn totals(&self) -> Totals {
        self.projections.totals
    }

    /// How far each journal is held, the oldest journal first.
    pub fn held(&self) -> Vec<HeldNow> {
        self.journals.all().into_iter().map(|known| self.held_now(known)).collect()
    }

    /// Tells from now on what is held before it is committed: what no hub may do.
    #[cfg(feature = "soak")]
    #[doc(hidden)]
    pub fn tell_before_commit(&mut self, tell: super::soak::BeforeCommit) {
        self.before_commit = Some(tell);
    }

    /// Does all jobs in one transaction. Only what it returns may be acknowledged.
    pub fn apply(&mut self, jobs: &[Job], now: WallTime) -> Result<Applied, StoreError> {
        if self.stale {
            self.go_back()?;
        }
        match self.transaction(jobs, now.as_millis()) {
            Ok(applied) => Ok(applied),
            Err(error) => {
                self.stale = true;
                if let Err(again) = self.go_back() {
                    tracing::error!(error = %again, "the store cannot be read again; nothing is taken until it can");
                }
                Err(error)
            }
        }
    }

    /// What a failed transaction left in memory is no ground for an acknowledgement: it is forgotten first.
    fn go_back(&mut self) -> Result<(), StoreError> {
        if !self.db.is_autocommit() {
            self.db.execute_batch("rollback")?;
        }
        self.reload()?;
        self.stale = false;
        Ok(())
    }

    fn transaction(&mut self, jobs: &[Job], now_ms: i64) -> Result<Applied, StoreError> {
        self.db.execute_batch("begin immediate")?;
        let changes = self.db.total_changes();
        for job in jobs {
            self.one(job, now_ms)?;
        }
        for (id, first, last) in self.projections.take_track_dropped() {
            if let Some(known) = self.journals.get_mut(&id) {
                track::declare(&self.db, known, first, last, "bound")?;
                track::advance(&self.db, known)?;
            }
        }
        self.projections.settle(&self.db, now_ms)?;
        self.journals.flush(&self.db)?;
        for (gateway, heard) in self.heard.iter_mut().filter(|(_, heard)| heard.news) {
            let params = (gateway, heard.seen_ms, heard.queued, heard.online);
            self.db.prepare_cached(sql::GATEWAY_SEEN)?.execute(params)?;
            heard.news = false;
        }
        let changed = self.db.total_changes() > changes;
        if changed {
            self.commits += 1;
            let totals =
                serde_json::to_string(&self.projections.totals).map_err(|_| StoreError::Row("totals"))?;
            set_meta(&self.db, "totals", &totals)?;
            set_meta(&self.db, "commits", &self.commits.to_string())?;
        }
        #[cfg(feature = "soak")]
        {
            let held = self.held();
            if let Some(tell) = &mut self.before_commit {
                tell(held);
            }
        }
        self.db.execute_batch("commit")?;
        self.note_commit();
        let held = self.journals.take_touched().iter().map(|known| self.held_now(known)).collect();
        let session = |job: &Job| if let Job::Republish(session) = job { Some(*session) } else { None };
        let raised = std::mem::take(&mut self.raised);
        Ok(Applied {
            held,
            changed,
            manifests_changed: self.projections.take_manifests_changed() || raised,
            republish: jobs.iter().filter_map(session).next_back(),
        })
    }

    fn one(&mut self, job: &Job, now_ms: i64) -> Result<(), StoreError> {
        match job {
            Job::Upload(upload, message) => {
                self.hear(upload.gateway(), None, Some(true), now_ms);
                match upload.as_ref() {
                    Upload::Batch(Batch { last, .. }) | Upload::Lost { lost: Lost { last, .. }, .. }
                        if *last > NUMBER_MAX =>
                    {
                        self.keep_apart(upload.gateway(), "a number that cannot be", message, now_ms)
                    }
                    Upload::Batch(batch) => self.batch(batch, message, now_ms),
                    Upload::Lost { gateway, lost } => self.lost(gateway, lost, message, now_ms),
                }
            }
            Job::Express(gateway, express) => self.express(gateway, express, now_ms),
            Job::Apart(gateway, reason, message) => {
                raise(&self.db, HubAlarm::NotSigned, gateway, gateway, now_ms)?;
                self.keep_apart(gateway, reason, message, now_ms)
            }
            Job::Heard { gateway, queued, online } => {
                self.hear(gateway, *queued, *online, now_ms);
                Ok(())
            }
            Job::RaiseEpoch(above) if *above >= self.epoch => self.raise_epoch(*above, now_ms),
            Job::RaiseEpoch(_) => Ok(()),
            Job::Republish(_) => {
                self.journals.touch_all();
                Ok(())
            }
            Job::Tick => {
                // What came in the same commit counts.
                self.projections.settle(&self.db, now_ms)?;
                timers::tick(&self.db, &self.projections.places, now_ms, self.pair_within_ms)
            }
        }
    }

    fn batch(&mut self, batch: &Batch, message: &[u8], now_ms: i64) -> Result<(), StoreError> {
        let Self { db, journals, projections, .. } = self;
        let gateway = batch.gateway.as_str();
        let Some(known) = journals.get_or_make(db, gateway, batch.journal)? else {
            raise(db, HubAlarm::JournalOfAnother, gateway, gateway, now_ms)?;
            return self.keep_apart(gateway, HubAlarm::JournalOfAnother.name(), message, now_ms);
        };
        let is_ledger = batch.stream == Stream::Ledger;
        let behind = is_ledger && known.hole.note(known.held, batch.first, now_ms);
        let mut passed = |known: &Known, seq: u64, line: &str| projections.take(db, known, seq, line, now_ms);
        let taken = match batch.stream {
            Stream::Ledger => ledger::take(db, known, batch, now_ms, &mut passed)?,
            Stream::Track => Taken::Stored(track::take(db, known, batch, now_ms)?),
        };
        if behind {
            self.raise_epoch(self.epoch, now_ms)?;
        }
        let Self { db, .. } = self;
        match taken {
            Taken::Stored(None) => Ok(()),
            Taken::Stored(Some(alarm)) => raise(db, alarm, &batch.journal.to_string(), gateway, now_ms),
            Taken::Apart(alarm) => {
                raise(db, alarm, &batch.journal.to_string(), gateway, now_ms)?;
                self.keep_apart(gateway, alarm.name(), message, now_ms)
            }
            Taken::TooFar => {
                tracing::warn!(journal = %batch.journal, first = batch.first, "a batch too far ahead is left to come again");
                Ok(())
            }
        }
    }

    /// The store is behind what was acknowledged: a new epoch above this one takes the gateways back to it.
    fn raise_epoch(&mut self, above: u64, now_ms: i64) -> Result<(), StoreError> {
        self.epoch = above.saturating_add(1);
        self.raised = true;
        raise(&self.db, HubAlarm::StoreRestored, "store", "hub", now_ms)?;
        set_meta(&self.db, "epoch", &self.epoch.to_string())?;
        self.journals.touch_all();
        tracing::error!(
            epoch = self.epoch,
            "the store is behind what was acknowledged: everything is asked for again"
        );
        Ok(())
    }

    fn express(&mut self, gateway: &str, express: &Express, now_ms: i64) -> Result<(), StoreError> {
        self.hear(gateway, None, Some(true), now_ms);
        if express.seq > NUMBER_MAX {
            return Ok(());
        }
        let Some(known) = self.journals.get_or_make(&self.db, gateway, express.journal)? else {
            return Ok(());
        };
        let no = known.no;
        if let Ok(Record { fact: Fact::AlarmRaised { alarm, subject }, .. }) =
            Record::from_line(&express.line)
        {
            note(&self.db, (no, express.seq), &name_of(&alarm), &subject, gateway, now_ms)?;
            self.projections.alarmed(&self.db, &subject)?;
        }
        Ok(())
    }

    /// Keeps a message apart, as it came. Above [`APART_MAX`] it is only in the alarm and the log.
    pub(super) fn keep_apart(
        &self,
        gateway: &str,
        reason: &str,
        message: &[u8],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let kept: u64 = self.db.prepare_cached(sql::APART_COUNT)?.query_row([], |row| row.get(0))?;
        tracing::error!(gateway, reason, bytes = message.len(), "a message is kept apart");
        if kept < APART_MAX {
            self.db.prepare_cached(sql::APART_INSERT)?.execute((gateway, reason, now_ms, message))?;
        }
        Ok(())
    }

    /// Only gateways of the configuration: a stranger cannot fill the table.
    fn hear(&mut self, gateway: &str, queued: Option<u64>, online: Option<bool>, now_ms: i64) {
        if self.projections.places.gateway(gateway).is_some() {
            let heard = self.heard.entry(gateway.to_owned()).or_default();
            heard.seen_ms = now_ms;
            heard.queued = queued.unwrap_or(heard.queued).min(NUMBER_MAX);
            heard.online = online.unwrap_or(heard.online);
            heard.news = true;
        }
    }

    fn held_now(&self, known: &Known) -> HeldNow {
        HeldNow {
            gateway: known.gateway.clone(),
            epoch: self.epoch,
            journal: known.id,
            held: known.held,
            link: known.link,
            track_held: known.track_held,
        }
    }

    fn new_epoch(&mut self, above: u64, restored: bool, now: WallTime) -> Result<(), StoreError> {
        self.epoch = above.saturating_add(1);
        self.db.execute_batch("begin immediate")?;
        set_meta(&self.db, "epoch", &self.epoch.to_string())?;
        self.commits += 1;
        set_meta(&self.db, "commits", &self.commits.to_string())?;
        if restored {
            tracing::error!(
                epoch = self.epoch,
                "the store is older than it once was: everything is asked for again"
            );
            raise(&self.db, HubAlarm::StoreRestored, "store", "hub", now.as_millis())?;
        }
        self.db.execute_batch("commit")?;
        self.note_commit();
        Ok(())
    }

    fn note_commit(&self) {
        if let Err(error) = self.witness.write(Seen { epoch: self.epoch, commits: self.commits }) {
            tracing::error!(%error, "the file that tells a restored store apart cannot be written");
        }
    }

    /// Forgets what the failed transaction left in memory.
    fn reload(&mut self) -> Result<(), StoreError> {
        let totals = match meta(&self.db, "totals")? {
            Some(json) => serde_json::from_str(&json).map_err(|_| StoreError::Row("totals"))?,
            None => Totals::default(),
        };
        self.journals = Journals::load(&self.db)?;
        self.projections = Projections::new(Arc::clone(&self.projections.places), totals);
        self.epoch = number(&self.db, "epoch")?;
        self.commits = number(&self.db, "commits")?;
        Ok(())
    }
}

fn load_heard(db: &Connection) -> Result<BTreeMap<String, Heard>, StoreError> {
    let mut query = db.prepare_cached(sql::GATEWAY_ALL)?;
    let rows = query.query_map([], |row| {
        let heard = Heard { seen_ms: row.get(1)?, queued: row.get(2)?, online: row.get(3)?, news: false };
        Ok((row.get(0)?, heard))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
