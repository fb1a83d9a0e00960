//! The console of a real gateway: who may ask, what a key means, and that each wrong input gets words of its own and
//! leaves the journal as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use waypost_integration_tests::{
    codes,
    console::Answer,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    leak, orders,
    wait::{SOON, until_true},
    world::World,
};

/// A gateway without a broker; its orders were laid into its folder.
fn offline(plan: Plan) -> (TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway = Gateway::make(dir.path(), plan, None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff(), orders::campaign()]);
    gateway.start();
    gateway.sign_in();
    (dir, gateway)
}

fn stock_in(gateway: &Gateway, item: &str, quantity: u32) {
    let console = gateway.console();
    console.scan("CMD-STOCK-IN");
    console.scan(&format!("CMD-ITEM-{item}"));
    console.yes(&format!("QTY-{quantity}"));
}

#[test]
fn a_foreign_host_or_origin_is_refused() {
    let (_dir, gateway) = offline(Plan::testing_centre("ctc-1"));
    let console = gateway.console();
    let before = gateway.ledger();
    let own = format!("127.0.0.1:{}", console.port());
    let foreign = [
        ("Host", "evil.example".to_owned()),
        ("Host", format!("evil.example:{}", console.port())),
        ("Host", "127.0.0.1:1".to_owned()),
        ("Origin", "http://evil.example".to_owned()),
        ("Origin", "null".to_owned()),
        ("Origin", format!("https://{own}")),
        ("Origin", format!("http://{own}.evil.example")),
    ];
    for (name, value) in &foreign {
        let body = json!({ "text": codes::tube(1) }).to_string();
        let answer = console.post("/scan").header(*name, value).body(body).send().unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        for path in ["/", "/panel", "/events", "/screen.png"] {
            let answer = console.get(path).header(*name, value).send().unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} with {name}: {value}");
        }
    }
    assert_eq!(gateway.ledger(), before);
    for (name, value) in
        [("Host", format!("localhost:{}", console.port())), ("Origin", format!("http://{own}"))]
    {
        let body = json!({ "text": codes::tube(1) }).to_string();
        let answer = console.post("/scan").header(name, &value).body(body).send().unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{name}: {value}");
    }
}

#[test]
fn the_same_idempotency_key_is_the_same_request() {
    let (_dir, mut gateway) = offline(Plan::testing_centre("ctc-1"));
    let first = gateway.console().scan_once(&codes::tube(1), "key-1");
    assert_eq!(first.tone(), "yes");
    let count = gateway.ledger().len();
    let again = gateway.console().scan_once(&codes::tube(1), "key-1");
    assert_eq!((again.tone(), again.records()), ("yes", first.records()));
    gateway.kill();
    gateway.start();
    let after_restart = gateway.console().scan_once(&codes::tube(1), "key-1");
    assert_eq!((after_restart.tone(), after_restart.records()), ("yes", first.records()));
    let other_key = gateway.console().scan_once(&codes::tube(1), "key-2");
    assert_eq!(other_key.tone(), "already", "{}", other_key.0);
    assert_eq!(gateway.facts_of(&codes::tube(1)), 1);
    assert!(gateway.ledger().len() <= count + 1, "the restart only");

    let console = gateway.console();
    for key in ["", "with space", &"k".repeat(200)] {
        let body = json!({ "text": codes::tube(2) }).to_string();
        let answer = console.post("/scan").header("Idempotency-Key", key).body(body).send().unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{key:?}");
    }
    assert_eq!(gateway.facts_of(&codes::tube(2)), 0);
}

