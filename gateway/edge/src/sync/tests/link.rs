//! Records go up and are acknowledged, whatever is lost, broken or forged on the way.

use waypost_core::{fact::Link, wire::status};

use super::world::{PATIENCE, World, key};

#[tokio::test]
async fn everything_arrives_and_is_acknowledged() {
    let mut world = World::new().await;
    world.write(3000).await;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    world.write(1).await;
    world.synced().await;
    world.assert_equal();
    for n in 0..5 {
        world.parts.writer.note_fix(format!("{{\"lat\":22.{n}}}")).await;
    }
    world.hub_is("five positions", |state| state.track.len() == 5).await;
    running.stop().await;
}

#[tokio::test]
async fn what_the_broker_confirms_and_drops_is_sent_again() {
    let mut world = World::new().await;
    world.write(3000).await;
    world.hub.state().drop_batches = 2;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    world.hub.state().drop_batches = 3;
    world.write(1).await;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn a_broken_connection_goes_on_behind_what_is_held() {
    let mut world = World::new().await;
    world.hub.state().mute = true;
    let running = world.run();
    world.hub_is("a connection", |state| state.connections == 1).await;
    world.write(500).await;
    world.hub_is("something came", |state| state.held().0 >= 100).await;
    world.hub.close();
    world.hub_is("another connection", |state| state.connections >= 2).await;
    world.write(500).await;
    world.hub.state().mute = false;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn a_hub_put_back_from_a_copy_gets_everything_again() {
    let mut world = World::new().await;
    world.write(400).await;
    let running = world.run();
    world.synced().await;
    {
        let mut state = world.hub.state();
        let _ = state.ledger.split_off(&101);
        state.epoch = 2;
    }
    world.hub.say_ack();
    world.hub_is("everything", |state| state.held().0 >= 402).await;
    world.synced().await;
    world.assert_equal();
    running.stop().await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_not_the_hubs_or_not_of_our_chain_is_not_believed() {
    let mut world = World::new().await;
    world.hub.state().ack_key = key("ack", 99);
    world.write(50).await;
    let running = world.run();
    world
        .hub_is("everything twice", |state| {
            // The alarm about what was not believed may travel with them.
            state.came.iter().filter(|came| came.starts_with("ledger 1-5")).count() >= 2
        })
        .await;
    assert_eq!(world.state.borrow().held, 0);
    {
        let mut state = world.hub.state();
        state.ack_key = key("ack", 8);
        state.false_link = Some(Link::START.after(b"another history"));
    }
    world.hub.say_ack();
    let told = world.state.wait_for(|state| state.trouble.is_some());
    tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    assert_eq!(world.state.borrow().held, 0);
    world.hub.state().false_link = None;
    world.hub.say_ack();
    world.synced().await;
    assert_eq!(world.state.borrow().trouble, None);
    running.stop().await;
}

#[tokio::test]
async fn an_alarm_goes_ahead_of_the_backlog() {
    let mut world = World::new().await;
    world.write(3000).await;
    let seq = world.raise_alarm().await;
    let running = world.run();
    world.synced().await;
    {
        let state = world.hub.state();
        assert_eq!(state.came.first(), Some(&format!("alarm {seq}")));
        let copy = state.alarms.first().unwrap();
        assert_eq!(Some(&copy.line), state.ledger.get(&seq).map(|(line, _)| line));
    }
    // A live one too.
    let seq = world.raise_alarm().await;
    world.hub_is("the live alarm", |state| state.alarms.iter().any(|alarm| alarm.seq == seq)).await;
    running.stop().await;
}

#[tokio::test]
async fn no_packet_is_longer_than_the_broker_takes() {
    let mut world = World::new().await;
    world.hub.state().packet_max = Some(4096);
    world.write(2000).await;
    let running = world.run();
    world.synced().await;
    world.assert_equal();
    assert!(world.hub.state().longest_packet <= 4096);
    running.stop().await;
}

#[tokio::test]
async fn the_will_says_offline_and_so_does_a_goodbye() {
    let mut world = World::new().await;
    let running = world.run();
    world.synced().await;
    world
        .hub_is("an empty queue is told", |state| {
            state.statuses.last().is_some_and(|status| status.online && status.queued_ledger == 0)
        })
        .await;
    let will = world.hub.state().will.clone().unwrap();
    assert!(will.retain);
    let will: status::Status = status::read(&will.message).unwrap();
    assert!(!will.online);
    running.stop().await;
    world.hub_is("offline", |state| state.statuses.last().is_some_and(|status| !status.online)).await;
    assert!(!world.state.borrow().online);
}
