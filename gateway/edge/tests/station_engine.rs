//! The engine with a real journal on a disk: verdicts in flight, keys that repeat, seals, the claims' thread, restarts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::timeout};
use waypost_core::{
    code::{
        LabelKinds,
        claim::{ClaimParams, ClaimToken},
    },
    fact::{
        ClockQuality, Role, SiteKind, Stream, WallTime,
        id::{CampaignId, GatewayId, ItemId, OperatorId, RoundId, SealId, SiteId},
    },
    rule::{
        Act,
        order::{CampaignTerms, Order, OrderDocument, Round, SealEntry, SealFormat, Secret, StaffEntry},
        row::StaffRow,
    },
};
use waypost_drivers::{
    bench::{VirtualSeal, VirtualTag},
    seal::{Address, Format, SealEvent, SealKey, hex},
};
use waypost_edge::{
    clock::Clock,
    identity::Identity,
    journal::{self, JournalConfig, Reader, Request, RequestId, Verdict, Writer},
    panel::{Language, Panel, Tone},
    secret::Keeper,
    station::{
        ScanInput, ScanRefused, StationHandle,
        engine::{self, DeviceEvent, Parts, Running},
        step::Local,
    },
    sync::{LinkState, Secrets},
};

const BADGE: &str = "STAFF-0000000000000001";
/// Longer than anything here takes on a slow machine.
const LONG: Duration = Duration::from_secs(60);

struct Gateway {
    handle: StationHandle,
    devices: tokio::sync::mpsc::Sender<DeviceEvent>,
    ended: tokio::sync::oneshot::Receiver<()>,
    stop: watch::Sender<bool>,
    secrets: watch::Sender<Secrets>,
    keeper: Keeper,
    writer: Writer,
    clock: Clock,
    _link: watch::Sender<LinkState>,
}

impl Gateway {
    fn start(dir: &Path, kind: SiteKind) -> Self {
        Self::start_at(dir, kind, 1.0)
    }

    /// With a clock that runs so much faster.
    fn start_at(dir: &Path, kind: SiteKind, rate: f64) -> Self {
        let gateway = GatewayId::new("g").unwrap();
        let identity = Identity::read(dir).or_else(|_| Identity::create(dir, gateway.clone())).unwrap();
        let clock = Clock::simulated("2020-10-05T02:00:00Z".parse().unwrap(), rate);
        clock.set("2020-10-05T02:00:00Z".parse::<WallTime>().unwrap().as_millis(), ClockQuality::Ntp);
        let site = SiteId::new("SITE-HERE").unwrap();
        let (writer, opened) = journal::open(JournalConfig {
            dir: dir.to_owned(),
            gateway,
            site: site.clone(),
            kind,
            box_tubes_max: 1_000,
            par: Vec::new(),
            clock: clock.clone(),
            track_max: 1_000,
            journal: identity.journal,
        })
        .unwrap();
        let (stop, stopping) = watch::channel(false);
        let (link_in, link) = watch::channel(LinkState::default());
        let reader = Reader::open(dir).unwrap();
        let keeper = Keeper::open(dir).unwrap();
        let (secrets_in, secrets) = watch::channel(Secrets::of_orders(reader.orders().unwrap(), &keeper));
        let local = Local {
            site,
            kind,
            closes: Vec::new(),
            time_zone: TimeZone::get("Asia/Hong_Kong").unwrap(),
            box_tubes_max: 1_000,
            items: vec![ItemId::new("packs").unwrap()],
            session_idle: Duration::from_secs(900),
        };
        let Running { handle, devices, ended, .. } = engine::start(Parts {
            local: Arc::new(local),
            site_name: "Here".to_owned(),
            labels: LabelKinds::default(),
            language: Language::En,
            silent_after: Duration::from_secs(30),
            clock: clock.clone(),
            writer: writer.clone(),
            reader,
            opened,
            link,
            secrets,
            badges: None,
            filters: None,
            hub: None,
            enrolment: None,
            papers: None,
            stopping,
        })
        .unwrap();
        Self { handle, devices, ended, stop, secrets: secrets_in, keeper, writer, clock, _link: link_in }
    }

