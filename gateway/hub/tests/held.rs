//! Every record once, and `held` exactly as far as the chain links: whatever comes in whatever order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]

mod common;

use common::{Gateway, Hub, collected};
use proptest::prelude::*;
use waypost_core::{
    fact::{Link, Stream},
    wire::upload::Upload,
};
use waypost_hub::store::{AHEAD_MAX, Job, NUMBER_MAX};

fn gateway(records: usize) -> Gateway {
    let mut gateway = Gateway::new("ctc-1", 7);
    for number in 1..records {
        gateway.write(number as i64, collected(number));
    }
    gateway
}

#[test]
fn a_batch_is_held_and_acknowledged_with_its_link() {
    let gateway = gateway(40);
    let mut hub = Hub::new(&[&gateway]);
    let applied = hub.take(&[gateway.all()]);
    let [held] = applied.held.as_slice() else { panic!("one journal") };
    assert_eq!((held.held, held.link, held.epoch), (40, gateway.link_at(40), 1));
    assert_eq!(hub.lines(&gateway), gateway.lines);
    assert_eq!(hub.store.totals().tubes.collected, 39);
}

#[test]
fn the_same_batch_again_changes_nothing_and_is_acknowledged_again() {
    let gateway = gateway(40);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.all(), gateway.all()]);
    let totals = hub.store.totals();
    let again = hub.take(&[gateway.batch(3, 20)]);
    assert_eq!(again.held.first().map(|held| held.held), Some(40), "acknowledged again");
    assert_eq!(hub.store.totals(), totals);
    assert_eq!(hub.lines(&gateway), gateway.lines);
    assert_eq!(hub.alarms(), []);
}

#[test]
fn a_batch_ahead_waits_until_the_hole_is_filled() {
    let gateway = gateway(40);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.batch(1, 10), gateway.batch(21, 40)]);
    assert_eq!(hub.held(&gateway), (10, gateway.link_at(10)));
    assert_eq!(hub.store.totals().records, 10, "what waits is not counted yet");
    let mut hub = hub.reopen();
    hub.take(&[gateway.batch(11, 20)]);
    assert_eq!(hub.held(&gateway), (40, gateway.link_at(40)));
    assert_eq!(hub.store.totals().records, 40);
    assert_eq!(hub.alarms(), []);
}

#[test]
fn a_batch_too_far_ahead_is_left_to_come_again() {
    let gateway = gateway(3);
    let Job::Upload(upload, bytes) = gateway.all() else { unreachable!() };
    let Upload::Batch(mut batch) = *upload else { unreachable!() };
    batch.first += AHEAD_MAX;
    batch.last += AHEAD_MAX;
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[Job::Upload(Box::new(Upload::Batch(batch)), bytes)]);
    assert_eq!(hub.lines(&gateway), Vec::<String>::new());
    assert_eq!(hub.alarms(), []);
}

#[test]
fn another_line_under_a_known_number_is_kept_beside_and_raised() {
    let original = gateway(40);
    let mut clone = gateway(20);
    clone.write(500, collected(900));
    clone.write(501, collected(901));
    let mut hub = Hub::new(&[&original]);
    hub.take(&[original.all(), clone.batch(15, 22)]);
    assert_eq!(hub.held(&original), (40, original.link_at(40)), "what was held first stays");
    assert_eq!(hub.lines(&original), original.lines);
    assert!(hub.has_alarm("fork"));
    assert_eq!(count(&hub, "fork"), 2, "both lines that differ are kept");
}

#[test]
fn of_two_lines_that_came_ahead_the_one_that_links_is_held() {
    let original = gateway(40);
    let mut clone = gateway(20);
    for number in 900..920 {
        clone.write(number, collected(number as usize));
    }
    let mut hub = Hub::new(&[&original]);
    // The hub has 1 to 5; both branches come ahead of the hole, the wrong one first: it begins with other lines.
    let mut wrong = gateway(5);
    for number in 700..710 {
        wrong.write(number, collected(number as usize));
    }
    hub.take(&[original.batch(1, 5), wrong.batch(8, 12), original.batch(8, 40)]);
    assert_eq!(hub.held(&original).0, 5);
    hub.take(&[original.batch(6, 7)]);
    assert_eq!(hub.held(&original), (40, original.link_at(40)));
    assert_eq!(hub.lines(&original), original.lines);
    assert_eq!(hub.store.totals().records, 40, "what was kept beside is not counted");
    assert!(hub.has_alarm("fork"));
}

#[test]
fn a_batch_that_contradicts_its_held_neighbour_is_kept_apart() {
    let original = gateway(40);
    let mut other = gateway(19);
    for number in 800..830 {
        other.write(number, collected(number as usize));
    }
    let mut hub = Hub::new(&[&original]);
    hub.take(&[original.batch(1, 20), other.batch(21, 30)]);
    assert_eq!(hub.held(&original), (20, original.link_at(20)));
    assert!(hub.has_alarm("chain_broken"));
    assert_eq!(count(&hub, "apart"), 1);
    hub.take(&[original.batch(21, 40)]);
    assert_eq!(hub.held(&original), (40, original.link_at(40)), "the right one goes on");
}

