//! Scanners of every kind at a real gateway: on an emulated USB, in packets, flooding, at the wrong speed, two at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops at the first wrong thing, and times by the wall"
)]

mod usb;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use waypost_drivers::{bench::VirtualScanner, scanner::ssi::packet::checksum};
use waypost_integration_tests::{
    codes,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders, program,
    wait::{SOON, pause, until, until_true},
};

/// Verdicts that are timed.
const TIMED: u64 = 30;
/// A flood is to delay another device's verdict by no more.
const DELAY_MAX: Duration = Duration::from_millis(50);
/// Noise a second, in bytes.
const FLOOD_BYTES_S: u64 = 10_000_000;
/// What a flood may add to the gateway's memory.
const GROWTH_MAX_KIB: u64 = 4 * 1_024;
/// Who is not believed scans again after so long.
const AGAIN_MS: u64 = 400;

/// A testing centre with these scanners, with its orders laid.
fn gateway(dir: &Path, scanners: &str) -> Gateway {
    let keys_dir = dir.join("keys");
    let keys = HubKeys::make(&keys_dir);
    let gateway = Gateway::make(dir, Plan::testing_centre("ctc-1").with(scanners), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway
}

/// The section of a virtual scanner.
fn section(name: &str, scanner: &VirtualScanner, more: &str) -> String {
    format!("[[scanner]]\nname = \"{name}\"\nport = \"{}\"\n{more}\n", scanner.path().display())
}

/// Virtual scanners live in a runtime.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn wait_until_ready(gateway: &Gateway) {
    until_true("the scanners are found", SOON, || {
        gateway.console().panel().0["status"]["missing"].as_array().is_some_and(Vec::is_empty)
    });
}

/// Waits until the panel grants the code, and gives how long that took.
fn granted(gateway: &Gateway, code: &str) -> Duration {
    let start = Instant::now();
    let console = gateway.console();
    until(&format!("the panel grants {code}"), SOON, || {
        let panel = console.panel();
        (panel.tone() == "yes" && panel.main().contains(code)).then_some(())
    });
    start.elapsed()
}

/// Scans a code again and again, as a person does, until it is granted: the scanner is not believed at once.
fn granted_at_last(gateway: &Gateway, scanner: &VirtualScanner, code: &str) {
    let console = gateway.console();
    until(&format!("the panel grants {code}"), SOON, || {
        scanner.scan(code).unwrap();
        pause(AGAIN_MS);
        let panel = console.panel();
        (panel.tone() == "yes" && panel.main().contains(code)).then_some(())
    });
}

/// How often the gateway noted that what came was no code.
fn complaints(gateway: &Gateway) -> usize {
    gateway.log().matches("no whole code").count()
}

#[test]
fn a_scanner_in_point_of_sale_mode_is_found_on_the_usb_and_its_reports_are_joined() {
    if !program::has(&["umockdev-run"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut scanner = usb::UsbScanner::plug_in(dir.path());
    let named = "[[scanner]]\nname = \"USB scanner\"\nkind = \"hid_pos\"\nusb_serial = \"WP-0001\"\n";
    let mut gateway = gateway(dir.path(), named);
    gateway.launch(scanner.launcher(), None);
    gateway.wait_until_it_answers();
    wait_until_ready(&gateway);
    gateway.sign_in();

    scanner.scan(b"]C0", codes::tube(1).as_bytes(), 56);
    granted(&gateway, &codes::tube(1));
    // Three reports; the rest of a code that was cut off before it is no part of it.
    scanner.scan(b"]d1", codes::tube(2).as_bytes(), 4);
    granted(&gateway, &codes::tube(2));
    assert_eq!([1, 2].map(|n| gateway.facts_of(&codes::tube(n))), [1, 1]);
    assert!(gateway.log().contains("WP-0001"), "the device is named:\n{}", gateway.log());

    scanner.terminate();
    drop(scanner);
    assert!(gateway.process().wait_end().success(), "{}", gateway.log());
}

#[test]
fn a_code_in_packets_that_is_sent_again_is_one_record() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let scanner = VirtualScanner::new(dir.path(), "scanner").unwrap();
    let mut gateway = gateway(dir.path(), &section("packets", &scanner, "kind = \"ssi\"\nbaud = 115200"));
    gateway.start();
    wait_until_ready(&gateway);
    gateway.sign_in();
    let packet = |status: u8, code: &str| {
        let mut packet = vec![u8::try_from(5 + code.len()).unwrap(), 0xf3, 0, status, 0x03];
        packet.extend(code.as_bytes());
        let sum = checksum(&packet);
        packet.extend(sum.to_be_bytes());
        packet
    };
    scanner.send_raw(&packet(0, &codes::tube(1))).unwrap();
    granted(&gateway, &codes::tube(1));
    // Its acknowledgement was lost on the way, so it comes again, and then the next.
    scanner.send_raw(&packet(1, &codes::tube(1))).unwrap();
    scanner.send_raw(&packet(0, &codes::tube(2))).unwrap();
    granted(&gateway, &codes::tube(2));
    assert_eq!([1, 2].map(|n| gateway.facts_of(&codes::tube(n))), [1, 1]);
    gateway.stop();
}

#[test]
fn a_scanner_at_the_wrong_speed_is_told_once_a_burst_and_believed_when_it_is_quiet() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let scanner = VirtualScanner::new(dir.path(), "scanner").unwrap();
    let mut gateway = gateway(dir.path(), &section("scanner", &scanner, ""));
    gateway.start();
    wait_until_ready(&gateway);
    gateway.sign_in();
    // What a code looks like at another speed, with what look like line ends in it, and a code that is none.
    let noise = b"\x80\xf8\x1c\xe0\r\xfe\x06\x98\n\x00\x9e\r\xf0\x0f\r".repeat(20);
    scanner.send_raw(&[noise.as_slice(), codes::tube(7).as_bytes(), b"\r"].concat()).unwrap();
    until_true("it is told", SOON, || complaints(&gateway) > 0);
    let panel = gateway.console().panel();
    assert_eq!(panel.tone(), "no", "{}", panel.0);
    granted_at_last(&gateway, &scanner, &codes::tube(1));
    assert_eq!(complaints(&gateway), 1, "{}", gateway.log());
    assert_eq!(gateway.facts_of(&codes::tube(7)), 0, "nothing in noise is believed");
    gateway.stop();
}

