//! Many gateways' links in one process: real journals, real sessions, one broker, one hub. All lose the broker at once.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{sync::watch, task::JoinSet};
use waypost_core::{
    fact::{
        ClockQuality, SiteKind,
        id::{GatewayId, SiteId},
    },
    rule::Act,
};
use waypost_edge::{
    clock::Clock,
    config::Mqtt,
    identity::Identity,
    journal::{self, JournalConfig, Reader, Request, RequestId, Verdict, Writer},
    secret::Keeper,
    sync::{self, LinkState, Parts, Secrets, SyncConfig, Tuning},
};

use crate::{
    broker::Broker,
    hub::Hub,
    orders,
    proxy::{Proxy, Weather},
    wait::{pause, until_true},
};

/// Longest time that all of them may take for anything.
const PATIENCE: Duration = Duration::from_secs(300);
/// Files and sockets that a gateway has open here, with those of the proxy.
const FILES_EACH: u64 = 24;
/// Threads for reading journals; an appliance has one.
const READERS_MAX: usize = 16;

/// How an outage ended.
#[derive(Debug, Clone)]
pub struct Outage {
    /// Connections in each second after the broker was back.
    pub connects: Vec<usize>,
    /// The share of all gateways that came in the busiest second.
    pub busiest: f64,
    /// Seconds until the hub had acknowledged everything to every gateway.
    pub all_held_s: f64,
    /// Seconds of these after the last gateway had come.
    pub behind_last_s: f64,
}

/// What a fleet lived through.
#[derive(Debug, Clone)]
pub struct Report {
    /// All connections are broken at once, and the broker is there again in the same moment.
    pub kick: Outage,
    /// The broker is away for longer than the longest pause, while everybody works.
    pub outage: Outage,
    /// The most memory that the hub had resident, in KiB.
    pub hub_peak_kib: u64,
}

/// One gateway of the fleet.
struct Member {
    writer: Writer,
    boot: u32,
    state: watch::Receiver<LinkState>,
    asked: u64,
}

/// Runs so many gateways, and checks at the end that the hub has every record once. In the long outage each writes
/// `records`.
pub fn run(gateways: usize, records: u64, outage: Duration) -> Report {
    raise_limit(gateways);
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(READERS_MAX)
        .enable_all()
        .build()
        .unwrap();
    let broker = Broker::start(dir.path(), true);
    let proxy = Proxy::start(broker.port(), 7);
    let mut hub = Hub::make(&dir.path().join("hub"), &[orders::staff()]);
    hub.configure(broker.port(), []);
    let mut members: Vec<Member> = (0..gateways)
        .map(|number| {
            let _inside = runtime.enter();
            Member::start(dir.path(), number, &proxy, &hub)
        })
        .collect();
    hub.start();
    until_true("all gateways are at the hub", PATIENCE, || members.iter().all(Member::is_held));

    let began = Instant::now();
    proxy.break_all();
    runtime.block_on(write_all(&mut members, 1));
    let kick = after(began, &proxy, &members);

    proxy.set(Weather::Away);
    let began = Instant::now();
    runtime.block_on(write_all(&mut members, records));
    let left = outage.saturating_sub(began.elapsed());
    pause_for(left);
    let began = Instant::now();
    proxy.set(Weather::Calm);
    let outage = after(began, &proxy, &members);

    let recorded: u64 = members.iter().map(|member| member.writer.last().0).sum();
    let stored = hub.store();
    assert_eq!(stored.len() as u64, recorded, "the hub has every record once");
    let hub_peak_kib = hub.process().peak_kib();
    runtime.shutdown_timeout(Duration::from_secs(5));
    Report { kick, outage, hub_peak_kib }
}

