//! Gateways that are enrolled, and mosquitto with mutual TLS and the access list of `waypost hub acl` between them and
//! the hub.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]

use serde_json::Value;
use waypost_integration_tests::{
    codes,
    console::Answer,
    enrolled::{Enrolled, assert_done, certificate, enrol, waypost},
    gateway::{Gateway, Plan},
    leak::{self, Canaries},
    orders, process,
    program::has,
    wait::{PATIENT, SOON, until, until_true},
};

fn world(names: &[&str]) -> Enrolled {
    let plans: Vec<_> = names.iter().map(|name| Plan::testing_centre(name)).collect();
    Enrolled::make(&plans, &[orders::staff()], None)
}

fn online(gateway: &Gateway) -> bool {
    gateway.console().panel().0["status"]["online"] == true
}

/// What the doctor says of a gateway by one of its checks.
fn doctor(gateway: &Gateway, check: &str) -> (String, String) {
    let ran = waypost(&["doctor", "--json", "--config"]).arg(gateway.config()).output().unwrap();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["id"] == check).unwrap();
    let word = |name: &str| found[name].as_str().unwrap().to_owned();
    (word("outcome"), word("found"))
}

#[test]
fn an_enrolled_gateway_reaches_only_its_own_topics_and_a_revoked_one_nothing() {
    if !has(&["mosquitto", "mosquitto_sub", "mosquitto_pub"]) {
        return;
    }
    let mut world = world(&["post-1", "post-2"]);
    world.hub.start();
    let code = world.code("post-1");
    assert_done(&enrol(&world.gateways[0], &code));
    // The code is used, and one of another gateway is of no use.
    assert!(!enrol(&world.gateways[1], &code).status.success());
    assert_done(&world.enrol(1));
    world.gateways.iter_mut().for_each(Gateway::start);
    // The staff order is signed with a key that only the root's list names.
    world.gateways.iter().for_each(|gateway| drop(gateway.sign_in()));
    until_true("the hub has records of both", SOON, || {
        let store = world.hub.store();
        ["post-1", "post-2"].iter().all(|name| store.iter().any(|(gateway, _)| gateway == name))
    });

    // The doctor shakes hands with the same broker, beside the running gateway, and throws it not out.
    for check in ["journal", "chain", "certificate", "broker", "acknowledgement"] {
        let (outcome, found) = doctor(&world.gateways[0], check);
        assert_eq!(outcome, "ok", "{check}: {found}");
    }
    let (_, found) = doctor(&world.gateways[0], "broker");
    assert!(found.ends_with("shows a certificate that is believed"), "{found}");
    assert!(online(&world.gateways[0]));

    // Reading: with the certificate of one, everything is asked for, and only its own comes.
    let own = certificate(&world.gateways[1]);
    until_true("the other's ack is there to be heard", SOON, || {
        world.retained("waypost/v1/post-1/ack").contains("post-1/ack ")
    });
    let heard = until("its own ack is heard", SOON, || {
        let mut sub = world.client("mosquitto_sub", &own, "waypost/v1/#");
        let heard = sub.args(["-i", "curious", "-v", "-W", "3"]).output().unwrap();
        let heard = String::from_utf8_lossy(&heard.stdout).into_owned();
        heard.contains("waypost/v1/post-2/ack ").then_some(heard)
    });
    assert!(!heard.contains("waypost/v1/post-1/"), "nothing of another");

    // Writing: its own status is taken, another's is not.
    let publish = |topic: &str, text: &str| {
        let mut command = world.client("mosquitto_pub", &own, topic);
        command.args(["-i", "writes", "-r", "-m", text]).output().unwrap()
    };
    publish("waypost/v1/post-1/health", "forged");
    publish("waypost/v1/post-1/ack", "forged");
    publish("waypost/v1/post-2/ack", "forged");
    publish("waypost/v1/all/order/staff/-", "forged");
    // Again and again, as the gateway too writes its health there.
    until_true("its own is taken", SOON, || {
        publish("waypost/v1/post-2/health", "its own");
        world.retained("waypost/v1/post-2/health").contains("its own")
    });
    for topic in ["post-1/health", "post-1/ack", "post-2/ack", "all/order/staff/-"] {
        assert!(!world.retained(&format!("waypost/v1/{topic}")).contains("forged"), "{topic}");
    }

    // Revoked: no connection, no renewal.
    process::run(waypost(&["hub", "revoke", "post-2", "--config"]).arg(world.hub.config()));
    world.renew_acl();
    until_true("the other is back and the revoked one is not", SOON, || {
        online(&world.gateways[0]) && !online(&world.gateways[1])
    });
    let mut sub = world.client("mosquitto_sub", &own, "waypost/v1/post-2/#");
    let refused = sub.args(["-i", "curious", "-v", "-W", "3"]).output().unwrap();
    assert!(
        !refused.status.success() && refused.stdout.is_empty(),
        "the revoked certificate connects nobody"
    );
    let (outcome, found) = doctor(&world.gateways[1], "broker");
    assert!(outcome == "failure" && found.contains("TLS fails"), "{outcome}: {found}");
    world.gateways[1].stop();
    let renewed = waypost(&["cert", "renew"]).arg(world.gateways[1].data()).output().unwrap();
    assert!(!renewed.status.success());
    assert!(String::from_utf8_lossy(&renewed.stderr).contains("revoked"));
}

