//! Seals that a real Bluetooth stack advertises (Bumble), heard by the real reader and by a whole gateway.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use tokio::{runtime::Runtime, sync::mpsc, task::JoinHandle, time::timeout};
use waypost_drivers::{
    port::PortConfig,
    seal::{Address, Mending, ReaderConfig, SealEvent, ad, bthome, reader},
};
use waypost_integration_tests::{
    bumble::{self, Advertising, AirPlan, Bumble, BumbleSeal},
    codes, export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders,
    wait::{SOON, until, until_true},
};

/// Advertisements that each measurement waits for.
const ENOUGH: usize = 1_500;
/// The least share of them that must arrive. On the simulated air nothing is lost, so what is missing is the reader's.
const SHARE_MIN: f64 = 0.99;
/// As many events as a gateway lets wait.
const EVENTS_MAX: usize = 64;

fn seal(number: u8, advertising: Advertising) -> BumbleSeal {
    let key = format!("231d39c1d7cc1ab1aee224cd096db9{number:02x}");
    BumbleSeal { address: format!("C0:5E:A1:00:00:{number:02X}"), key, advertising }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The reader by itself.
struct Reader {
    runtime: Runtime,
    events: mpsc::Receiver<SealEvent>,
    _task: JoinHandle<()>,
}

impl Reader {
    fn start(pty: &Path, active: bool, silent_after: Duration) -> Self {
        let port = PortConfig { path: pty.to_owned(), baud: 115_200 };
        let config = ReaderConfig { active, silent_after, ..ReaderConfig::new(port) };
        let (out, events) = mpsc::channel(EVENTS_MAX);
        let runtime = runtime();
        let task = runtime.spawn(reader::run(config, out));
        Self { runtime, events, _task: task }
    }

    fn next(&mut self) -> SealEvent {
        self.next_within(SOON).expect("something within moments")
    }

    fn next_within(&mut self, patience: Duration) -> Option<SealEvent> {
        let next = self.runtime.block_on(async { timeout(patience, self.events.recv()).await });
        next.ok().map(|event| event.expect("the reader runs"))
    }

    fn until(&mut self, what: &str, mut wanted: impl FnMut(&SealEvent) -> bool) -> SealEvent {
        let mut seen = Vec::new();
        for _ in 0..20_000 {
            let event = self.next();
            if wanted(&event) {
                return event;
            }
            if !matches!(event, SealEvent::Advertisement { .. }) {
                seen.push(event);
            }
        }
        panic!("never: {what}; but {seen:?}");
    }

    fn until_heard(&mut self) {
        self.until("a frame", |event| matches!(event, SealEvent::Advertisement { .. }));
    }
}

/// What was heard of each seal: the counters of its frames, all authentic.
struct Heard<'a> {
    plan: &'a AirPlan,
    counters: BTreeMap<String, BTreeSet<u32>>,
}

impl Heard<'_> {
    fn take(&mut self, event: &SealEvent) {
        let SealEvent::Advertisement { address, rssi, data } = event else { return };
        assert_eq!(*rssi, Some(-50), "as Bumble says");
        let counter = counter_of(self.plan, *address, data);
        self.counters.entry(address.to_string()).or_default().insert(counter);
    }

    fn has(&self, address: &str, counter: u32) -> bool {
        self.counters.get(address).is_some_and(|heard| heard.contains(&counter))
    }
}

/// The counter of a frame, which its seal's key shows to be authentic.
fn counter_of(plan: &AirPlan, address: Address, data: &[u8]) -> u32 {
    let seal = plan.seals.iter().find(|seal| seal.address == address.to_string()).expect("one of ours");
    let service_data = ad::bthome_service_data(data).expect("telephones are told apart");
    let frame = bthome::read(service_data, address, Some(&seal.key.parse().unwrap())).unwrap();
    assert!(frame.authentic);
    frame.counter.unwrap()
}

