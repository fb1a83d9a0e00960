//! Satellite receivers: Debian's gpsd with recordings that `gpsfake` plays to it, and a gateway in a vehicle whose
//! receiver misbehaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::BTreeMap,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use waypost_drivers::{
    bench::{VirtualFix, VirtualReceiver, receiver::sentences},
    gnss::{Decoded, Decoder, Fix, GnssEvent, Joined, Joiner, gpsd},
};
use waypost_integration_tests::{
    codes::STAFF_BADGE,
    export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders, port,
    process::Process,
    program,
    wait::{PATIENT, SOON, pause, until, until_true},
};

/// Recordings that gpsd 3.22 reads as they are, of four makers; the first with mixed talkers.
const PLAYED: &[&str] = &["neo-m8n.log", "mt3339.log", "quectel-L70.log", "bu353s4.log"];
/// How far gpsd's fix and ours may lie apart: it takes its position from another sentence of the same moment.
const NEAR_M: f64 = 15.0;
/// Of the moments that our own decoder has, gpsd must give as many. It probes for the maker first, and waits for a whole cycle.
const COVERED: f64 = 0.4;
/// gpsd says nothing for so long once a recording has ended.
const ENDED: Duration = Duration::from_secs(6);

fn recording(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WAYPOST_GNSS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/gnss"), PathBuf::from);
    let path = folder.join(name);
    path.is_file().then_some(path)
}

fn tenth_of_day(fix: &Fix) -> Option<u64> {
    fix.time_of_day_s.map(|second| (second * 10.0).round() as u64)
}

/// What our own decoder makes of a recording, a fix a moment.
fn decoded(path: &Path) -> Vec<Fix> {
    let raw = std::fs::read(path).unwrap();
    let lines = raw.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#"));
    let bytes: Vec<u8> = lines.flatten().copied().collect();
    let mut decoder = Decoder::default();
    let mut joiner = Joiner::default();
    let mut joined = Vec::new();
    decoder.listen(&bytes, &mut |said| joined.extend(joiner.push(said)));
    joined.extend(joiner.flush());
    let fix = |one| if let Joined::Fix(fix) = one { Some(fix) } else { None };
    joined.into_iter().filter_map(fix).collect()
}

