//! A person tries at two offices: the second one knows by its filter, asks the hub, and without it a supervisor.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{fs, process::Command, time::Duration};

use serde_json::{Value, json};
use waypost_integration_tests::{
    codes::{self, SUPERVISOR_BADGE},
    gateway::{Gateway, Plan},
    mqtt::{Client, Message},
    orders, process, program,
    wait::{PATIENT, until_true},
    world::World,
};

/// A broker that says nothing for so long has nothing more that is retained.
const SILENCE: Duration = Duration::from_millis(300);

/// Pieces of filters that a gateway keeps, whole ones.
fn pieces(gateway: &Gateway) -> usize {
    let Ok(entries) = fs::read_dir(gateway.data().join("filters")) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_name().len() == 64).count()
}

fn conflicts(world: &World) -> Vec<Value> {
    let out = process::run(Command::new(program::waypost()).args(["hub", "conflicts"]).arg(world.hub.dir()));
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn who_was_served_elsewhere_is_known_by_filter_hub_and_afterwards() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let plans = [Plan::post_office("po-1"), Plan::post_office("po-2")];
    let mut world = World::make(&plans, "persistence true");
    let mut campaign = orders::campaign();
    campaign["order"]["terms"]["elsewhere"] = json!({ "stale_after_min": 60, "when_stale": "serve" });
    fs::write(world.hub.dir().join("orders/campaign.json"), campaign.to_string()).unwrap();
    let config = fs::read_to_string(world.hub.config()).unwrap();
    fs::write(world.hub.config(), format!("filters_every_s = 1\n{config}")).unwrap();
    world.hub.start();
    world.gateways.iter_mut().for_each(Gateway::start);
    for gateway in &world.gateways {
        gateway.sign_in();
        let console = gateway.console();
        console.scan("CMD-STOCK-IN");
        console.scan("CMD-ITEM-PACKS");
        console.yes("QTY-100");
        // Nobody was served yet: the base is empty.
        until_true("the first filter is here", PATIENT, || pieces(gateway) == 1);
    }
    let [one, two] = world.gateways.as_slice() else { panic!("two gateways") };
    one.console().yes(&codes::hkid(1));
    world.settle();
    until_true("the filter with the first person is here", PATIENT, || pieces(two) == 2);

    // The hub is reached: it says where and when.
    let refused = two.console().scan(&codes::hkid(1));
    assert_eq!((refused.tone(), refused.main()), ("no", "Already served at another office"), "{}", refused.0);
    let site = &one.plan.site;
    assert!(refused.0.to_string().contains(&format!("Served at {site}")), "{}", refused.0);
    let other = two.console().yes(&codes::hkid(2));
    assert!(!other.0.to_string().contains("Provisional"), "{}", other.0);

    // It is not reached: a hit alone does not refuse, and others are served.
    world.broker.stop();
    let [one, two] = world.gateways.as_slice() else { panic!("two gateways") };
    let asked = two.console().scan(&codes::hkid(1));
    assert_eq!((asked.tone(), asked.main()), ("ask", "Perhaps served at another office"), "{}", asked.0);
    let served = two.console().scan(SUPERVISOR_BADGE);
    assert_eq!(served.tone(), "yes", "{}", served.0);
    assert!(served.0.to_string().contains("Provisional"), "{}", served.0);
    two.console().yes(&codes::hkid(3));
    // What one office serves now the other cannot know.
    one.console().yes(&codes::hkid(3));
    assert_eq!(conflicts(&world), Vec::<Value>::new());

    world.broker.resume();
    world.settle();
    let found = conflicts(&world);
    let told: Vec<Vec<(&str, bool)>> = found
        .iter()
        .map(|one| {
            let services = one["services"].as_array().unwrap().iter();
            services
                .map(|one| (one["gateway"].as_str().unwrap(), one["provisional"].as_bool().unwrap()))
                .collect()
        })
        .collect();
    assert_eq!(told.len(), 2, "{found:?}");
    assert!(told.contains(&vec![("po-1", false), ("po-2", true)]), "{told:?}");
    // Both served within moments: which one was first the hub cannot know better than it knows their clocks.
    let in_the_gap = told.iter().find(|services| services.iter().all(|(_, provisional)| !provisional));
    assert_eq!(in_the_gap.map(|services| services.len()), Some(2), "{told:?}");
    let decided = found.iter().flat_map(|one| one["services"].as_array().unwrap());
    assert_eq!(decided.filter(|one| one["approved_by"] == "s-chief").count(), 1);
    let alarms = world.hub.summary();
    let double = alarms["alarms"].as_array().unwrap().iter().filter(|alarm| alarm["kind"] == "double_claim");
    assert_eq!(double.count(), 2);
}

/// Topics of filters, of lists and pieces, at which something is retained.
fn retained_filters(world: &World) -> Vec<String> {
    let mut client = Client::connect(world.broker.port(), "looks", true).unwrap();
    let mut topics = Vec::new();
    let mut message = client.subscribe_and_wait("waypost/v1/all/#", SILENCE).unwrap();
    while let Some(Message { topic, .. }) = message {
        if topic.contains("/filter/") {
            topics.push(topic);
        }
        message = client.next(SILENCE).unwrap();
    }
    topics
}

#[test]
fn filters_of_a_campaign_that_is_over_leave_the_broker() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let mut world = World::make(&[Plan::post_office("po-1")], "persistence true");
    let mut campaign = orders::campaign();
    let terms = &mut campaign["order"]["terms"];
    terms["elsewhere"] = json!({ "stale_after_min": 60, "when_stale": "serve" });
    terms["disputes_until"] = "2027-01-10".into();
    fs::write(world.hub.dir().join("orders/campaign.json"), campaign.to_string()).unwrap();
    let file = world.hub.config().to_owned();
    let config = fs::read_to_string(&file).unwrap();
    // That day ends at 12:00 UTC of the next one, in the westernmost zone.
    let at = |start: &str, rate: u32| {
        let clock = format!("[clock.simulated]\nstart = \"{start}\"\nrate = {rate}\n");
        fs::write(&file, format!("filters_every_s = 1\n{config}\n{clock}")).unwrap();
    };

    at("2027-01-11T11:50:00Z", 1);
    world.hub.start();
    until_true("a list and its base are retained", PATIENT, || retained_filters(&world).len() == 2);
    world.hub.stop();
    assert_eq!(retained_filters(&world).len(), 2);

    // It ends while the hub is away.
    at("2027-01-11T12:00:01Z", 1);
    world.hub.start();
    until_true("nothing is retained of it", PATIENT, || retained_filters(&world).is_empty());
    world.hub.stop();

    // It ends while the hub runs: ten minutes in ten seconds.
    at("2027-01-11T11:50:00Z", 60);
    world.hub.start();
    until_true("a list and its base are retained", PATIENT, || retained_filters(&world).len() == 2);
    until_true("and then nothing", PATIENT, || retained_filters(&world).is_empty());
}
