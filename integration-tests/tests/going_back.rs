//! A gateway's card is put back from a copy, lost, or runs twice; the hub's store is put back or made anew. Each is
//! noticed and named, the journals stay whole under their own ids, and nobody is served twice because of it.

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
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use waypost_integration_tests::{
    codes, export,
    gateway::{Gateway, Plan},
    process, program,
    wait::{PATIENT, until, until_true},
    world::World,
};

fn world() -> Option<World> {
    if !program::has(&["mosquitto"]) {
        return None;
    }
    let world = World::start(&[Plan::post_office("po-1")]);
    let gateway = &world.gateways[0];
    gateway.sign_in();
    stock(gateway, 500);
    Some(world)
}

fn stock(gateway: &Gateway, packs: u32) {
    let console = gateway.console();
    console.scan("CMD-STOCK-IN");
    console.scan("CMD-ITEM-PACKS");
    console.yes(&format!("QTY-{packs}"));
}

fn serve(gateway: &Gateway, person: u32) {
    let answer = gateway.console().scan(&codes::hkid(person));
    assert_eq!(answer.tone(), "yes", "{}: {}", person, answer.0);
}

fn is_refused(gateway: &Gateway, person: u32) -> bool {
    gateway.console().scan(&codes::hkid(person)).tone() == "no"
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

fn put_back(copy: &Path, data: &Path) {
    fs::remove_dir_all(data).unwrap();
    copy_tree(copy, data);
}

fn identity(data: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(data.join("identity.json")).unwrap()).unwrap()
}

fn journal_of(data: &Path) -> String {
    identity(data)["journal"].as_str().unwrap().to_owned()
}

fn all_is_acknowledged(gateway: &Gateway) {
    until_true("all is acknowledged", PATIENT, || {
        gateway.console().try_panel().is_some_and(|panel| panel.0["status"]["unsynced"] == 0)
    });
}

/// Lines of the store. A line names gateway, journal, or number and time: none is like another.
fn store(world: &World) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, line) in world.hub.store() {
        assert!(!all.contains(&line), "twice in the store: {line}");
        all.insert(line);
    }
    all
}

fn journal_lines(data: &Path) -> BTreeSet<String> {
    process::run(Command::new(program::waypost()).args(["journal", "verify"]).arg(data));
    export::journal(data, "ledger", 0).into_iter().collect()
}

/// Waits until the store holds these journals and nothing else.
fn settles(world: &World, journals: &[PathBuf]) {
    until_true("the store equals the union of the journals", PATIENT, || {
        let union: BTreeSet<_> = journals.iter().flat_map(|data| journal_lines(data)).collect();
        let store = store(world);
        for row in &store {
            assert!(union.contains(row), "in the store and in no journal: {row:?}");
        }
        // What a gateway notes of the hub's time may come after its last batch: then it went with the card.
        union.difference(&store).all(|line| line.contains("\"clock_found\""))
    });
}

fn waits_for_a_new_journal(data: &Path, old: &str) -> String {
    until("a new journal is begun", PATIENT, || Some(journal_of(data)).filter(|journal| journal != old))
}

fn waits_for_the_ledger(gateway: &Gateway) {
    until_true("the ledger came back", PATIENT, || {
        gateway.ledger().iter().any(|line| line.contains("\"kind\":\"ledger_restored\""))
    });
}

fn alarms(world: &World, kind: &str) -> usize {
    world.hub.log().lines().filter(|line| line.contains("alarm") && line.contains(kind)).count()
}

#[test]
fn a_card_put_back_from_a_copy_begins_a_new_journal_and_serves_nobody_again() {
    let Some(mut world) = world() else { return };
    let data = world.gateways[0].data();
    let noon = world.dir().join("noon");
    serve(&world.gateways[0], 1);
    all_is_acknowledged(&world.gateways[0]);
    world.gateways[0].stop();
    copy_tree(&data, &noon);
    let old = journal_of(&data);
    world.gateways[0].start();
    // The afternoon: what the copy does not know.
    world.gateways[0].sign_in();
    serve(&world.gateways[0], 2);
    serve(&world.gateways[0], 3);
    all_is_acknowledged(&world.gateways[0]);
    world.gateways[0].stop();
    let afternoon = world.dir().join("afternoon");
    copy_tree(&data, &afternoon);

    put_back(&noon, &data);
    world.gateways[0].start();
    let new = waits_for_a_new_journal(&data, &old);
    world.gateways[0].wait_until_it_answers();
    let gateway = &world.gateways[0];
    waits_for_the_ledger(gateway);
    let first = export::record(&gateway.ledger()[0]);
    assert_eq!(first["fact"]["previous"]["journal"], old.as_str(), "it names the one before: {first}");
    gateway.sign_in();
    for person in [1, 2, 3] {
        assert!(is_refused(gateway, person), "person {person} was served before");
    }
    serve(gateway, 4);
    assert!(is_refused(gateway, 4));
    all_is_acknowledged(gateway);
    // The old journal as it was when the hub had it, and the new one.
    settles(&world, &[afternoon, data.clone()]);
    // What only the copy wrote was sent under the old id, and is kept beside.
    until_true("the fork is named", PATIENT, || alarms(&world, "fork") > 0);
    until_true("the old journal is all there", PATIENT, || data.join("old").join(&old).join("sent").exists());
    let kept = process::run(
        Command::new(program::waypost()).args(["journal", "verify"]).arg(data.join("old").join(&old)),
    );
    assert!(!kept.is_empty());
    // The same again after a start: nothing more happens.
    world.gateways[0].stop();
    world.gateways[0].start();
    assert_eq!(journal_of(&data), new);
    world.gateways[0].sign_in();
    assert!(is_refused(&world.gateways[0], 3));
}

