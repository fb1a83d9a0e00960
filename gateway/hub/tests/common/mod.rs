//! A gateway without hardware: makes lines, chains them, cuts and signs batches.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use uuid::Uuid;
use waypost_core::{
    fact::{
        ClockQuality, Fact, Link, Record, SealReading, SealState, SiteKind, Stream, WallTime,
        id::{BoxId, GatewayId, OperatorId, SealId, SiteId, TubeId},
    },
    wire::{
        batch::{LineIn, Packer},
        keys::{Seed, SignKey},
        lost::{Lost, LostReason},
        upload::Upload,
    },
};
use waypost_hub::{
    places::{Place, Places},
    store::{Applied, Job, Store, view::View},
};

/// 2020-09-03T00:00:00Z
pub const DAY: i64 = 1_599_091_200_000;
pub const MINUTE: i64 = 60_000;

pub fn site_of(gateway: &str) -> (String, SiteKind) {
    let kind = match gateway.split('-').next().unwrap() {
        "ctc" => SiteKind::TestingCentre,
        "van" => SiteKind::Vehicle,
        "lab" => SiteKind::Laboratory,
        "post" => SiteKind::PostOffice,
        _ => SiteKind::Warehouse,
    };
    (format!("SITE-{}", gateway.to_uppercase()), kind)
}

/// A gateway's journal, as it would be sent.
pub struct Gateway {
    pub name: String,
    pub key: SignKey,
    pub journal: Uuid,
    pub lines: Vec<String>,
    /// The link after each line.
    pub links: Vec<Link>,
    pub boot: u32,
    pub clock: ClockQuality,
}

impl Gateway {
    pub fn new(name: &str, number: u8) -> Self {
        let key = SignKey::new(name, &Seed::from_bytes([number; 32])).unwrap();
        let journal = Uuid::from_bytes([number; 16]);
        let mut gateway = Self {
            name: name.to_owned(),
            key,
            journal,
            lines: Vec::new(),
            links: Vec::new(),
            boot: 1,
            clock: ClockQuality::Gnss,
        };
        let (site, _) = site_of(name);
        gateway.write(
            0,
            Fact::JournalStarted {
                gateway: GatewayId::new(name).unwrap(),
                site: SiteId::new(site).unwrap(),
                journal,
                previous: None,
            },
        );
        gateway
    }

    pub fn place(&self) -> Place {
        let (site, kind) = site_of(&self.name);
        Place {
            gateway: GatewayId::new(self.name.clone()).unwrap(),
            site: SiteId::new(site.clone()).unwrap(),
            kind,
            name: site,
            key: Some(self.key.public()),
            secret_key: None,
        }
    }

    pub fn last(&self) -> u64 {
        self.lines.len() as u64
    }

    pub fn link_at(&self, seq: u64) -> Link {
        if seq == 0 { Link::START } else { self.links[seq as usize - 1] }
    }

    /// Appends a fact that happened so many minutes into the day; its number.
    pub fn write(&mut self, minute: i64, fact: Fact) -> u64 {
        let seq = self.last() + 1;
        let record = Record {
            seq,
            boot: self.boot,
            up_ms: (minute * MINUTE) as u64,
            at: WallTime(if self.clock == ClockQuality::Unset {
                minute * MINUTE
            } else {
                DAY + minute * MINUTE
            }),
            clock: self.clock,
            by: Some(OperatorId::new("s-7f3a").unwrap()),
            fact,
        };
        self.write_line(record.to_line().unwrap());
        seq
    }

    pub fn write_line(&mut self, line: String) {
        let link = self.link_at(self.last()).after(line.as_bytes());
        self.lines.push(line);
        self.links.push(link);
    }

    /// A signed batch of the ledger, as it comes from the topic.
    pub fn batch(&self, first: u64, last: u64) -> Job {
        let lines: Vec<_> = (first..=last)
            .map(|seq| LineIn { seq, line: &self.lines[seq as usize - 1], link: self.link_at(seq) })
            .collect();
        let before = self.link_at(first - 1);
        let packed = Packer::new()
            .unwrap()
            .pack(&self.key, self.journal, Stream::Ledger, before, &lines, usize::MAX)
            .unwrap();
        assert_eq!(packed.taken, lines.len());
        self.job(packed.bytes)
    }

    pub fn all(&self) -> Job {
        self.batch(1, self.last())
    }

