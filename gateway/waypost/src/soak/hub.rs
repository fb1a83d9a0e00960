//! The central store on a disk whose power is cut.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use uuid::Uuid;
use waypost_core::{
    fact::{Link, Stream},
    wire::{
        ack::{ACK_KEY_NAME, Ack, LedgerAck, TrackAck},
        keys::{PublicKey, Seed, SignKey},
        upload::Upload,
    },
};
use waypost_hub::{
    places::Places,
    store::{HeldNow, Job, Store, export, soak, view::View},
};
use waypost_powercut::{Dice, Disk, Power, VFS, mount};

use super::{gateway::Failure, load::NOON, tally::Tally};

/// Pages after which the store's log goes into its file: often, so that power fails in it too.
const CHECKPOINT_PAGES: u32 = 120;
/// How long both ends of a handover may lie apart.
const PAIR_WITHIN_MS: i64 = 45 * 60_000;

/// The hub.
pub struct Hub {
    dir: PathBuf,
    places: Arc<Places>,
    keys: BTreeMap<String, PublicKey>,
    key: SignKey,
    disk: Arc<Disk>,
    power: Arc<Power>,
    store: Option<Store>,
    /// Acknowledges before it commits.
    spoiled: bool,
    early: Arc<Mutex<Vec<HeldNow>>>,
    /// The broker's retained acknowledgements, by gateway.
    retained: BTreeMap<String, Ack>,
    /// The highest number acknowledged, by journal.
    promised: BTreeMap<Uuid, u64>,
}

impl Hub {
    /// A hub that has never run.
    pub fn new(
        root: &Path,
        places: Places,
        keys: BTreeMap<String, PublicKey>,
        spoiled: bool,
    ) -> Result<Self, Failure> {
        let dir = root.join("hub");
        soak::put(&dir, soak::OnDisk { vfs: VFS, checkpoint_pages: CHECKPOINT_PAGES });
        let power = Arc::new(Power::stays());
        Ok(Self {
            dir,
            places: Arc::new(places),
            keys,
            key: SignKey::new(ACK_KEY_NAME, &Seed::from_bytes([7; 32]))?,
            disk: Arc::new(Disk::new(Arc::clone(&power))),
            power,
            store: None,
            spoiled,
            early: Arc::default(),
            retained: BTreeMap::new(),
            promised: BTreeMap::new(),
        })
    }

    pub fn key(&self) -> PublicKey {
        self.key.public()
    }

    pub fn power(&self) -> &Arc<Power> {
        &self.power
    }

    /// Starts on its disk as it is, looks whether what was acknowledged is there, and acknowledges it anew.
    pub fn start(&mut self, tally: &mut Tally) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        mount(&self.dir, Arc::clone(&self.disk));
        let began = Instant::now();
        let mut store = Store::open(&self.dir, Arc::clone(&self.places), NOON, PAIR_WITHIN_MS)?;
        if !self.promised.is_empty() {
            tally.store_starts.push(began.elapsed());
        }
        let held: BTreeMap<Uuid, u64> = store.held().iter().map(|held| (held.journal, held.held)).collect();
        for (journal, promised) in &mut self.promised {
            let here = held.get(journal).copied().unwrap_or(0);
            if here < *promised {
                tally.lose(*promised - here, || {
                    format!("hub: journal {journal} was acknowledged to {promised} and is held to {here}")
                });
                *promised = here;
            }
        }
        let view = View::open(&self.dir, Arc::clone(&self.places))?;
        let mut jobs = Vec::new();
        for ack in self.retained.values() {
            if view.is_behind(ack)? {
                jobs.push(Job::RaiseEpoch(ack.epoch));
            }
        }
        jobs.push(Job::Republish(1));
        if self.spoiled {
            let early = Arc::clone(&self.early);
            store.tell_before_commit(Box::new(move |held| {
                early.lock().unwrap_or_else(PoisonError::into_inner).extend(held);
            }));
        }
        self.store = Some(store);
        self.apply(&jobs)
    }

    /// Takes messages in one commit, and gives the acknowledgements. Without power: what was acknowledged too early.
    pub fn take(&mut self, messages: &[(String, Vec<u8>)]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let mut jobs = Vec::with_capacity(messages.len());
        for (gateway, message) in messages {
            let upload = Upload::open(message, |signer| {
                (signer == gateway).then(|| self.keys.get(signer).copied()).flatten()
            })?;
            jobs.push(Job::Upload(Box::new(upload), message.clone()));
        }
        self.apply(&jobs)
    }

    /// Time has passed.
    pub fn tick(&mut self) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        self.apply(&[Job::Tick])
    }

    fn apply(&mut self, jobs: &[Job]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let Some(store) = &mut self.store else { return Ok(Vec::new()) };
        let applied = store.apply(jobs, NOON);
        let early = std::mem::take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner));
        let held = match applied {
            Ok(applied) if self.spoiled => [early, applied.held].concat(),
            Ok(applied) => applied.held,
            Err(_) if !self.power.is_on() => early,
            Err(error) => return Err(error.into()),
        };
        held.into_iter().map(|held| self.acknowledge(held)).collect()
    }

    fn acknowledge(&mut self, held: HeldNow) -> Result<(String, Vec<u8>), Failure> {
        let HeldNow { gateway, epoch, journal, held, link, track_held } = held;
        let link = if held == 0 { Link::START } else { link };
        let ledger = LedgerAck { held, safe: held, link };
        let ack = Ack { epoch, time: NOON, journal, ledger, track: TrackAck { held: track_held } };
        let promised = self.promised.entry(journal).or_default();
        *promised = held.max(*promised);
        let bytes = ack.sign(&self.key)?;
        self.retained.insert(gateway.clone(), ack);
        Ok((gateway, bytes))
    }

    /// How far a journal is held.
    pub fn held(&self, journal: Uuid) -> u64 {
        let held = self.store.as_ref().map(Store::held).unwrap_or_default();
        held.iter().find(|held| held.journal == journal).map_or(0, |held| held.held)
    }

    /// Tubes collected, tubes packed and persons served, as the store counts them.
    pub fn counts(&self) -> [i64; 3] {
        let totals = self.store.as_ref().map(Store::totals).unwrap_or_default();
        [totals.tubes.collected, totals.tubes.packed, totals.masks.served]
    }

    /// All lines, with their gateway.
    pub fn lines(&self) -> Result<Vec<(String, String)>, Failure> {
        #[derive(serde::Deserialize)]
        struct Row {
            gateway: String,
            line: String,
        }
        let mut out = Vec::new();
        export::export(&self.dir, Stream::Ledger, &mut out)?;
        let rows = serde_json::Deserializer::from_slice(&out).into_iter::<Row>();
        rows.map(|row| Ok(row.map(|row| (row.gateway, row.line))?)).collect()
    }

    /// Power is gone, and comes back.
    pub fn cut(&mut self, dice: &mut Dice, tally: &mut Tally) {
        self.power.cut();
        self.store = None;
        tally.syncs += self.disk.syncs();
        self.power = Arc::new(Power::stays());
        self.disk = Arc::new(self.disk.after_cut(dice, Arc::clone(&self.power)));
    }

    /// The process ends in good order; power may fail in the middle of it.
    pub fn stop(&mut self) {
        self.store = None;
    }
}
