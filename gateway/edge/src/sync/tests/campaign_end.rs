//! What a campaign that ended leaves on the card: no key, and no filter.

use std::time::Duration;

use waypost_core::{
    code::claim::ClaimToken,
    fact::{ClockQuality, Fact, Record, Stream, WallTime, id::CampaignId},
    filter,
    rule::{Ledger as _, RowKind, campaign_end::OWN_CLOCK_AFTER_MS},
    wire::{order, secret_key::SecretPublicKey, topic},
};

use super::{
    super::*,
    documents::{ending, filter_list, lay, piece_parts, sealed_to},
    world::{PATIENCE, World, assert_nowhere, files, key, secret_key},
};
use crate::journal;

impl World {
    /// What was recorded, in order.
    fn ledger(&self) -> impl Iterator<Item = Fact> {
        let lines = self.parts.reader.lines(Stream::Ledger, 0, usize::MAX, usize::MAX).unwrap();
        lines.into_iter().map(|line| Record::from_line(&line.line).unwrap().fact)
    }

    /// The log's frames are old versions of pages; once they are in the file it begins anew.
    fn bring_log_into_file(&self) {
        let connection = rusqlite::Connection::open(self.dir.path().join(journal::FILE)).unwrap();
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    }

    /// The public half that went up as a record.
    async fn pair(&self) -> SecretPublicKey {
        let began = std::time::Instant::now();
        loop {
            let ledger = self.hub.state().ledger.clone();
            for (line, _) in ledger.values() {
                let record = Record::from_line(line).unwrap();
                if let Fact::CampaignPairMade { key, .. } = record.fact {
                    return key;
                }
            }
            assert!(began.elapsed() < PATIENCE, "no pair");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn the_keys_of_a_campaign_that_ended_are_nowhere_on_the_card() {
    let mut world = World::new().await;
    let topic = topic::order_to_all("campaign", "masks-2020-10");
    // It comes with nothing for this gateway, and again encrypted to the pair that was made for it.
    let announced = order::sign_sealed(&ending(2, 0xa7), &key("order", 9), &[]).unwrap();
    world.hub.state().retained = vec![(topic.clone(), announced)];
    let running = world.run();
    let pair = world.pair().await;
    assert_ne!(pair, secret_key(5).public());
    let recorded = sealed_to(&ending(2, 0xa7), &pair);
    world.hub.state().retained = vec![(topic.clone(), recorded.clone())];
    world.hub.publish(topic.clone(), recorded.clone());
    world.key_is(0xa7).await;
    let [stored] = world.parts.reader.orders().unwrap().try_into().unwrap();
    let ciphertext = stored.order.secrets()[0].kept().unwrap().to_owned();
    let keys = world.dir.path().join("keys");
    let wrapped: Vec<_> = files(&keys)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "key" || end == "pair"))
        .collect();
    assert_eq!(wrapped.len(), 2, "the key of the order's key, and the pair");

    // The day before its end nothing happens; the day after, all of it is gone, at the hub's word alone.
    world.hub.state().time = "2020-11-30T23:59:00Z".parse().unwrap();
    world.write(1).await;
    world.synced().await;
    assert_eq!(files(&keys).len(), 3);
    world.hub.state().time = "2020-12-01T12:00:00Z".parse().unwrap();
    world.write(1).await;
    world
        .hub_is("the end is on record", |state| {
            state.ledger.values().any(|(line, _)| line.contains("\"campaign_keys_destroyed\""))
        })
        .await;
    let campaign = CampaignId::new("masks-2020-10").unwrap();
    assert!(!world.secrets.borrow().campaigns.contains_key(&campaign));
    // The broker's copy of the order brings nothing back, after a start either, and is no alarm.
    world.hub.publish(topic, recorded.clone());
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    let running = world.run();
    world.synced().await;
    running.stop().await;

    let dir = world.dir.path();
    assert_nowhere(dir, "the key", &[0xa7; 32]);
    assert_nowhere(dir, "the key in hex", "a7".repeat(32).as_bytes());
    for (path, bytes) in &wrapped {
        assert!(!path.exists(), "{}", path.display());
        // Without the quotes and the end of the line: as it could stand in another file.
        assert_nowhere(dir, "a wrapped key", bytes.get(1..bytes.len() - 2).unwrap());
    }
    assert_eq!(world.refusals(), Vec::<String>::new());
    // Whoever has the card and a recording of the order has every key that is left, and none opens it.
    let keeper = Keeper::open(dir).unwrap();
    assert!(keeper.campaign_pair(&campaign).unwrap().is_none());
    let signed_by = [key("order", 9).public()];
    assert!(
        order::open_sealed(&recorded, &signed_by, &world.config.gateway, &world.config.secret_key).is_err()
    );
    // What was stored of the order went as well, and is written over once the log is in the file.
    assert_eq!(world.parts.reader.orders().unwrap(), []);
    world.bring_log_into_file();
    assert_nowhere(dir, "the order's ciphertext", ciphertext.as_bytes());
}

#[tokio::test]
async fn the_filters_of_a_campaign_that_ended_leave_the_card_and_do_not_come_back() {
    let mut world = World::new().await;
    let signer = key("order", 9);
    let masks = CampaignId::new("masks-2020-10").unwrap();
    let piece = filter::build([ClaimToken([1; 16])]).unwrap();
    let filters = world.parts.filters.clone().unwrap();
    let is_asked = |filters: &Filters| !filters.ask(&masks, ClaimToken([1; 16])).is_empty();
    // Its order has nothing for this gateway yet; the terms come into force with the key.
    let order_topic = topic::order_to_all("campaign", "masks-2020-10");
    let announced = order::sign_sealed(&ending(2, 0xa7), &signer, &[]).unwrap();
    world.hub.state().retained = vec![(order_topic.clone(), announced)];
    let running = world.run();
    let pair = world.pair().await;
    world.hub.publish(order_topic, sealed_to(&ending(2, 0xa7), &pair));
    world.key_is(0xa7).await;
    let mut of_filter = vec![(
        topic::order_to_all("filter", "masks-2020-10.r1"),
        order::sign(&filter_list(5, &[&piece]), &signer).unwrap(),
    )];
    of_filter.extend(piece_parts(&piece, 0, 5, &signer));
    world.hub.state().retained = of_filter.clone();
    of_filter.iter().for_each(|(topic, bytes)| world.hub.publish(topic.clone(), bytes.clone()));
    world.until("the filter is asked", || is_asked(&filters)).await;
    let dir = world.dir.path().join(crate::filter::FILTERS_DIR);
    assert_eq!(files(&dir).len(), 1);

    world.hub.state().time = "2020-12-01T12:00:00Z".parse().unwrap();
    world.write(1).await;
    world.until("its file is gone", || files(&dir).is_empty()).await;
    assert!(!is_asked(&filters));
    assert_eq!(world.parts.reader.ids(RowKind::Filter, 10).unwrap(), Vec::<String>::new());
    // The broker still has it; a newer list comes too. After a start it is the same.
    of_filter[0].1 = order::sign(&filter_list(6, &[&piece]), &signer).unwrap();
    for (topic, bytes) in &of_filter {
        world.hub.publish(topic.clone(), bytes.clone());
    }
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    world.parts.filters = Some(Filters::new(world.dir.path()));
    let running = world.run();
    world.write(1).await;
    world.synced().await;
    running.stop().await;
    assert!(files(&dir).is_empty());
    assert_eq!(world.parts.reader.ids(RowKind::Filter, 10).unwrap(), Vec::<String>::new());
    assert_eq!(world.refusals(), Vec::<String>::new(), "and it is no alarm");
}

#[tokio::test]
async fn a_gateway_that_hears_no_hub_destroys_keys_long_after_the_end_by_a_clock_that_is_right() {
    let mut world = World::new().await;
    // Nothing is ever heard of the hub; orders are laid by hand.
    world.config.mqtt = None;
    let dir = world.dir.path().to_owned();
    lay(&dir, "masks.cose", &order::sign_sealed(&ending(2, 0xa7), &key("order", 9), &[]).unwrap());
    let running = world.run();
    let pair_made = || {
        world.ledger().find_map(|fact| match fact {
            Fact::CampaignPairMade { key, .. } => Some(key),
            _ => None,
        })
    };
    world.until("a pair is made", || pair_made().is_some()).await;
    lay(&dir, "masks-sealed.cose", &sealed_to(&ending(2, 0xa7), &pair_made().unwrap()));
    world.key_is(0xa7).await;
    let keys = dir.join("keys");
    assert_eq!(files(&keys).len(), 3);
    let clock = world.parts.clock.clone();
    let end: WallTime = "2020-12-01T12:00:00Z".parse().unwrap();
    let set = |at: WallTime| {
        let offset_ms = at.as_millis() - i64::try_from(clock.now().up_ms).unwrap();
        assert!(clock.set(offset_ms, ClockQuality::Gnss));
    };
    running.stop().await;
    // It looks at each start; the margin is not over.
    set(end.plus_ms(OWN_CLOCK_AFTER_MS - 3_600_000));
    let running = world.run();
    running.stop().await;
    assert_eq!(files(&keys).len(), 3);
    set(end.plus_ms(OWN_CLOCK_AFTER_MS));
    let running = world.run();
    world.until("the keys are destroyed", || files(&keys).len() == 1).await;
    world.until("and that is on record", || world.parts.reader.orders().unwrap().is_empty()).await;
    running.stop().await;
}
