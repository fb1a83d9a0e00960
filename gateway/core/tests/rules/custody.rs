//! At the testing centre.

use waypost_core::{
    fact::{Checklist, ExceptionReason, Fact, SealState, SiteKind::TestingCentre, id::MechanicalSealId},
    rule::{
        Act, Already, Refusal,
        row::{BoxRow, BoxState, TubeRow, TubeState},
    },
};

use crate::world::*;

#[test]
fn a_tube_is_collected_once() {
    let mut w = World::open(TestingCentre);
    assert_eq!(w.scan("T1"), [Fact::TubeCollected { tube: tube("T1"), booking: None }]);
    assert_eq!(w.already(scan("T1")), Already::Collected);
    assert_eq!(w.desk().counts.tubes_collected, 1);
}

#[test]
fn with_a_box_open_a_tube_is_collected_and_packed_in_one_step() {
    let mut w = World::open(TestingCentre);
    w.scan("T1");
    w.yes(start("B1"));
    let packed = |id: &str| Fact::TubePacked { tube: tube(id), box_id: box_id("B1") };
    assert_eq!(w.scan("T2"), [Fact::TubeCollected { tube: tube("T2"), booking: None }, packed("T2")]);
    assert_eq!(w.scan("T1"), [packed("T1")]);
    assert_eq!(w.row::<BoxRow>("B1").unwrap().tubes, 2);
}

#[test]
fn a_tube_scanned_again_into_its_box_is_neither_yes_nor_no() {
    let mut w = World::open(TestingCentre);
    w.box_tubes_max = 1;
    w.yes(start("B1"));
    w.scan("T1");
    assert_eq!(w.already(scan("T1")), Already::InThisBox, "also where the box is full");
}

#[test]
fn a_tube_is_in_one_box_at_the_most() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    w.yes(start("B2"));
    assert_eq!(w.no(scan("T1")), Refusal::TubeInOtherBox { box_id: box_id("B1") });
}

#[test]
fn a_tube_that_left_is_not_packed_again() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w.yes(hand_over("B1", Some(closed("S1", 11, 4))));
    assert_eq!(w.no(scan("T1")), Refusal::TubeState { state: TubeState::Away });
    w.yes(start("B2"));
    assert_eq!(w.no(scan("T1")), Refusal::TubeState { state: TubeState::Away });
}

#[test]
fn a_full_box_takes_no_tube() {
    let mut w = World::open(TestingCentre);
    w.box_tubes_max = 2;
    w.yes(start("B1"));
    w.scan("T1");
    w.scan("T2");
    assert_eq!(w.no(scan("T3")), Refusal::BoxFull { tubes_max: 2 });
}

#[test]
fn one_box_is_open_on_a_desk() {
    let mut w = World::open(TestingCentre);
    w.yes(start("B1"));
    assert_eq!(w.already(start("B1")), Already::BoxOpen);
    w.scan("T1");
    assert_eq!(w.no(start("B2")), Refusal::OtherBoxOpen { box_id: box_id("B1") });
}

#[test]
fn a_box_started_by_mistake_is_put_back() {
    let mut w = World::open(TestingCentre);
    w.yes(start("B1"));
    let facts = w.yes(start("B2"));
    assert_eq!(facts, [Fact::BoxEmptied { box_id: box_id("B1") }, Fact::BoxStarted { box_id: box_id("B2") }]);
    assert_eq!(w.row::<BoxRow>("B1").unwrap().state, BoxState::Empty);
    assert_eq!(w.desk().open_box, Some(box_id("B2")));
    w.yes(Act::EmptyBox { box_id: box_id("B2") });
    assert_eq!(w.desk().open_box, None);
}

#[test]
fn undo_mends_the_last_packing_and_no_other() {
    let mut w = World::open(TestingCentre);
    assert_eq!(w.no(Act::UndoTube), Refusal::NothingToUndo);
    w.yes(start("B1"));
    w.scan("T1");
    w.scan("T2");
    let mends = w.next_seq() - 1;
    assert_eq!(w.yes(Act::UndoTube), [Fact::TubeTakenOut { tube: tube("T2"), box_id: box_id("B1"), mends }]);
    assert_eq!(w.no(Act::UndoTube), Refusal::NothingToUndo);
    assert_eq!(w.row::<TubeRow>("T2").unwrap().state, TubeState::Collected);
    assert_eq!(w.row::<BoxRow>("B1").unwrap().tubes, 1);
    assert_eq!(w.desk().counts.tubes_packed, 1);
}

