//! A month of a site in little time, with hub and broker: real processes whose clocks run fast, and people who scan
//! without a pause. Memory stays flat, files stay bounded, what is old is pruned, and counters go on past the limits of
//! smaller numbers.
//!
//! `WAYPOST_SITE_MONTH_S` says how many seconds the month takes: 45 if it is not set, 3600 for the whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::{BTreeMap, HashSet},
    env, fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use waypost_core::fact::WallTime;
use waypost_integration_tests::{
    aged::age,
    codes, export,
    gateway::{Gateway, Plan},
    program,
    wait::{PATIENT, SOON, until, until_true},
    world::World,
};

/// Days that pass: so many that milliseconds since a start outgrow 32 bits.
const DAYS: u32 = 51;
const DAY_S: f64 = 86_400.0;
const DAY_MS: i64 = 86_400_000;
/// Days that a record is kept once the hub has it.
const KEPT_DAYS: i64 = 7;
/// The first day.
const START: &str = "2027-01-01T00:00:00Z";
/// Least that is done a day, however short it is.
const ROUNDS_MIN: u32 = 4;
/// Tubes in a box.
const BOX_TUBES: u64 = 40;
/// Most that memory may grow after the first third, in KiB: of a gateway, the hub, the broker.
const GROWTH_KIB_MAX: u64 = 8 * 1024;
/// Most bytes of a journal's log.
const LOG_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// Most bytes of a journal and of the hub's store: a room for all, and so many for each tube or person of the campaign, or
/// record.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const BYTES_EACH_MAX: u64 = 500;

struct Month {
    world: World,
    tubes: u64,
    people: u32,
    scans: u64,
}

/// What a day ended with.
struct Evening {
    /// The gateways' time.
    at: WallTime,
    /// Last number of each gateway.
    last: Vec<u64>,
    /// Memory of each process, in KiB.
    resident_kib: BTreeMap<String, u64>,
}

#[test]
fn a_month_of_a_site_with_hub_and_broker_keeps_memory_flat_and_files_bounded() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let seconds: f64 = env::var("WAYPOST_SITE_MONTH_S").map_or(45.0, |text| text.parse().unwrap());
    let rate = f64::from(DAYS) * DAY_S / seconds;
    let clock = format!("[clock.simulated]\nstart = \"{START}\"\nrate = {rate}\n");
    // Nobody is signed out while the machine is busy elsewhere for a moment: that is hours there.
    let plan = |plan: Plan| {
        let journal = format!("[journal]\nretention_days = {KEPT_DAYS}\n");
        plan.with_site("session_idle_min = 1440\n").with(&clock).with(&journal)
    };
    let plans = [plan(Plan::testing_centre("ct-1")), plan(Plan::post_office("po-1"))];
    let mut world = World::make(&plans, "persistence true");
    let mut config = fs::OpenOptions::new().append(true).open(world.hub.config()).unwrap();
    config.write_all(format!("\n{clock}").as_bytes()).unwrap();
    world.hub.start();
    let began = Instant::now();
    world.gateways.iter_mut().for_each(Gateway::start);
    let mut month = Month { world, tubes: 0, people: 0, scans: 0 };
    month.set_up();

    let day = Duration::from_secs_f64(seconds / f64::from(DAYS));
    let mut evenings: Vec<Evening> = Vec::new();
    let mut log_most = 0;
    for number in 1..=DAYS {
        // One long life first, in which milliseconds outgrow 32 bits; then a start.
        if number == DAYS {
            month.world.gateways.iter_mut().for_each(|gateway| {
                gateway.stop();
                gateway.start();
            });
        }
        let mut rounds = 0;
        while rounds < ROUNDS_MIN || began.elapsed() < day * number {
            month.work();
            rounds += 1;
        }
        log_most = log_most.max(month.gateways_max("journal.db-wal"));
        evenings.push(month.evening());
    }

    month.all_is_acknowledged();
    let settled = month.evening();
    let what_came = month.nothing_is_missing(&evenings);
    month.what_is_old_is_gone(&evenings, &settled);
    let grown = grown_kib(&evenings);
    let journal_bytes = month.gateways_max("journal.db");
    let store_bytes = length(&month.world.hub.dir().join("store.db"));
    println!(
        "{DAYS} days in {:.1} s: {} scans, {} records, longest life {} ms, memory {:?} KiB grew by {grown:?} KiB, \
         journal {journal_bytes} bytes, log at most {log_most} bytes, store {store_bytes} bytes",
        began.elapsed().as_secs_f64(),
        month.scans,
        what_came.records,
        what_came.up_ms_max,
        settled.resident_kib,
    );
    assert!(what_came.up_ms_max > u64::from(u32::MAX), "{} ms", what_came.up_ms_max);
    for (name, kib) in grown {
        assert!(kib < GROWTH_KIB_MAX, "{name} grew by {kib} KiB");
    }
    assert!(log_most < LOG_BYTES_MAX, "the log grew to {log_most} bytes");
    let most_subjects = month.tubes.max(u64::from(month.people));
    assert!(journal_bytes < FILE_BYTES_MAX + BYTES_EACH_MAX * most_subjects, "{journal_bytes} bytes");
    assert!(store_bytes < FILE_BYTES_MAX + BYTES_EACH_MAX * what_came.records as u64, "{store_bytes} bytes");
}