#[test]
fn a_lost_card_is_replaced_and_its_ledger_comes_from_the_hub() {
    let Some(mut world) = world() else { return };
    let data = world.gateways[0].data();
    serve(&world.gateways[0], 1);
    serve(&world.gateways[0], 2);
    all_is_acknowledged(&world.gateways[0]);
    let lost = world.dir().join("lost");
    world.gateways[0].kill();
    copy_tree(&data, &lost);
    fs::remove_dir_all(&data).unwrap();
    let mut init = Command::new(program::waypost());
    init.arg("init").arg(&data).args(["--gateway", "po-1", "--json"]);
    let public: Value = serde_json::from_str(&process::run(&mut init)).unwrap();
    world.gateways[0].key = public["key"].as_str().unwrap().to_owned();
    world.gateways[0].secret_key = public["secret_key"].as_str().unwrap().to_owned();
    world.hub.stop();
    world.hub.configure(world.broker.port(), &world.gateways);
    world.hub.start();
    world.gateways[0].start();
    let gateway = &world.gateways[0];
    waits_for_the_ledger(gateway);
    gateway.sign_in();
    // The campaign comes again too, for the new card's key. Stock came back: 500, less two times two.
    until_true("the campaign is in force", PATIENT, || !is_refused(gateway, 3));
    for person in [1, 2] {
        assert!(is_refused(gateway, person), "person {person} was served before the card was lost");
    }
    all_is_acknowledged(gateway);
    settles(&world, &[lost, data]);
}

#[test]
fn two_with_one_identity_each_begin_a_journal_and_neither_serves_whom_the_other_served() {
    let Some(mut world) = world() else { return };
    let data = world.gateways[0].data();
    serve(&world.gateways[0], 1);
    all_is_acknowledged(&world.gateways[0]);
    world.gateways[0].stop();
    let old = journal_of(&data);
    // A clone: another place, the same identity, without a link at first.
    let mut clone =
        Gateway::make(&world.dir().join("clone"), Plan::post_office("po-1"), None, Some(&world.hub.keys));
    put_back(&data, &clone.data());
    clone.key.clone_from(&world.gateways[0].key);
    world.gateways[0].start();
    clone.start();
    world.gateways[0].sign_in();
    clone.sign_in();
    serve(&world.gateways[0], 2);
    serve(&clone, 3);
    all_is_acknowledged(&world.gateways[0]);
    clone.stop();
    clone.configure(Some(world.broker.port()), Some(&world.hub.keys));
    clone.start();
    let of_the_clone = waits_for_a_new_journal(&clone.data(), &old);
    until_true("the fork is named", PATIENT, || alarms(&world, "fork") > 0);
    let of_the_first = waits_for_a_new_journal(&data, &old);
    assert_ne!(of_the_clone, of_the_first);
    clone.wait_until_it_answers();
    world.gateways[0].wait_until_it_answers();
    waits_for_the_ledger(&clone);
    waits_for_the_ledger(&world.gateways[0]);
    clone.sign_in();
    world.gateways[0].sign_in();
    for gateway in [&clone, &world.gateways[0]] {
        for person in [1, 2, 3] {
            until_true("whom the other served is known", PATIENT, || is_refused(gateway, person));
        }
    }
    until_true("the clone is named", PATIENT, || alarms(&world, "clone") > 0);
}

#[test]
fn a_store_made_anew_gets_every_journal_again_and_the_ledger_stays() {
    let Some(mut world) = world() else { return };
    let data = world.gateways[0].data();
    serve(&world.gateways[0], 1);
    all_is_acknowledged(&world.gateways[0]);
    world.hub.kill();
    for name in ["store.db", "store.db-wal", "store.db-shm", "epoch"] {
        let _ = fs::remove_file(world.hub.dir().join(name));
    }
    world.hub.start();
    settles(&world, std::slice::from_ref(&data));
    let gateway = &world.gateways[0];
    assert!(is_refused(gateway, 1));
    serve(gateway, 2);
    all_is_acknowledged(gateway);
    settles(&world, &[data]);
}