#[test]
fn a_batch_whose_own_chain_is_broken_is_kept_apart() {
    let gateway = gateway(10);
    let Job::Upload(upload, bytes) = gateway.all() else { unreachable!() };
    let Upload::Batch(mut batch) = *upload else { unreachable!() };
    batch.after = Link::from_bytes([9; 32]);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[Job::Upload(Box::new(Upload::Batch(batch)), bytes)]);
    assert_eq!(hub.held(&gateway).0, 0);
    assert!(hub.has_alarm("chain_broken"));
}

#[test]
fn a_declared_loss_is_passed_over_and_raised_whether_it_comes_before_or_after() {
    for lost_first in [false, true] {
        let gateway = gateway(40);
        let mut hub = Hub::new(&[&gateway]);
        hub.take(&[gateway.batch(1, 10)]);
        let behind = gateway.batch(21, 40);
        let lost = gateway.lost(11, 20);
        hub.take(&if lost_first { [lost, behind] } else { [behind, lost] });
        assert_eq!(hub.held(&gateway), (40, gateway.link_at(40)));
        assert_eq!(hub.lines(&gateway).len(), 30);
        assert!(hub.has_alarm("records_lost"));
    }
}

#[test]
fn what_was_declared_lost_and_is_found_after_all_is_stored_once() {
    let gateway = gateway(40);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.batch(1, 10), gateway.batch(15, 16), gateway.lost(11, 20), gateway.batch(21, 40)]);
    assert_eq!(hub.store.totals().records, 32, "those that came ahead count");
    hub.take(&[gateway.batch(11, 20)]);
    assert_eq!(hub.lines(&gateway), gateway.lines);
    assert_eq!(hub.store.totals().records, 40);
    assert_eq!(hub.held(&gateway), (40, gateway.link_at(40)));
}

#[test]
fn a_loss_with_the_wrong_links_moves_nothing() {
    let gateway = gateway(40);
    let mut other = Gateway::new("ctc-1", 7);
    for number in 1..40 {
        other.write(number, collected(number as usize + 500));
    }
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.batch(1, 10), other.lost(11, 20)]);
    assert_eq!(hub.held(&gateway), (10, gateway.link_at(10)));
}

#[test]
fn a_line_that_cannot_be_read_is_stored_acknowledged_and_blocks_nothing() {
    let mut gateway = gateway(5);
    gateway.write_line("no JSON at all".to_owned());
    gateway.write_line(r#"{"seq":7,"boot":1,"up_ms":1,"at":"2020-09-03T00:00:00Z","clock":"gnss","fact":{"kind":"tea_made"}}"#.to_owned());
    gateway.write_line(
        r#"{"seq":8,"boot":1,"up_ms":18446744073709551615,"at":"9999-09-03T00:00:00Z","clock":"gnss","fact":{"kind":"box_started","box":"B-1"}}"#
            .to_owned(),
    );
    gateway.write_line(
        r#"{"seq":9,"boot":1,"up_ms":1,"at":"2020-09-03T00:00:00Z","clock":"gnss","fact":{"kind":"track_dropped","first":1,"last":18446744073709551615}}"#
            .to_owned(),
    );
    gateway.write(9, collected(9));
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.all()]);
    assert_eq!(hub.held(&gateway), (10, gateway.link_at(10)));
    assert_eq!(hub.lines(&gateway), gateway.lines);
    assert_eq!(hub.store.totals().unreadable, 2);
    assert!(hub.has_alarm("clock_ahead"), "a record of the year 9999 is told");
}

#[test]
fn numbers_that_cannot_be_are_kept_apart() {
    let gateway = gateway(3);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.track(&[NUMBER_MAX + 1]), gateway.batch(1, 3)]);
    assert_eq!(count(&hub, "apart"), 1);
    assert_eq!(hub.held(&gateway).0, 3);
}

#[test]
fn a_journal_does_not_change_hands() {
    let gateway = gateway(3);
    let mut thief = Gateway::new("post-9", 9);
    thief.journal = gateway.journal;
    let mut hub = Hub::new(&[&gateway, &thief]);
    hub.take(&[gateway.all(), thief.all()]);
    assert!(hub.has_alarm("journal_of_another"));
    assert_eq!(hub.lines(&thief), Vec::<String>::new());
}

#[test]
fn a_track_may_have_gaps_but_what_the_broker_dropped_comes_again() {
    let gateway = gateway(1);
    let mut hub = Hub::new(&[&gateway]);
    let held = |hub: &Hub| hub.store.held()[0].track_held;
    hub.take(&[gateway.track(&[1, 2, 5])]);
    assert_eq!(held(&hub), 5, "gaps within a batch are its own");
    hub.take(&[gateway.track(&[9, 10]), gateway.track(&[11, 14])]);
    assert_eq!(held(&hub), 5, "6 to 8 may still come");
    hub.take(&[gateway.track(&[6, 8])]);
    assert_eq!(held(&hub), 14);
    hub.take(&[gateway.track(&[20, 21])]);
    assert_eq!(held(&hub), 14);
    hub.take(&[gateway.track(&[20, 21])]);
    assert_eq!(held(&hub), 21, "sent again from 15 on: there is nothing older");
    let rows = hub.export(Stream::Track);
    assert_eq!(rows.len(), 11);
}

