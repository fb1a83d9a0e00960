//! A gateway on a small disk that fills up, on one that takes no writes, and with a journal that is damaged: what the panel
//! says, what is recorded, and that work goes on when it can. The disks are mounted; where this process may not mount, the
//! test says so and ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at once"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use waypost_integration_tests::{
    codes, export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders, process, program,
    wait::{PATIENT, SOON, until_true},
    world::World,
};

const MIB: u64 = 1024 * 1024;

/// A file system of its own, for as long as the test lives.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new(mib: u64) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("waypost-disk-").tempdir().unwrap();
        let size = format!("size={mib}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skip();
            return None;
        }
        Some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn free(&self) -> u64 {
        let told = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        String::from_utf8(told.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Leaves so many bytes free.
    fn leave(&self, bytes: u64) {
        let mut file = File::options().append(true).create(true).open(self.ballast()).unwrap();
        let more = self.free().saturating_sub(bytes);
        file.write_all(&vec![1; usize::try_from(more).unwrap()]).unwrap();
    }

    /// Takes whatever is left.
    fn fill(&self) {
        let mut file = File::options().append(true).create(true).open(self.ballast()).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn skip() {
    assert!(std::env::var("CI").is_err(), "no file system can be mounted here");
    println!("SKIPPED: no file system can be mounted here");
}

/// A folder that can be made read-only and writable again, for as long as the test lives.
struct Switched(PathBuf);

impl Switched {
    /// The folder is a mount of itself from here on.
    fn new(folder: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount").arg("--bind").args([&folder, &folder]).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skip();
            return None;
        }
        Some(Self(folder))
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,bind,{how}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap();
        assert!(done.success(), "{how}");
    }
}

impl Drop for Switched {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn journal_state(gateway: &Gateway) -> Value {
    gateway.console().panel().0["status"]["journal"].clone()
}

fn alarms(gateway: &Gateway) -> Vec<String> {
    let facts = gateway.ledger().iter().map(|line| export::record(line)["fact"].clone()).collect::<Vec<_>>();
    let alarms = facts.iter().filter(|fact| fact["kind"] == "alarm_raised");
    alarms.map(|fact| fact["alarm"].as_str().unwrap().to_owned()).collect()
}

fn journal_id(gateway: &Gateway) -> String {
    let identity: Value =
        serde_json::from_str(&fs::read_to_string(gateway.data().join("identity.json")).unwrap()).unwrap();
    identity["journal"].as_str().unwrap().to_owned()
}

/// A testing centre with hub and broker, and a box with so many tubes; none where there is no broker.
fn packed(tubes: u64) -> Option<World> {
    if !program::has(&["mosquitto"]) {
        return None;
    }
    let world = World::start(&[Plan::testing_centre("ctc-1")]);
    world.gateways[0].sign_in();
    let console = world.gateways[0].console();
    console.yes(&codes::box_code(1));
    (1..=tubes).for_each(|tube| drop(console.yes(&codes::tube(tube))));
    Some(world)
}

#[test]
fn a_lost_log_is_noticed_its_range_declared_and_a_new_journal_begun() {
    let Some(mut world) = packed(1) else { return };
    let console = world.gateways[0].console();
    until_true("the hub has it", PATIENT, || {
        world.gateways[0].console().panel().0["status"]["unsynced"] == 0
    });
    // Offline, three more; then power fails, and with it goes the log.
    world.broker.stop();
    (2..=4).for_each(|tube| drop(console.yes(&codes::tube(tube))));
    let (old, last) = (journal_id(&world.gateways[0]), world.gateways[0].ledger().len() as u64);
    world.gateways[0].kill();
    let log = world.gateways[0].data().join("journal.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0, "records are in it alone");
    fs::remove_file(&log).unwrap();
    fs::remove_file(world.gateways[0].data().join("journal.db-shm")).unwrap();
    let began = Instant::now();
    world.gateways[0].start();
    println!("a new journal {} ms after the start", began.elapsed().as_millis());
    let new = journal_id(&world.gateways[0]);
    assert_ne!(new, old, "the old journal is not continued");
    let first = export::record(&world.gateways[0].ledger()[0])["fact"].clone();
    assert_eq!(first["previous"]["journal"], old.as_str(), "{first}");
    world.broker.resume();
    // The hub has what came before, knows which range is gone, and goes on with the new journal.
    until_true("the hub raises an alarm that names the range", PATIENT, || {
        let log = world.hub.log();
        let range = format!("-{last}");
        log.lines().any(|line| line.contains("records_lost") && line.contains(&old) && line.contains(&range))
    });
    until_true("the hub has all of the new journal", PATIENT, || {
        let panel = world.gateways[0].console().panel();
        panel.0["status"]["unsynced"] == 0 && panel.0["status"]["online"] == true
    });
    let store = world.hub.store();
    assert!(store.iter().any(|(_, line)| line.contains(&codes::tube(1))), "what it had it keeps");
    world.gateways[0].verify();
}

#[test]
fn a_start_on_a_card_that_takes_no_writes_shows_a_page_and_goes_on_once_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let picture = dir.path().join("screen.png");
    let screen = format!("[[screen]]\nkind = \"png\"\npath = \"{}\"\n", picture.display());
    let plan = Plan::testing_centre("ctc-1").with(&screen);
    let mut gateway = Gateway::make(dir.path(), plan, None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    let Some(card) = Switched::new(gateway.data()) else { return };
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    console.yes(&codes::box_code(1));
    console.yes(&codes::tube(1));
    // Power fails, so there is a log as well, and the card is worn out.
    gateway.kill();
    card.remount("ro");
    let before = files(&gateway.data());
    let _gone_if_it_was_there = fs::remove_file(&picture);

    gateway.start();
    let panel = console.panel().0;
    assert_eq!(panel["tone"], "alarm", "{panel}");
    assert_eq!(panel["status"]["journal"], "read_only", "{panel}");
    let lines = panel["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().contains("takes no writes")), "{panel}");
    assert!(lines.iter().any(|line| line.as_str().unwrap().contains("put in a new one")), "{panel}");
    until_true("the screen shows it too", SOON, || picture.exists());
    // Every scan is answered by it, and leaves nothing.
    for code in [codes::STAFF_BADGE.to_owned(), codes::tube(2), codes::box_code(1)] {
        let answer = console.scan(&code).0;
        assert_eq!(answer["tone"], "alarm", "{answer}");
        assert!(answer["records"].is_null(), "{answer}");
    }
    assert!(files(&gateway.data()) == before, "nothing was written");
    assert!(gateway.log().contains("records nothing"), "the log says why: {}", gateway.log());
    // It stops like any other.
    gateway.stop();

    // The card takes writes again while the page stands there.
    gateway.start();
    assert_eq!(journal_state(&gateway), "read_only");
    card.remount("rw");
    until_true("it goes on by itself", PATIENT, || {
        console.try_panel().is_some_and(|panel| panel.0["status"]["journal"] == "well")
    });
    gateway.sign_in();
    console.yes(&codes::tube(2));
    assert_eq!(gateway.facts_of(&codes::tube(1)), 2, "what was recorded before is there");
    assert_eq!(
        gateway.facts_of(&codes::tube(2)),
        2,
        "once: nothing was taken in while it could not be recorded"
    );
    gateway.verify();
    gateway.stop();
}

#[test]
fn a_start_on_a_damaged_journal_shows_a_page_and_salvage_brings_its_records_back() {
    let Some(mut world) = packed(40) else { return };
    let console = world.gateways[0].console();
    world.gateways[0].stop();
    let data = world.gateways[0].data();
    let journal = data.join("journal.db");
    // A stop in a hurry leaves a log, whose copy of the page would stand in for the damaged one.
    Connection::open(&journal)
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, u32>(0))
        .unwrap();
    let file = File::options().write(true).open(&journal).unwrap();
    // The first page names all tables.
    file.write_all_at(&[0x5A; 512], 100).unwrap();
    let damaged = fs::read(&journal).unwrap();

    world.gateways[0].start();
    let panel = console.panel().0;
    assert_eq!(panel["tone"], "alarm", "{panel}");
    assert_eq!(panel["status"]["journal"], "damaged", "{panel}");
    assert!(panel["lines"].to_string().contains("waypost journal salvage"), "{panel}");
    for code in [codes::STAFF_BADGE.to_owned(), codes::tube(41)] {
        let answer = console.scan(&code).0;
        assert_eq!(answer["tone"], "alarm", "{answer}");
        assert!(answer["records"].is_null(), "{answer}");
    }
    assert!(fs::read(&journal).unwrap() == damaged, "nothing is written to it");
    world.gateways[0].stop();

    // What the page says is done.
    let report =
        process::run(Command::new(program::waypost()).args(["journal", "salvage", "--json"]).arg(&data));
    println!("{report}");
    world.gateways[0].start();
    world.gateways[0].sign_in();
    for tube in 1..=40 {
        assert_ne!(console.scan(&codes::tube(tube)).tone(), "yes", "tube {tube} is in its box");
    }
    // A new journal has a counter of its own: which box is open there is scanned.
    let opened = console.yes(&codes::box_code(1));
    assert_eq!(opened.0["progress"]["done"], 40, "{}", opened.0);
    console.yes(&codes::tube(41));
    until_true("the hub has all tubes once", PATIENT, || {
        let store = world.hub.store();
        let times = |tube: u64| {
            let code = codes::tube(tube);
            let is_it = |line: &String| line.contains("\"tube_packed\"") && line.contains(&code);
            store.iter().filter(|(_, line)| is_it(line)).count()
        };
        (1..=41).all(|tube| times(tube) == 1)
    });
    world.gateways[0].verify();
}

/// Every file of a folder, by name.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn a_disk_that_fills_is_told_step_by_step_stops_with_a_page_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new(32) else { return };
    let keys_dir = disk.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway = Gateway::make(disk.path(), Plan::testing_centre("ctc-1"), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    console.yes(&codes::box_code(1));
    console.yes(&codes::tube(1));
    let reserve = gateway.data().join("reserve");
    until_true("the reserve is made", SOON, || {
        fs::metadata(&reserve).is_ok_and(|file| file.len() == 2 * MIB)
    });
    assert_eq!(journal_state(&gateway), "well");

    // Low: an alarm, and work goes on.
    disk.leave(2 * MIB);
    until_true("the panel says that room is low", PATIENT, || journal_state(&gateway) == "low");
    until_true("and an alarm is recorded", SOON, || alarms(&gateway) == ["disk_low"]);
    assert!(console.panel().0["status_words"]["disk"] != "", "in words too");
    console.yes(&codes::tube(2));

    // Critical: the reserve is given up, and its room holds the alarm and what is scanned.
    disk.leave(MIB / 2);
    until_true("the panel says that room is critical", PATIENT, || journal_state(&gateway) == "critical");
    until_true("and an alarm is recorded", SOON, || alarms(&gateway) == ["disk_low", "disk_critical"]);
    assert!(!reserve.exists(), "the reserve was given up");
    assert!(disk.free() > MIB, "which gave room");
    console.yes(&codes::tube(3));

    // Full: nothing is answered with yes any more, and the page says why.
    disk.fill();
    let mut last = 3;
    let refused = loop {
        last += 1;
        let answer = console.scan(&codes::tube(last)).0;
        if answer["tone"] != "yes" {
            break answer;
        }
        assert!(last < 5000, "the disk is never full");
        disk.fill();
    };
    assert_eq!(refused["tone"], "alarm", "{refused}");
    assert_eq!(refused["status"]["journal"], "full", "{refused}");
    assert!(refused["lines"][0].as_str().unwrap().contains("full"), "{refused}");
    assert_eq!(gateway.facts_of(&codes::tube(last)), 0, "no yes, no record");
    println!("full after tube {last}");

    // There is room: it goes on by itself, nobody has to scan for it.
    fs::remove_file(disk.ballast()).unwrap();
    until_true("the journal goes on by itself", PATIENT, || journal_state(&gateway) == "well");
    until_true("the page has no alarm any more", SOON, || console.panel().0["tone"] == "ready");
    until_true("the reserve is there again", PATIENT, || reserve.exists());
    console.yes(&codes::tube(last));
    for tube in 1..=last {
        assert_eq!(gateway.facts_of(&codes::tube(tube)), 2, "tube {tube}: collected and packed");
    }
    gateway.verify();

    // A start on a full disk works too, in the reserve's room.
    gateway.stop();
    disk.fill();
    gateway.start();
    assert!(!reserve.exists(), "its room was needed");
    gateway.sign_in();
    fs::remove_file(disk.ballast()).unwrap();
    gateway.verify();

    // Without a reserve there is room to open the journal at best, and for no other file: the page says so, and it goes on
    // by itself.
    gateway.stop();
    let _gone_if_it_was_there = fs::remove_file(&reserve);
    disk.fill();
    gateway.start();
    until_true("the page says so", SOON, || {
        ["full", "critical"].iter().any(|state| journal_state(&gateway) == *state)
    });
    fs::remove_file(disk.ballast()).unwrap();
    until_true("it goes on by itself", PATIENT, || {
        console.try_panel().is_some_and(|panel| panel.0["status"]["journal"] == "well")
    });
    gateway.sign_in();
    console.yes(&codes::tube(last + 1));
    gateway.verify();
}