    async fn order(&self, order: Order) {
        let id = match &order {
            Order::Campaign { terms, .. } => terms.id.to_string(),
            _ => "-".to_owned(),
        };
        let document =
            OrderDocument { id, epoch: 1, number: 1, not_before: None, expires: None, to: Vec::new(), order };
        self.secrets.send_modify(|secrets| {
            let more = Secrets::of_orders(vec![document.clone()], &self.keeper);
            secrets.campaigns.extend(more.campaigns);
            secrets.seals.extend(more.seals);
        });
        let id = RequestId::new(format!("order-{}", document.order.kind())).unwrap();
        let act = Act::ApplyOrder { document: Box::new(document) };
        let verdict = self.writer.ask(Request { id, by: None, act }).await;
        assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
    }

    async fn staff(&self) {
        let badge = hex::encode(&Sha256::digest(BADGE.as_bytes()));
        let person = StaffRow::without_pin(OperatorId::new("s-1").unwrap(), Role::Staff);
        self.order(Order::Staff { people: vec![StaffEntry { badge, person }] }).await;
        assert_eq!(self.scan(BADGE).await.main.key, "yes-shift-opened");
    }

    async fn scan(&self, text: &str) -> Arc<Panel> {
        self.send(text, None).await.unwrap()
    }

    async fn send(&self, text: &str, key: Option<&str>) -> Result<Arc<Panel>, ScanRefused> {
        let input = ScanInput {
            text: text.to_owned(),
            symbology: None,
            document: None,
            source: "test".to_owned(),
            idempotency_key: key.map(str::to_owned),
        };
        timeout(LONG, self.handle.scan(input)).await.unwrap()
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        timeout(LONG, self.ended).await.unwrap().unwrap();
        self.writer.stop().await;
    }
}

#[tokio::test]
async fn two_hundred_scans_in_flight_each_get_the_panel_of_their_own_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    gateway.staff().await;
    gateway.scan("B-0001").await;
    let scans = (0..200).map(|number| {
        let gateway = &gateway;
        async move {
            let tube = format!("T-{number:08}");
            (tube.clone(), gateway.scan(&tube).await)
        }
    });
    let mut records = BTreeSet::new();
    for (tube, panel) in futures_util::future::join_all(scans).await {
        assert_eq!((panel.main.key, panel.tone), ("yes-tube-packed", Tone::Yes));
        assert!(format!("{:?}", panel.main).contains(&tube), "{tube}: {panel:?}");
        assert!(panel.verdict_us.is_some() && panel.hash_us.is_none());
        let (first, last) = panel.records.unwrap();
        assert!((first..=last).all(|record| records.insert(record)), "a record belongs to one verdict");
    }
    let progress = gateway.handle.panel().borrow().progress.unwrap();
    assert_eq!((progress.done, progress.of), (200, 1_000));
    assert_eq!(gateway.handle.panel().borrow().answered, 202);
    gateway.stop().await;
    let reader = Reader::open(dir.path()).unwrap();
    let last = reader.last(Stream::Ledger).unwrap();
    assert!(records.iter().all(|record| *record <= last));
}

#[tokio::test]
async fn the_same_key_is_the_same_request_in_flight_afterwards_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    gateway.staff().await;
    gateway.scan("B-0001").await;
    let same = (0..20).map(|_| gateway.send("T-00000001", Some("one")));
    let panels = futures_util::future::join_all(same).await;
    let first = panels[0].clone().unwrap();
    assert_eq!(first.tone, Tone::Yes);
    assert!(panels.iter().all(|panel| panel.as_ref().unwrap().records == first.records));
    assert_eq!(gateway.send("T-00000001", Some("one")).await.unwrap().records, first.records);
    assert_eq!(gateway.send("T-00000001", Some("two")).await.unwrap().tone, Tone::Already);
    for bad in ["", "with space", &"k".repeat(49), "ümlaut"] {
        assert_eq!(gateway.send("T-00000001", Some(bad)).await.unwrap_err(), ScanRefused::BadKey, "{bad}");
    }
    gateway.stop().await;
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    let again = gateway.send("T-00000001", Some("one")).await.unwrap();
    assert_eq!((again.tone, again.records), (Tone::Yes, first.records));
    assert!(again.lines.iter().any(|line| line.key == "line-repeated"));
    assert_eq!(again.progress.unwrap().done, 1, "a tube counts once");
    assert_eq!(gateway.handle.panel().borrow().status.person.as_deref(), Some("s-1"), "the shift goes on");
    gateway.stop().await;
}