#[test]
fn a_store_made_anew_or_put_back_from_a_copy_has_a_new_epoch() {
    let gateway = gateway(40);
    let mut hub = Hub::new(&[&gateway]);
    assert_eq!(hub.store.epoch(), 1);
    hub.take(&[gateway.batch(1, 10)]);
    let mut hub = hub.reopen();
    assert_eq!(hub.store.epoch(), 1, "a restart alone is no new epoch");
    let copy = hub.dir.path().join("copy.db");
    rusqlite::Connection::open(hub.dir.path().join("store.db"))
        .unwrap()
        .execute("vacuum into ?1", [copy.to_str().unwrap()])
        .unwrap();
    hub.take(&[gateway.batch(11, 40)]);
    let Hub { dir, places, store } = hub;
    drop(store);
    let file = |name: &str| dir.path().join(name);
    for name in ["store.db-wal", "store.db-shm"] {
        let _absent_is_fine = std::fs::remove_file(file(name));
    }
    std::fs::rename(&copy, file("store.db")).unwrap();
    let store =
        waypost_hub::store::Store::open(dir.path(), places.clone(), waypost_core::fact::WallTime(0), 1)
            .unwrap();
    let mut hub = Hub { dir, places, store };
    assert_eq!(hub.store.epoch(), 2);
    assert!(hub.has_alarm("store_restored"));
    assert_eq!(hub.held(&gateway), (10, gateway.link_at(10)), "everything behind it comes again");
    hub.take(&[gateway.batch(11, 40)]);
    assert_eq!(hub.lines(&gateway), gateway.lines);

    let Hub { dir, places, store } = hub;
    drop(store);
    std::fs::remove_file(dir.path().join("store.db")).unwrap();
    let store =
        waypost_hub::store::Store::open(dir.path(), places, waypost_core::fact::WallTime(0), 1).unwrap();
    assert_eq!(store.epoch(), 3, "made anew where one was");
}

#[test]
fn an_acknowledgement_ahead_of_the_store_asks_for_a_new_epoch() {
    let gateway = gateway(10);
    let mut hub = Hub::new(&[&gateway]);
    hub.take(&[gateway.all()]);
    let applied = hub.take(&[Job::RaiseEpoch(5)]);
    assert_eq!(hub.store.epoch(), 6);
    assert_eq!(
        applied.held.first().map(|held| (held.epoch, held.held)),
        Some((6, 10)),
        "told to all at once"
    );
    hub.take(&[Job::RaiseEpoch(3)]);
    assert_eq!(hub.store.epoch(), 6, "a lower one is behind us");
    assert_eq!(hub.reopen().store.epoch(), 6);
}

fn count(hub: &Hub, table: &str) -> i64 {
    let db = rusqlite::Connection::open(hub.dir.path().join("store.db")).unwrap();
    db.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However the journals are cut, mixed, repeated and grouped, the store is their union and `held` is exact at every
    /// step: the longest stretch from the start of which every number has come.
    #[test]
    fn the_store_is_the_union_of_what_came(
        (cuts, groups) in (
            proptest::collection::vec((0..2usize, 1..60u64, 1..25u64), 1..60),
            proptest::collection::vec(1..6usize, 1..60),
        )
    ) {
        let gateways = [gateway(60), {
            let mut other = Gateway::new("post-1", 8);
            for number in 1..60 {
                other.write(number, collected(number as usize));
            }
            other
        }];
        let mut hub = Hub::new(&[&gateways[0], &gateways[1]]);
        let mut come = [std::collections::BTreeSet::new(), std::collections::BTreeSet::new()];
        let mut groups = groups.into_iter().cycle();
        let mut waiting = Vec::new();
        let mut room = groups.next().unwrap();
        for (which, first, length) in cuts {
            let last = (first + length - 1).min(60);
            waiting.push(gateways[which].batch(first, last));
            come[which].extend(first..=last);
            if waiting.len() < room {
                continue;
            }
            hub.take(&waiting);
            waiting.clear();
            room = groups.next().unwrap();
            for (gateway, come) in gateways.iter().zip(&come) {
                let held = (1..=61).find(|seq| !come.contains(seq)).unwrap() - 1;
                prop_assert_eq!(hub.held(gateway), (held, gateway.link_at(held)));
            }
        }
        hub.take(&waiting);
        let mut records = 0;
        for (gateway, come) in gateways.iter().zip(&come) {
            let want: Vec<_> = come.iter().map(|seq| gateway.lines[*seq as usize - 1].clone()).collect();
            prop_assert_eq!(hub.lines(gateway), want);
            records += hub.held(gateway).0;
        }
        prop_assert_eq!(hub.store.totals().records, records);
        prop_assert_eq!(hub.alarms(), vec![]);
    }
}
