//! Orders come into force whole, once, and only by their signer.

use tokio::sync::watch;
use waypost_core::{
    code::Badge,
    fact::ClockQuality,
    rule::order::Order,
    wire::{
        keys::SignKey,
        order::{self, ORDER_BYTES_MAX},
        part::{self, PartHeader},
        restore::NewJournal,
        topic,
    },
};

use super::{
    super::*,
    documents::{campaign, lay, sealed},
    world::{PATIENCE, World, assert_nowhere, key},
};

#[tokio::test]
async fn an_order_comes_into_force_and_no_older_one_after_it() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let signed = |number, byte| order::sign(&campaign(number, byte, &[]), &signer).unwrap();
    world.hub.state().retained = vec![(topic.clone(), signed(2, 0x22))];
    let running = world.run();
    world.key_is(0x22).await;
    world.synced().await;
    assert_eq!(world.orders_applied(), 1);

    // An older one, one by another key, one for others, a cleared topic, rubbish: then a newer one.
    world.hub.publish(topic.clone(), signed(1, 0x11));
    world.hub.publish(topic.clone(), order::sign(&campaign(9, 0x99, &[]), &key("order", 66)).unwrap());
    world.hub.publish(topic.clone(), order::sign(&campaign(9, 0x98, &["post-2"]), &signer).unwrap());
    world.hub.publish(topic.clone(), Vec::new());
    world.hub.publish(topic.clone(), vec![0xd2; 100]);
    world.hub.publish(topic, signed(3, 0x33));
    world.key_is(0x33).await;
    assert_eq!(world.orders_applied(), 2);
    running.stop().await;

    // After a new start the keys are there without a broker.
    world.config.mqtt = None;
    let (secrets_sender, secrets) = watch::channel(Secrets::default());
    (world.parts.secrets, world.secrets) = (secrets_sender, secrets);
    let running = world.run();
    world.key_is(0x33).await;
    // And an order can be laid beside it by hand.
    lay(world.dir.path(), "campaign.cose", &signed(4, 0x44));
    world.key_is(0x44).await;
    lay(world.dir.path(), "campaign.cose", &signed(5, 0x55));
    world.key_is(0x55).await;
    assert_eq!(world.orders_applied(), 4);
    running.stop().await;
}

#[tokio::test]
async fn the_hubs_time_sets_a_clock_that_nothing_has_confirmed() {
    let mut world = World::new().await;
    assert_eq!(world.parts.clock.now().clock, ClockQuality::Unset);
    let running = world.run();
    world.write(1).await;
    world.synced().await;
    world
        .hub_is("a clock found", |state| {
            state
                .ledger
                .values()
                .any(|(line, _)| line.contains("\"clock_found\"") && line.contains("\"quality\":\"ntp\""))
        })
        .await;
    let now = world.parts.clock.now();
    assert_eq!(now.clock, ClockQuality::Ntp);
    assert!((now.at.as_millis() - 1_599_091_200_000).abs() < 60_000);
    running.stop().await;
}

#[tokio::test]
async fn a_key_in_an_order_is_read_by_its_gateway_and_lies_in_no_file_as_it_is() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    world.hub.state().retained = vec![(topic.clone(), sealed(&campaign(2, 0xa7, &[]), 5))];
    let running = world.run();
    world.key_is(0xa7).await;
    running.stop().await;
    assert_nowhere(world.dir.path(), "the key", &[0xa7; 32]);
    assert_nowhere(world.dir.path(), "the key in hex", "a7".repeat(32).as_bytes());
    // After a start it comes from the card.
    world.config.mqtt = None;
    let (secrets_sender, secrets) = watch::channel(Secrets::default());
    (world.parts.secrets, world.secrets) = (secrets_sender, secrets);
    let running = world.run();
    world.key_is(0xa7).await;
    running.stop().await;
}

#[tokio::test]
async fn what_was_tampered_with_is_refused_counted_and_raised_once() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let first = sealed(&campaign(2, 0x22, &[]), 5);
    world.hub.state().retained = vec![(topic.clone(), first.clone())];
    let running = world.run();
    world.key_is(0x22).await;
    let second = sealed(&campaign(3, 0x33, &[]), 5);
    world.hub.publish(topic.clone(), second.clone());
    world.key_is(0x33).await;

    // Yesterday's order, again and again, also after a start.
    for _ in 0..20 {
        world.hub.publish(topic.clone(), first.clone());
    }
    world.refused("order-older").await;
    // Another's signature.
    let foreign = order::sign(&campaign(9, 0x99, &[]), &key("order", 66)).unwrap();
    world.hub.publish(topic.clone(), foreign);
    world.refused("order-signature").await;
    // Encrypted with our name on it to a key that is not ours.
    world.hub.publish(topic.clone(), sealed(&campaign(9, 0x98, &[]), 6));
    world.refused("order-secret").await;
    // Cut short, and much too long: each is read as nothing.
    world.hub.publish(topic.clone(), second.get(..second.len() / 2).unwrap().to_vec());
    world.refused("order-form").await;
    lay(world.dir.path(), "long.cose", &vec![0xd2; ORDER_BYTES_MAX + 100]);
    // Signed, and impossible.
    let mut impossible = campaign(9, 0x97, &[]);
    let Order::Campaign { terms, .. } = &mut impossible.order else { unreachable!() };
    terms.rounds.clear();
    world.hub.publish(topic.clone(), sealed(&impossible, 5));
    world.refused("order-content").await;
    // An acknowledgement by a key that signs something else.
    world.hub.publish(topic::ack(&world.config.gateway), sealed(&impossible, 5));
    world.refused("acknowledgement").await;

    assert_eq!(world.refusals().len(), 6, "one alarm an hour for each reason, however much comes");
    assert_eq!(world.orders_applied(), 2);
    world.key_is(0x33).await;
    running.stop().await;

    // The broker has yesterday's still.
    let newer = sealed(&campaign(4, 0x44, &[]), 5);
    world.hub.state().retained = vec![(topic.clone(), first), (topic, newer)];
    let running = world.run();
    world.key_is(0x44).await;
    assert_eq!(world.orders_applied(), 3, "and no older one after a start either");
    running.stop().await;
}

