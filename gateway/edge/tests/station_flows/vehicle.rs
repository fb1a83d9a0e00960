//! A vehicle.

use waypost_core::{
    fact::{
        Fact, SealState, SiteKind,
        id::{FenceId, SiteId},
    },
    rule::{Act, ledger::store, row::FenceRow},
};

use crate::desk::{DRIVER, Desk};

fn loaded() -> Desk {
    let mut desk = Desk::with(SiteKind::Vehicle, DRIVER);
    desk.expect_box("B-0001", "S-0001", 4, &["T-00000001"]);
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    let shown = desk.all(&[("SITE-CTC1", "ask-boxes-at"), ("B-0001", "yes-received")]);
    assert!(shown.facts.iter().any(|fact| matches!(fact, Fact::TripStarted { .. })));
    desk
}

#[test]
fn a_box_that_is_aboard_is_given_at_another_place_without_a_command() {
    let mut desk = loaded();
    desk.hear("S-0001", SealState::Closed, 20, Some(4));
    let shown = desk.all(&[("SITE-LAB1", "ask-boxes-at"), ("B-0001", "yes-handed-over")]);
    assert!(shown.facts.iter().any(|fact| matches!(fact, Fact::TripEnded { .. })));
}

#[test]
fn a_box_scanned_twice_where_it_was_loaded_stays_aboard() {
    let mut desk = loaded();
    assert_eq!(desk.scan("B-0001").key, "already-box-here");
}

#[test]
fn a_fence_says_where_the_vehicle_is() {
    let mut desk = loaded();
    desk.hear("S-0001", SealState::Closed, 20, Some(4));
    let fence = FenceId::new("F-LAB1").unwrap();
    let row = FenceRow { site: SiteId::new("SITE-LAB1").unwrap(), lat: 22.3, lon: 114.2, radius_m: 100.0 };
    store(&mut desk.ledger, fence.as_str(), row).unwrap();
    desk.now.up_ms += 3_600_000;
    desk.note(Act::AtFence { fence: Some(fence) });
    assert_eq!(desk.scan("B-0001").key, "yes-handed-over");
    desk.note(Act::AtFence { fence: None });
    assert_eq!(desk.frame().prompt.key, "ask-place-here");
}

#[test]
fn a_box_without_a_manifest_asks_for_its_seal_and_is_taken() {
    let mut desk = Desk::with(SiteKind::Vehicle, DRIVER);
    desk.hear("S-0002", SealState::Closed, 10, Some(1));
    let shown = desk.all(&[
        ("B-0002", "ask-place-from"),
        ("SITE-CTC1", "ask-seal-of-box"),
        ("S-0002", "yes-received"),
    ]);
    assert!(shown.has_line("line-no-manifest"));
}

#[test]
fn a_box_whose_seal_cannot_be_read_is_taken_under_exception() {
    let mut desk = Desk::with(SiteKind::Vehicle, DRIVER);
    let shown = desk.all(&[
        ("SITE-CTC1", "ask-boxes-at"),
        ("B-0002", "ask-seal-of-box"),
        ("CMD-EXCEPTION", "yes-received"),
    ]);
    assert!(shown.has_line("line-alarm-sent"));
}

#[test]
fn what_the_driver_scanned_goes_before_a_fence_that_is_told_late() {
    let mut desk = Desk::with(SiteKind::Vehicle, DRIVER);
    let fence = FenceId::new("F-CTC1").unwrap();
    let row = FenceRow { site: SiteId::new("SITE-CTC1").unwrap(), lat: 22.3, lon: 114.2, radius_m: 100.0 };
    store(&mut desk.ledger, fence.as_str(), row).unwrap();
    desk.note(Act::AtFence { fence: Some(fence) });
    desk.expect_box("B-0001", "S-0001", 4, &["T-00000001"]);
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    desk.all(&[("B-0001", "yes-received"), ("SITE-LAB1", "ask-boxes-at")]);
    desk.note(Act::AtFence { fence: None });
    desk.hear("S-0001", SealState::Closed, 20, Some(4));
    assert_eq!(desk.scan("B-0001").key, "yes-handed-over");
}
