//! Hub, broker and gateways are killed with SIGKILL at random, under load; in the end every verdict that was shown is in
//! its journal, and every record of every journal is in the central store once.
//!
//! `WAYPOST_ROUNDS` says how many kills, 40 if it is not set; `WAYPOST_SEED` which.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{env, str::FromStr};

use waypost_integration_tests::{
    gateway::Plan,
    program,
    traffic::{Traffic, assert_shown_is_written},
    wait::{SOON, until_true},
    world::World,
};

/// Tubes between two kills, at each gateway that runs: at least one, and fewer than this and one more.
const TUBES_BETWEEN_MAX: u64 = 40;

#[test]
fn whoever_is_killed_under_load_nothing_shown_is_lost_and_all_arrives_once() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let (rounds, seed): (usize, u64) = (number("WAYPOST_ROUNDS", 40), number("WAYPOST_SEED", 1));
    let mut world = World::start(&[Plan::testing_centre("ctc-1"), Plan::testing_centre("ctc-2")]);
    world.gateways.iter().for_each(|gateway| drop(gateway.sign_in()));
    let traffic = [0, 1].map(|at| {
        let first_tube = u64::try_from(at).unwrap() * 10_000_000;
        Traffic::start_stubborn(&world.gateways[at].console(), first_tube)
    });
    let mut dice = seed;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut kills = [0; 4];
    for _ in 0..rounds {
        let whom = usize::try_from(roll(4)).unwrap();
        let more = 1 + roll(TUBES_BETWEEN_MAX);
        kills[whom] += 1;
        match whom {
            at @ (0 | 1) => world.gateways[at].kill(),
            2 => world.hub.kill(),
            _ => world.broker.kill(),
        }
        // Work goes on at every gateway that is left.
        goes_on(&traffic, |at| at != whom, more);
        match whom {
            at @ (0 | 1) => world.gateways[at].start(),
            2 => world.hub.start(),
            _ => world.broker.resume(),
        }
        goes_on(&traffic, |_| true, more);
    }
    let shown = traffic.map(Traffic::stop);
    world.settle();
    for (gateway, shown) in world.gateways.iter().zip(&shown) {
        assert_shown_is_written(shown, &gateway.ledger());
    }
    println!(
        "{rounds} kills (gateways {} and {}, hub {}, broker {}), {} verdicts shown, {} records at the hub",
        kills[0],
        kills[1],
        kills[2],
        kills[3],
        shown.iter().map(Vec::len).sum::<usize>(),
        world.hub.store().len()
    );
}

/// Waits until so many more tubes were granted at each of these gateways.
fn goes_on(traffic: &[Traffic; 2], runs: impl Fn(usize) -> bool, more: u64) {
    let wanted: Vec<u64> = traffic.iter().map(|traffic| traffic.scanned() + more).collect();
    until_true("work goes on", SOON, || (0..2).all(|at| !runs(at) || traffic[at].scanned() >= wanted[at]));
}

fn number<T: FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
