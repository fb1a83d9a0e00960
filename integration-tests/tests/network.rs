//! Bad networks between a gateway and its broker. Whatever the network does, work at the counter goes on as before, and
//! afterwards everything is at the hub, once. Each test prints how long the gateway took to notice and to recover.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use waypost_integration_tests::{
    broker::Broker,
    certificates::{Authority, Pair},
    codes,
    gateway::Plan,
    mqtt::Client,
    port, program,
    proxy::{Delay, Proxy, Weather},
    traffic::assert_shown_is_written,
    wait::{PATIENT, SOON, pause, until_true},
    world::World,
};

/// Verdicts in each phase of a test, at least.
const VERDICTS_MIN: usize = 40;
/// Milliseconds between two scans of one person.
const SCAN_MS: u64 = 25;
/// A gateway knows within so long that nobody hears it: its bound of 50 s and what a busy machine adds.
const NOTICED_MAX: Duration = Duration::from_secs(60);
/// Verdicts may take so many times the calm ones, and so much more: the machine has other work as well.
const SLOWER_MAX: (u32, Duration) = (3, Duration::from_millis(40));

/// Tubes scanned so far by anybody.
static TUBES: AtomicU64 = AtomicU64::new(0);

/// A person who scans, and a stopwatch.
struct Counter {
    ends: Arc<AtomicBool>,
    took: Arc<Mutex<Vec<Duration>>>,
    thread: JoinHandle<Vec<(String, u64)>>,
}

impl Counter {
    fn start(world: &World) -> Self {
        let console = world.gateways[0].console();
        let (ends, took) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (end, times) = (Arc::clone(&ends), Arc::clone(&took));
        let thread = thread::spawn(move || {
            let mut shown = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let tube = codes::tube(TUBES.fetch_add(1, Ordering::Relaxed));
                let began = Instant::now();
                let (_, last) = console.yes(&tube).records().unwrap();
                times.lock().unwrap().push(began.elapsed());
                shown.push((tube, last));
                pause(SCAN_MS);
            }
            shown
        });
        Self { ends, took, thread }
    }

    fn verdicts(&self) -> usize {
        self.took.lock().unwrap().len()
    }

    /// Waits for some more verdicts.
    fn go_on(&self) {
        let before = self.verdicts();
        until_true("work at the counter goes on", SOON, || self.verdicts() >= before + VERDICTS_MIN);
    }

    /// The middle one of the times from a verdict's number on, up to now.
    fn middle(&self, from: usize) -> Duration {
        let mut took = self.took.lock().unwrap()[from..].to_vec();
        took.sort_unstable();
        took[took.len() / 2]
    }

    fn stop(self) -> Vec<(String, u64)> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A gateway behind a proxy, and the hub beside the broker.
struct Net {
    world: World,
    proxy: Proxy,
}

impl Net {
    fn new(more: &str) -> Option<Self> {
        if !program::has(&["mosquitto"]) {
            return None;
        }
        let plan = Plan::testing_centre("ctc-1").with(more);
        let world = World::make(&[plan], "persistence true");
        let proxy = Proxy::start(world.broker.port(), 7);
        Some(Self { world, proxy })
    }

    /// Starts both ends.
    fn start(&mut self) {
        let keys = self.world.hub.keys.clone();
        self.world.gateways[0].configure(Some(self.proxy.port()), Some(&keys));
        self.world.hub.start();
        self.world.gateways[0].start();
        self.world.gateways[0].sign_in();
        self.synced();
    }

    fn is_online(&self) -> bool {
        self.world.gateways[0].console().panel().0["status"]["online"] == true
    }

    /// Waits until the gateway has the hub's word on everything.
    fn synced(&self) -> Duration {
        let began = Instant::now();
        until_true("everything is at the hub", PATIENT, || {
            self.world.gateways[0].console().panel().0["status"]["unsynced"] == 0
        });
        began.elapsed()
    }

    /// How long it takes until the panel says that there is no link.
    fn noticed(&self) -> Duration {
        let began = Instant::now();
        until_true("the panel says that there is no link", NOTICED_MAX, || !self.is_online());
        began.elapsed()
    }

