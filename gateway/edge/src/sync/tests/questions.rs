//! Questions to the hub.

use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        WallTime,
        id::{CampaignId, RoundId, SiteId},
    },
    rule::elsewhere::{HubSays, ServedElsewhere},
    wire::{ask::Answer, keys::SignKey, topic},
};

use super::world::{World, key};

#[tokio::test]
async fn a_question_is_answered_by_the_hub_alone_and_waited_for_a_moment_only() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let served = HubSays {
        served: vec![ServedElsewhere {
            round: RoundId::new("r1").unwrap(),
            site: SiteId::new("SITE-2").unwrap(),
            at: WallTime(77),
        }],
    };
    let answer = |world: &World, signer: &SignKey, says: &HubSays| {
        let ask = world.hub.state().asks.last().cloned().unwrap();
        assert_eq!((ask.journal, ask.claim), (world.config.journal, ClaimToken([4; 16])));
        let answer = Answer { id: ask.id, time: WallTime(80), says: says.clone() };
        world.hub.publish(topic::answer(&world.config.gateway), answer.sign(signer).unwrap());
    };
    let (desk, campaign) = (world.desk.clone(), masks.clone());
    let asked = tokio::spawn(async move { desk.ask(campaign, ClaimToken([4; 16])).await });
    world.hub_is("a question", |state| state.asks.len() == 1).await;
    // Another's word first.
    answer(&world, &key("order", 66), &HubSays::default());
    answer(&world, &key("order", 9), &served);
    assert_eq!(asked.await.unwrap(), Some(served));
    world.refused("order-signature").await;
    // Nobody answers.
    assert_eq!(world.desk.ask(masks.clone(), ClaimToken([4; 16])).await, None);
    world.hub_is("another question", |state| state.asks.len() == 2).await;
    running.stop().await;
    // Nobody is there.
    assert_eq!(world.desk.ask(masks, ClaimToken([4; 16])).await, None);
    assert_eq!(world.hub.state().asks.len(), 2);
}
