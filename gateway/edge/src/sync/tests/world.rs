//! A gateway with a real journal, linked to a broker and hub in this process.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{sync::oneshot, task::JoinHandle};
use waypost_core::{
    fact::{
        AlarmKind, ClockQuality, SiteKind, Stream,
        id::{CampaignId, SiteId},
    },
    rule::{Act, order::Secret},
    wire::{
        keys::{Seed, SignKey},
        secret_key::SecretKey,
    },
};

use super::{
    super::*,
    hub::{self, Hub},
};
use crate::journal::{self, JournalConfig, Request, RequestId, Verdict};

/// Longest time that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn key(name: &str, byte: u8) -> SignKey {
    SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
}

pub fn secret_key(byte: u8) -> SecretKey {
    SecretKey::new(&Seed::from_bytes([byte; 32]))
}

/// A gateway with a real journal, and the hub it is linked to.
pub struct World {
    pub dir: tempfile::TempDir,
    pub config: SyncConfig,
    pub parts: Parts,
    pub state: watch::Receiver<LinkState>,
    pub secrets: watch::Receiver<Secrets>,
    pub hub: Hub,
    pub desk: HubDesk,
    asked: u64,
}

/// A link under way.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let gateway = GatewayId::new("post-1").unwrap();
        let clock = Clock::system();
        let journal = Uuid::from_bytes([3; 16]);
        let (writer, opened) = journal::open(JournalConfig {
            dir: dir.path().to_owned(),
            gateway: gateway.clone(),
            site: SiteId::new("SITE-PO1").unwrap(),
            kind: SiteKind::PostOffice,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: clock.clone(),
            track_max: 1000,
            journal,
        })
        .unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let hub = Hub::start(gateway.clone(), journal, key("post-1", 7).public(), key("ack", 8)).await;
        let (state_sender, state) = watch::channel(LinkState::default());
        let (secrets_sender, secrets) = watch::channel(Secrets::default());
        let config = SyncConfig {
            gateway,
            data: dir.path().to_owned(),
            journal,
            boot: opened.boot,
            key: Arc::new(key("post-1", 7)),
            mqtt: Some(Mqtt { host: "127.0.0.1".to_owned(), port: hub.port, tls: None }),
            ack_key: Some(key("ack", 8).public()),
            order_keys: vec![key("order", 9).public()],
            secret_key: Arc::new(secret_key(5)),
            serves: true,
            enrolment: None,
            tuning: Tuning {
                reconnect: Pauses { first: Duration::from_millis(10), cap: Duration::from_millis(50) },
                reconnect_local: Pauses { first: Duration::from_millis(10), cap: Duration::from_millis(50) },
                gather: Duration::from_millis(20),
                stall: Duration::from_millis(300),
                health: Duration::from_secs(30),
                orders: Duration::from_millis(50),
            },
        };
        let keeper = Keeper::open(dir.path()).unwrap();
        let (desk, questions) = desk();
        let parts = Parts {
            writer,
            reader,
            clock,
            state: state_sender,
            secrets: secrets_sender,
            keeper,
            filters: Some(Filters::new(dir.path())),
            questions: Some(questions),
        };
        Self { dir, config, parts, state, secrets, hub, desk, asked: 0 }
    }

    pub fn run(&self) -> Running {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(self.config.clone(), self.parts.clone(), async {
            let _ = stopped.await;
        }));
        Running { stop, task }
    }

    pub async fn ask(&mut self, acts: impl IntoIterator<Item = Act>) {
        let writer = self.parts.writer.clone();
        let asked = acts.into_iter().map(|act| {
            self.asked += 1;
            let id = RequestId::new(format!("test-{}", self.asked)).unwrap();
            writer.ask(Request { id, by: None, act })
        });
        for verdict in join_all(asked).await {
            assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
        }
    }

    /// Writes so many records.
    pub async fn write(&mut self, records: u64) {
        let boot = self.config.boot;
        let quality = ClockQuality::Rtc;
        let act = move |offset_ms| Act::FindClock { boot, offset_ms, quality };
        self.ask((0..records).map(|n| act(i64::try_from(n).unwrap()))).await;
    }

    pub async fn raise_alarm(&mut self) -> u64 {
        self.ask([Act::RaiseAlarm { alarm: AlarmKind::StockLow, subject: "packs".to_owned() }]).await;
        self.parts.writer.last().0
    }

    /// Waits until the gateway believes that the hub has everything.
    pub async fn synced(&mut self) {
        let writer = self.parts.writer.clone();
        let all = self.state.wait_for(|state| state.held == writer.last().0);
        tokio::time::timeout(PATIENCE, all).await.expect("everything is acknowledged").unwrap();
    }

    /// Waits until the hub is in some state.
    pub async fn hub_is(&self, what: &str, is: impl Fn(&hub::State) -> bool) {
        let met = async {
            while !is(&self.hub.state()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, met).await.is_ok(), "never: {what}");
    }

    /// The hub has what the journal has, line by line and link by link.
    pub fn assert_equal(&self) {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        let lines: Vec<_> =
            lines.into_iter().map(|line| (line.seq, (line.line, line.link.unwrap()))).collect();
        let state = self.hub.state();
        let held: Vec<_> = state.ledger.iter().map(|(seq, row)| (*seq, row.clone())).collect();
        assert_eq!(held.len(), lines.len());
        assert!(held == lines, "another line");
    }

    pub async fn key_is(&mut self, key_byte: u8) {
        let campaign = CampaignId::new("masks-2020-10").unwrap();
        let given = self.secrets.wait_for(|secrets| {
            secrets.campaigns.get(&campaign).and_then(Secret::bytes) == Some([key_byte; 32])
        });
        tokio::time::timeout(PATIENCE, given).await.expect("the campaign's key is given out").unwrap();
    }

    pub fn orders_applied(&self) -> usize {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        lines.iter().filter(|line| line.line.contains("\"order_applied\"")).count()
    }

    pub fn refusals(&self) -> Vec<String> {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        let refused = lines.iter().filter(|line| line.line.contains("\"message_refused\""));
        refused.map(|line| line.line.clone()).collect()
    }

    pub async fn until(&self, what: &str, met: impl Fn() -> bool) {
        let began = std::time::Instant::now();
        while !met() {
            assert!(began.elapsed() < PATIENCE, "never: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn refused(&self, subject: &str) {
        let began = std::time::Instant::now();
        while !self.refusals().iter().any(|line| line.contains(&format!("\"{subject}\""))) {
            assert!(began.elapsed() < PATIENCE, "no alarm about {subject}: {:?}", self.refusals());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Every file below a directory.
pub fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut dirs, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push((path.clone(), fs::read(&path).unwrap())) }
        }
    }
    files
}

pub fn assert_nowhere(dir: &Path, what: &str, needle: &[u8]) {
    for (path, content) in files(dir) {
        let found = content.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "{what} is in {}", path.display());
    }
}