fn terms() -> CampaignTerms {
    CampaignTerms {
        id: CampaignId::new("masks-2020-10").unwrap(),
        name: "Masks".to_owned(),
        rounds: vec![Round {
            id: RoundId::new("r2").unwrap(),
            from: "2020-10-05".to_owned(),
            until: "2020-10-31".to_owned(),
            packs_first: 2,
            packs_again: 1,
        }],
        hash: ClaimParams { m_kib: 64, t: 1, p: 1 },
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "1823".to_owned(),
        disputes_until: None,
        elsewhere: None,
    }
}

#[tokio::test]
async fn a_claim_is_hashed_apart_and_served_once() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::PostOffice);
    gateway.staff().await;
    let terms = terms();
    gateway.order(Order::Campaign { terms, key: Secret::new("07".repeat(32)) }).await;
    for code in ["CMD-STOCK-IN", "CMD-ITEM-PACKS", "QTY-100"] {
        gateway.scan(code).await;
    }
    let persons = ["A123456(3)", "G123456(A)", "C123456(9)", "A123456(3)", "AB987654(3)"];
    let panels = futures_util::future::join_all(persons.map(|person| gateway.scan(person))).await;
    let keys: Vec<_> = panels.iter().map(|panel| panel.main.key).collect();
    assert_eq!(keys.iter().filter(|key| **key == "yes-served").count(), 4, "{keys:?}");
    assert_eq!(keys[3], "refusal-already-served", "the first one was served");
    for panel in panels {
        let (verdict, hash) = (panel.verdict_us.unwrap(), panel.hash_us.unwrap());
        assert!(hash > 0 && verdict < LONG.as_micros() as u64);
    }
    gateway.stop().await;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        // Keys of orders lie in a folder of their own.
        if path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(6).any(|text| text == b"987654"), "no number is on the disk");
    }
}

/// An advertisement with this service data of BTHome.
fn advertisement(service_data: &[u8]) -> Vec<u8> {
    [&[u8::try_from(service_data.len() + 3).unwrap(), 0x16, 0xD2, 0xFC], service_data].concat()
}