#[test]
fn an_expired_certificate_stops_nothing_at_the_counter_and_renews_by_itself() {
    if !has(&["mosquitto"]) {
        return;
    }
    let mut world = world(&["post-1"]);
    // A hub of the year 2020 gives a certificate that ended long ago.
    world.configure("[clock.simulated]\nstart = \"2020-03-01T00:00:00Z\"\nrate = 1\n");
    world.hub.start();
    assert_done(&world.enrol(0));
    world.hub.stop();
    let data = world.gateways[0].data();
    let show = || waypost(&["cert", "show", "--json"]).arg(&data).output().unwrap();
    let shown: Value = serde_json::from_slice(&show().stdout).unwrap();
    assert_eq!((shown["ended"].clone(), shown["current"]["slot"].clone()), (true.into(), "a".into()));
    assert!(!show().status.success());

    world.gateways[0].lay_orders(world.hub.dir(), &[orders::staff()]);
    world.gateways[0].start();
    let gateway = &world.gateways[0];
    let (outcome, found) = doctor(gateway, "certificate");
    assert!(outcome == "failure" && found.starts_with("it ended at 2020-"), "{outcome}: {found}");
    until("the panel tells that the certificate ended", SOON, || {
        let panel = gateway.console().panel();
        (panel.0["status"]["certificate_ended"] == true).then_some(panel)
    });
    gateway.sign_in();
    let console = gateway.console();
    console.scan(&codes::box_code(1));
    console.yes(&codes::tube(1));
    assert_eq!(gateway.facts_of(&codes::tube(1)), 2, "work goes on: collected and packed");

    // The hub comes back, in this year: the gateway renews, switches over, and its records arrive.
    world.configure("");
    world.hub.start();
    until_true("the records are at the hub", PATIENT, || {
        world.hub.store().iter().any(|(_, line)| line.contains(&codes::tube(1)))
    });
    let shown: Value = serde_json::from_slice(&show().stdout).unwrap();
    assert_eq!((shown["ended"].clone(), shown["current"]["slot"].clone()), (false.into(), "b".into()));
    assert!(online(&world.gateways[0]));
    assert_eq!(world.gateways[0].console().panel().0["status"]["certificate_ended"], false);
}

#[test]
fn a_code_scanned_at_the_counter_enrols_a_gateway_that_has_no_hub() {
    if !has(&["mosquitto"]) {
        return;
    }
    let mut world = world(&["post-1"]);
    world.gateways[0].start();
    let console = world.gateways[0].console();
    let says = |answer: &Answer, text: &str| answer.0["lines"].to_string().contains(text);
    assert!(says(&console.panel(), "No hub yet"));

    let no = |code: &str, main: &str| {
        let answer = console.scan(code);
        assert_eq!((answer.tone(), answer.main()), ("no", main), "{}", answer.0);
    };
    let void = world.code("post-1");
    let (digits, address) = void.split_once('@').unwrap();
    no(&digits[..digits.len() - 1], "A part of the code is missing or wrong");
    no(&format!("{digits}@{address}/elsewhere"), "A part of the code is missing or wrong");
    no(digits, "The code does not say where the hub is");
    no(&void, &format!("{address} is not reached"));
    world.hub.start();
    // A newer code makes this one void.
    let code = world.code("post-1");
    no(&void, "The hub refused the code");
    assert!(says(&console.panel(), "No hub yet"), "a code that is refused changes nothing");

    let answer = console.scan(&format!("]Q1{}", code.to_lowercase()));
    assert_eq!((answer.tone(), answer.main()), ("yes", "Enrolled"), "{}", answer.0);
    assert!(says(&answer, &format!(":{}", world.broker.port())));
    until_true("it reaches the broker with its certificate", SOON, || {
        console.try_panel().is_some_and(|panel| panel.0["status"]["online"] == true)
    });
    assert!(!says(&console.panel(), "No hub yet"));
    // The staff list comes from that hub, and records go there.
    world.gateways[0].sign_in();
    console.scan(&codes::box_code(1));
    console.yes(&codes::tube(1));
    world.settle();
    no(&code, "This gateway has its hub");

    world.gateways[0].stop();
    let secret = code.split('@').next().unwrap();
    let canaries = Canaries::new([secret, &secret.replace('-', "")]);
    for (file, bytes) in leak::files(world.gateways[0].dir()) {
        assert!(canaries.find(&bytes).is_empty(), "{file} holds the code");
    }
}
