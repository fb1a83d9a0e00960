//! A testing centre.

use waypost_core::{
    fact::{Checklist, ClockQuality, Fact, SealState, SiteKind, WallTime},
    rule::Act,
};
use waypost_edge::panel::{Progress, Tone};

use crate::desk::{Desk, STAFF, at};

fn packed() -> Desk {
    let mut desk = Desk::with(SiteKind::TestingCentre, STAFF);
    desk.all(&[
        ("B-0001", "yes-box-started"),
        ("T-00000001", "yes-tube-packed"),
        ("BK-ABC123", "ask-tube-of-booking"),
        ("T-00000002", "yes-tube-packed"),
    ]);
    desk
}

fn sealed() -> Desk {
    let mut desk = packed();
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    desk.all(&[
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("S-0001", "yes-box-sealed"),
    ]);
    desk
}

#[test]
fn a_box_goes_from_its_first_tube_to_the_vehicle_with_one_scan_a_step() {
    let mut desk = packed();
    assert_eq!(desk.frame().progress, Some(Progress { done: 2, of: 3 }));
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    desk.all(&[("CMD-CLOSE-BOX", "ask-checklist"), ("CMD-CHECK-ABSORBENT", "ask-checklist")]);
    assert!(
        !desk.choices().contains(&"CMD-CHECK-ABSORBENT".to_owned()),
        "what is confirmed is no choice any more"
    );
    let closed = desk.all(&[
        ("CMD-CHECK-CLOSED", "ask-checklist"),
        ("CMD-CHECK-MARK", "ask-checklist"),
        ("CMD-CHECK-CLEAN", "yes-box-closed"),
    ]);
    assert_eq!(closed.act, Some(Act::CloseBox { checklist: Checklist::COMPLETE }));
    let sealed = desk.scan("S-0001");
    let Some(Act::SealBox { due, .. }) = &sealed.act else { panic!("{sealed:#?}") };
    assert_eq!(*due, at("15:00"), "90 minutes after the session closes");
    assert!(desk.frame().lines.iter().any(|line| line.key == "line-time-left"));
    desk.all(&[("V-012", "ask-boxes-to"), ("B-0001", "yes-handed-over")]);
    assert!(!desk.frame().lines.iter().any(|line| line.key == "line-time-left"));
}

#[test]
fn a_sealed_box_and_then_the_vehicle_hand_over_as_well_as_the_vehicle_and_then_the_box() {
    let mut desk = sealed();
    let shown = desk.all(&[("B-0001", "ask-place-to"), ("V-012", "yes-handed-over")]);
    assert!(matches!(&shown.act, Some(Act::HandOverBox { to, .. }) if to.as_str() == "V-012"));
}

#[test]
fn the_booking_goes_with_the_next_tube_only() {
    let mut desk = Desk::with(SiteKind::TestingCentre, STAFF);
    desk.scan("BK-ABC123");
    for (tube, booked) in [("T-00000001", true), ("T-00000002", false)] {
        let shown = desk.scan(tube);
        let Some(Act::ScanTube { booking, .. }) = &shown.act else { panic!("{shown:#?}") };
        assert_eq!(booking.is_some(), booked, "{tube}");
    }
}

#[test]
fn the_last_tube_is_undone_and_a_tube_in_another_box_is_moved_with_one_command() {
    let mut desk = packed();
    let undone = desk.scan("CMD-UNDO");
    assert!(matches!(undone.facts[..], [Fact::TubeTakenOut { mends, .. }] if mends > 0), "{undone:#?}");
    desk.all(&[
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("B-0002", "yes-box-started"),
    ]);
    let elsewhere = desk.scan("T-00000001");
    assert_eq!((elsewhere.key, elsewhere.tone), ("refusal-tube-in-other-box", Tone::No));
    assert!(elsewhere.has_line("next-move"));
    let moved = desk.scan("CMD-MOVE");
    assert_eq!(moved.key, "yes-tube-moved");
    assert!(moved.facts.iter().any(|fact| matches!(fact, Fact::TubeMoved { mends, .. } if *mends > 0)));
}

#[test]
fn a_seal_without_a_count_needs_a_numbered_one_beside_it() {
    let mut desk = packed();
    desk.hear("S-0001", SealState::Closed, 10, None);
    let shown = desk.all(&[
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("S-0001", "refusal-seal-without-count"),
        ("S-9999", "yes-box-sealed"),
    ]);
    let Some(Act::SealBox { reading, mechanical: Some(mechanical), .. }) = &shown.act else {
        panic!("{shown:#?}")
    };
    assert_eq!((reading.seal.as_str(), mechanical.as_str()), ("S-0001", "S-9999"));
}

