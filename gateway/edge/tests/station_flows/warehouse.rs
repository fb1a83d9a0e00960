//! A warehouse, and the stock desk that every counter has.

use waypost_core::{
    fact::{MovementReason, RepairReason, SiteKind},
    rule::Act,
};
use waypost_edge::panel::Arg;

use crate::desk::{Desk, STAFF};

#[test]
fn goods_come_in_and_go_out_to_a_site() {
    let mut desk = Desk::with(SiteKind::Warehouse, STAFF);
    desk.all(&[
        ("CMD-STOCK-IN", "stock-choose-item"),
        ("CMD-ITEM-TUBES", "stock-key-quantity"),
        ("QTY-500", "yes-stock-in"),
        ("CMD-CANCEL", "ask-site"),
    ]);
    let out = desk.all(&[
        ("SITE-CTC1", "stock-choose-item"),
        ("CMD-ITEM-TUBES", "stock-key-quantity"),
        ("QTY-200", "yes-stock-out"),
    ]);
    let Some(Act::MoveStock { quantity, reason, with: Some(with), .. }) = &out.act else {
        panic!("{out:#?}")
    };
    assert_eq!((*quantity, *reason, with.as_str()), (-200, MovementReason::Issued, "SITE-CTC1"));
    assert_eq!(out.line("line-on-hand").args, [("count", Arg::Number(300))]);
    desk.all(&[("CMD-ITEM-TUBES", "stock-key-quantity"), ("QTY-400", "refusal-out-of-stock")]);
}

#[test]
fn a_count_that_differs_asks_for_the_reason() {
    let mut desk = Desk::with(SiteKind::TestingCentre, STAFF);
    let counted = desk.all(&[
        ("CMD-COUNT", "stock-choose-item"),
        ("CMD-ITEM-TUBES", "stock-key-count"),
        ("QTY-12", "refusal-needs-reason"),
        ("CMD-REASON-FOUND", "yes-stock-counted"),
    ]);
    assert!(matches!(
        counted.act,
        Some(Act::CountStock { counted: 12, reason: Some(RepairReason::Found), .. })
    ));
    assert_eq!(desk.scan("CMD-ITEM-SEALS").key, "stock-unknown-item");
    assert_eq!(desk.scan("T-00000001").key, "yes-tube-collected", "the next tube ends the counting");
    assert_eq!(desk.frame().title.key, "title-collect");
}