/// Hears `ENOUGH` advertisements, and returns the share of what was on the air.
fn share(plan: &AirPlan, active: bool) -> Option<f64> {
    let python = bumble::python()?;
    let dir = tempfile::tempdir().unwrap();
    let mut air = Bumble::start(&python, dir.path(), plan);
    let mut reader = Reader::start(air.pty(), active, Duration::from_secs(10));
    let mut heard = Heard { plan, counters: BTreeMap::new() };
    while heard.counters.values().map(BTreeSet::len).sum::<usize>() < ENOUGH {
        heard.take(&reader.next());
    }
    air.tell("quiet");
    let sent = air.sent();
    let last = || sent.iter().filter_map(|(address, counters)| Some((address, *counters.last()?)));
    while !last().all(|(address, counter)| heard.has(address, counter)) {
        // What does not come any more is missing below.
        let Some(event) = reader.next_within(SOON) else { break };
        heard.take(&event);
    }
    assert!(sent.values().all(|counters| !counters.is_empty()), "each seal was on the air");
    let all: usize = sent.values().map(BTreeSet::len).sum();
    let arrived: usize = sent
        .iter()
        .map(|(address, counters)| counters.iter().filter(|counter| heard.has(address, **counter)).count())
        .sum();
    let share = arrived as f64 / all as f64;
    println!("{arrived} of {all} advertisements of {} seals received: {:.2} %", sent.len(), share * 100.0);
    Some(share)
}

#[test]
fn nearly_all_advertisements_of_legacy_and_extended_seals_are_received_among_telephones() {
    let seals = (1..=4)
        .map(|number| seal(number, Advertising::Legacy))
        .chain((5..=8).map(|number| seal(number, Advertising::Extended)))
        .collect();
    let plan = AirPlan { legacy: false, interval_ms: 50, telephones: 10, seals };
    if let Some(share) = share(&plan, false) {
        assert!(share >= SHARE_MIN, "{share}");
    }
}

#[test]
fn a_controller_without_extended_advertising_hears_legacy_seals_as_well_by_an_active_scan() {
    let seals = (1..=6).map(|number| seal(number, Advertising::Legacy)).collect();
    let plan = AirPlan { legacy: true, interval_ms: 50, telephones: 10, seals };
    if let Some(share) = share(&plan, true) {
        assert!(share >= SHARE_MIN, "{share}");
    }
}

#[test]
fn whatever_the_radio_does_it_is_told_and_heard_again() {
    let Some(python) = bumble::python() else { return };
    for legacy in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let seals = vec![seal(1, Advertising::Legacy), seal(2, Advertising::Legacy)];
        let plan = AirPlan { legacy, interval_ms: 20, telephones: 0, seals };
        let mut air = Bumble::start(&python, dir.path(), &plan);
        let mut reader = Reader::start(air.pty(), false, Duration::from_millis(800));
        // A frame may overtake the word that the radio scans.
        reader.until("up", |event| *event == SealEvent::Up);
        reader.until_heard();

        // A scan that dies without a word is switched off and on; the controller is not reset for that.
        let resets = air.tell("scanning")["resets"].clone();
        air.tell("deaf");
        reader.until("mended", |event| *event == SealEvent::Mending(Mending::RestartScan));
        reader.until_heard();
        assert_eq!(air.tell("scanning")["resets"], resets);

        // One that resets itself is told by its error and set up anew.
        air.tell("fail");
        let failed = reader.until("down", |event| matches!(event, SealEvent::Down(_)));
        assert_eq!(failed, SealEvent::Down("the radio's hardware failed (0x42)".to_owned()));
        reader.until("up", |event| *event == SealEvent::Up);
        reader.until_heard();

        // Noise costs the packets that it fell among, and nothing after.
        air.tell("noise 200000");
        let noisy = air.sent().values().flatten().count();
        until_true("more was sent", SOON, || air.sent().values().flatten().count() > noisy + 50);
        let expected: BTreeSet<u32> = air.sent().values().filter_map(|sent| sent.last().copied()).collect();
        let expected = expected.first().copied().unwrap();
        reader.until("a frame from behind the noise", |event| match event {
            SealEvent::Advertisement { address, data, .. } => counter_of(&plan, *address, data) >= expected,
            _ => false,
        });

        // One that answers nothing is down, by the command that was not answered, until it does.
        air.tell("mute");
        let down = reader.until("down", |event| matches!(event, SealEvent::Down(_)));
        let SealEvent::Down(reason) = down else { unreachable!() };
        assert!(reason.starts_with("the radio does not answer "), "{reason}");
        air.tell("unmute");
        reader.until("up", |event| *event == SealEvent::Up);
        reader.until_heard();
    }
}

