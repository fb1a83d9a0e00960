//! Stock.

use waypost_core::{
    fact::{
        AlarmKind, Fact, MovementReason, RepairReason,
        SiteKind::{PostOffice, Warehouse},
        id::ItemId,
    },
    rule::{Act, Refusal, row::StockRow},
};

use crate::world::*;

fn item() -> ItemId {
    ItemId::new("tubes").unwrap()
}

fn count(counted: i64, reason: Option<RepairReason>) -> Act {
    Act::CountStock { item: item(), counted, reason }
}

fn on_hand(w: &World) -> i64 {
    w.row::<StockRow>("tubes").unwrap_or_default().on_hand
}

#[test]
fn stock_on_hand_is_the_sum_of_its_movements() {
    let mut w = World::open(Warehouse);
    w.stock("tubes", 100);
    w.stock("tubes", -30);
    w.yes(count(68, Some(RepairReason::Damaged)));
    w.stock("tubes", 2);
    assert_eq!(on_hand(&w), 100 - 30 - 2 + 2);
}

#[test]
fn no_more_goes_than_there_is() {
    let mut w = World::open(Warehouse);
    w.stock("tubes", 5);
    assert_eq!(w.no(move_stock("tubes", -6)), Refusal::OutOfStock { on_hand: 5 });
    w.stock("tubes", -5);
    assert_eq!(on_hand(&w), 0);
}

#[test]
fn a_quantity_that_makes_no_sense_is_refused() {
    let mut w = World::open(Warehouse);
    w.stock("tubes", 5);
    let act = |quantity, reason| Act::MoveStock { item: item(), quantity, reason, with: None };
    for (quantity, reason) in [
        (0, MovementReason::Received),
        (1_000_001, MovementReason::Received),
        (-1_000_001, MovementReason::Used),
        (i64::MAX, MovementReason::Received),
        (i64::MIN, MovementReason::Used),
        (-1, MovementReason::Received),
        (-1, MovementReason::Returned),
        (1, MovementReason::Issued),
        (1, MovementReason::Used),
        (1, MovementReason::Discarded),
    ] {
        assert_eq!(w.no(act(quantity, reason)), Refusal::BadQuantity, "{quantity} {reason:?}");
    }
    assert_eq!(w.no(count(-1, Some(RepairReason::Lost))), Refusal::BadQuantity);
    assert_eq!(w.no(count(i64::MAX, Some(RepairReason::Found))), Refusal::BadQuantity);
}

#[test]
fn a_count_that_differs_needs_a_reason() {
    let mut w = World::open(Warehouse);
    w.stock("tubes", 100);
    assert_eq!(w.no(count(99, None)), Refusal::NeedsReason { variance: -1 });
    w.yes(count(100, None));
    let facts = w.yes(count(99, Some(RepairReason::Lost)));
    let reason = Some(RepairReason::Lost);
    assert_eq!(facts, [Fact::StockCounted { item: item(), expected: 100, counted: 99, reason }]);
}

#[test]
fn a_large_variance_raises_an_alarm() {
    for (there, counted, alarm) in
        [(100, 90, false), (100, 89, true), (100, 111, true), (1_000, 950, false), (1_000, 949, true)]
    {
        let mut w = World::open(Warehouse);
        w.stock("tubes", there);
        let facts = w.yes(count(counted, Some(RepairReason::Recounted)));
        let raised = Fact::AlarmRaised { alarm: AlarmKind::StockVariance, subject: "tubes".into() };
        assert_eq!(facts.contains(&raised), alarm, "{there} {counted}");
    }
}

#[test]
fn stock_at_its_par_level_warns_once() {
    let mut w = World::open(PostOffice);
    w.par = vec![(ItemId::new("packs").unwrap(), 10)];
    w.campaign(None);
    let low = Fact::AlarmRaised { alarm: AlarmKind::StockLow, subject: "packs".into() };
    assert!(!w.stock("packs", 13).contains(&low));
    assert!(!w.yes(claim(1)).contains(&low), "11 are left");
    assert!(w.yes(claim(2)).contains(&low));
    assert!(!w.yes(claim(3)).contains(&low), "it was said");
    assert!(w.stock("packs", 2).contains(&low), "goods came, and not enough");
    assert!(!w.stock("packs", 50).contains(&low));
    assert!(w.stock("packs", -50).contains(&low));
}