#[test]
fn two_scanners_at_once_lose_nothing_and_never_suppress_each_other() {
    const EACH: u64 = 20;
    let runtime = runtime();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let left = VirtualScanner::new(dir.path(), "left").unwrap();
    let right = VirtualScanner::new(dir.path(), "right").unwrap();
    let sections = section("left", &left, "") + &section("right", &right, "suffix = \"cr\"");
    let mut gateway = gateway(dir.path(), &sections);
    gateway.start();
    wait_until_ready(&gateway);
    gateway.sign_in();
    for n in 1..=EACH {
        left.scan(&codes::tube(n)).unwrap();
        right.scan(&codes::tube(100 + n)).unwrap();
    }
    let both = (1..=EACH).flat_map(|n| [n, 100 + n]);
    until_true("all are recorded", SOON, || both.clone().all(|n| gateway.facts_of(&codes::tube(n)) == 1));
    gateway.stop();
}

#[test]
fn a_scanner_that_floods_costs_bounded_memory_and_delays_no_other_devices_verdict() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let good = VirtualScanner::new(dir.path(), "good").unwrap();
    let bad = VirtualScanner::new(dir.path(), "bad").unwrap();
    let sections = section("good", &good, "") + &section("bad", &bad, "baud = 115200");
    let mut gateway = gateway(dir.path(), &sections);
    gateway.start();
    wait_until_ready(&gateway);
    gateway.sign_in();

    let quiet = timed(&gateway, &good, 1);
    let before = gateway.process().peak_kib();
    let (flooded, sent) = thread::scope(|scope| {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let (bad, stopped, count) = (&bad, Arc::clone(&stop), Arc::clone(&sent));
        scope.spawn(move || flood(bad, &stopped, &count));
        until_true("it floods", SOON, || sent.load(Ordering::Relaxed) > FLOOD_BYTES_S / 2);
        let start = (Instant::now(), sent.load(Ordering::Relaxed));
        let flooded = timed(&gateway, &good, 1_000);
        let bytes_s = (sent.load(Ordering::Relaxed) - start.1) as f64 / start.0.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        (flooded, bytes_s)
    });
    let grown = gateway.process().peak_kib() - before;
    println!(
        "verdict p50 {:?} p90 {:?}; beside a flood of {:.1} MB/s p50 {:?} p90 {:?}; memory grew by {grown} KiB",
        quiet.0,
        quiet.1,
        sent / 1e6,
        flooded.0,
        flooded.1
    );
    assert!(flooded.0 <= quiet.0 + DELAY_MAX, "p50 {:?}, without the flood {:?}", flooded.0, quiet.0);
    assert!(flooded.1 <= quiet.1 + DELAY_MAX * 2, "p90 {:?}, without the flood {:?}", flooded.1, quiet.1);
    assert!(grown <= GROWTH_MAX_KIB, "{grown} KiB");
    assert_eq!(complaints(&gateway), 1, "one complaint, no storm");
    // When it is quiet again, it scans like any other.
    granted_at_last(&gateway, &bad, &codes::tube(500));
    gateway.stop();
}

/// Median and ninth decile of the times to a verdict.
fn timed(gateway: &Gateway, scanner: &VirtualScanner, first: u64) -> (Duration, Duration) {
    let mut took: Vec<Duration> = (first..first + TIMED)
        .map(|n| {
            scanner.scan(&codes::tube(n)).unwrap();
            granted(gateway, &codes::tube(n))
        })
        .collect();
    took.sort();
    (took[took.len() / 2], took[took.len() * 9 / 10])
}

/// Noise at [`FLOOD_BYTES_S`], with line ends in it; what the line does not take is lost, as on a real one.
fn flood(scanner: &VirtualScanner, stop: &AtomicBool, sent: &AtomicU64) {
    let mut state = 7_u64;
    let mut chunk = vec![0; 4_096];
    let mut offered = 0;
    let start = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if offered >= (start.elapsed().as_secs_f64() * FLOOD_BYTES_S as f64) as u64 {
            pause(1);
            continue;
        }
        for byte in &mut chunk {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        offered += chunk.len() as u64;
        if scanner.send_raw(&chunk).is_ok() {
            sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    }
}
