//! Devices that are pulled out and put back while the gateway runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use waypost_drivers::{
    bench::{VirtualRadio, VirtualScanner, VirtualSeal},
    seal::{SealKey, hex},
};
use waypost_integration_tests::{
    codes, export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders,
    wait::{SOON, until, until_true},
};

#[test]
fn a_scanner_that_is_pulled_out_is_told_on_the_panel_and_scans_again_when_it_is_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let scanner = VirtualScanner::new(dir.path(), "scanner").unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let section =
        format!("[[scanner]]\nname = \"counter scanner\"\nport = \"{}\"\n", scanner.path().display());
    let mut gateway =
        Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(&section), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();
    let missing = |gateway: &Gateway| gateway.console().panel().0["status"]["missing"].to_string();
    let shows = |gateway: &Gateway, tube: &str| {
        until(&format!("the panel shows {tube}"), SOON, || {
            let panel = gateway.console().panel();
            (panel.tone() == "yes" && panel.main().contains(tube)).then_some(panel)
        });
    };

    until_true("the scanner is found", SOON, || missing(&gateway) == "[]");
    scanner.scan(&codes::tube(1)).unwrap();
    shows(&gateway, &codes::tube(1));
    for round in 2..=4 {
        // Half a code is on the line when the cable is pulled: it is never joined to what follows.
        scanner.send_raw(b"T-0000").unwrap();
        scanner.unplug();
        until_true("the panel says what is missing", SOON, || missing(&gateway).contains("counter scanner"));
        // Work goes on by hand.
        gateway.console().yes(&codes::tube(round * 100));
        scanner.plug().unwrap();
        until_true("the panel says that it is back", SOON, || missing(&gateway) == "[]");
        scanner.scan(&codes::tube(round)).unwrap();
        shows(&gateway, &codes::tube(round));
    }
    gateway.process().assert_runs();
    let tubes = (1..=4).chain([200, 300, 400]).map(|n| gateway.facts_of(&codes::tube(n)));
    assert!(tubes.into_iter().all(|count| count == 1), "each tube once");
    gateway.stop();
}

#[test]
fn a_scanner_that_was_never_there_is_told_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let section = "[[scanner]]\nname = \"dock scanner\"\nport = \"/dev/serial/by-id/none\"\n";
    let mut gateway =
        Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(section), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();
    until_true("the panel says what is missing", SOON, || {
        gateway.console().panel().0["status"]["missing"].to_string().contains("dock scanner")
    });
    gateway.console().yes(&codes::tube(1));
    gateway.stop();
}

#[test]
fn an_open_seal_seals_nothing_and_one_that_is_opened_later_is_an_alarm_also_after_the_radio_was_away() {
    const SEAL: &str = "S-0001";
    const ADDRESS: &str = "54:48:E6:8F:80:A5";
    const KEY: &str = "231d39c1d7cc1ab1aee224cd096db932";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let radio = VirtualRadio::new(dir.path(), "radio").unwrap();
    let key: [u8; 16] = hex::decode(KEY).unwrap().try_into().unwrap();
    let seal = VirtualSeal::new(ADDRESS.parse().unwrap(), SealKey::new(key)).shared();
    seal.lock().unwrap().open();
    radio.add(seal.clone()).unwrap();

    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let section = format!("[seal_reader]\nport = \"{}\"\n", radio.path().display());
    let mut gateway =
        Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(&section), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff(), orders::seals(&[(SEAL, ADDRESS, KEY)])]);
    gateway.start();
    gateway.sign_in();
    let console = gateway.console();
    console.yes(&codes::box_code(1));
    console.yes(&codes::tube(1));
    console.scan("CMD-CLOSE-BOX");
    console.yes("CMD-CHECK-ALL");

    // Open: refused in words of its own, and no record but what the seal itself says.
    let refusal = until("the open seal is refused for being open", SOON, || {
        let answer = console.scan(SEAL);
        assert_eq!((answer.tone(), answer.records()), ("no", None), "{}", answer.0);
        answer.main().contains("open").then_some(answer)
    });
    assert!(refusal.0["lines"].as_array().is_some_and(|lines| !lines.is_empty()), "{}", refusal.0);
    assert_eq!(facts(&gateway, "box_sealed"), 0);

    seal.lock().unwrap().close();
    until("the closed seal is taken", SOON, || {
        Some(console.scan(SEAL)).filter(|answer| answer.tone() == "yes")
    });
    assert_eq!(facts(&gateway, "box_sealed"), 1);

    let missing = || console.panel().0["status"]["missing"].as_array().unwrap().len();
    radio.unplug();
    until_true("the panel says that the radio is missing", SOON, || missing() == 1);
    console.yes(&codes::tube(2));
    radio.plug().unwrap();
    until_true("the panel says that it is back", SOON, || missing() == 0);
    seal.lock().unwrap().open();
    until_true("the opened seal is an alarm in the journal", SOON, || {
        gateway.ledger().iter().any(|line| {
            let fact = &export::record(line)["fact"];
            fact["kind"] == "alarm_raised" && fact["alarm"] == "seal_opened"
        })
    });
    gateway.stop();
}

fn facts(gateway: &Gateway, kind: &str) -> usize {
    gateway.ledger().iter().filter(|line| export::record(line)["fact"]["kind"] == kind).count()
}