#[test]
fn a_gateway_seals_a_box_with_a_closed_seal_and_raises_an_alarm_when_it_is_opened() {
    let Some(python) = bumble::python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let seals =
        vec![seal(1, Advertising::Legacy), seal(2, Advertising::Extended), seal(3, Advertising::Legacy)];
    let names = ["S-0001", "S-0002", "S-0003"];
    let plan = AirPlan { legacy: false, interval_ms: 100, telephones: 3, seals: seals.clone() };
    let mut air = Bumble::start(&python, dir.path(), &plan);
    // The second is open: it seals nothing until it is closed.
    air.tell(&format!("open {}", seals[1].address));
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let section = format!("[seal_reader]\nport = \"{}\"\n", air.pty().display());
    let mut gateway =
        Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(&section), None, Some(&keys));
    let ordered: Vec<_> = names
        .iter()
        .zip(&seals)
        .map(|(name, seal)| (*name, seal.address.as_str(), seal.key.as_str()))
        .collect();
    gateway.lay_orders(&keys_dir, &[orders::staff(), orders::seals(&ordered)]);
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    let alarms = |box_code: &str| {
        let of_box = |line: &&String| {
            let fact = &export::record(line)["fact"];
            fact["kind"] == "alarm_raised" && fact["alarm"] == "seal_opened" && fact["subject"] == box_code
        };
        gateway.ledger().iter().filter(of_box).count()
    };

    for (number, name) in (1..).zip(&names[..2]) {
        console.yes(&codes::box_code(number));
        console.yes(&codes::tube(number));
        console.scan("CMD-CLOSE-BOX");
        console.yes("CMD-CHECK-ALL");
        if number == 2 {
            // The first frames after the radio began to scan may be of before the opening.
            until_true("the open seal was on the air for a while", SOON, || {
                air.sent().get(&seals[1].address).is_some_and(|counters| counters.len() > 3)
            });
            until("the open seal is refused for being open", SOON, || {
                let answer = console.scan(name);
                assert_eq!((answer.tone(), answer.records()), ("no", None), "{}", answer.0);
                answer.main().contains("open").then_some(())
            });
            air.tell(&format!("close {}", seals[1].address));
        }
        until("the closed seal is taken", SOON, || {
            Some(console.scan(name)).filter(|answer| answer.tone() == "yes")
        });
    }
    let sealed: Vec<String> =
        gateway.ledger().iter().filter(|line| line.contains("\"box_sealed\"")).cloned().collect();
    assert_eq!(sealed.len(), 2, "{sealed:?}");

    for (number, seal) in (1..).zip(&seals[..2]) {
        let box_code = codes::box_code(number);
        assert_eq!(alarms(&box_code), 0);
        air.tell(&format!("open {}", seal.address));
        until_true("the opened seal is an alarm in the journal", SOON, || alarms(&box_code) == 1);
    }

    // A radio that answers nothing is missing on the panel, and back when it answers.
    let missing = || console.panel().0["status"]["missing"].as_array().unwrap().len();
    air.tell("fail");
    air.tell("mute");
    until_true("the panel says that the radio is missing", SOON, || missing() == 1);
    air.tell("unmute");
    until_true("the panel says that it is back", SOON * 2, || missing() == 0);
    gateway.process().assert_runs();
    gateway.stop();
}