#[test]
fn fixes_through_gpsd_agree_with_those_of_our_own_decoder() {
    if !program::has(&["gpsd", "gpsfake"]) {
        return;
    }
    let recordings: Option<Vec<PathBuf>> = PLAYED.iter().map(|name| recording(name)).collect();
    let Some(recordings) = recordings else {
        return program::skip("no recordings (set WAYPOST_GNSS_DATA)");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for path in recordings {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let through = runtime.block_on(play(&path, dir.path()));
        let ours = decoded(&path);
        let mut at: BTreeMap<u64, Vec<&Fix>> = BTreeMap::new();
        for fix in &ours {
            at.entry(tenth_of_day(fix).unwrap_or(u64::MAX)).or_default().push(fix);
        }
        let mut matched = 0;
        for fix in &through {
            let Some(same) = tenth_of_day(fix).and_then(|tenth| at.get(&tenth)) else { continue };
            let off_m = same.iter().map(|one| one.distance_m(fix)).fold(f64::MAX, f64::min);
            assert!(off_m <= NEAR_M, "{name}: {off_m:.0} m apart: {fix:?}");
            matched += 1;
        }
        println!("{name}: {} fixes through gpsd, {matched} at a moment of our {}", through.len(), at.len());
        assert!(matched as f64 >= COVERED * at.len() as f64, "{name}: {matched} of {}", at.len());
        assert!(through.iter().all(|fix| fix.lat != 0.0 || fix.lon != 0.0));
    }
}

/// What our client makes of a recording that gpsd is given.
async fn play(recording: &Path, dir: &Path) -> Vec<Fix> {
    let port = port::free();
    let mut command = Command::new(program::find("gpsfake").unwrap());
    command.args(["-1", "-q", "-c", "0.04", "-P", &port.to_string()]).arg(recording);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").process_group(0);
    let mut gpsfake = Process::start("gpsfake", &mut command, &dir.join("gpsfake.log"));
    let (out, mut events) = mpsc::channel(64);
    let client = tokio::spawn(gpsd::run(format!("127.0.0.1:{port}"), out));
    let mut fixes = Vec::new();
    let mut was_up = false;
    loop {
        let patience = if was_up { ENDED } else { SOON };
        match timeout(patience, events.recv()).await {
            Ok(Some(GnssEvent::Fix(fix))) => fixes.push(fix),
            Ok(Some(GnssEvent::Up)) => was_up = true,
            // gpsd goes away with the recording's end; before its beginning it is not there yet.
            Ok(Some(GnssEvent::Down(_))) if was_up => break,
            Ok(Some(GnssEvent::NoFix)) if !fixes.is_empty() => {
                if gpsfake.ended().is_some() {
                    break;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
        if fixes.len() > 100_000 {
            panic!("gpsd does not end");
        }
    }
    client.abort();
    assert!(was_up, "{}", gpsfake.log());
    // It does not always hear that it is to end, and its gpsd would outlive it: both are of a group of their own.
    let group = Pid::from_raw(i32::try_from(gpsfake.id()).unwrap()).unwrap();
    let _ = kill_process_group(group, Signal::KILL);
    until("gpsfake ends", SOON, || gpsfake.ended());
    fixes
}

/// A vehicle with a receiver at a virtual line.
struct Van {
    receiver: VirtualReceiver,
    gateway: Gateway,
    _dir: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Van {
    /// Its receiver's section has these lines beside the port.
    fn start(more: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let receiver = {
            let _entered = runtime.enter();
            VirtualReceiver::new(dir.path(), "receiver").unwrap()
        };
        let keys = HubKeys::make(&dir.path().join("keys"));
        let section = format!("[receiver]\nport = \"{}\"\n{more}", receiver.path().display());
        let plan = Plan { kind: "vehicle", site: "V-001".to_owned(), ..Plan::testing_centre("van-1") };
        let mut gateway = Gateway::make(dir.path(), plan.with(&section), None, Some(&keys));
        gateway.lay_orders(&dir.path().join("keys"), &[orders::staff()]);
        gateway.start();
        Self { receiver, gateway, _dir: dir, _runtime: runtime }
    }

    fn status(&self) -> Value {
        self.gateway.console().panel().0["status"].clone()
    }

    fn clock(&self) -> String {
        self.status()["clock"].as_str().unwrap().to_owned()
    }

    /// Positions kept so far.
    fn track(&self) -> Vec<Value> {
        export::journal(&self.gateway.data(), "track", 0).iter().map(|line| export::record(line)).collect()
    }

    /// Says where it is until the clock is set.
    fn tell_until_set(&self, fix: &VirtualFix) {
        let mut told = *fix;
        until_true("the clock is set by satellite", PATIENT, || {
            self.send(&told);
            told.time += Duration::from_millis(200);
            pause(200);
            self.clock() == "gnss"
        });
    }

    fn send(&self, fix: &VirtualFix) {
        let _entered = self._runtime.enter();
        // A line that is full loses bytes, as a real one does.
        let _ = self.receiver.send_fix(fix);
    }

    fn send_raw(&self, bytes: &[u8]) {
        let _entered = self._runtime.enter();
        let _ = self.receiver.send_raw(bytes);
    }

    fn kept(&self, lat: f64, lon: f64) -> bool {
        let place = Fix::at(lat, lon);
        self.track().iter().any(|line| {
            let fix = &line["fix"];
            Fix::at(fix["lat"].as_f64().unwrap(), fix["lon"].as_f64().unwrap()).distance_m(&place) < 1_000.0
        })
    }
}

/// Kwai Chung, at a time that a receiver tells.
fn kwai_chung(time: &str) -> VirtualFix {
    VirtualFix { lat: 22.3570, lon: 114.1280, time: time.parse().unwrap(), speed_mps: 0.0, course_deg: 0.0 }
}

const FLOOR: &str = "floor = \"2026-01-01\"\n";

#[test]
fn a_receiver_that_jumps_to_1980_and_to_0_0_changes_neither_clock_nor_track() {
    let mut van = Van::start(FLOOR);
    let right = kwai_chung("2026-02-03T04:05:06Z");
    van.tell_until_set(&right);
    until_true("the place is on the track", SOON, || van.kept(right.lat, right.lon));
    let found = |van: &Van| van.gateway.ledger().iter().filter(|line| line.contains("clock_found")).count();
    assert_eq!(found(&van), 1);
    let before = van.status()["time"].as_str().unwrap().to_owned();
    assert!(before.starts_with("2026-02-03T"), "{before}");
    // 1980 at the right place, then at 0,0 and beside it: forty times each, more than a clock needs to be moved.
    for second in 0..40 {
        let mut wrong = kwai_chung("1980-01-06T00:00:00Z");
        wrong.time += Duration::from_secs(second);
        van.send(&wrong);
        let (lat, lon) = (0.0, 0.0);
        van.send(&VirtualFix { lat, lon, ..wrong });
        van.send(&VirtualFix { lat, lon, time: right.time, ..wrong });
        pause(150);
    }
    // What came after all of it has been looked at when this is on the track.
    let away = VirtualFix { lat: right.lat + 0.02, ..right };
    until_true("the van goes on", PATIENT, || {
        van.send(&away);
        pause(200);
        van.kept(away.lat, away.lon)
    });
    assert_eq!(van.clock(), "gnss");
    let after = van.status()["time"].as_str().unwrap().to_owned();
    assert!(after >= before && after.starts_with("2026-02-03T"), "{before} {after}");
    assert_eq!(found(&van), 1);
    assert!(!van.kept(0.0, 0.0));
    for line in van.track() {
        assert!(!line.to_string().contains("1980-"), "{line}");
    }
    van.gateway.process().assert_runs();
    van.gateway.stop();
    let times: Vec<String> =
        van.gateway.ledger().iter().map(|line| export::record(line)).filter_map(right_time).collect();
    assert!(times.is_sorted(), "no record of a right clock is earlier than the one before it: {times:?}");
}

/// The time of a record whose clock was right.
fn right_time(record: Value) -> Option<String> {
    (record["clock"] == "gnss").then(|| record["at"].as_str().unwrap().to_owned())
}

#[test]
fn a_receiver_whose_weeks_rolled_over_sets_the_right_day_and_the_track_bears_it() {
    let mut van = Van::start(FLOOR);
    // 2026-02-03 less 1,024 weeks.
    let told = kwai_chung("2006-06-20T04:05:06Z");
    van.tell_until_set(&told);
    let time = van.status()["time"].as_str().unwrap().to_owned();
    assert!(time.starts_with("2026-02-03T"), "{time}");
    let track = until("a place on the track", SOON, || Some(van.track()).filter(|track| !track.is_empty()));
    let time = track[0]["fix"]["time"].as_str().unwrap();
    assert!(time.starts_with("2026-02-03T04:05:"), "{time}");
    van.gateway.stop();
}

#[test]
fn a_receiver_that_steps_back_makes_no_record_earlier_than_the_one_before_it() {
    let mut van = Van::start(FLOOR);
    let right = kwai_chung("2026-02-03T04:05:06Z");
    van.tell_until_set(&right);
    for step in 0..40_u32 {
        // An hour back, and for long enough to be believed if it could be.
        let mut back = kwai_chung("2026-02-03T03:05:06Z");
        back.time += Duration::from_millis(u64::from(step) * 150);
        van.send(&back);
        pause(150);
        // A record, after more of them than move a clock.
        if step == 38 {
            van.gateway.console().scan(STAFF_BADGE);
        }
    }
    assert!(van.status()["time"].as_str().unwrap() >= "2026-02-03T12:05", "{}", van.status());
    van.gateway.stop();
    let times: Vec<String> =
        van.gateway.ledger().iter().map(|line| export::record(line)).filter_map(right_time).collect();
    assert!(times.len() >= 2 && times.is_sorted(), "{times:?}");
}

#[test]
fn a_speed_that_is_not_given_is_found_and_a_wrong_one_is_named() {
    let mut van = Van::start("");
    let burst = |baud: u32, van: &Van| {
        let _entered = van._runtime.enter();
        let fix = kwai_chung("2026-02-03T04:05:06Z");
        let text = sentences(&fix).repeat(4);
        let _ = van.receiver.send_at(baud, text.as_bytes());
        pause(200);
    };
    until_true("the speed is found", PATIENT, || {
        burst(38_400, &van);
        van.gateway.log().contains("its speed was found by listening") && van.gateway.log().contains("38400")
    });
    assert_eq!(van.status()["missing"].to_string(), "[]");
    van.gateway.stop();

    let mut van = Van::start("baud = 9600\n");
    until_true("the wrong speed is told", PATIENT, || {
        burst(115_200, &van);
        van.status()["noisy"] == json!(["receiver"])
    });
    assert!(van.gateway.log().contains("is baud right?"), "{}", van.gateway.log());
    until_true("the panel takes it back", PATIENT, || {
        burst(9_600, &van);
        van.status()["noisy"] == json!([])
    });
    van.gateway.stop();
}

#[test]
fn a_receiver_that_is_unplugged_inside_a_sentence_comes_back_and_noise_stops_nothing() {
    let mut van = Van::start(FLOOR);
    let right = kwai_chung("2026-02-03T04:05:06Z");
    van.tell_until_set(&right);
    for round in 1..=3 {
        let there = VirtualFix { lat: right.lat + 0.02 * f64::from(round), ..right };
        van.send_raw(b"$GNRMC,040507.00,A,2230.00000,N,114");
        van.receiver.unplug();
        until_true("the panel says what is missing", SOON, || {
            van.status()["missing"].to_string().contains("receiver")
        });
        {
            let _entered = van._runtime.enter();
            van.receiver.plug().unwrap();
        }
        until_true("it is back on the track", PATIENT, || {
            van.send(&there);
            pause(200);
            van.kept(there.lat, there.lon)
        });
        assert_eq!(van.status()["missing"].to_string(), "[]");
    }
    // Noise as fast as the line takes it: the panel answers all the while, and the memory stays.
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let before = van.gateway.process().peak_kib();
    for _ in 0..300 {
        van.send_raw(&noise);
        assert!(van.gateway.console().try_panel().is_some());
    }
    let after = van.gateway.process().peak_kib();
    assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
    let there = VirtualFix { lat: right.lat - 0.02, ..right };
    until_true("a fix comes after the noise", PATIENT, || {
        van.send(&there);
        pause(200);
        van.kept(there.lat, there.lon)
    });
    van.gateway.stop();
}

#[test]
fn a_recording_replayed_from_its_track_has_positions_that_were_recorded() {
    // Ours, without gpsd: a track that a gateway kept is made of fixes that the receiver sent.
    let Some(path) = recording("neo-m8n.log") else {
        return program::skip("no recordings (set WAYPOST_GNSS_DATA)");
    };
    let mut van = Van::start("floor = \"2014-12-01\"\n");
    let raw = std::fs::read(&path).unwrap();
    let mut sent = Vec::new();
    let mut decoder = Decoder::default();
    decoder.push(&raw, &mut |decoded| {
        if let Decoded::Fix(fix) = decoded {
            sent.push(fix);
        }
    });
    for chunk in raw.chunks(1024) {
        van.send_raw(chunk);
        pause(60);
    }
    let track = until("positions on the track", SOON, || Some(van.track()).filter(|track| !track.is_empty()));
    for line in track {
        let fix = &line["fix"];
        let kept = Fix::at(fix["lat"].as_f64().unwrap(), fix["lon"].as_f64().unwrap());
        assert!(sent.iter().any(|one| one.distance_m(&kept) < 0.01), "{line}");
    }
    van.gateway.stop();
}