#[test]
fn a_tube_is_moved_only_before_its_box_is_sealed() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1", "T2"]);
    let (packed, closed_at) = (w.row::<TubeRow>("T1").unwrap().seq, w.next_seq() - 1);
    let to_open = Act::MoveTube { tube: tube("T1") };
    assert_eq!(w.no(to_open.clone()), Refusal::NoOpenBox);
    w.yes(start("B2"));
    assert_eq!(w.no(Act::MoveTube { tube: tube("T9") }), Refusal::TubeUnknown);
    // The closed box it comes from is open again: its checklist no longer holds.
    assert_eq!(
        w.yes(to_open.clone()),
        [
            Fact::BoxReopened { box_id: box_id("B1"), mends: closed_at },
            Fact::TubeMoved { tube: tube("T1"), from: box_id("B1"), to: box_id("B2"), mends: packed },
        ]
    );
    assert_eq!(w.already(to_open), Already::InThisBox);
    assert_eq!(w.row::<BoxRow>("B1").unwrap().tubes, 1);
    assert_eq!(w.desk().open_box, Some(box_id("B2")));
    w.yes(close_box());
    w.yes(start("B1"));
    assert_eq!(w.desk().open_box, Some(box_id("B1")));
    w.yes(close_box());
    w.yes(seal_box("B1", closed("S1", 10, 4)));
    w.yes(start("B3"));
    assert_eq!(w.no(Act::MoveTube { tube: tube("T2") }), Refusal::BoxState { state: BoxState::Sealed });
}

#[test]
fn a_box_is_closed_with_a_tube_and_the_whole_checklist() {
    let mut w = World::open(TestingCentre);
    assert_eq!(w.no(close_box()), Refusal::NoOpenBox);
    w.yes(start("B1"));
    assert_eq!(w.no(close_box()), Refusal::BoxEmpty);
    w.scan("T1");
    for checklist in [
        Checklist { absorbent: false, ..Checklist::COMPLETE },
        Checklist { secondary_closed: false, ..Checklist::COMPLETE },
        Checklist { mark_legible: false, ..Checklist::COMPLETE },
        Checklist { outside_clean: false, ..Checklist::COMPLETE },
    ] {
        assert_eq!(w.no(Act::CloseBox { checklist }), Refusal::ChecklistIncomplete);
    }
    w.yes(close_box());
    assert_eq!(w.desk().open_box, None);
}

#[test]
fn a_closed_box_is_opened_again_only_before_it_is_sealed() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    let mends = w.next_seq() - 1;
    let reopen = Act::ReopenBox { box_id: box_id("B1") };
    assert_eq!(w.yes(reopen.clone()), [Fact::BoxReopened { box_id: box_id("B1"), mends }]);
    assert_eq!(w.already(reopen.clone()), Already::BoxOpen);
    w.scan("T2");
    w.yes(close_box());
    w.yes(seal_box("B1", closed("S1", 10, 4)));
    assert_eq!(w.no(reopen), Refusal::BoxState { state: BoxState::Sealed });
    assert_eq!(w.no(Act::ReopenBox { box_id: box_id("B7") }), Refusal::BoxUnknown);
}

#[test]
fn a_sealed_box_takes_no_tube() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    assert_eq!(w.no(start("B1")), Refusal::BoxState { state: BoxState::Sealed });
    w.scan("T2");
    assert_eq!(w.row::<TubeRow>("T2").unwrap().box_id, None);
    assert_eq!(w.no(Act::MoveTube { tube: tube("T2") }), Refusal::NoOpenBox);
}

#[test]
fn a_box_is_sealed_on_a_closed_and_authentic_reading() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    let good = closed("S1", 10, 4);
    for state in [SealState::Open, SealState::Tampered, SealState::Silent, SealState::Unread] {
        let refusal = w.no(seal_box("B1", in_state(state, good.clone())));
        assert_eq!(refusal, Refusal::SealNotClosed { state, authentic: true });
    }
    let refusal = w.no(seal_box("B1", hearsay(good.clone())));
    assert_eq!(refusal, Refusal::SealNotClosed { state: SealState::Closed, authentic: false });
    w.yes(seal_box("B1", good));
    let row: BoxRow = w.row("B1").unwrap();
    assert_eq!((row.state, row.sealed_count), (BoxState::Sealed, Some(4)));
}

#[test]
fn only_a_closed_box_is_sealed() {
    let mut w = World::open(TestingCentre);
    assert_eq!(w.no(seal_box("B1", closed("S1", 10, 4))), Refusal::BoxUnknown);
    w.yes(start("B1"));
    w.scan("T1");
    let refusal = w.no(seal_box("B1", closed("S1", 10, 4)));
    assert_eq!(refusal, Refusal::BoxState { state: BoxState::Packing });
}

