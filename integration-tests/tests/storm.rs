//! Everything is killed in turn while people scan: gateways, hub and broker, some of them together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use waypost_integration_tests::{
    gateway::Plan,
    program,
    traffic::{Traffic, assert_shown_is_written},
    wait::{SOON, until_true},
    world::World,
};

/// Rounds of the storm.
const ROUNDS: u64 = 24;

#[test]
fn whatever_is_killed_in_whatever_order_all_arrives_once() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::start(&[Plan::testing_centre("ctc-1"), Plan::testing_centre("ctc-2")]);
    for gateway in &world.gateways {
        gateway.sign_in();
    }
    let traffic: Vec<Traffic> = (0..)
        .zip(&world.gateways)
        .map(|(n, gateway)| Traffic::start_stubborn(&gateway.console(), n * 1_000_000))
        .collect();
    let scanned = |traffic: &[Traffic]| traffic.iter().map(Traffic::scanned).min().unwrap();
    // A fixed seed: the same storm each time, as far as the kills go.
    let mut dice = 7_u64;
    for round in 1..=ROUNDS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let strike = dice >> 60;
        let (one, two) = (strike & 1 == 1, strike & 2 == 2);
        let (hub, broker) = (strike & 4 == 4, strike & 8 == 8);
        if hub {
            world.hub.kill();
        }
        if broker {
            world.broker.kill();
        }
        for (at, struck) in [one, two].into_iter().enumerate() {
            if struck {
                world.gateways[at].kill();
                world.gateways[at].start();
            }
        }
        // Work goes on with whatever is left.
        let before = scanned(&traffic);
        until_true(&format!("scanning goes on in round {round}"), SOON, || scanned(&traffic) >= before + 20);
        if broker {
            world.broker.resume();
        }
        if hub {
            world.hub.start();
        }
    }
    let shown: Vec<_> = traffic.into_iter().map(Traffic::stop).collect();
    world.settle();
    for (gateway, shown) in world.gateways.iter().zip(&shown) {
        assert_shown_is_written(shown, &gateway.ledger());
    }
}