#[test]
fn a_first_answer_given_again_is_not_counted_again() {
    let (_dir, mut gateway) = offline(Plan::testing_centre("ctc-1"));
    gateway.console().yes(&codes::box_code(1));
    for restart in [false, true] {
        if restart {
            gateway.kill();
            gateway.start();
        }
        for n in 1..=3 {
            let answer = gateway.console().scan_once(&codes::tube(n), &format!("key-{n}"));
            let done = if restart { 3 } else { n };
            assert_eq!(answer.0["progress"]["done"], done, "restarted: {restart}, tube {n}: {}", answer.0);
        }
        let again = gateway.console().scan_once(&codes::tube(2), "key-2");
        assert_eq!(gateway.console().panel().0["progress"]["done"], 3, "{}", again.0);
    }
}

#[test]
fn a_body_that_is_too_long_or_no_scan_is_refused() {
    let (_dir, gateway) = offline(Plan::testing_centre("ctc-1"));
    let before = gateway.ledger();
    let long = json!({ "text": "7".repeat(1_000_000) }).to_string();
    for (body, status) in [
        (long.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("{\"text\":", StatusCode::BAD_REQUEST),
        ("{}", StatusCode::UNPROCESSABLE_ENTITY),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let answer = gateway.console().post("/scan").body(body.to_owned()).send().unwrap();
        assert_eq!(answer.status(), status, "{}", &body[..body.len().min(40)]);
    }
    assert_eq!(gateway.ledger(), before);
    gateway.console().yes(&codes::tube(1));
}

#[test]
fn every_change_of_the_panel_is_told_to_the_page() {
    let (_dir, gateway) = offline(Plan::testing_centre("ctc-1"));
    let answer = gateway.console().get("/events?lang=en").send().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(answer).lines();
    let mut panel = || -> Value {
        loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data).unwrap();
            }
        }
    };
    let mut version = panel()["version"].as_u64().unwrap();
    for n in 1..=3 {
        let answer = gateway.console().yes(&codes::tube(n));
        loop {
            let told = panel();
            assert!(told["version"].as_u64().unwrap() > version);
            version = told["version"].as_u64().unwrap();
            if told["records"] == answer.0["records"] {
                assert_eq!(told["main"], answer.0["main"]);
                break;
            }
        }
    }
}

/// Scans what must be refused: gives the words, and holds that the journal is as it was.
fn refused(gateway: &Gateway, text: &str, tone: &str) -> String {
    let before = gateway.ledger();
    let answer = gateway.console().scan(text);
    assert_eq!(answer.tone(), tone, "{text}: {}", answer.0);
    assert_eq!(answer.records(), None, "{}", answer.0);
    assert_eq!(gateway.ledger(), before, "{text} left a record");
    words(&answer)
}

fn words(Answer(panel): &Answer) -> String {
    format!("{} | {}", panel["main"], panel["lines"])
}

#[test]
fn each_wrong_input_gets_words_of_its_own_and_leaves_no_record() {
    let (_dir, gateway) = offline(Plan::testing_centre("ctc-1").with_boxes_of(2));
    let console = gateway.console();
    let mut told = vec![
        refused(&gateway, "HELLO WORLD", "no"),
        refused(&gateway, "", "no"),
        refused(&gateway, "]C1800312345", "no"),
        refused(&gateway, &codes::wrong_hkid(1), "no"),
        refused(&gateway, "A123456", "no"),
        refused(&gateway, "CMD-DANCE", "no"),
        refused(&gateway, "STAFF-AAAAAAAAAAAAAAAA", "no"),
        refused(&gateway, "CMD-CLOSE-BOX", "no"),
        refused(&gateway, "CMD-UNDO", "no"),
        refused(&gateway, &"7".repeat(600), "no"),
    ];
    console.yes(&codes::box_code(1));
    console.yes(&codes::tube(1));
    told.push(refused(&gateway, &codes::tube(1), "already"));
    console.yes(&codes::tube(2));
    told.push(refused(&gateway, &codes::tube(3), "no"));
    told.push(refused(&gateway, &codes::box_code(2), "no"));
    console.scan("CMD-CLOSE-BOX");
    console.yes("CMD-CHECK-ALL");
    // No radio heard this seal: it is not known as closed, so it seals nothing.
    told.push(refused(&gateway, "S-0001", "no"));
    console.scan("CMD-CANCEL");
    console.yes(&codes::box_code(2));
    told.push(refused(&gateway, &codes::tube(1), "no"));
    let different: BTreeSet<_> = told.iter().collect();
    assert_eq!(different.len(), told.len(), "two wrong inputs share their words: {told:#?}");
    assert!(told.iter().all(|words| words.matches('"').count() >= 4), "each says what to do next: {told:#?}");
    let said = told.join("\n");
    assert!(!said.contains(&codes::hkid_body(1)) && !said.contains("HELLO"), "no part of the text is shown");
}

