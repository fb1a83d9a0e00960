//! The key of a campaign, from the hub to a counter: to a pair that was made for it, and behind a badge.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::fs;

use waypost_integration_tests::{
    codes,
    console::Console,
    gateway::Plan,
    orders, program,
    wait::{SOON, until, until_true},
    world::World,
};

fn says(console: &Console, line: &str) -> bool {
    console.panel().0["lines"].to_string().contains(line)
}

fn waits(console: &Console) -> bool {
    says(console, "Claims wait for the badge")
}

/// Power fails; after that nobody is signed in and claims wait.
fn restart(world: &mut World) {
    world.gateways[0].kill();
    world.gateways[0].start();
    let console = world.gateways[0].console();
    until_true("nobody is signed in any more", SOON, || {
        console.panel().0["status"]["person"].is_null() && waits(&console)
    });
}

#[test]
fn claims_wait_for_a_badge_after_a_power_cut_and_the_key_came_to_a_pair_of_its_campaign() {
    if !program::has(&["mosquitto"]) {
        return;
    }
    let plan = Plan::post_office("post-1").with_site("campaign_keys = \"badge\"\n");
    let mut world = World::make(&[plan], "persistence true");
    let mut campaign = orders::campaign();
    campaign["order"]["terms"]["disputes_until"] = "2099-12-31".into();
    fs::write(world.hub.dir().join("orders/campaign.json"), campaign.to_string()).unwrap();
    world.hub.start();
    world.gateways[0].start();
    let console = world.gateways[0].console();
    // The first badge of somebody who may serve is what the key will be under.
    until_true("the order of the campaign waits", SOON, || waits(&console));
    world.gateways[0].sign_in();
    console.scan("CMD-STOCK-IN");
    console.scan("CMD-ITEM-PACKS");
    console.yes("QTY-50");
    until("the first person is served", SOON, || {
        (console.scan(&codes::hkid(1)).tone() == "yes").then_some(())
    });
    assert!(!waits(&console));
    until_true("the pair is on record at the hub", SOON, || world.facts("campaign_pair_made").len() == 1);

    restart(&mut world);
    assert_eq!(console.scan(&codes::hkid(2)).tone(), "no");
    world.gateways[0].sign_in();
    until("the next person is served", SOON, || {
        (console.scan(&codes::hkid(2)).tone() == "yes").then_some(())
    });
    // It is the same key: who was served before is known again.
    assert_eq!(console.scan(&codes::hkid(1)).tone(), "no");

    // Who is new here cannot bring it back alone, and reads what to do.
    let kept = world.gateways[0].data().join("keys/badges.json");
    restart(&mut world);
    until_true("the next one signs in", SOON, || {
        console.scan(codes::SUPERVISOR_BADGE).0["status"]["person"] == "s-chief"
    });
    until_true("the badge is named as a new one", SOON, || says(&console, "This badge is new here"));
    let refused = console.scan(&codes::hkid(3));
    assert_eq!(refused.tone(), "no");
    assert!(refused.0["lines"].to_string().contains("New here?"), "{}", refused.0);
    world.gateways[0].sign_in();
    until("a colleague brings it back", SOON, || {
        (console.scan(&codes::hkid(3)).tone() == "yes").then_some(())
    });
    // Scanned once while it is here, the new badge is enough from then on.
    let before = fs::read(&kept).unwrap();
    console.scan(codes::SUPERVISOR_BADGE);
    until_true("the new badge has its place", SOON, || fs::read(&kept).is_ok_and(|now| now != before));
    restart(&mut world);
    until_true("the new one signs in", SOON, || {
        console.scan(codes::SUPERVISOR_BADGE).0["status"]["person"] == "s-chief"
    });
    until("and serves alone", SOON, || (console.scan(&codes::hkid(4)).tone() == "yes").then_some(()));
    world.settle();
    assert_eq!(world.facts("claim_served").len(), 4);
}
