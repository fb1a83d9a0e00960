//! A gateway's journal on a disk whose power is cut, with the uplink's own batches and window.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use futures_util::future::join_all;
use uuid::Uuid;
use waypost_core::{
    fact::{
        Link, SiteKind, Stream,
        id::{GatewayId, SiteId},
    },
    rule::Act,
    wire::{
        ack::Ack,
        keys::{PublicKey, Seed, SignKey},
    },
};
use waypost_edge::{
    clock::Clock,
    journal::{
        self, Acknowledged, JournalConfig, JournalError, Reader, Request, RequestId, Verdict, Writer,
        soak::OnDisk,
    },
    sync::{BATCHES_MAX, Next, Pace, Source, Want, Window},
};
use waypost_powercut::{Dice, Disk, Power, VFS, mount};

use super::{load::Load, load::NOON, oracle::Oracle, tally::Tally};

/// Longest batch, in bytes.
const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Batches made in one step.
const BATCHES_A_STEP: usize = 4;
/// Rows after which the journal's log goes into its file: often, so that power fails in it too.
const CHECKPOINT_ROWS: u64 = 150;

/// What ends an epoch early: it cannot go on.
pub type Failure = Box<dyn std::error::Error>;

/// One gateway.
pub struct Gateway {
    pub name: GatewayId,
    pub site: SiteId,
    pub kind: SiteKind,
    pub journal: Uuid,
    pub oracle: Oracle,
    key: Arc<SignKey>,
    dir: PathBuf,
    disk: Arc<Disk>,
    power: Arc<Power>,
    load: Load,
    life: Option<Life>,
    requests: u64,
    /// Got no answer: they are asked again under the same id.
    unsure: Vec<Request>,
}

/// From one start to the next cut.
struct Life {
    writer: Writer,
    reader: Reader,
    source: Source,
    window: Window,
    boot: u32,
    epoch: u64,
    held: Option<(u64, Link)>,
}

