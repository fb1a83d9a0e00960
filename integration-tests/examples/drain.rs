//! How fast a backlog drains: a gateway's journal through mosquitto to the hub's commit, beside mosquitto's own bridge
//! with the same number of 300-byte messages at QoS 1, on the same machine in the same run. See `bench-drain`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement stops at the first thing that is wrong"
)]

use std::{
    env, fs, io,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        Checklist, MovementReason, SealReading, SealState, SiteKind,
        id::{BoxId, CampaignId, GatewayId, ItemId, SealId, SiteId, TubeId},
    },
    rule::Act,
};
use waypost_edge::{
    clock::Clock,
    identity::Identity,
    journal::{self, JournalConfig, Request, RequestId, Verdict, Writer},
};
use waypost_integration_tests::{
    broker::Broker,
    codes,
    gateway::{Gateway, Plan},
    hub::Hub,
    mqtt::{self, Client},
    orders,
    wait::{pause, until_true},
};

/// Bytes of a message that the bridge carries.
const BRIDGED_BYTES: usize = 300;
/// Tubes of a box.
const BOX_TUBES: u64 = 40;
/// How often the gateway is asked what is left: seldom enough not to be felt.
const LOOK_MS: u64 = 50;
/// Longest time that either may take.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() {
    let records = env::args().nth(1).map_or(300_000, |text| text.parse().expect("how many records"));
    let dir = tempfile::tempdir().unwrap();
    let ours = drain(dir.path(), records);
    println!(
        "gateway: {records} records in {:.1} s, {:.0} a second; {:.1} bytes a record at the broker; {} KiB resident at \
         the most; started in {} ms with all of them queued",
        ours.seconds,
        ours.rate(records),
        ours.bytes_a_record,
        ours.peak_kib,
        ours.start.as_millis()
    );
    let rate_of = |queued| {
        let (seconds, kib) = bridge(dir.path(), records, queued);
        let rate = f64::from(records) / seconds;
        println!(
            "mosquitto's bridge, {}: {records} messages of {BRIDGED_BYTES} bytes in {seconds:.1} s, {rate:.0} a second; \
             {kib} KiB resident at the most",
            if queued { "all queued" } else { "as they are published" },
        );
        (rate, kib)
    };
    let (queued, queued_kib) = rate_of(true);
    let (live, live_kib) = rate_of(false);
    let two_digits = |ratio: f64| (ratio * 100.0).round() / 100.0;
    println!(
        "{}",
        json!({
            "records": records, "records_a_s": ours.rate(records).round(),
            "bridge_queued_a_s": queued.round(), "bridge_live_a_s": live.round(),
            "ratio_queued": two_digits(ours.rate(records) / queued),
            "ratio_live": two_digits(ours.rate(records) / live),
            "bytes_a_record": (ours.bytes_a_record * 10.0).round() / 10.0,
            "gateway_peak_kib": ours.peak_kib, "bridge_queued_peak_kib": queued_kib, "bridge_live_peak_kib": live_kib,
            "gateway_cpu_s": ours.gateway_cpu_s, "hub_cpu_s": ours.hub_cpu_s,
            "start_ms": u64::try_from(ours.start.as_millis()).unwrap(),
        })
    );
}

struct Drained {
    seconds: f64,
    bytes_a_record: f64,
    peak_kib: u64,
    start: Duration,
    gateway_cpu_s: f64,
    hub_cpu_s: f64,
}

impl Drained {
    fn rate(&self, records: u32) -> f64 {
        f64::from(records) / self.seconds
    }
}