    /// A signed batch of the track with these numbers.
    pub fn track(&self, numbers: &[u64]) -> Job {
        let texts: Vec<_> = numbers.iter().map(|seq| format!("{{\"seq\":{seq},\"lat\":22.3}}")).collect();
        let lines: Vec<_> = numbers
            .iter()
            .zip(&texts)
            .map(|(seq, line)| LineIn { seq: *seq, line, link: Link::START })
            .collect();
        let packed = Packer::new()
            .unwrap()
            .pack(&self.key, self.journal, Stream::Track, Link::START, &lines, usize::MAX)
            .unwrap();
        self.job(packed.bytes)
    }

    /// A signed declaration that a range of the ledger is lost.
    pub fn lost(&self, first: u64, last: u64) -> Job {
        let lost = Lost {
            journal: self.journal,
            stream: Stream::Ledger,
            first,
            last,
            before: self.link_at(first - 1),
            after: self.link_at(last),
            why: LostReason::Damaged,
        };
        self.job(lost.sign(&self.key).unwrap())
    }

    fn job(&self, bytes: Vec<u8>) -> Job {
        let upload = Upload::open(&bytes, |_| Some(self.key.public())).unwrap();
        Job::Upload(Box::new(upload), bytes)
    }
}

/// A store in a folder of its own.
pub struct Hub {
    pub dir: tempfile::TempDir,
    pub places: Arc<Places>,
    pub store: Store,
}

impl Hub {
    pub fn new(gateways: &[&Gateway]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let places = Arc::new(Places::new(gateways.iter().map(|gateway| gateway.place())));
        let store = open(dir.path(), &places);
        Self { dir, places, store }
    }

    /// Does jobs in one commit, a day after all of it happened unless another minute is given.
    pub fn take(&mut self, jobs: &[Job]) -> Applied {
        self.take_at(jobs, 1)
    }

    pub fn take_at(&mut self, jobs: &[Job], minute: i64) -> Applied {
        self.store.apply(jobs, WallTime(DAY + minute * MINUTE)).unwrap()
    }

    pub fn reopen(self) -> Self {
        let Self { dir, places, store } = self;
        drop(store);
        let store = open(dir.path(), &places);
        Self { dir, places, store }
    }

    pub fn view(&self) -> View {
        View::open(self.dir.path(), Arc::clone(&self.places)).unwrap()
    }

    /// How far a gateway's only journal is held.
    pub fn held(&self, gateway: &Gateway) -> (u64, Link) {
        let held = self.store.held().into_iter().find(|held| held.journal == gateway.journal);
        held.map_or((0, Link::START), |held| (held.held, held.link))
    }

    pub fn lines(&self, gateway: &Gateway) -> Vec<String> {
        self.export(Stream::Ledger)
            .into_iter()
            .filter(|(name, _)| *name == gateway.name)
            .map(|(_, line)| line)
            .collect()
    }

    pub fn export(&self, stream: Stream) -> Vec<(String, String)> {
        let mut out = Vec::new();
        waypost_hub::store::export::export(self.dir.path(), stream, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|row| {
                let row: serde_json::Value = serde_json::from_str(row).unwrap();
                (row["gateway"].as_str().unwrap().to_owned(), row["line"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    /// Open alarms as kind, subject, gateway.
    pub fn alarms(&self) -> Vec<(String, String, String)> {
        let mut alarms: Vec<_> = self
            .view()
            .summary()
            .unwrap()
            .alarms
            .into_iter()
            .map(|alarm| (alarm.kind, alarm.subject, alarm.gateway))
            .collect();
        alarms.sort();
        alarms
    }

    pub fn has_alarm(&self, kind: &str) -> bool {
        self.alarms().iter().any(|(found, _, _)| found == kind)
    }
}

fn open(dir: &std::path::Path, places: &Arc<Places>) -> Store {
    Store::open(dir, Arc::clone(places), WallTime(DAY), 45 * MINUTE).unwrap()
}

pub fn tube(name: &str) -> TubeId {
    TubeId::new(name).unwrap()
}

pub fn a_box(name: &str) -> BoxId {
    BoxId::new(name).unwrap()
}

pub fn site(gateway: &str) -> SiteId {
    SiteId::new(site_of(gateway).0).unwrap()
}

pub fn collected(number: usize) -> Fact {
    Fact::TubeCollected { tube: tube(&format!("T-{number:08}")), booking: None }
}

pub fn reading() -> SealReading {
    SealReading {
        seal: SealId::new("SEAL-1").unwrap(),
        state: SealState::Closed,
        authentic: true,
        counter: Some(77),
        event_count: Some(2),
        battery_percent: Some(90),
        pairing: 0,
    }
}