#[tokio::test]
async fn a_box_is_sealed_on_what_the_radio_heard_and_its_opening_is_an_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    gateway.staff().await;
    let address: Address = "54:48:E6:8F:80:A5".parse().unwrap();
    let key = "231d39c1d7cc1ab1aee224cd096db932";
    let entry = SealEntry {
        seal: SealId::new("S-0001").unwrap(),
        address: address.to_string(),
        key: Some(Secret::new(key.to_owned())),
        format: SealFormat::Bthome,
        beside: None,
        interval_ms: None,
        pairing: 0,
    };
    gateway.order(Order::Seals { seals: vec![entry] }).await;
    let mut seal = VirtualSeal::new(address, key.parse::<SealKey>().unwrap());
    for code in ["B-0001", "T-00000001", "CMD-CLOSE-BOX", "CMD-CHECK-ALL"] {
        gateway.scan(code).await;
    }
    assert_eq!(gateway.scan("S-0001").await.main.key, "refusal-seal-not-closed", "not heard yet");
    let hear = async |frame: Vec<u8>| {
        let data = advertisement(&frame);
        let event = SealEvent::Advertisement { address, rssi: Some(-50), data };
        gateway.devices.send(DeviceEvent::Seal(event)).await.unwrap();
    };
    seal.fit();
    let frame = seal.next_frame();
    hear(frame.clone()).await;
    // What the radio heard is taken before the next scan is looked at, as soon as it is there.
    let sealed = loop {
        let panel = gateway.scan("S-0001").await;
        if panel.tone == Tone::Yes {
            break panel;
        }
    };
    assert_eq!(sealed.main.key, "yes-box-sealed");
    let mut live = gateway.handle.panel();
    seal.open();
    hear(seal.next_frame()).await;
    timeout(LONG, live.wait_for(|panel| panel.main.key == "alarm-seal-opened")).await.unwrap().unwrap();
    hear(frame).await;
    timeout(LONG, live.wait_for(|panel| panel.main.key == "alarm-seal-forged")).await.unwrap().unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn the_nearest_seal_is_taken_without_its_barcode_and_a_tag_beside_it_raises_its_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    gateway.staff().await;
    let (address, at_tag): (Address, Address) =
        ("54:48:E6:8F:80:A5".parse().unwrap(), "AC:23:31:23:45:67".parse().unwrap());
    let key = "231d39c1d7cc1ab1aee224cd096db932";
    let seal = SealEntry {
        seal: SealId::new("S-0001").unwrap(),
        address: address.to_string(),
        key: Some(Secret::new(key.to_owned())),
        format: SealFormat::Bthome,
        beside: None,
        interval_ms: None,
        pairing: 0,
    };
    let tag = SealEntry {
        seal: SealId::new("S-0002").unwrap(),
        address: at_tag.to_string(),
        key: None,
        format: SealFormat::Minew,
        beside: Some(seal.seal.clone()),
        interval_ms: None,
        pairing: 0,
    };
    gateway.order(Order::Seals { seals: vec![seal, tag] }).await;
    let hear = async |address: Address, data: Vec<u8>| {
        let event = SealEvent::Advertisement { address, rssi: Some(-50), data };
        gateway.devices.send(DeviceEvent::Seal(event)).await.unwrap();
    };
    for code in ["B-0001", "T-00000001", "CMD-CLOSE-BOX", "CMD-CHECK-ALL"] {
        gateway.scan(code).await;
    }
    let mut tag = VirtualTag::new(at_tag, Format::Minew);
    hear(at_tag, tag.advertisement()).await;
    assert_eq!(gateway.scan("CMD-SEAL").await.main.key, "ask-scan-seal-none-near", "a tag closes no box");
    let mut seal = VirtualSeal::new(address, key.parse::<SealKey>().unwrap());
    hear(address, advertisement(&seal.next_frame())).await;
    // What the radio heard is taken before the next scan is looked at, as soon as it is there.
    let sealed = loop {
        let panel = gateway.scan("CMD-SEAL").await;
        if panel.tone == Tone::Yes {
            break panel;
        }
    };
    assert_eq!(sealed.main.key, "yes-box-sealed");
    let mut live = gateway.handle.panel();
    tag.tamper();
    hear(at_tag, tag.advertisement()).await;
    timeout(LONG, live.wait_for(|panel| panel.main.key == "alarm-seal-tampered")).await.unwrap().unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn devices_that_are_missing_show_and_half_a_code_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::TestingCentre);
    let mut live = gateway.handle.panel();
    gateway.devices.send(DeviceEvent::Down("scanner 1".to_owned())).await.unwrap();
    let missing = |panel: &Arc<Panel>| panel.status.missing == ["scanner 1"];
    timeout(LONG, live.wait_for(missing)).await.unwrap().unwrap();
    gateway.devices.send(DeviceEvent::Unreadable).await.unwrap();
    timeout(LONG, live.wait_for(|panel| panel.main.key == "scan-half")).await.unwrap().unwrap();
    gateway.devices.send(DeviceEvent::Up("scanner 1".to_owned())).await.unwrap();
    timeout(LONG, live.wait_for(|panel| panel.status.missing.is_empty())).await.unwrap().unwrap();
    gateway.scan("CMD-LANG").await;
    assert_eq!(*gateway.handle.language().borrow(), Language::ZhHk);
    gateway.stop().await;
}