fn drain(dir: &Path, records: u32) -> Drained {
    let mut broker = Broker::start(dir, false);
    let mut hub = Hub::make(&dir.join("hub"), &[]);
    let mut gateway = Gateway::make(dir, Plan::testing_centre("ctc-1"), Some(broker.port()), Some(&hub.keys));
    hub.configure(broker.port(), [&gateway]);
    let began = Instant::now();
    let queued = fill(&gateway.data(), records);
    println!("{queued} records written in {:.1} s", began.elapsed().as_secs_f64());

    // The start, with everything queued and no broker.
    broker.stop();
    let began = Instant::now();
    gateway.start();
    let start = began.elapsed();
    let unsynced = || gateway.console().panel().0["status"]["unsynced"].as_u64().unwrap();
    assert!(unsynced() >= queued, "all of them are queued");

    // The drain begins when the gateway reaches the broker and ends when it has the hub's word on the last record.
    broker.resume();
    hub.start();
    until_true("the gateway reaches the broker", PATIENCE, || broker.clients().contains("waypost-ctc-1"));
    let began = Instant::now();
    while unsynced() > 0 {
        assert!(began.elapsed() < PATIENCE, "the backlog does not drain");
        pause(LOOK_MS);
    }
    let seconds = began.elapsed().as_secs_f64();
    let peak_kib = gateway.process().peak_kib();
    let (gateway_cpu_s, hub_cpu_s) = (gateway.process().cpu_s(), hub.process().cpu_s());
    let bytes = settled_count(broker.port(), "bytes/received").unwrap();
    assert_eq!(hub.store().len(), gateway.ledger().len(), "all of it arrived");
    gateway.stop();
    hub.stop();
    broker.stop();
    #[allow(clippy::cast_precision_loss, reason = "a few million bytes")]
    Drained {
        seconds,
        bytes_a_record: bytes as f64 / f64::from(records),
        peak_kib,
        start,
        gateway_cpu_s,
        hub_cpu_s,
    }
}

/// The broker's count, once it stands still for a report or two.
fn settled_count(port: u16, name: &str) -> io::Result<u64> {
    let mut last = mqtt::broker_count(port, name)?;
    loop {
        let mut report = Client::connect(port, "report", true)?;
        report.subscribe("$SYS/broker/uptime")?;
        for _ in 0..3 {
            report.next(Duration::from_secs(5))?;
        }
        let now = mqtt::broker_count(port, name)?;
        // Asking costs some bytes itself.
        if now - last < 4_096 {
            return Ok(now);
        }
        last = now;
    }
}

/// Writes a journal as a day makes it: half of it tubes packed into sealed boxes, half of it claims.
fn fill(data: &Path, records: u32) -> u64 {
    let identity = Identity::read(data).unwrap();
    let config = |kind| JournalConfig {
        dir: data.to_owned(),
        gateway: GatewayId::new("ctc-1").unwrap(),
        site: SiteId::new("SITE-CTC-1").unwrap(),
        kind,
        box_tubes_max: 1_000,
        par: Vec::new(),
        clock: Clock::system(),
        track_max: 1_000,
        journal: identity.journal,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let half = u64::from(records) / 2;
    runtime.block_on(async {
        let (writer, _) = journal::open(config(SiteKind::PostOffice)).unwrap();
        claims(&writer, half).await;
        writer.stop().await;
        let (writer, _) = journal::open(config(SiteKind::TestingCentre)).unwrap();
        boxes(&writer, u64::from(records)).await;
        let (last, _) = writer.last();
        writer.stop().await;
        last
    })
}

async fn claims(writer: &Writer, until: u64) {
    for order in [orders::staff(), orders::campaign()] {
        let document = Box::new(serde_json::from_value(order).unwrap());
        yes(writer, Act::ApplyOrder { document }).await;
    }
    sign_in(writer).await;
    let item = ItemId::new("packs").unwrap();
    let stock = Act::MoveStock { item, quantity: 1_000_000, reason: MovementReason::Received, with: None };
    yes(writer, stock).await;
    let mut noise = 1_u64;
    while writer.last().0 < until {
        let claims = (0..64).map(|_| {
            let mut token = [0; 16];
            token.fill_with(|| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (noise >> 56) as u8
            });
            Act::Claim {
                campaign: CampaignId::new(orders::CAMPAIGN).unwrap(),
                claim: ClaimToken(token),
                document: "hk".to_owned(),
                proxy: None,
                elsewhere: Default::default(),
            }
        });
        all_yes(writer, claims.collect()).await;
    }
    yes(writer, Act::CloseShift { unsynced: until }).await;
}

