//! A board that the page draws: its lamps follow the panel, its buttons choose what the panel offers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    io::{BufRead, BufReader},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use waypost_integration_tests::{
    codes,
    console::Console,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders,
    wait::{SOON, until, until_true},
};

fn gateway(section: &str) -> (TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let plan = Plan::testing_centre("ctc-1").with(section);
    let mut gateway = Gateway::make(dir.path(), plan, None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();
    (dir, gateway)
}

fn hands(console: &Console, body: &Value) -> StatusCode {
    console.post("/board").body(body.to_string()).send().unwrap().status()
}

/// What the board shows, as events of the page.
fn follow(console: &Console) -> mpsc::Receiver<Value> {
    let events = BufReader::new(console.get("/events").timeout(Duration::from_secs(600)).send().unwrap());
    let (out, board) = mpsc::sync_channel(1024);
    thread::spawn(move || {
        let mut kind = String::new();
        for line in events.lines().map_while(Result::ok) {
            if let Some(name) = line.strip_prefix("event: ") {
                kind = name.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ")
                && kind == "board"
                && out.send(serde_json::from_str(data).unwrap()).is_err()
            {
                return;
            }
        }
    });
    board
}

/// Waits until the board shows something, and gives it.
fn shown(board: &mpsc::Receiver<Value>, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + SOON;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let value = board.recv_timeout(left).unwrap_or_else(|_| panic!("{what} is not shown"));
        if is(&value) {
            return value;
        }
    }
}

#[test]
fn lamps_and_hatch_follow_the_verdict_and_the_buttons_choose() {
    let (_dir, gateway) = gateway("[board]\nkind = \"page\"\nrelay_ms = 500\n");
    let console = gateway.console();
    let board = follow(&console);

    console.yes(&codes::box_code(1));
    shown(&board, "green without the hatch", |board| {
        board["lamps"]["green"] == true && board["hatch"] == false
    });
    console.yes(&codes::tube(1));
    let yes = shown(&board, "the hatch", |board| board["hatch"] == true);
    assert_eq!((yes["signal"].as_str(), yes["lamps"]["green"].as_bool()), (Some("yes"), Some(true)));
    shown(&board, "the shut hatch", |board| board["hatch"] == false);

    // The tube again: neither yes nor a hatch.
    let again = console.scan(&codes::tube(1));
    assert_eq!(again.tone(), "already");
    let signal = shown(&board, "already", |board| board["signal"] == "already" || board["hatch"] == true);
    assert_eq!(signal["hatch"], false);

    // The no button takes back.
    let panel = console.panel();
    assert_eq!(panel.0["buttons"]["no"]["code"], "CMD-UNDO", "{}", panel.0);
    until("the tube is taken out", SOON, || {
        // A press just after the choices changed is not taken, so it is repeated as an operator would.
        assert_eq!(hands(&console, &json!({ "press": "no" })), StatusCode::NO_CONTENT);
        console.panel().main().contains("is out of").then_some(())
    });
    // The yes button goes on: the box is closed.
    console.yes(&codes::tube(2));
    until_true("the checklist is asked for", SOON, || {
        assert_eq!(hands(&console, &json!({ "press": "yes" })), StatusCode::NO_CONTENT);
        console.panel().0["buttons"]["yes"]["code"] == "CMD-CHECK-ABSORBENT"
            || console.panel().0["buttons"]["yes"]["code"] == "CMD-CHECK-ALL"
    });
}

#[test]
fn an_open_lid_stands_on_the_panel_until_it_is_closed() {
    let (_dir, gateway) = gateway("[board]\nkind = \"page\"\n");
    let console = gateway.console();
    let lid = || console.panel().0["status"]["lid_open"].clone();
    assert_eq!(lid(), false);
    for open in [true, false] {
        assert_eq!(hands(&console, &json!({ "lid_open": open })), StatusCode::NO_CONTENT);
        until_true("the panel says so", SOON, || lid() == open);
        assert_eq!(console.panel().0["status_words"]["lid"], if open { "lid open" } else { "" });
    }
    assert!(gateway.log().contains("the lid was moved"));
}

#[test]
fn pins_on_a_machine_without_any_are_told_as_missing_and_the_work_goes_on() {
    if std::fs::read_to_string("/proc/device-tree/model").is_ok_and(|model| model.contains("Raspberry")) {
        eprintln!("SKIPPED: this machine has pins");
        return;
    }
    let (_dir, gateway) = gateway("[board]\nred = 17\nyes = 23\n");
    let console = gateway.console();
    until_true("the board is missing", SOON, || {
        console.panel().0["status"]["missing"].to_string().contains("board")
    });
    assert!(gateway.log().contains("the pins of this machine cannot be used"), "{}", gateway.log());
    console.yes(&codes::tube(1));
    assert_eq!(hands(&console, &json!({ "press": "yes" })), StatusCode::NOT_FOUND);
}