    /// Work goes on in calm weather, then through a fault; `fault` returns when it is over, with what it measured.
    fn hold(&self, name: &str, fault: impl FnOnce(&Self, &Counter) -> String) {
        let counter = Counter::start(&self.world);
        counter.go_on();
        let calm = counter.middle(0);
        let from = counter.verdicts();
        let measured = fault(self, &counter);
        let bad = counter.middle(from);
        let verdicts = counter.verdicts() - from;
        let shown = counter.stop();
        let recovered = self.synced();
        println!(
            "{name}: {measured}all at the hub after {:.1} s; {verdicts} verdicts, {:.1} ms in the middle ({:.1} ms before)",
            recovered.as_secs_f64(),
            bad.as_secs_f64() * 1e3,
            calm.as_secs_f64() * 1e3,
        );
        assert!(verdicts >= VERDICTS_MIN, "{verdicts} verdicts in bad weather");
        assert!(bad <= calm * SLOWER_MAX.0 + SLOWER_MAX.1, "{name}: verdicts wait for the network");
        self.world.settle();
        assert_shown_is_written(&shown, &self.world.gateways[0].ledger());
    }
}

/// What was measured, in words, with a mark behind it.
fn noticed_in(time: Duration) -> String {
    format!("noticed after {:.1} s, ", time.as_secs_f64())
}

#[test]
fn hours_without_a_network_cost_nothing() {
    // Twenty minutes in a second.
    let Some(mut net) = Net::new("[clock.simulated]\nstart = \"2020-09-03T00:00:00Z\"\nrate = 1200\n") else {
        return;
    };
    net.start();
    net.hold("four hours offline", |net, counter| {
        net.proxy.set(Weather::Away);
        let noticed = net.noticed();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(12) {
            counter.go_on();
        }
        net.proxy.set(Weather::Calm);
        noticed_in(noticed)
    });
}

/// Connects anew over a slow network, and works there.
fn slow(name: &str, delay: Delay) {
    let Some(mut net) = Net::new("") else { return };
    net.start();
    net.hold(name, |net, counter| {
        net.proxy.set(Weather::Slow(delay));
        net.proxy.break_all();
        net.noticed();
        let began = Instant::now();
        until_true("the gateway connects over a slow network", PATIENT, || net.is_online());
        let linked = began.elapsed();
        counter.go_on();
        format!("linked after {:.1} s, ", linked.as_secs_f64())
    });
}

#[test]
fn a_mobile_network_of_the_third_generation_is_enough() {
    slow("3G, 100 ms ± 10 each way", Delay::MOBILE_3G);
}

#[test]
fn a_satellite_that_loses_packets_is_enough() {
    slow("satellite, 600 ms ± 50 each way, 2 % lost", Delay::SATELLITE);
}

#[test]
fn a_blackhole_is_noticed_and_survived() {
    let Some(mut net) = Net::new("") else { return };
    net.start();
    net.hold("blackhole", |net, counter| {
        net.proxy.set(Weather::Blackhole);
        let noticed = net.noticed();
        counter.go_on();
        net.proxy.set(Weather::Calm);
        noticed_in(noticed)
    });
}

#[test]
fn a_connection_whose_other_end_is_gone_is_given_up() {
    let Some(mut net) = Net::new("") else { return };
    net.start();
    net.hold("half-open", |net, _| {
        let before = net.proxy.connects().len();
        let began = Instant::now();
        net.proxy.half_open();
        until_true("the gateway connects anew", NOTICED_MAX, || net.proxy.connects().len() > before);
        noticed_in(began.elapsed())
    });
}

#[test]
fn packets_that_are_cut_in_the_middle_lose_nothing() {
    let Some(mut net) = Net::new("") else { return };
    net.start();
    net.hold("8 packets cut", |net, counter| {
        let before = net.proxy.connects().len();
        net.proxy.cut_packets(8);
        until_true("all cuts are made", PATIENT, || net.proxy.cuts_left() == 0);
        until_true("the gateway connects anew", SOON, || net.proxy.connects().len() > before);
        counter.go_on();
        String::new()
    });
}