/// A box that waits for its seal, with these seals near, the loudest first.
fn waiting(near: &[(&'static str, i8)]) -> Desk {
    let mut desk = packed();
    for (seal, _) in near {
        desk.hear(seal, SealState::Closed, 10, Some(4));
    }
    desk.heard.near = near.to_vec();
    desk.all(&[("CMD-CLOSE-BOX", "ask-checklist"), ("CMD-CHECK-ALL", "yes-box-closed")]);
    desk
}

#[test]
fn the_only_seal_that_is_near_is_taken_without_its_barcode_and_named() {
    for near in [&[("S-0001", -50)][..], &[("S-0001", -50), ("S-0002", -58)]] {
        let mut desk = waiting(near);
        assert!(desk.choices().contains(&"CMD-SEAL".to_owned()));
        let shown = desk.all(&[("CMD-SEAL", "yes-box-sealed")]);
        let Some(Act::SealBox { reading, .. }) = &shown.act else { panic!("{shown:#?}") };
        assert_eq!(reading.seal.as_str(), "S-0001");
        assert!(
            format!("{:?}", shown.screen.main).contains("S-0001"),
            "the operator reads which one was taken"
        );
    }
}

#[test]
fn of_several_seals_within_the_margin_none_is_taken_and_the_barcode_is_asked_for() {
    let mut desk = waiting(&[("S-0001", -50), ("S-0002", -57)]);
    let shown = desk.scan("CMD-SEAL");
    assert_eq!((shown.key, shown.tone, shown.act), ("ask-scan-one-of-several-seals", Tone::Ask, None));
    desk.all(&[("S-0002", "yes-box-sealed")]);
}

#[test]
fn where_no_seal_is_near_the_barcode_is_asked_for() {
    let mut desk = waiting(&[]);
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    let shown = desk.scan("CMD-SEAL");
    assert_eq!((shown.key, shown.tone, shown.act), ("ask-scan-seal-none-near", Tone::Ask, None));
    desk.all(&[("S-0001", "yes-box-sealed")]);
}

#[test]
fn a_seal_that_is_on_another_box_does_not_count_as_near() {
    let mut desk = waiting(&[("S-0001", -40), ("S-0002", -50)]);
    desk.all(&[
        ("S-0001", "yes-box-sealed"),
        ("B-0002", "yes-box-started"),
        ("T-00000009", "yes-tube-packed"),
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
    ]);
    let shown = desk.all(&[("CMD-SEAL", "yes-box-sealed")]);
    let Some(Act::SealBox { reading, .. }) = &shown.act else { panic!("{shown:#?}") };
    assert_eq!(reading.seal.as_str(), "S-0002");
}

#[test]
fn the_nearest_seal_must_be_closed_like_any_other() {
    let mut desk = waiting(&[("S-0001", -40)]);
    desk.hear("S-0001", SealState::Open, 11, Some(5));
    desk.all(&[("CMD-SEAL", "refusal-seal-not-closed")]);
}

#[test]
fn a_closed_box_is_opened_again_before_it_is_sealed() {
    let mut desk = packed();
    desk.all(&[
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("CMD-REOPEN", "yes-box-reopened"),
        ("T-00000003", "yes-tube-packed"),
    ]);
}

#[test]
fn a_handover_with_an_open_seal_asks_and_is_then_recorded_with_its_remark() {
    let mut desk = sealed();
    desk.hear("S-0001", SealState::Open, 11, Some(5));
    let shown = desk.all(&[("V-012", "ask-boxes-to"), ("B-0001", "refusal-needs-exception")]);
    assert_eq!(shown.tone, Tone::Ask);
    assert!(desk.choices().contains(&"CMD-EXCEPTION".to_owned()));
    let given = desk.scan("CMD-EXCEPTION");
    assert_eq!(given.key, "yes-handed-over");
    assert!(given.has_line("line-under-exception"));
}

#[test]
fn the_next_box_ends_the_handing_over_and_begins_packing() {
    for next in ["B-0002", "B-0001"] {
        let mut desk = sealed();
        // B-0001 is given away, and has come back empty when it is scanned again.
        desk.all(&[("V-012", "ask-boxes-to"), ("B-0001", "yes-handed-over")]);
        assert_eq!(desk.frame().title.key, "title-hand-over", "a second box would need one scan");
        desk.all(&[(next, "yes-box-started"), ("T-00000003", "yes-tube-packed")]);
        assert_eq!(desk.frame().title.key, "title-pack", "{next}");
    }
}

#[test]
fn an_open_box_scanned_at_the_handing_over_goes_on_being_packed() {
    let mut desk = packed();
    desk.all(&[("V-012", "ask-boxes-to"), ("B-0001", "already-box-open")]);
    assert_eq!(desk.frame().title.key, "title-pack");
}

#[test]
fn a_tube_ends_the_handing_over() {
    let mut desk = packed();
    desk.all(&[("V-012", "ask-boxes-to"), ("T-00000003", "yes-tube-packed")]);
    assert_eq!(desk.frame().title.key, "title-pack");
}

#[test]
fn a_box_that_was_sealed_before_the_clock_was_set_is_not_shown_as_late() {
    let mut desk = packed();
    let right = desk.now;
    (desk.now.at, desk.now.clock) = (WallTime(600_000), ClockQuality::Unset);
    desk.hear("S-0001", SealState::Closed, 10, Some(4));
    let sealed = desk.all(&[
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("S-0001", "yes-box-sealed"),
    ]);
    let Some(Act::SealBox { due, .. }) = &sealed.act else { panic!("{sealed:#?}") };
    assert_eq!(*due, WallTime(600_000).plus_ms(90 * 60_000));
    desk.now = right;
    assert_eq!(desk.note(Act::Tick), None);
    let lines = desk.frame().lines;
    assert!(!lines.iter().any(|line| ["line-late", "line-time-left"].contains(&line.key)), "{lines:#?}");
}

#[test]
fn time_warns_before_a_box_is_late_and_when_it_is() {
    let mut desk = sealed();
    desk.now.at = at("14:40");
    let warned = desk.note(Act::Tick).unwrap();
    assert_eq!((warned.tone, warned.main.key), (Tone::Alarm, "alarm-delivery-due-soon"));
    desk.now.at = at("15:01");
    assert_eq!(desk.note(Act::Tick).unwrap().main.key, "alarm-delivery-late");
    assert!(desk.frame().lines.iter().any(|line| line.key == "line-late"));
    assert_eq!(desk.note(Act::Tick), None, "once");
}