impl Member {
    fn start(dir: &Path, number: usize, proxy: &Proxy, hub: &Hub) -> Self {
        let id = format!("gw-{number:04}");
        let site = format!("SITE-{number:04}");
        let data = dir.join(&id);
        std::fs::create_dir_all(&data).unwrap();
        let gateway = GatewayId::new(id.clone()).unwrap();
        let identity = Identity::create(&data, gateway.clone()).unwrap();
        let mut known = OpenOptions::new().append(true).open(hub.config()).unwrap();
        let key = identity.sign_key().public();
        writeln!(
            known,
            "\n[[gateway]]\nid = \"{id}\"\nsite = \"{site}\"\nkind = \"testing_centre\"\nname = \"{id}\"\nkey = \"{key}\""
        )
        .unwrap();
        let clock = Clock::system();
        let (writer, opened) = journal::open(JournalConfig {
            dir: data.clone(),
            gateway: gateway.clone(),
            site: SiteId::new(site).unwrap(),
            kind: SiteKind::TestingCentre,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: clock.clone(),
            track_max: 1_000,
            journal: identity.journal,
        })
        .unwrap();
        // The broker is on this machine; the pauses are those before one that is not.
        let tuning = Tuning::default();
        let config = SyncConfig {
            serves: true,
            gateway,
            data: data.clone(),
            journal: identity.journal,
            boot: opened.boot,
            key: Arc::new(identity.sign_key()),
            secret_key: Arc::new(identity.secret_key()),
            mqtt: Some(Mqtt { host: "127.0.0.1".to_owned(), port: proxy.port(), tls: None }),
            ack_key: Some(hub.keys.ack_key.parse().unwrap()),
            order_keys: vec![hub.keys.order_key.parse().unwrap()],
            enrolment: None,
            tuning: Tuning { reconnect_local: tuning.reconnect, ..tuning },
        };
        let (tell, state) = watch::channel(LinkState::default());
        let parts = Parts {
            writer: writer.clone(),
            reader: Reader::open(&data).unwrap(),
            clock,
            state: tell,
            secrets: watch::channel(Secrets::default()).0,
            keeper: Keeper::open(&data).unwrap(),
            filters: None,
            questions: None,
        };
        tokio::spawn(sync::run(config, parts, std::future::pending()));
        Self { writer, boot: opened.boot, state, asked: 0 }
    }

    /// The gateway has the hub's word on its whole ledger.
    fn is_held(&self) -> bool {
        let last = self.writer.last().0;
        last > 0 && self.state.borrow().held >= last
    }
}

/// Each gateway writes so many records.
async fn write_all(members: &mut [Member], records: u64) {
    let mut asking = JoinSet::new();
    for member in members {
        let (writer, boot, first) = (member.writer.clone(), member.boot, member.asked);
        member.asked += records;
        asking.spawn(async move {
            for n in first..first + records {
                let id = RequestId::new(format!("fleet-{n}")).unwrap();
                let offset_ms = i64::try_from(n).unwrap();
                let act = Act::FindClock { boot, offset_ms, quality: ClockQuality::Rtc };
                let verdict = writer.ask(Request { id, by: None, act }).await;
                assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
            }
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
}

/// Waits until all is well again, and counts how it became so.
fn after(began: Instant, proxy: &Proxy, members: &[Member]) -> Outage {
    until_true("every gateway has the hub's word on everything", PATIENCE, || {
        pause(20);
        members.iter().all(|member| member.is_held() && member.state.borrow().online)
    });
    let all_held_s = began.elapsed().as_secs_f64();
    let came: Vec<Duration> = proxy
        .connects()
        .into_iter()
        .filter_map(|at| at.into_std().checked_duration_since(began))
        .filter(|after| *after > Duration::ZERO)
        .collect();
    let seconds = came.iter().max().map_or(0, |last| last.as_secs() + 1);
    let mut connects = vec![0; usize::try_from(seconds).unwrap()];
    for after in &came {
        connects[usize::try_from(after.as_secs()).unwrap()] += 1;
    }
    let most = connects.iter().copied().max().unwrap_or(0);
    let last_s = came.iter().max().map_or(0.0, Duration::as_secs_f64);
    #[allow(clippy::cast_precision_loss, reason = "a few hundred gateways")]
    let busiest = most as f64 / members.len() as f64;
    Outage { connects, busiest, all_held_s, behind_last_s: all_held_s - last_s }
}

/// An outage lasts as long as it lasts.
fn pause_for(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        pause(50);
    }
}

/// Lets this process, and the broker that it starts, open as many files as the fleet needs.
fn raise_limit(gateways: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = gateways as u64 * FILES_EACH + 512;
    if current.is_some_and(|current| current < needed) {
        let needed = maximum.map_or(needed, |maximum| maximum.min(needed));
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).unwrap();
    }
}