struct WhatCame {
    records: usize,
    up_ms_max: u64,
}

impl Month {
    fn set_up(&mut self) {
        self.world.gateways.iter().for_each(|gateway| drop(gateway.sign_in()));
        let office = self.world.gateways[1].console();
        office.scan("CMD-STOCK-IN");
        office.scan("CMD-ITEM-PACKS");
        office.yes("QTY-1000000");
        self.scan(0, &codes::box_code(0));
        until("the campaign is in force", SOON, || {
            (office.scan(&codes::hkid(0)).tone() == "yes").then_some(())
        });
    }

    /// A tube and a person, and both once more.
    fn work(&mut self) {
        self.tubes += 1;
        let tube = codes::tube(self.tubes);
        self.scan(0, &tube);
        let again = self.world.gateways[0].console().scan(&tube);
        assert_ne!(again.tone(), "yes", "{}", again.0);
        if self.tubes.is_multiple_of(BOX_TUBES) {
            self.world.gateways[0].console().scan("CMD-CLOSE-BOX");
            self.scan(0, "CMD-CHECK-ALL");
            self.scan(0, &codes::box_code(self.tubes / BOX_TUBES));
        }
        self.people += 1;
        let person = codes::hkid(self.people);
        self.scan(1, &person);
        let again = self.world.gateways[1].console().scan(&person);
        assert_ne!(again.tone(), "yes", "{}", again.0);
    }

    /// Scans what must be granted. Who was signed out meanwhile signs in again.
    fn scan(&mut self, at: usize, code: &str) {
        let gateway = &self.world.gateways[at];
        until(&format!("{code} is granted"), SOON, || {
            let answer = gateway.console().scan(code);
            self.scans += 1;
            if answer.tone() == "yes" {
                return Some(());
            }
            assert!(answer.0["status"]["person"].is_null(), "{code}: {}", answer.0);
            gateway.sign_in();
            None
        });
    }

    fn evening(&self) -> Evening {
        let panel = self.world.gateways[0].console().panel();
        let mut resident_kib = BTreeMap::new();
        resident_kib.insert("hub".to_owned(), self.world.hub.process().resident_kib());
        resident_kib.insert("broker".to_owned(), self.world.broker.process().resident_kib());
        for gateway in &self.world.gateways {
            resident_kib.insert(gateway.plan.id.clone(), gateway.running().resident_kib());
        }
        Evening {
            at: panel.0["status"]["time"].as_str().unwrap().parse().unwrap(),
            last: self.world.gateways.iter().map(last).collect(),
            resident_kib,
        }
    }

    fn all_is_acknowledged(&self) {
        for gateway in &self.world.gateways {
            until_true("all is acknowledged", PATIENT, || {
                gateway.console().panel().0["status"]["unsynced"] == 0
            });
        }
    }

    /// The store has every record of both once, in one row; what the journals still have is the same. Clocks run on
    /// meanwhile, and each half day leaves a record: what is younger than the last evening may still be on its way.
    fn nothing_is_missing(&self, evenings: &[Evening]) -> WhatCame {
        let mut came = WhatCame { records: 0, up_ms_max: 0 };
        let store = self.world.hub.store();
        let evening = evenings.last().unwrap();
        for (gateway, last) in self.world.gateways.iter().zip(&evening.last) {
            gateway.verify();
            let rows: Vec<&String> =
                store.iter().filter(|(of, _)| *of == gateway.plan.id).map(|(_, line)| line).collect();
            let records: Vec<_> = rows.iter().map(|line| export::record(line)).collect();
            let held: HashSet<&String> = rows.into_iter().collect();
            let mut numbers: Vec<u64> =
                records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
            numbers.sort_unstable();
            let came_last = *numbers.last().unwrap();
            let gap = numbers.iter().zip(1..).find(|(number, wanted)| **number != *wanted);
            assert_eq!(gap, None, "{}: a number in the store, and the one it should be", gateway.plan.id);
            assert!(came_last >= *last, "{}: {came_last} came of {last}", gateway.plan.id);
            for line in gateway.ledger().iter().filter(|line| export::seq(line) <= came_last) {
                assert!(held.contains(line), "{}: not in the store: {line}", gateway.plan.id);
            }
            came.records += records.len();
            let lives = records.iter().map(|record| record["up_ms"].as_u64().unwrap());
            came.up_ms_max = came.up_ms_max.max(lives.max().unwrap());
        }
        let served = store.iter().filter(|(_, line)| line.contains("\"claim_served\""));
        assert_eq!(served.count(), self.people as usize + 1, "one claim a person");
        came
    }

