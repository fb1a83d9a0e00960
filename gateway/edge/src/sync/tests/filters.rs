//! A filter comes into force with its last piece.

use waypost_core::{
    code::claim::ClaimToken,
    fact::id::CampaignId,
    filter,
    wire::{order, topic},
};

use super::{
    super::*,
    documents::{filter_list, piece_parts},
    world::{World, key},
};

#[tokio::test]
async fn a_filter_comes_into_force_with_its_last_piece_and_no_older_one_after_it() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let token = |n: u8| ClaimToken([n; 16]);
    let filters = world.parts.filters.clone().unwrap();
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let says = |n| filters.ask(&masks, token(n)).first().map(|says| (says.as_of.as_millis(), says.hit));
    let (base, delta) = (filter::build([token(1)]).unwrap(), filter::build([token(2)]).unwrap());
    let list_topic = topic::order_to_all("filter", "masks-2020-10.r1");
    let first = order::sign(&filter_list(5, &[&base]), &signer).unwrap();
    // The list comes before its piece.
    let mut retained = vec![(list_topic.clone(), first.clone())];
    retained.extend(piece_parts(&base, 0, 5, &signer));
    world.hub.state().retained = retained;
    let running = world.run();
    world.until("the filter is asked", || says(1) == Some((5, true))).await;
    assert_eq!(says(2), Some((5, false)));
    // A newer list whose delta somebody else signed does not come into force.
    world.hub.publish(list_topic.clone(), order::sign(&filter_list(6, &[&base, &delta]), &signer).unwrap());
    for (topic, bytes) in piece_parts(&delta, 1, 6, &key("order", 66)) {
        world.hub.publish(topic, bytes);
    }
    world.refused("order-signature").await;
    assert_eq!(says(2), Some((5, false)));
    for (topic, bytes) in piece_parts(&delta, 1, 6, &signer) {
        world.hub.publish(topic, bytes);
    }
    world.until("the delta is asked", || says(2) == Some((6, true))).await;
    // Yesterday's list is refused and raised, and leaves no record of its own.
    world.hub.publish(list_topic, first);
    world.refused("order-older").await;
    assert_eq!(says(2), Some((6, true)));
    assert_eq!(world.orders_applied(), 0);
    running.stop().await;
    // After a start it is in force without the broker.
    world.parts.filters = Some(Filters::new(world.dir.path()));
    world.config.mqtt = None;
    let filters = world.parts.filters.clone().unwrap();
    let running = world.run();
    let says = |n| filters.ask(&masks, token(n)).first().map(|says| (says.as_of.as_millis(), says.hit));
    world.until("the filter is asked after a start", || says(2) == Some((6, true))).await;
    running.stop().await;
}