impl Gateway {
    /// A gateway that has never run.
    pub fn new(
        root: &Path,
        kind: SiteKind,
        number: u128,
        spoiled: bool,
        mut dice: Dice,
    ) -> Result<Self, Failure> {
        let name = if kind == SiteKind::TestingCentre { "ctc-1" } else { "post-1" };
        let gateway = GatewayId::new(name)?;
        let dir = root.join(name);
        // The journal is on the disk in memory; its witness is here, and is never older than what was synced.
        std::fs::create_dir_all(&dir)?;
        let on_disk = OnDisk { vfs: VFS, synchronous_off: spoiled, checkpoint_rows: CHECKPOINT_ROWS };
        journal::soak::put(&dir, on_disk);
        let power = Arc::new(Power::stays());
        let mut seed = [0; 32];
        seed.fill_with(|| dice.roll().to_le_bytes()[0]);
        Ok(Self {
            key: Arc::new(SignKey::of_gateway(&gateway, &Seed::from_bytes(seed))),
            site: SiteId::new(format!("SITE-{}", name.to_uppercase()))?,
            name: gateway,
            kind,
            journal: Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0000 + number),
            oracle: Oracle::default(),
            dir,
            disk: Arc::new(Disk::new(Arc::clone(&power))),
            power,
            load: Load::new(kind, dice),
            life: None,
            requests: 0,
            unsure: Vec::new(),
        })
    }

    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Requests that got no answer.
    pub fn unsure(&self) -> usize {
        self.unsure.len()
    }

    /// The writer of this life.
    pub fn writer(&self) -> Option<&Writer> {
        self.life.as_ref().map(|life| &life.writer)
    }

    /// Acts that were asked for before.
    pub fn known(&self) -> &[Act] {
        self.load.before()
    }

    /// Acts that nobody asked for yet: the next people's.
    pub fn news(&mut self) -> Vec<Act> {
        (0..8).filter_map(|_| self.load.next()).collect()
    }

    pub fn power(&self) -> &Arc<Power> {
        &self.power
    }

    /// Starts on its disk as it is, and looks whether all is there.
    pub async fn start(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        mount(&self.dir, Arc::clone(&self.disk));
        let began = Instant::now();
        let (writer, opened) = journal::open(self.config(self.dir.clone()))?;
        let took = began.elapsed();
        if opened.boot > 1 {
            tally.journal_starts.push(took);
        }
        let made = || -> Result<_, Failure> {
            let reader = Reader::open(&self.dir)?;
            let source = Source::new(Reader::open(&self.dir)?, Arc::clone(&self.key), self.journal)?;
            Ok((reader, source))
        };
        let (reader, source) = match made() {
            Ok(made) => made,
            Err(error) => {
                writer.stop().await;
                return Err(error);
            }
        };
        let pace = Pace { batches_max: BATCHES_MAX, gather_ms: 100, stall_ms: 10_000 };
        let checked = self.oracle.check(self.name.as_str(), &reader, tally);
        self.life = Some(Life {
            writer,
            reader,
            source,
            window: Window::new(opened.held.map_or(0, |ack| ack.held), pace),
            boot: opened.boot,
            epoch: opened.held.map_or(0, |ack| ack.epoch),
            held: opened.held.map(|ack| (ack.held, ack.link)),
        });
        checked?;
        self.prepare(tally).await
    }

    /// Its journal's configuration, in a directory.
    pub fn config(&self, dir: PathBuf) -> JournalConfig {
        JournalConfig {
            dir,
            gateway: self.name.clone(),
            site: self.site.clone(),
            kind: self.kind,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: Clock::simulated(NOON, 1.0),
            track_max: 100,
            journal: self.journal,
        }
    }

    /// Orders and sign-in, under ids that are the same after every start.
    async fn prepare(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        if self.life.as_ref().is_none_or(|life| life.boot > 1) && self.requests > 0 {
            return Ok(());
        }
        let acts = self.load.setup()?;
        for (number, act) in acts.into_iter().enumerate() {
            let id = RequestId::new(format!("{}/setup/{number}", self.name))?;
            self.ask(vec![Request { id, by: None, act }], tally).await;
        }
        self.requests += 1;
        Ok(())
    }

    /// People ask, some at once; who got no answer asks again.
    pub async fn work(&mut self, at_once: u64, tally: &mut Tally) -> Result<(), Failure> {
        let Some(boot) = self.life.as_ref().map(|life| life.boot) else { return Ok(()) };
        let mut requests = std::mem::take(&mut self.unsure);
        for _ in 0..at_once {
            self.requests += 1;
            let id = RequestId::new(format!("{}/{boot}/{}", self.name, self.requests))?;
            requests.extend(self.load.next().map(|act| Request { id, by: None, act }));
        }
        self.ask(requests, tally).await;
        Ok(())
    }

    async fn ask(&mut self, requests: Vec<Request>, tally: &mut Tally) {
        let Some(life) = &self.life else { return };
        let verdicts = join_all(requests.iter().map(|request| life.writer.ask(request.clone()))).await;
        for (request, verdict) in requests.into_iter().zip(verdicts) {
            if let Verdict::Failed(_) = verdict {
                self.unsure.push(request);
                continue;
            }
            tally.verdicts += 1;
            self.oracle.answered(&request.act, &verdict);
            life.writer.shown(request.id).await;
        }
    }

    /// Messages that the window allows now.
    pub fn messages(&mut self, now_ms: u64) -> Result<Vec<Vec<u8>>, Failure> {
        let mut messages = Vec::new();
        let Some(life) = &mut self.life else { return Ok(messages) };
        let tail = life.writer.tail().ledger_last;
        while messages.len() < BATCHES_A_STEP
            && let Next::Send { after } = life.window.next(tail, now_ms, 0)
        {
            let want = Want { stream: Stream::Ledger, after, held: life.held, bytes_max: BATCH_BYTES_MAX };
            let Some(made) = life.source.make(want)? else { break };
            life.window.sent(made.last, now_ms);
            messages.push(made.bytes);
        }
        Ok(messages)
    }

    /// Takes an acknowledgement as the sync session does.
    pub async fn hear(&mut self, message: &[u8], key: &PublicKey, now_ms: u64) -> Result<(), Failure> {
        let Some(life) = &mut self.life else { return Ok(()) };
        let Ack { epoch, time, journal, ledger, track } = Ack::open(message, key)?;
        let ack = Acknowledged {
            epoch,
            time,
            journal,
            held: ledger.held,
            safe: ledger.safe,
            link: ledger.link,
            track_held: track.held,
        };
        // An old one, or one that a spoiled journal cannot believe: the counts at the end tell.
        if life.writer.acknowledged(ack).await.is_err() {
            return Ok(());
        }
        if epoch > life.epoch {
            life.epoch = epoch;
            life.window.new_epoch(ledger.held, now_ms);
        } else {
            life.window.acked(ledger.held, now_ms);
        }
        if life.window.held() == ledger.held {
            life.held = Some((ledger.held, ledger.link));
        }
        Ok(())
    }

    /// Deletes what is safe at the hub, once it is remembered here.
    pub async fn prune(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let Some(life) = &self.life else { return Ok(()) };
        self.oracle.read(self.name.as_str(), &life.reader, tally)?;
        if let Some(held) = life.writer.tail().held {
            // Without power it is not pruned; the cut is dealt with at the end of the step.
            let _ = life.writer.prune(held.safe.saturating_sub(20)).await;
        }
        Ok(())
    }

    /// What is known of the journal is brought up to date.
    pub fn read(&mut self, tally: &mut Tally) -> Result<(), JournalError> {
        match &self.life {
            Some(life) => self.oracle.read(self.name.as_str(), &life.reader, tally),
            None => Ok(()),
        }
    }

    /// Number of the last record that is on the disk.
    pub fn last(&self) -> u64 {
        self.life.as_ref().map_or(0, |life| life.writer.tail().ledger_last)
    }

    /// Ends the process in good order; power may fail in the middle of it.
    pub async fn stop(&mut self) {
        if let Some(Life { writer, reader, source, .. }) = self.life.take() {
            drop((reader, source));
            writer.stop().await;
        }
    }

    /// Power is gone: what ran is left to its dead disk, and power comes back.
    pub async fn cut(&mut self, dice: &mut Dice, tally: &mut Tally) {
        self.power.cut();
        self.stop().await;
        tally.syncs += self.disk.syncs();
        self.power = Arc::new(Power::stays());
        self.disk = Arc::new(self.disk.after_cut(dice, Arc::clone(&self.power)));
    }
}
