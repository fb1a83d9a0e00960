//! A laboratory.

use waypost_core::{
    fact::{ExceptionReason, Fact, SealState, SiteKind},
    rule::Act,
};
use waypost_edge::panel::{Progress, Tone};

use crate::desk::{Desk, LABORATORY, STAFF};

fn dock(badge: &str) -> Desk {
    let mut desk = Desk::with(SiteKind::Laboratory, badge);
    desk.expect_box("B-0001", "S-0001", 4, &["T-00000001", "T-00000002"]);
    desk.expect_box("B-0002", "S-0002", 4, &["T-00000003"]);
    desk.hear("S-0001", SealState::Closed, 20, Some(4));
    desk.hear("S-0002", SealState::Closed, 20, Some(4));
    desk.scan("V-012");
    desk
}

#[test]
fn boxes_are_received_with_one_scan_each() {
    let mut desk = dock(STAFF);
    desk.all(&[("B-0001", "yes-received"), ("B-0002", "yes-received"), ("B-0001", "already-box-here")]);
}

#[test]
fn an_open_seal_is_received_under_exception_by_a_permitted_person_only() {
    let mut desk = dock(STAFF);
    desk.hear("S-0001", SealState::Open, 21, Some(5));
    desk.all(&[("B-0001", "refusal-needs-exception"), ("CMD-EXCEPTION", "refusal-not-permitted")]);
    let shown = desk.all(&[(LABORATORY, "yes-signed-in"), ("CMD-EXCEPTION", "yes-received")]);
    assert!(shown.has_line("line-alarm-sent"));
    assert!(matches!(shown.act, Some(Act::ReceiveBox { exception: Some(ExceptionReason::SealOpen), .. })));
}

#[test]
fn a_damaged_box_is_received_under_that_exception() {
    let mut desk = dock(LABORATORY);
    let shown = desk.all(&[("CMD-DAMAGED", "ask-damaged-box"), ("B-0001", "yes-received")]);
    assert!(shown.has_line("line-under-exception"));
    let next = desk.scan("B-0002");
    assert!(!next.has_line("line-under-exception"), "the next box is not damaged: {next:#?}");
}

#[test]
fn another_seal_than_the_manifests_is_found_when_it_is_scanned() {
    let mut desk = dock(LABORATORY);
    desk.hear("S-0001", SealState::Open, 21, Some(5));
    desk.hear("S-0009", SealState::Closed, 3, Some(1));
    let shown = desk.all(&[("B-0001", "refusal-needs-exception"), ("S-0009", "refusal-needs-exception")]);
    assert!(
        matches!(&shown.act, Some(Act::ReceiveBox { reading: Some(reading), .. }) if reading.seal.as_str() == "S-0009")
    );
}

#[test]
fn tubes_are_compared_discrepancies_settled_and_the_box_emptied() {
    let mut desk = dock(LABORATORY);
    desk.all(&[
        ("B-0001", "yes-received"),
        ("CMD-OPEN", "ask-box-to-open"),
        ("B-0001", "yes-box-opened"),
        ("T-00000001", "yes-tube-agrees"),
    ]);
    assert_eq!(desk.frame().progress, Some(Progress { done: 1, of: 2 }));
    assert_eq!(desk.scan("T-00000001").key, "already-compared");
    let extra = desk.scan("T-00000009");
    assert_eq!((extra.key, extra.tone), ("no-not-on-manifest", Tone::No));
    let compared = desk.scan("CMD-FINISH");
    assert_eq!((compared.key, compared.tone), ("compared-differs", Tone::Alarm));
    assert!(compared.has_line("line-missing-tube"));
    let settled = desk.all(&[
        ("CMD-SETTLE", "ask-tube-to-settle"),
        ("T-00000002", "ask-settle-reason"),
        ("CMD-REASON-EXPLAINED", "yes-settled"),
    ]);
    assert!(matches!(settled.facts[..], [Fact::DiscrepancySettled { .. }]));
    desk.all(&[("CMD-EMPTY", "yes-box-emptied")]);
}

#[test]
fn a_box_is_opened_by_a_permitted_person_only() {
    let mut desk = dock(STAFF);
    desk.all(&[
        ("B-0001", "yes-received"),
        ("B-0001", "already-box-here"),
        ("CMD-OPEN", "refusal-not-permitted"),
    ]);
    desk.all(&[(LABORATORY, "yes-signed-in"), ("CMD-OPEN", "yes-box-opened")]);
}

#[test]
fn after_a_comparison_the_box_is_emptied_with_one_scan_and_the_next_one_opened_with_two() {
    let mut desk = dock(LABORATORY);
    desk.all(&[
        ("B-0001", "yes-received"),
        ("B-0002", "yes-received"),
        ("CMD-OPEN", "ask-box-to-open"),
        ("B-0001", "yes-box-opened"),
        ("T-00000001", "yes-tube-agrees"),
        ("T-00000002", "yes-tube-agrees"),
        ("CMD-FINISH", "yes-compared"),
    ]);
    assert_eq!(desk.choices()[0], "CMD-EMPTY", "what is next stands first");
    assert!(desk.frame().lines.iter().any(|line| line.key == "line-box"), "and says of which box");
    desk.all(&[
        ("CMD-EMPTY", "yes-box-emptied"),
        ("CMD-OPEN", "ask-box-to-open"),
        ("B-0002", "yes-box-opened"),
        ("T-00000003", "yes-tube-agrees"),
        ("CMD-FINISH", "yes-compared"),
    ]);
}

#[test]
fn a_compared_box_that_is_left_for_later_does_not_stand_in_the_way_of_the_next_one() {
    let mut desk = dock(LABORATORY);
    desk.all(&[
        ("B-0001", "yes-received"),
        ("B-0002", "yes-received"),
        ("B-0001", "already-box-here"),
        ("CMD-OPEN", "yes-box-opened"),
        ("T-00000001", "yes-tube-agrees"),
        ("T-00000002", "yes-tube-agrees"),
        ("CMD-FINISH", "yes-compared"),
        ("CMD-OPEN", "ask-box-to-open"),
        ("B-0002", "yes-box-opened"),
        ("T-00000003", "yes-tube-agrees"),
        ("CMD-FINISH", "yes-compared"),
        ("CMD-EMPTY", "yes-box-emptied"),
        // The first one is not forgotten: the scan finds it, and the command empties it.
        ("B-0001", "already-box-here"),
        ("CMD-EMPTY", "yes-box-emptied"),
    ]);
}