#[tokio::test]
async fn a_satellites_time_is_recorded_once_and_sets_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::Vehicle);
    let mut live = gateway.handle.panel();
    let tell = async |text: &str| {
        let told: jiff::Timestamp = text.parse().unwrap();
        // As many as move a clock that was right by the hub's word.
        for _ in 0..40 {
            let event = DeviceEvent::Gnss(waypost_drivers::gnss::GnssEvent::Time(told));
            gateway.devices.send(event).await.unwrap();
        }
    };
    tell("2020-10-05T03:00:00Z").await;
    timeout(LONG, live.wait_for(|panel| panel.status.clock == "gnss")).await.unwrap().unwrap();
    assert!(gateway.clock.now().at >= "2020-10-05T03:00:00Z".parse().unwrap());
    // Back, to the beginning of GPS, and years ahead: none of it is believed.
    for wrong in ["2020-10-05T02:30:00Z", "1980-01-06T00:00:00Z", "2021-10-05T03:00:00Z"] {
        tell(wrong).await;
    }
    gateway.devices.send(DeviceEvent::Down("last".to_owned())).await.unwrap();
    timeout(LONG, live.wait_for(|panel| panel.status.missing == ["last"])).await.unwrap().unwrap();
    let now = gateway.clock.now().at;
    assert!(now >= "2020-10-05T03:00:00Z".parse().unwrap() && now < "2020-10-05T03:10:00Z".parse().unwrap());
    gateway.stop().await;
    let reader = Reader::open(dir.path()).unwrap();
    let lines = reader.lines(Stream::Ledger, 0, 100, 1 << 20).unwrap();
    assert_eq!(lines.iter().filter(|line| line.line.contains("clock_found")).count(), 1);
}

#[tokio::test]
async fn after_a_cut_before_the_panel_the_operator_is_asked_until_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), SiteKind::PostOffice);
    gateway.staff().await;
    gateway.order(Order::Campaign { terms: terms(), key: Secret::new("07".repeat(32)) }).await;
    for code in ["CMD-STOCK-IN", "CMD-ITEM-PACKS", "QTY-100", "CMD-CANCEL"] {
        gateway.scan(code).await;
    }
    // It is recorded, and nobody hears of it: as when the power fails there.
    let campaign = CampaignId::new("masks-2020-10").unwrap();
    let act = Act::Claim {
        campaign,
        claim: ClaimToken([7; 16]),
        document: "hk".to_owned(),
        proxy: None,
        elsewhere: Default::default(),
    };
    let by = Some(OperatorId::new("s-1").unwrap());
    let verdict = gateway.writer.ask(Request { id: RequestId::new("cut").unwrap(), by, act }).await;
    assert!(matches!(verdict, Verdict::Granted { .. }), "{verdict:?}");
    gateway.stop().await;
    for other in ["yes-served", "refusal-already-served"] {
        let gateway = Gateway::start(dir.path(), SiteKind::PostOffice);
        asks_about_hand_out(&gateway).await;
        // What else is scanned does not answer it.
        assert_eq!(gateway.scan("A123456(3)").await.main.key, other);
        gateway.stop().await;
    }
    let gateway = Gateway::start(dir.path(), SiteKind::PostOffice);
    asks_about_hand_out(&gateway).await;
    assert_eq!(gateway.scan("CMD-HANDED-NO").await.main.key, "yes-not-handed");
    gateway.stop().await;
    let gateway = Gateway::start(dir.path(), SiteKind::PostOffice);
    gateway.scan("CMD-LANG").await;
    assert_eq!(gateway.handle.panel().borrow().title.key, "title-masks", "it is not asked again");
    gateway.stop().await;
}

async fn asks_about_hand_out(gateway: &Gateway) {
    let mut panel = gateway.handle.panel();
    let asked = panel.wait_for(|panel| panel.main.key == "ask-handed");
    timeout(LONG, asked).await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_stays_signed_in_who_scans_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start_at(dir.path(), SiteKind::TestingCentre, 3_600.0);
    gateway.staff().await;
    let mut panel = gateway.handle.panel();
    timeout(LONG, panel.wait_for(|panel| panel.status.person.is_none())).await.unwrap().unwrap();
    assert_eq!(gateway.scan("B-0001").await.main.key, "refusal-not-signed-in");
    assert_eq!(gateway.scan(BADGE).await.main.key, "yes-signed-in", "the shift stays open");
    gateway.stop().await;
}
