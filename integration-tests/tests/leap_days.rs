//! The end of February, in a year with a leap day and in one that looks like it and has none: hub, broker, certificates
//! and gateways go through it together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::fs;

use serde_json::{Value, json};
use waypost_core::fact::WallTime;
use waypost_integration_tests::{
    codes,
    enrolled::{Enrolled, assert_done},
    export,
    gateway::{Gateway, Plan},
    orders, program,
    wait::{PATIENT, SOON, until, until_true},
    wall::{self, Wall},
};

/// The hub's word may be this long on its way to a gateway of a busy machine.
const ON_THE_WAY_MS: i64 = 60_000;

/// The next year with a 29th of February: 2028 for years of builds.
fn leap_year() -> i64 {
    let this_year: i64 = wall::now().to_string()[..4].parse().unwrap();
    this_year / 4 * 4 + 4
}

#[test]
fn the_leap_day_is_a_day_of_work_like_any_other() {
    let year = leap_year();
    // Sixty days after the 28th of February.
    february_ends(&format!("{year}"), &["02-28", "02-29", "03-01"], "04-28T");
}

#[test]
fn the_year_2100_has_no_leap_day() {
    february_ends("2100", &["02-28", "03-01"], "04-29T");
}

/// Days of work, each with a round of its own; the certificate of the first one ends as told.
fn february_ends(year: &str, days: &[&str], ends: &str) {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let dir = tempfile::Builder::new().prefix("waypost-test-").tempdir().unwrap();
    let Some(wall) = Wall::make(dir.path()) else { return };
    let days: Vec<String> = days.iter().map(|day| format!("{year}-{day}")).collect();
    // Four in the morning is noon in Hong Kong.
    wall.set(&format!("{}T04:00:00Z", days[0]));
    let mut world = world(&wall, &days);
    let [centre, office] = [0, 1].map(|at| world.gateways[at].console());
    is_confirmed(&world);

    let granted: Value =
        serde_json::from_str(&fs::read_to_string(world.gateways[0].data().join("enrolment.json")).unwrap())
            .unwrap();
    let found = granted["current"]["ends"].as_str().unwrap();
    assert!(found.starts_with(&format!("{year}-{ends}")), "sixty days: {found}");

    for (number, day) in days.iter().enumerate() {
        let noon: WallTime = format!("{day}T04:00:00Z").parse().unwrap();
        if number > 0 {
            night_passes(&mut world, &wall, day);
        }
        world.gateways.iter().for_each(|gateway| drop(gateway.sign_in()));
        if number == 0 {
            office.scan("CMD-STOCK-IN");
            office.scan("CMD-ITEM-PACKS");
            office.yes("QTY-100");
            centre.yes(&codes::box_code(1));
        }
        // Once a round, and each day is one.
        until("the round of the day is on", SOON, || {
            (office.scan(&codes::hkid(1)).tone() == "yes").then_some(())
        });
        assert_eq!(office.scan(&codes::hkid(1)).tone(), "no", "{day}");
        let tube = codes::tube(number as u64 + 1);
        centre.yes(&tube);
        let shown = until("the hub knows when it was", PATIENT, || packed_at(&world, &tube));
        let late = shown.as_millis() - noon.as_millis();
        let half_a_day = 12 * 3_600_000 + ON_THE_WAY_MS;
        assert!(late.abs() < half_a_day, "{tube} of {day} is shown as {shown}");
    }

    world.settle();
    let store = world.hub.store();
    let of = |kind: &str| -> Vec<Value> {
        let facts = store.iter().map(|(_, line)| export::record(line)["fact"].clone());
        facts.filter(|fact| fact["kind"] == kind).collect()
    };
    for gateway in &world.gateways {
        let lines = gateway.ledger().into_iter().map(|line| export::record(&line)["fact"].clone());
        let opened: Vec<Value> = lines.filter(|fact| fact["kind"] == "shift_opened").collect();
        let opened: Vec<&str> = opened.iter().map(|fact| fact["day"].as_str().unwrap()).collect();
        assert_eq!(opened, days, "{}", gateway.plan.id);
    }
    let rounds: Vec<Value> = of("claim_served").iter().map(|fact| fact["round"].clone()).collect();
    assert_eq!(rounds, (1..=days.len()).map(|day| json!(format!("r{day}"))).collect::<Vec<_>>());
}

/// A testing centre and a post office, enrolled, with a round for each day.
fn world(wall: &Wall, days: &[String]) -> Enrolled {
    let mut campaign = orders::campaign();
    let round = |(number, day): (usize, &String)| {
        let id = format!("r{}", number + 1);
        json!({ "id": id, "from": day, "until": day, "packs_first": 2, "packs_again": 1 })
    };
    campaign["order"]["terms"]["rounds"] = days.iter().enumerate().map(round).collect();
    let plans = [Plan::testing_centre("ct-1"), Plan::post_office("po-1")];
    let mut world = Enrolled::make(&plans, &[orders::staff(), campaign], Some(wall));
    for gateway in &mut world.gateways {
        gateway.wall = Some(wall.clone());
    }
    world.hub.start();
    (0..2).for_each(|at| assert_done(&world.enrol(at)));
    world.renew_acl();
    world.gateways.iter_mut().for_each(Gateway::start);
    world
}

fn is_confirmed(world: &Enrolled) {
    for gateway in &world.gateways {
        until_true("the clock is confirmed", PATIENT, || {
            let panel = gateway.console().panel();
            panel.0["status"]["clock"] == "ntp" && panel.0["status"]["online"] == true
        });
    }
}

/// The shift is closed in the last seconds before midnight in Hong Kong, and midnight passes.
fn night_passes(world: &mut Enrolled, wall: &Wall, day: &str) {
    let midnight: WallTime = format!("{day}T00:00:00+08:00").parse().unwrap();
    wall.set(&midnight.plus_ms(-3_000).to_string());
    for gateway in &world.gateways {
        // The hub's word comes with what it acknowledges, and takes the clock along.
        gateway.console().yes("CMD-CLOSE-SHIFT");
        until_true("it is the next day", PATIENT, || {
            let panel = gateway.console().panel();
            panel.0["status"]["time"].as_str().unwrap().starts_with(day)
        });
    }
}

/// When a tube was packed, where the hub is sure of it.
fn packed_at(world: &Enrolled, tube: &str) -> Option<WallTime> {
    let trail = world.hub.trace(tube);
    let step = trail.iter().find(|step| step["what"] == "tube_packed" && step["time_sure"] == true)?;
    Some(step["time"].as_str().unwrap().parse().unwrap())
}
