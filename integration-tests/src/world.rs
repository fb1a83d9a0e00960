//! A broker, a hub and gateways in a folder of their own.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    broker::Broker,
    gateway::{Gateway, Plan},
    hub::Hub,
    orders,
    wait::{PATIENT, until},
};

/// The whole of it. What it made is kept under the system's folder for such if the test fails.
pub struct World {
    /// mosquitto.
    pub broker: Broker,
    /// The central end.
    pub hub: Hub,
    /// In the order of their plans.
    pub gateways: Vec<Gateway>,
    dir: Option<TempDir>,
}

impl World {
    /// Everything made and started, staff and campaign known at the hub.
    pub fn start(plans: &[Plan]) -> Self {
        let mut world = Self::make(plans, "persistence true");
        world.hub.start();
        world.gateways.iter_mut().for_each(Gateway::start);
        world
    }

    /// Everything made, only the broker started, with these lines in its configuration.
    pub fn make(plans: &[Plan], broker_lines: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("waypost-test-").tempdir().unwrap();
        let broker = Broker::start_with(dir.path(), broker_lines);
        let hub = Hub::make(&dir.path().join("hub"), &[orders::staff(), orders::campaign()]);
        let gateways: Vec<Gateway> = plans
            .iter()
            .map(|plan| Gateway::make(dir.path(), plan.clone(), Some(broker.port()), Some(&hub.keys)))
            .collect();
        hub.configure(broker.port(), &gateways);
        Self { broker, hub, gateways, dir: Some(dir) }
    }

    /// The folder.
    pub fn dir(&self) -> PathBuf {
        self.dir.as_ref().unwrap().path().to_owned()
    }

    /// Waits until the central store equals the union of the journals, line by line. A line in the store that is in no
    /// journal, or that is there more than once, is a failure at once.
    pub fn settle(&self) {
        settle(&self.hub, &self.gateways);
    }

    /// Facts of a kind in the central store.
    pub fn facts(&self, kind: &str) -> Vec<Value> {
        let facts =
            self.hub.store().into_iter().map(|(_, line)| crate::export::record(&line)["fact"].clone());
        facts.filter(|fact| fact["kind"] == kind).collect()
    }
}

/// [`World::settle`] of any hub and gateways.
pub fn settle(hub: &Hub, gateways: &[Gateway]) {
    let what = "the central store equals the union of the journals";
    until(what, PATIENT, || {
        // The store first: what it has, the journals must have.
        let mut store: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (gateway, line) in hub.store() {
            store.entry(gateway).or_default().push(line);
        }
        let mut complete = true;
        for gateway in gateways {
            let held = store.remove(&gateway.plan.id).unwrap_or_default();
            complete &= is_whole(&gateway.plan.id, held, gateway.ledger());
        }
        assert!(store.is_empty(), "the store knows gateways that are none: {:?}", store.keys());
        complete.then_some(())
    });
    for gateway in gateways {
        gateway.verify();
    }
}

/// Does the store hold all of the journal? Stops the test if it holds something else or something twice.
fn is_whole(gateway: &str, mut held: Vec<String>, mut journal: Vec<String>) -> bool {
    held.sort_unstable();
    journal.sort_unstable();
    for pair in held.windows(2) {
        assert_ne!(pair[0], pair[1], "{gateway}: twice in the store");
    }
    for line in &held {
        assert!(journal.binary_search(line).is_ok(), "{gateway}: in the store and in no journal: {line}");
    }
    held.len() == journal.len()
}

impl Drop for World {
    fn drop(&mut self) {
        keep_if_panicking(&mut self.dir, &self.gateways);
    }
}

/// Keeps the folder of a test that fails, and shows the ends of its logs.
pub fn keep_if_panicking(dir: &mut Option<TempDir>, gateways: &[Gateway]) {
    if !std::thread::panicking() {
        return;
    }
    let dir = dir.take().unwrap().keep();
    println!("what the failed test left is in {}", dir.display());
    for log in
        [dir.join("hub/log")].into_iter().chain(gateways.iter().map(|gateway| gateway.dir().join("log")))
    {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(30);
        println!("--- the end of {}\n{}", log.display(), lines[from..].join("\n"));
    }
}
