//! What arrives twice, in another order, or at a store put back from a copy counts once and completely.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{fs, path::Path, time::Duration};

use waypost_integration_tests::{
    codes,
    gateway::Plan,
    mqtt::{Client, Message},
    program,
    wait::{PATIENT, SOON, until_true},
    world::World,
};

/// The hub's database and what SQLite keeps beside it.
const STORE: [&str; 3] = ["store.db", "store.db-wal", "store.db-shm"];

fn world() -> Option<World> {
    program::has(&["mosquitto"]).then(|| {
        let world = World::start(&[Plan::testing_centre("ctc-1"), Plan::testing_centre("ctc-2")]);
        world.gateways.iter().for_each(|gateway| {
            gateway.sign_in();
        });
        world
    })
}

/// Scans in small groups, each of which travels as a batch of its own, and captures the batches.
fn capture(world: &World, batches_min: usize) -> Vec<Message> {
    let mut tap = Client::connect(world.broker.port(), "tap", true).unwrap();
    tap.subscribe("waypost/v1/+/ledger").unwrap();
    let mut captured = Vec::new();
    let mut tube = 0;
    while captured.len() < batches_min {
        for gateway in &world.gateways {
            for _ in 0..5 {
                tube += 1;
                gateway.console().yes(&codes::tube(tube));
            }
        }
        while let Some(message) = tap.next(Duration::from_millis(150)).unwrap() {
            captured.push(message);
        }
    }
    captured
}

#[test]
fn batches_that_come_twice_and_in_any_order_are_held_once_and_completely() {
    let Some(mut world) = world() else { return };
    let captured = capture(&world, 24);
    world.settle();

    // The same hub with an empty store, and the gateways silent: all it can learn comes from the copies.
    world.gateways.iter_mut().for_each(|gateway| gateway.stop());
    world.hub.stop();
    for name in STORE {
        let _ = fs::remove_file(world.hub.dir().join(name));
    }
    world.hub.start();
    let mut other = Client::connect(world.broker.port(), "other", true).unwrap();
    // Backwards, then every third from each start, then all again.
    let backwards = captured.iter().rev();
    let woven = (0..3).flat_map(|start| captured.iter().skip(start).step_by(3));
    for message in backwards.chain(woven).chain(&captured) {
        other.publish_one(&message.topic, &message.payload).unwrap();
    }
    // What the tap did not see (it came before it) comes from the gateways themselves.
    world.gateways.iter_mut().for_each(|gateway| gateway.start());
    world.settle();
    let alarms = world.hub.summary()["alarms"].to_string();
    assert!(!alarms.contains("fork") && !alarms.contains("signature"), "copies are no forks: {alarms}");

    // And once more, against a store that has it all.
    for message in captured.iter().rev() {
        other.publish_one(&message.topic, &message.payload).unwrap();
    }
    // This comes behind the copies: once it is there, so is what became of them.
    world.gateways[0].console().yes(&codes::tube(99_000));
    world.settle();
    let alarms = world.hub.summary()["alarms"].to_string();
    assert!(!alarms.contains("fork") && !alarms.contains("signature"), "copies are no forks: {alarms}");
}

#[test]
fn a_batch_with_a_changed_byte_is_kept_apart_and_changes_nothing() {
    let Some(world) = world() else { return };
    let captured = capture(&world, 4);
    world.settle();
    let mut other = Client::connect(world.broker.port(), "other", true).unwrap();
    for message in &captured {
        for at in [message.payload.len() / 2, message.payload.len() - 1] {
            let mut payload = message.payload.clone();
            payload[at] ^= 1;
            other.publish_one(&message.topic, &payload).unwrap();
        }
        // One gateway's batch under another one's name.
        let topic = if message.topic.contains("ctc-1") {
            message.topic.replace("ctc-1", "ctc-2")
        } else {
            message.topic.replace("ctc-2", "ctc-1")
        };
        other.publish_one(&topic, &message.payload).unwrap();
    }
    other.publish_one("waypost/v1/ctc-1/ledger", b"").unwrap();
    other.publish_one("waypost/v1/ctc-1/ledger", &[0xFF; 70_000]).unwrap();
    until_true("the hub raises an alarm", SOON, || {
        world.hub.summary()["alarms"].as_array().is_some_and(|alarms| !alarms.is_empty())
    });
    world.settle();
    world.gateways[0].console().yes(&codes::tube(99_000));
    world.settle();
}

#[test]
fn a_store_put_back_from_an_older_copy_gets_everything_again_in_a_new_epoch() {
    let Some(mut world) = world() else { return };
    let scan = |world: &World, from: u64| {
        for n in from..from + 60 {
            world.gateways[usize::try_from(n % 2).unwrap()].console().yes(&codes::tube(n));
        }
    };
    scan(&world, 0);
    world.settle();
    world.hub.stop();
    let copy = world.dir().join("copy");
    fs::create_dir_all(&copy).unwrap();
    for name in STORE {
        let _ = fs::copy(world.hub.dir().join(name), copy.join(name));
    }
    world.hub.start();
    scan(&world, 1_000);
    world.settle();
    until_true("all is acknowledged", PATIENT, || {
        world.gateways.iter().all(|gateway| gateway.console().panel().0["status"]["unsynced"] == 0)
    });
    let whole = world.hub.store().len();

    world.hub.kill();
    for name in STORE {
        let _ = fs::remove_file(world.hub.dir().join(name));
        let _ = fs::copy(copy.join(name), world.hub.dir().join(name));
    }
    assert!(world.hub.store().len() < whole, "the copy is older");
    world.hub.start();
    world.settle();
    assert!(world.hub.store().len() >= whole, "everything came again");
    scan(&world, 2_000);
    world.settle();
    until_true("the gateways believe the new epoch", PATIENT, || {
        world.gateways.iter().all(|gateway| gateway.console().panel().0["status"]["unsynced"] == 0)
    });
}

/// Broker and hub stand on one machine, and the whole machine is put back: neither remembers what was acknowledged.
#[test]
fn a_whole_machine_put_back_from_an_older_copy_gets_everything_again_too() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::make(&[Plan::testing_centre("ctc-1")], "persistence false");
    world.hub.start();
    world.gateways[0].start();
    world.gateways[0].sign_in();
    let scan = |world: &World, tubes: std::ops::Range<u64>| {
        for n in tubes {
            world.gateways[0].console().yes(&codes::tube(n));
        }
    };
    scan(&world, 0..50);
    world.settle();
    world.hub.stop();
    let folder = world.hub.dir().to_owned();
    let copy = world.dir().join("copy");
    copy_files(&folder, &copy);
    world.hub.start();
    scan(&world, 1_000..1_050);
    world.settle();
    until_true("all is acknowledged", PATIENT, || {
        world.gateways[0].console().panel().0["status"]["unsynced"] == 0
    });

    world.hub.kill();
    world.broker.kill();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().is_some_and(|name| name != "log") {
            fs::remove_file(path).unwrap();
        }
    }
    copy_files(&copy, &folder);
    world.broker.resume();
    world.hub.start();
    scan(&world, 2_000..2_020);
    world.settle();
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}