#[test]
fn a_seal_without_a_count_needs_a_mechanical_one_beside_it() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    let mut reading = closed("S1", 10, 4);
    reading.event_count = None;
    assert_eq!(w.no(seal_box("B1", reading.clone())), Refusal::SealWithoutCount);
    let mechanical = Some(MechanicalSealId::new("M-77").unwrap());
    w.yes(Act::SealBox { box_id: box_id("B1"), reading: reading.clone(), mechanical, due: time(DUE) });
    // Nothing shows that it was not opened: its handover carries a remark.
    reading.counter = Some(11);
    let reason = ExceptionReason::CountUnknown;
    assert_eq!(w.no(hand_over("B1", Some(reading))), Refusal::NeedsException { reason });
}

#[test]
fn a_seal_is_on_one_box() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w.close("B2", &["T2"]);
    let in_use = Refusal::SealInUse { box_id: box_id("B1") };
    assert_eq!(w.no(seal_box("B2", closed("S1", 11, 4))), in_use);
    w.yes(hand_over("B1", Some(closed("S1", 12, 4))));
    w.yes(seal_box("B2", closed("S1", 13, 4)));
}

#[test]
fn a_replayed_frame_seals_nothing() {
    let mut w = World::open(TestingCentre);
    w.yes(Act::NoteSeal { reading: closed("S1", 10, 4) });
    w.close("B1", &["T1"]);
    assert_eq!(w.no(seal_box("B1", closed("S1", 9, 4))), Refusal::SealReplay);
    assert_eq!(w.no(seal_box("B1", closed("S1", 10, 3))), Refusal::SealReplay);
    w.yes(seal_box("B1", closed("S1", 10, 4)));
}

#[test]
fn a_handover_without_remark_needs_a_closed_authentic_seal_at_its_count() {
    let good = closed("S1", 11, 4);
    let bad = [
        (None, ExceptionReason::SealUnread),
        (Some(in_state(SealState::Unread, good.clone())), ExceptionReason::SealUnread),
        (Some(in_state(SealState::Silent, good.clone())), ExceptionReason::SealSilent),
        (Some(in_state(SealState::Open, good.clone())), ExceptionReason::SealOpen),
        (Some(in_state(SealState::Tampered, good.clone())), ExceptionReason::SealTampered),
        (Some(hearsay(good.clone())), ExceptionReason::SealNotAuthentic),
        (Some(closed("S1", 9, 4)), ExceptionReason::SealNotAuthentic),
        (Some(closed("S1", 11, 5)), ExceptionReason::SealCountChanged),
        (Some(closed("S2", 11, 4)), ExceptionReason::WrongSeal),
    ];
    for (reading, reason) in bad {
        let mut w = World::open(TestingCentre);
        w.seal("B1", &["T1"], closed("S1", 10, 4));
        assert_eq!(w.no(hand_over("B1", reading.clone())), Refusal::NeedsException { reason });
        // The operator accepts it; what is recorded is what was found.
        let remark = Some(ExceptionReason::BoxDamaged);
        let facts = w.yes(Act::HandOverBox {
            box_id: box_id("B1"),
            to: site("VAN"),
            reading: reading.clone(),
            remark,
        });
        let to = site("VAN");
        assert_eq!(facts, [Fact::BoxHandedOver { box_id: box_id("B1"), to, reading, remark: Some(reason) }]);
    }
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    let facts = w.yes(hand_over("B1", Some(good)));
    assert!(matches!(facts.as_slice(), [Fact::BoxHandedOver { remark: None, .. }]));
    assert_eq!(w.row::<TubeRow>("T1").unwrap().state, TubeState::Away);
}

#[test]
fn only_a_box_in_the_hands_of_the_site_is_handed_over() {
    let mut w = World::open(TestingCentre);
    assert_eq!(w.no(hand_over("B1", None)), Refusal::BoxUnknown);
    w.close("B1", &["T1"]);
    assert_eq!(w.no(hand_over("B1", None)), Refusal::BoxState { state: BoxState::Closed });
    w.yes(seal_box("B1", closed("S1", 10, 4)));
    w.yes(hand_over("B1", Some(closed("S1", 11, 4))));
    let refusal = w.no(hand_over("B1", Some(closed("S1", 12, 4))));
    assert_eq!(refusal, Refusal::BoxState { state: BoxState::HandedOver });
}

#[test]
fn a_box_that_came_back_is_used_again() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w.yes(hand_over("B1", Some(closed("S1", 11, 4))));
    w.seal("B1", &["T2"], closed("S1", 12, 5));
    assert_eq!(w.row::<BoxRow>("B1").unwrap().tubes, 1);
    w.yes(hand_over("B1", Some(closed("S1", 13, 5))));
    assert_eq!(w.row::<TubeRow>("T1").unwrap().state, TubeState::Away);
}
