//! Processes that die between two steps: what was committed is sent again, and counted once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use waypost_integration_tests::{
    codes,
    gateway::Plan,
    program,
    traffic::assert_shown_is_written,
    wait::{SOON, until_true},
    world::World,
};

fn world() -> Option<World> {
    program::has(&["mosquitto"]).then(|| {
        let world = World::start(&[Plan::testing_centre("ctc-1")]);
        world.gateways[0].sign_in();
        world.settle();
        world
    })
}

/// Scans until the gateway does not answer any more; gives what was shown.
fn scan_until_it_dies(world: &World, first_tube: u64, tubes_max: u64) -> Vec<(String, u64)> {
    let console = world.gateways[0].console();
    let mut shown = Vec::new();
    for n in first_tube..first_tube + tubes_max {
        let tube = codes::tube(n);
        let Some(answer) = console.try_scan(&tube) else { break };
        if let (Some((_, last)), "yes") = (answer.records(), answer.tone()) {
            shown.push((tube, last));
        }
    }
    shown
}

fn gateway_dies_at(point: &str) {
    let Some(mut world) = world() else { return };
    let mut shown = Vec::new();
    // Once at the first pass and once later, with more under way.
    for (round, point) in [(0, point.to_owned()), (1, format!("{point}:3"))] {
        world.gateways[0].stop();
        world.gateways[0].start_to_crash_at(&point);
        let console = world.gateways[0].console();
        until_true("it answers, or is gone", SOON, || {
            console.try_panel().is_some() || world.gateways[0].process().ended().is_some()
        });
        shown.extend(scan_until_it_dies(&world, round * 10_000, 5_000));
        world.gateways[0].wait_for_crash(&point);
        world.gateways[0].start();
        let (_, last) =
            world.gateways[0].console().yes(&codes::tube(round * 10_000 + 9_999)).records().unwrap();
        shown.push((codes::tube(round * 10_000 + 9_999), last));
        world.settle();
    }
    assert_shown_is_written(&shown, &world.gateways[0].ledger());
}

#[test]
fn a_gateway_that_dies_after_the_commit_and_before_publishing_sends_it_after_its_restart() {
    gateway_dies_at("after_commit_before_publish");
}

#[test]
fn a_gateway_that_dies_after_publishing_and_before_the_puback_sends_it_again_and_it_counts_once() {
    gateway_dies_at("after_publish_before_puback");
}

#[test]
fn a_hub_that_dies_after_its_commit_and_before_the_ack_acknowledges_after_its_restart() {
    let Some(mut world) = world() else { return };
    let point = "after_commit_before_ack";
    for round in 0..2 {
        world.hub.stop();
        world.hub.start_to_crash_at(point);
        let console = world.gateways[0].console();
        for n in 0..50 {
            console.yes(&codes::tube(round * 1_000 + n));
        }
        world.hub.wait_for_crash(point);
        for n in 50..100 {
            console.yes(&codes::tube(round * 1_000 + n));
        }
        world.hub.start();
        world.settle();
        until_true("it is acknowledged", SOON, || console.panel().0["status"]["unsynced"] == 0);
    }
}

#[test]
fn the_shipped_binary_has_no_crash_points() {
    let Some(mut world) = world() else { return };
    for (tube, point) in [(1, "after_commit_before_publish"), (2, "after_publish_before_puback")] {
        world.gateways[0].stop();
        world.gateways[0].launch(program::waypost(), Some(point));
        world.gateways[0].wait_until_it_answers();
        world.gateways[0].sign_in();
        world.gateways[0].console().yes(&codes::tube(tube));
        world.settle();
        world.gateways[0].process().assert_runs();
        assert!(!world.gateways[0].log().contains("crash point"));
    }
    let names = ["after_commit_before_ack", "after_commit_before_publish", "after_publish_before_puback"];
    let shipped = std::fs::read(program::waypost()).unwrap();
    let faulty = std::fs::read(program::waypost_with_faults()).unwrap();
    let holds = |file: &[u8], text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    for word in names.iter().chain(&["WAYPOST_CRASH_AT"]) {
        assert!(!holds(&shipped, word), "the shipped binary knows {word}");
        assert!(holds(&faulty, word), "the tests' binary knows no {word}");
    }
}