#[tokio::test]
async fn an_order_of_a_campaign_waits_for_a_badge_and_comes_into_force_then() {
    let mut world = World::new().await;
    world.parts.keeper = Keeper::open(world.dir.path()).unwrap().with_badges();
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    world.hub.state().retained = vec![(topic, sealed(&campaign(2, 0x22, &[]), 5))];
    let running = world.run();
    let waits = world.secrets.wait_for(|secrets| secrets.wait_for_badge);
    tokio::time::timeout(PATIENCE, waits).await.expect("the panel is told").unwrap();
    assert_eq!(world.orders_applied(), 0);
    let badge = Badge::new("STAFF-7Q2M-0001");
    world.parts.keeper.vault().unwrap().present(&badge, "hash", |_| true).unwrap();
    world.key_is(0x22).await;
    let settled = world.secrets.wait_for(|secrets| !secrets.wait_for_badge);
    tokio::time::timeout(PATIENCE, settled).await.expect("nothing waits any more").unwrap();
    running.stop().await;
}

#[tokio::test]
async fn who_forges_an_end_of_the_journal_or_a_ledger_is_refused_and_raised() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    let (gateway, journal) = (world.config.gateway.clone(), world.config.journal);
    let order = NewJournal { gateway: gateway.clone(), journal };
    // By a key that is nobody's, and by the one that may only acknowledge.
    world.hub.publish(order.topic(), order.sign(&key("order", 66)).unwrap());
    world.refused("order-signature").await;
    world.hub.publish(order.topic(), order.sign(&key("ack", 8)).unwrap());
    world.hub.publish(topic::order_to_all("restore", "x").replace("/all/", "/post-1/"), vec![0x9f; 500]);
    world.refused("order-form").await;
    assert!(!world.state.borrow().new_journal);
    running.stop().await;
}

#[tokio::test]
async fn an_order_in_parts_comes_into_force_whole_and_only_by_its_signer() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    let long = |number, byte| {
        let mut document = campaign(number, byte, &[]);
        let Order::Campaign { terms, .. } = &mut document.order else { unreachable!() };
        terms.name = "Masks ".repeat(60_000);
        sealed(&document, 5)
    };
    let parts = |whole: &[u8], number, signer: &SignKey| -> Vec<(String, Vec<u8>)> {
        let like = PartHeader::like("campaign", "masks-2020-10", (1, number));
        let cut = part::cut(whole, &like, part::PART_BYTES_MAX, signer).unwrap();
        cut.into_iter().zip(1..).map(|(bytes, at)| (part::topic(&topic, at), bytes)).collect()
    };
    let signer = key("order", 9);
    let mut first = parts(&long(2, 0x22), 2, &signer);
    assert!(first.len() > 5);
    // The last part first, one of them twice, and one is missing.
    first.reverse();
    first.push(first.first().cloned().unwrap());
    let missing = first.remove(2);
    world.hub.state().retained = first.clone();
    let running = world.run();
    world.synced().await;
    // Somebody else's parts take nobody's place, nor does one that was cut short.
    for (topic, bytes) in parts(&long(9, 0x99), 9, &key("order", 66)) {
        world.hub.publish(topic, bytes);
    }
    world.refused("order-signature").await;
    world.hub.publish(missing.0.clone(), missing.1.get(..1000).unwrap().to_vec());
    world.refused("order-form").await;
    assert_eq!(world.orders_applied(), 0);
    world.hub.publish(missing.0.clone(), missing.1.clone());
    world.key_is(0x22).await;
    assert_eq!(world.orders_applied(), 1);

    // A newer one, of which the broker keeps all; of the older one some parts are left there.
    let second = parts(&long(3, 0x33), 3, &signer);
    world.hub.state().retained = first.iter().take(3).chain(&second).cloned().collect();
    world.hub.close();
    world.key_is(0x33).await;
    assert_eq!(world.orders_applied(), 2);
    assert_eq!(world.refusals().len(), 2, "what is left of the older one is no alarm");
    running.stop().await;
}