#[test]
fn a_network_that_comes_and_goes_every_few_seconds_is_enough() {
    let Some(mut net) = Net::new("") else { return };
    net.start();
    net.hold("flapping, 6 times", |net, _| {
        for _ in 0..6 {
            net.proxy.set(Weather::Away);
            pause_for(Duration::from_millis(1_500));
            net.proxy.set(Weather::Calm);
            pause_for(Duration::from_millis(2_500));
        }
        String::new()
    });
}

/// The weather takes its time, whatever else happens.
fn pause_for(time: Duration) {
    let until = Instant::now() + time;
    until_true("time passes", SOON, || Instant::now() >= until);
}

#[test]
fn a_broker_without_room_is_tried_again_until_it_has_some() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    // The listener that gateways use takes one client.
    let narrow = port::free();
    let lines = format!("persistence true\nlistener {narrow} 127.0.0.1\nmax_connections 1");
    let world = World::make(&[Plan::testing_centre("ctc-1")], &lines);
    let proxy = Proxy::start(world.broker.port(), 7);
    let mut net = Net { world, proxy };
    net.start();
    net.hold("no room at the broker", |net, counter| {
        let other = Client::connect(narrow, "other", true).unwrap();
        net.proxy.lead_to(narrow);
        net.proxy.break_all();
        let noticed = net.noticed();
        let before = net.proxy.connects().len();
        counter.go_on();
        until_true("the gateway tries again", SOON, || net.proxy.connects().len() >= before + 2);
        assert!(!net.is_online(), "the broker had no room");
        drop(other);
        until_true("the gateway is back", SOON, || net.is_online());
        noticed_in(noticed)
    });
}

#[test]
fn a_broker_that_cannot_show_who_it_is_gets_nothing() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::make(dir.path(), "ours"), Authority::make(dir.path(), "other"));
    let faults = [
        ("a foreign authority", other.sign("127.0.0.1", false)),
        ("another name", ours.sign("other.example", false)),
        ("a certificate that ended", ours.sign("127.0.0.1", true)),
    ];
    let good = ours.sign("127.0.0.1", false);
    let pairs: Vec<&Pair> = faults.iter().map(|(_, pair)| pair).chain([&good]).collect();
    let listeners: Vec<(u16, String)> = pairs.iter().map(|pair| listener(&ours.file, pair)).collect();
    let lines: Vec<&str> = listeners.iter().map(|(_, lines)| lines.as_str()).collect();
    let own = ours.sign("ctc-1", false);
    let tls = format!(
        "[mqtt.tls]\nca = {:?}\ncert = {:?}\nkey = {:?}\n",
        ours.file.display().to_string(),
        own.cert.display().to_string(),
        own.key.display().to_string()
    );
    let world = World::make(&[Plan::testing_centre("ctc-1").with(&tls)], &lines.join("\n"));
    let good = listeners[faults.len()].0;
    let mut net = Net { proxy: Proxy::start(good, 7), world };
    net.start();
    for ((name, _), (wrong, _)) in faults.iter().zip(&listeners) {
        net.hold(name, |net, counter| {
            let came_before = came(&net.world.broker);
            net.proxy.lead_to(*wrong);
            net.proxy.break_all();
            net.noticed();
            let before = net.proxy.connects().len();
            until_true("the gateway tries again", SOON, || net.proxy.connects().len() >= before + 2);
            counter.go_on();
            assert_eq!(came(&net.world.broker), came_before, "{name} is believed");
            net.proxy.lead_to(good);
            until_true("the gateway is back", SOON, || net.is_online());
            String::new()
        });
    }
    net.hold("handshakes cut", |net, counter| {
        net.proxy.break_all();
        net.proxy.cut_packets(6);
        until_true("all cuts are made", PATIENT, || net.proxy.cuts_left() == 0);
        counter.go_on();
        until_true("the gateway is back", SOON, || net.is_online());
        String::new()
    });
}

/// How often the gateway got in.
fn came(broker: &Broker) -> usize {
    broker.connects("waypost-ctc-1")
}

/// A listener with TLS: its port, and its lines in the broker's configuration.
fn listener(ca: &Path, pair: &Pair) -> (u16, String) {
    let port = port::free();
    let lines = format!(
        "listener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true",
        ca.display(),
        pair.cert.display(),
        pair.key.display()
    );
    (port, lines)
}
