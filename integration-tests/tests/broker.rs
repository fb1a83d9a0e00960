//! The broker goes away, forgets and drops; nothing is lost and nothing doubled.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::time::Duration;

use rustix::process::Signal;
use waypost_integration_tests::{
    codes,
    gateway::Plan,
    mqtt::{self, Client},
    program,
    traffic::{Traffic, assert_shown_is_written},
    wait::{SOON, until, until_true},
    world::World,
};

/// What mosquitto keeps for a client that is away, unless it is told otherwise.
const QUEUE_MAX: u64 = 1_000;
const LEDGER: &str = "waypost/v1/ctc-1/ledger";

fn world() -> Option<World> {
    program::has(&["mosquitto"]).then(|| {
        let world = World::start(&[Plan::testing_centre("ctc-1"), Plan::testing_centre("ctc-2")]);
        world.gateways.iter().for_each(|gateway| {
            gateway.sign_in();
        });
        world
    })
}

#[test]
fn scanning_goes_on_while_the_broker_is_stopped_and_all_arrives_when_it_is_back() {
    let Some(mut world) = world() else { return };
    let traffic: Vec<Traffic> = (0..)
        .zip(&world.gateways)
        .map(|(n, gateway)| Traffic::start(&gateway.console(), n * 1_000_000))
        .collect();
    let scanned = |traffic: &[Traffic]| traffic.iter().map(Traffic::scanned).min().unwrap();
    until_true("some are scanned", SOON, || scanned(&traffic) >= 50);
    for round in 1..=2 {
        world.broker.stop();
        until("the panel says that there is no link", SOON, || {
            (world.gateways[0].console().panel().0["status"]["online"] == false).then_some(())
        });
        let before = scanned(&traffic);
        until_true("scanning goes on without a broker", SOON, || scanned(&traffic) >= before + 50);
        world.broker.resume();
        until_true(&format!("scanning goes on after outage {round}"), SOON, || {
            scanned(&traffic) >= before + 100
        });
    }
    let shown: Vec<_> = traffic.into_iter().map(Traffic::stop).collect();
    world.settle();
    for (gateway, shown) in world.gateways.iter().zip(&shown) {
        assert_shown_is_written(shown, &gateway.ledger());
    }
    until_true("the panel says that all is at the hub", SOON, || {
        world.gateways[0].console().panel().0["status"]["unsynced"] == 0
    });
}

/// A batch of the first gateway that the hub has already.
fn capture_one(world: &World) -> Vec<u8> {
    let mut tap = Client::connect(world.broker.port(), "tap", true).unwrap();
    tap.subscribe(LEDGER).unwrap();
    for n in 0..20 {
        world.gateways[0].console().yes(&codes::tube(n));
    }
    let captured = tap.next(Duration::from_secs(10)).unwrap().expect("the gateway sends");
    world.settle();
    captured.payload
}

fn scan(world: &World, tubes: std::ops::Range<u64>) {
    for n in tubes {
        world.gateways[0].console().yes(&codes::tube(n));
    }
}

#[test]
fn what_the_broker_acknowledges_and_throws_away_while_no_hub_is_there_is_sent_again() {
    let Some(mut world) = world() else { return };
    // More batches than any queue holds: each is acknowledged by the broker, and there is nobody that it keeps them for.
    let batch = capture_one(&world);
    world.hub.kill();
    let mut flood = Client::connect(world.broker.port(), "flood", true).unwrap();
    for _ in 0..QUEUE_MAX + 200 {
        flood.publish_one(LEDGER, &batch).unwrap();
    }
    scan(&world, 100..400);
    world.gateways[0].kill();
    world.gateways[0].start();
    scan(&world, 400..500);
    assert!(world.gateways[0].console().panel().0["status"]["unsynced"].as_u64().unwrap() >= 400);
    world.hub.start();
    world.settle();
}

#[test]
fn what_the_broker_drops_when_its_queue_for_the_hub_is_full_is_sent_again() {
    let Some(world) = world() else { return };
    // The hub is at the broker but takes nothing. Its queue is filled to the brim with a batch that it has, so that what
    // the gateway sends now is acknowledged by the broker and dropped.
    let batch = capture_one(&world);
    world.hub.process().signal(Signal::STOP);
    let mut flood = Client::connect(world.broker.port(), "flood", true).unwrap();
    for _ in 0..2 * QUEUE_MAX {
        flood.publish_one(LEDGER, &batch).unwrap();
    }
    let dropped = || mqtt::broker_count(world.broker.port(), "publish/messages/dropped").unwrap();
    let before = until("the broker drops what its queue cannot hold", SOON, || {
        Some(dropped()).filter(|dropped| *dropped >= QUEUE_MAX / 2)
    });
    for n in 100..400 {
        world.gateways[0].console().yes(&codes::tube(n));
    }
    until_true("the broker dropped what the gateway sent", SOON, || dropped() > before);
    world.hub.process().signal(Signal::CONT);
    world.settle();
}

#[test]
fn a_session_that_the_broker_forgot_costs_nothing() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::make(&[Plan::testing_centre("ctc-1")], "persistence false");
    world.hub.start();
    world.gateways[0].start();
    world.gateways[0].sign_in();
    let traffic = Traffic::start(&world.gateways[0].console(), 0);
    for round in 1..=3 {
        until_true("some are scanned", SOON, || traffic.scanned() >= round * 40);
        // Nothing that was under way, subscribed or retained is left.
        world.broker.kill();
        world.broker.resume();
    }
    let shown = traffic.stop();
    world.settle();
    assert_shown_is_written(&shown, &world.gateways[0].ledger());

    // Retained orders and acknowledgements are back at the broker too: a fresh client sees both.
    let mut late = Client::connect(world.broker.port(), "late", true).unwrap();
    for filter in ["waypost/v1/ctc-1/ack", "waypost/v1/all/order/#"] {
        until(&format!("{filter} is retained again"), SOON, || {
            late.subscribe_and_wait(filter, Duration::from_millis(200)).unwrap()
        });
    }
}

#[test]
fn a_client_that_is_thrown_out_by_another_of_its_name_comes_back_and_nothing_is_lost() {
    let Some(world) = world() else { return };
    let traffic = Traffic::start(&world.gateways[0].console(), 0);
    until_true("some are scanned", SOON, || traffic.scanned() >= 30);
    let names = world.broker.clients();
    assert!(names.len() >= 3, "two gateways and the hub: {names:?}");
    for name in &names {
        let came = world.broker.connects(name);
        let impostor = Client::connect(world.broker.port(), name, true).unwrap();
        drop(impostor);
        until_true(&format!("{name} comes back"), SOON, || world.broker.connects(name) >= came + 2);
    }
    let shown = traffic.stop();
    world.settle();
    assert_shown_is_written(&shown, &world.gateways[0].ledger());
}
