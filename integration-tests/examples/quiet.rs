//! What a gateway costs while nothing happens: every kind of device is on, and nobody scans. See `bench-quiet`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement stops at the first thing that is wrong"
)]

use std::{
    env, fs,
    time::{Duration, Instant},
};

use serde_json::json;
use waypost_drivers::{
    bench::{VirtualFix, VirtualPrinter, VirtualRadio, VirtualReceiver, VirtualScanner, VirtualSeal},
    printer::Dialect,
    seal::{Address, SealKey},
};
use waypost_edge::clock::Clock;
use waypost_integration_tests::{
    gateway::{Gateway, Plan},
    wait::{SOON, until_true},
};

/// Seals around the radio, each heard every second.
const SEALS: u8 = 8;
const SEAL_INTERVAL: Duration = Duration::from_secs(1);
/// Positions of a receiver that stands: one a second, as receivers do.
const POSITION_INTERVAL: Duration = Duration::from_secs(1);
/// Until caches are full and the first checkpoint is done.
const WARM_UP: Duration = Duration::from_secs(30);
/// More than this share of a core is too much.
const CORE_MAX: f64 = 0.01;
/// More growth than this between the start and the end, in KiB, is a leak.
const GROWTH_KIB_MAX: u64 = 1024;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let minutes: u64 = env::args().nth(1).map_or(5, |text| text.parse().expect("how many minutes"));
    let dir = tempfile::tempdir().unwrap();
    let bench = dir.path().join("bench");
    fs::create_dir_all(&bench).unwrap();
    let scanner = VirtualScanner::new(&bench, "scanner").unwrap();
    let ssi = VirtualScanner::new(&bench, "ssi").unwrap();
    let receiver = VirtualReceiver::new(&bench, "receiver").unwrap();
    let radio = VirtualRadio::new(&bench, "radio").unwrap();
    let printer = VirtualPrinter::tcp(Dialect::EscPos).await.unwrap();
    for number in 0..SEALS {
        let key: SealKey = "231d39c1d7cc1ab1aee224cd096db932".parse().unwrap();
        let mut seal = VirtualSeal::new(Address([0x54, 0x48, 0xE6, 0x8F, 0x80, number]), key);
        seal.set_interval(SEAL_INTERVAL);
        radio.add(seal.shared()).unwrap();
    }
    let more = format!(
        "[[scanner]]\nname = \"serial\"\nport = \"{}\"\n[[scanner]]\nname = \"ssi\"\nkind = \"ssi\"\nport = \"{}\"\n\
         [seal_reader]\nport = \"{}\"\n[receiver]\nport = \"{}\"\n[board]\nkind = \"page\"\n\
         [[screen]]\nkind = \"png\"\npath = \"{}\"\nwidth = 320\nheight = 240\n\
         [[printer]]\nkind = \"escpos\"\naddress = \"{}\"\n",
        scanner.path().display(),
        ssi.path().display(),
        radio.path().display(),
        receiver.path().display(),
        dir.path().join("screen.png").display(),
        printer.address(),
    );
    let plan = Plan { kind: "vehicle", ..Plan::testing_centre("van-1") }.with(&more);
    let mut gateway = tokio::task::block_in_place(|| {
        let mut gateway = Gateway::make(dir.path(), plan, None, None);
        gateway.start();
        gateway
    });
    let clock = Clock::system();
    let stands = tokio::spawn(async move {
        loop {
            let time = clock.now().at.timestamp();
            let fix = VirtualFix { lat: 22.3687, lon: 114.1290, time, speed_mps: 0.0, course_deg: 0.0 };
            receiver.send_fix(&fix).unwrap();
            tokio::time::sleep(POSITION_INTERVAL).await;
        }
    });
    tokio::task::block_in_place(|| {
        until_true("no device is missing", SOON, || {
            gateway.console().panel().0["status"]["missing"].as_array().is_some_and(Vec::is_empty)
        });
    });
    tokio::time::sleep(WARM_UP).await;
    let (cpu, kib, began) = (gateway.process().cpu_s(), resident_kib(&mut gateway), Instant::now());
    tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
    let share = (gateway.process().cpu_s() - cpu) / began.elapsed().as_secs_f64();
    let grown = resident_kib(&mut gateway).saturating_sub(kib);
    stands.abort();
    tokio::task::block_in_place(|| gateway.stop());
    println!(
        "{}",
        json!({ "minutes": minutes, "core_share": share, "resident_kib": kib, "grown_kib": grown })
    );
    assert!(share < CORE_MAX, "{share} of a core while nothing happens");
    assert!(grown < GROWTH_KIB_MAX, "it grew by {grown} KiB");
}

fn resident_kib(gateway: &mut Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process().id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}