    /// What the hub has had for seven days goes, and nothing younger does. A mark of the hub's time is as old as the
    /// oldest record before it, and one comes twice a day.
    fn what_is_old_is_gone(&self, evenings: &[Evening], settled: &Evening) {
        let last_before = |days: i64, at: usize| {
            let old = evenings.iter().filter(|evening| evening.at.plus_ms(days * DAY_MS) <= settled.at);
            old.map(|evening| evening.last[at]).max().unwrap()
        };
        for (at, gateway) in self.world.gateways.iter().enumerate() {
            let first = |gateway: &Gateway| export::seq(&gateway.ledger()[0]);
            let gone = last_before(KEPT_DAYS + 4, at);
            until_true(&format!("{} has pruned what is old", gateway.plan.id), SOON, || {
                first(gateway) > gone
            });
            let kept = last_before(KEPT_DAYS - 2, at);
            assert!(first(gateway) <= kept + 1, "{} has pruned what is young", gateway.plan.id);
        }
    }

    /// The longest file of that name at a gateway.
    fn gateways_max(&self, name: &str) -> u64 {
        self.world.gateways.iter().map(|gateway| length(&gateway.data().join(name))).max().unwrap()
    }
}

/// How much each process grew after the first third, in KiB.
fn grown_kib(evenings: &[Evening]) -> BTreeMap<String, u64> {
    let (early, late) = evenings.split_at(evenings.len() / 3);
    let most =
        |of: &[Evening], name: &str| of.iter().map(|evening| evening.resident_kib[name]).max().unwrap();
    let names = early[0].resident_kib.keys();
    names.map(|name| (name.clone(), most(late, name).saturating_sub(most(early, name)))).collect()
}

fn last(gateway: &Gateway) -> u64 {
    gateway.ledger().last().map(|line| export::seq(line)).unwrap()
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

#[test]
fn counters_go_on_past_the_limits_of_smaller_numbers() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::start(&[Plan::testing_centre("ct-1")]);
    world.gateways[0].sign_in();
    world.gateways[0].console().yes(&codes::box_code(1));
    let mut tubes = 0;
    // Numbers of 32 bits, those that JavaScript knows, and the highest that the hub takes (NUMBER_MAX of its store) but
    // for a few; starts of 31 and 32 bits.
    for (limit, boot) in
        [(1_u64 << 32, i32::MAX.unsigned_abs() - 1), (1 << 53, u32::MAX - 2), ((1 << 62) - 100, u32::MAX - 2)]
    {
        stop_when_the_hub_has_all(&mut world);
        world.hub.stop();
        age(&world.gateways[0], &world.hub, limit - 10, boot);
        world.hub.start();
        world.gateways[0].start();
        for start in 1..=2 {
            if start == 2 {
                world.gateways[0].stop();
                world.gateways[0].start();
            }
            world.gateways[0].sign_in();
            for _ in 0..8 {
                tubes += 1;
                world.gateways[0].console().yes(&codes::tube(tubes));
            }
            let ledger = world.gateways[0].ledger();
            let records: Vec<_> = ledger.iter().map(|line| export::record(line)).collect();
            let numbers: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
            assert_eq!(numbers, (limit - 9..).take(numbers.len()).collect::<Vec<_>>());
            assert!(*numbers.last().unwrap() > limit);
            assert_eq!(records.last().unwrap()["boot"], u64::from(boot) + start);
            until_true("the hub has them", PATIENT, || has_all(&world));
            world.gateways[0].verify();
        }
    }
    // A tube of another age is known yet.
    world.gateways[0].sign_in();
    for tube in 1..=tubes {
        assert_ne!(world.gateways[0].console().scan(&codes::tube(tube)).tone(), "yes");
    }
    let alarms = world.hub.summary();
    assert_eq!(alarms["alarms"].as_array().unwrap().len(), 0, "{alarms}");
}

/// A record that was written while it stopped needs another start to be sent.
fn stop_when_the_hub_has_all(world: &mut World) {
    until_true("the hub has all of a gateway that stopped", PATIENT, || {
        until_true("the hub has all", PATIENT, || has_all(world));
        until_true("and the gateway heard of it", PATIENT, || {
            world.gateways[0].console().panel().0["status"]["unsynced"] == 0
        });
        world.gateways[0].stop();
        let is_all = has_all(world);
        if !is_all {
            world.gateways[0].start();
        }
        is_all
    });
}

fn has_all(world: &World) -> bool {
    let store = world.hub.store();
    world.gateways[0].ledger().iter().all(|line| store.iter().any(|(_, held)| held == line))
}