#[test]
fn nothing_is_recorded_without_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let keys = HubKeys::make(&dir.path().join("keys"));
    let mut gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1"), None, Some(&keys));
    gateway.start();
    refused(&gateway, &codes::tube(1), "no");
    refused(&gateway, &codes::box_code(1), "no");
    // The clock cannot be believed yet, so the day is asked for first; nobody is in the staff order, for there is none.
    refused(&gateway, codes::STAFF_BADGE, "ask");
    refused(&gateway, "CMD-DAY", "no");
    refused(&gateway, &codes::tube(1), "no");
}

#[test]
fn a_claim_is_served_once_and_its_refusals_say_why() {
    let (_dir, gateway) = offline(Plan::post_office("po-1"));
    stock_in(&gateway, "PACKS", 3);
    let served = gateway.console().yes(&codes::hkid(1));
    assert!(served.0["hash_us"].as_u64().is_some_and(|us| us > 0), "the hash is told apart: {}", served.0);
    let again = refused(&gateway, &codes::hkid(1), "no");
    assert!(again.contains("po-1") || again.contains("SITE-PO-1"), "where it was served: {again}");
    assert!(again.contains("town hall"), "where to appeal: {again}");
    let miskeyed = refused(&gateway, &codes::wrong_hkid(2), "no");
    let none_left = refused(&gateway, &codes::hkid(3), "no");
    assert_eq!(BTreeSet::from([again, miskeyed, none_left]).len(), 3);
}

#[test]
fn a_keyed_number_stands_in_no_file_of_gateway_and_hub() {
    if !waypost_integration_tests::program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::start(&[Plan::post_office("po-1"), Plan::post_office("po-2")]);
    for gateway in &world.gateways {
        gateway.sign_in();
        stock_in(gateway, "PACKS", 500);
    }
    let keyed = 1..=40;
    for n in keyed.clone() {
        let console = world.gateways[usize::try_from(n % 2).unwrap()].console();
        console.yes(&codes::hkid(n));
        console.scan(&codes::hkid(n));
        console.scan(&codes::wrong_hkid(n));
        console.scan(&codes::hkid_body(n));
        console.scan(&format!("{} {}", codes::hkid(n), "Chan Tai Man"));
        let passport = json!({ "text": codes::hkid_body(n), "document": "passport" });
        console.post("/scan").body(passport.to_string()).send().unwrap();
    }
    world.settle();
    until_true("all is acknowledged", SOON, || {
        world.gateways.iter().all(|gateway| gateway.console().panel().0["status"]["unsynced"] == 0)
    });
    // A stopped gateway and a killed one.
    world.gateways[0].stop();
    world.gateways[1].kill();
    world.hub.stop();
    world.broker.stop();
    let files = leak::files(&world.dir());
    assert!(files.iter().any(|(name, _)| name.ends_with("journal.db")), "the journals are among them");
    assert!(files.iter().any(|(name, _)| name.ends_with("store.db")), "the store is among them");
    let numbers: BTreeSet<String> = keyed.map(codes::hkid_body).collect();
    for (name, bytes) in &files {
        assert_eq!(leak::find(bytes, &numbers), Vec::<String>::new(), "keyed numbers stand in {name}");
    }
}