async fn boxes(writer: &Writer, until: u64) {
    sign_in(writer).await;
    let mut tube = 40_000_000;
    for number in 0.. {
        if writer.last().0 >= until {
            break;
        }
        let box_id = BoxId::new(codes::box_code(number)).unwrap();
        yes(writer, Act::StartBox { box_id: box_id.clone() }).await;
        let tubes = (0..BOX_TUBES).map(|_| {
            tube += 1;
            Act::ScanTube { tube: TubeId::new(codes::tube(tube)).unwrap(), booking: None }
        });
        all_yes(writer, tubes.collect()).await;
        yes(writer, Act::CloseBox { checklist: Checklist::COMPLETE }).await;
        let counter = Some(u32::try_from(number).unwrap() + 1);
        let reading = SealReading {
            seal: SealId::new(format!("S-{number:06}")).unwrap(),
            state: SealState::Closed,
            authentic: true,
            counter,
            event_count: counter,
            battery_percent: Some(97),
            pairing: 0,
        };
        let due = "2099-01-01T00:00:00Z".parse().unwrap();
        let to = SiteId::new("V-001").unwrap();
        let seal = Act::SealBox { box_id: box_id.clone(), reading: reading.clone(), mechanical: None, due };
        yes(writer, seal).await;
        yes(writer, Act::HandOverBox { box_id, to, reading: Some(reading), remark: None }).await;
    }
}

async fn sign_in(writer: &Writer) {
    let badge = codes::badge_hash(codes::STAFF_BADGE);
    yes(writer, Act::SignIn { badge, day: "2020-10-14".to_owned(), pin: None }).await;
}

async fn yes(writer: &Writer, act: Act) {
    all_yes(writer, vec![act]).await;
}

/// Asks all at once, so that they are committed together.
async fn all_yes(writer: &Writer, acts: Vec<Act>) {
    let mut answers = Vec::new();
    for act in acts {
        let (writer, id) = (writer.clone(), request_id());
        answers.push(tokio::spawn(async move {
            let verdict = writer.ask(Request { id: id.clone(), by: None, act }).await;
            writer.shown(id).await;
            verdict
        }));
    }
    for answer in answers {
        let verdict = answer.await.unwrap();
        assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
    }
}

fn request_id() -> RequestId {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    RequestId::new(format!("bench:{:08}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

/// mosquitto carries messages to another mosquitto. `queued`: they wait at the first while the second is away, and the
/// seconds are those from the first to the last that arrives; else from the first that is published. Also the most
/// memory that the first had resident.
fn bridge(dir: &Path, messages: u32, queued: bool) -> (f64, u64) {
    let folder = dir.join(if queued { "bridge-queued" } else { "bridge-live" });
    fs::create_dir_all(&folder).unwrap();
    let mut far = Broker::start_with(&folder, "persistence false\nmax_queued_messages 0");
    let bridge = format!(
        "persistence false\nmax_queued_messages 0\nconnection far\naddress 127.0.0.1:{}\ntopic # out 1\n\
         cleansession false\nrestart_timeout 1\nnotifications false\n",
        far.port()
    );
    if queued {
        far.stop();
    }
    let near = Broker::start_with(&folder, &bridge);
    if queued {
        publish(near.port(), messages);
        far.resume();
    }
    let mut subscriber = Client::connect(far.port(), "subscriber", true).unwrap();
    subscriber.subscribe("bench/records").unwrap();
    let mut began = None;
    let mut publisher = None;
    if !queued {
        until_true("the bridge stands", PATIENCE, || far.log().contains(&format!(" as {}", hostname())));
        began = Some(Instant::now());
        let port = near.port();
        publisher = Some(std::thread::spawn(move || publish(port, messages)));
    }
    for _ in 0..messages {
        subscriber.next(Duration::from_secs(30)).unwrap().expect("the bridge carries all of them");
        began.get_or_insert_with(Instant::now);
    }
    subscriber.flush().unwrap();
    let seconds = began.unwrap().elapsed().as_secs_f64();
    if let Some(publisher) = publisher {
        publisher.join().unwrap();
    }
    (seconds, near.process().peak_kib())
}

/// The bridge's name at the other broker begins with it.
fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

fn publish(port: u16, messages: u32) {
    let mut publisher = Client::connect(port, "publisher", true).unwrap();
    let payload = vec![b'x'; BRIDGED_BYTES];
    for sent in 1..=messages {
        publisher.publish("bench/records", &payload).unwrap();
        // Never more under way than the client's numbers and the sockets' buffers hold.
        if sent % 500 == 0 || sent == messages {
            publisher.flush().unwrap();
            let under_way = if sent % 500 == 0 { 500 } else { sent % 500 };
            for _ in 0..under_way {
                publisher.wait_puback().unwrap();
            }
        }
    }
}
