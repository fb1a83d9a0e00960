//! Vehicles and the laboratory.

use waypost_core::{
    fact::{
        AlarmKind, DiscrepancyCode, ExceptionReason, Fact, RepairReason, SealReading, SealState,
        SiteKind::{Laboratory, Vehicle},
        id::FenceId,
    },
    rule::{
        Act, Already, Refusal,
        row::{BoxRow, BoxState, Manifest, TubeRow, TubeState},
    },
};

use crate::world::*;

fn under_exception(name: &str, reading: Option<SealReading>, reason: ExceptionReason) -> Act {
    Act::ReceiveBox { box_id: box_id(name), from: site("LAST"), reading, exception: Some(reason) }
}

/// A laboratory that waits for B1 with two tubes, sealed with S1 at frame 10 and 4 openings.
fn laboratory() -> World {
    let mut w = World::open(Laboratory);
    w.manifest(vec![listed("B1", &["T1", "T2"], "S1", 10, 4)]);
    w
}

/// The same, with B1 received and opened.
fn opened() -> World {
    let mut w = laboratory();
    w.yes(receive("B1", Some(closed("S1", 20, 4))));
    w.yes(Act::OpenBox { box_id: box_id("B1") });
    w
}

fn compare(id: &str) -> Act {
    Act::CompareTube { tube: tube(id) }
}

#[test]
fn a_box_as_the_manifest_says_is_received_without_exception() {
    let mut w = laboratory();
    let facts = w.yes(receive("B1", Some(closed("S1", 20, 4))));
    assert!(matches!(facts.as_slice(), [Fact::BoxReceived { manifest: true, exception: None, .. }]));
    assert_eq!(w.already(receive("B1", None)), Already::BoxHere);
    let row: BoxRow = w.row("B1").unwrap();
    assert_eq!((row.state, row.exception, row.tubes), (BoxState::Received, false, 2));
}

#[test]
fn no_box_is_turned_away_at_the_dock() {
    let good = closed("S1", 20, 4);
    let bad = [
        (None, ExceptionReason::SealUnread),
        (Some(in_state(SealState::Unread, good.clone())), ExceptionReason::SealUnread),
        (Some(in_state(SealState::Silent, good.clone())), ExceptionReason::SealSilent),
        (Some(in_state(SealState::Open, good.clone())), ExceptionReason::SealOpen),
        (Some(in_state(SealState::Tampered, good.clone())), ExceptionReason::SealTampered),
        (Some(hearsay(good.clone())), ExceptionReason::SealNotAuthentic),
        (Some(closed("S1", 10, 4)), ExceptionReason::SealNotAuthentic),
        (Some(closed("S1", 20, 5)), ExceptionReason::SealCountChanged),
        (Some(closed("S2", 20, 4)), ExceptionReason::WrongSeal),
    ];
    for kind in [Laboratory, Vehicle] {
        for (reading, found) in &bad {
            let mut w = World::open(kind);
            w.manifest(vec![listed("B1", &["T1", "T2"], "S1", 10, 4)]);
            let refusal = w.no(receive("B1", reading.clone()));
            assert_eq!(refusal, Refusal::NeedsException { reason: *found });
            let facts = w.yes(under_exception("B1", reading.clone(), ExceptionReason::SealSilent));
            let exception = facts.iter().find_map(|fact| match fact {
                Fact::BoxReceived { exception, .. } => *exception,
                _ => None,
            });
            assert_eq!(exception, Some(*found), "what was found is recorded, not what was said");
            let alarm = AlarmKind::ReceivedUnderException;
            assert!(facts.contains(&Fact::AlarmRaised { alarm, subject: "B1".into() }));
            assert!(w.row::<BoxRow>("B1").unwrap().exception);
            assert_eq!(w.desk().counts.tubes_received, 0, "its tubes count only after comparison");
        }
    }
}

#[test]
fn under_exception_only_a_permitted_person_receives() {
    let mut w = laboratory();
    w.sign_in("staff");
    let act = under_exception("B1", None, ExceptionReason::SealUnread);
    assert!(matches!(w.no(act.clone()), Refusal::NotPermitted { .. }));
    w.sign_in("boss");
    w.yes(act);
}

#[test]
fn a_damaged_box_with_a_good_seal_is_received_under_exception() {
    let mut w = laboratory();
    let facts = w.yes(under_exception("B1", Some(closed("S1", 20, 4)), ExceptionReason::BoxDamaged));
    assert!(matches!(
        facts.as_slice(),
        [
            Fact::BoxReceived { exception: Some(ExceptionReason::BoxDamaged), .. },
            Fact::AlarmRaised { alarm: AlarmKind::ReceivedUnderException, .. }
        ]
    ));
}

#[test]
fn a_box_without_manifest_is_received_with_its_count_unknown_and_waits_unopened() {
    let mut w = World::open(Laboratory);
    let facts = w.yes(receive("B1", Some(closed("S1", 20, 4))));
    assert!(matches!(
        facts.as_slice(),
        [Fact::BoxReceived { manifest: false, exception: Some(ExceptionReason::CountUnknown), .. }]
    ));
    let open = Act::OpenBox { box_id: box_id("B1") };
    assert_eq!(w.no(open.clone()), Refusal::NoManifest);
    let facts = w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4)]);
    assert_eq!(facts, [], "it agrees: no alarm");
    w.yes(open);
    w.yes(compare("T1"));
}

#[test]
fn a_manifest_that_comes_late_and_disagrees_raises_an_alarm() {
    for (seal, counter, count) in [("S1", 10, 3), ("S9", 10, 4), ("S1", 20, 4)] {
        let mut w = World::open(Laboratory);
        w.yes(receive("B1", Some(closed("S1", 20, 4))));
        let facts = w.manifest(vec![listed("B1", &["T1"], seal, counter, count)]);
        let alarm = AlarmKind::ReceivedUnderException;
        assert!(
            facts.contains(&Fact::AlarmRaised { alarm, subject: "B1".into() }),
            "{seal} {counter} {count}"
        );
    }
}

#[test]
fn the_manifest_of_a_box_that_is_here_stays_until_it_is_compared() {
    let mut w = opened();
    w.manifest(vec![listed("B1", &["T7", "T8", "T9"], "S1", 99, 9)]);
    w.manifest(vec![]);
    assert_eq!(w.row::<Manifest>("B1").unwrap().tubes, ["T1", "T2"]);
    w.yes(compare("T1"));
}

#[test]
fn tubes_count_as_received_only_after_comparison() {
    let mut w = opened();
    assert_eq!(w.desk().counts.tubes_received, 0);
    let received = Fact::TubeReceived { tube: tube("T1"), box_id: box_id("B1") };
    assert_eq!(w.yes(compare("T1")), [received]);
    assert_eq!(w.already(compare("T1")), Already::Compared);
    assert_eq!(w.desk().counts.tubes_received, 1);
    assert_eq!(w.row::<TubeRow>("T1").unwrap().state, TubeState::Received);
}

#[test]
fn what_disagrees_with_the_manifest_is_recorded_and_alarmed() {
    let mut w = opened();
    w.yes(compare("T1"));
    let found = |id: &str, code| Fact::DiscrepancyFound { box_id: box_id("B1"), tube: tube(id), code };
    assert_eq!(w.yes(compare("T9")), [found("T9", DiscrepancyCode::NotOnManifest)]);
    assert_eq!(w.already(compare("T9")), Already::Compared);
    assert_eq!(
        w.yes(Act::FinishComparison),
        [
            found("T2", DiscrepancyCode::NotInBox),
            Fact::BoxCompared { box_id: box_id("B1"), matched: 1, missing: 1, extra: 1 },
            Fact::AlarmRaised { alarm: AlarmKind::TubesDisagree, subject: "B1".into() },
        ]
    );
    assert_eq!(w.no(compare("T2")), Refusal::NoOpenBox);
}

#[test]
fn a_box_that_agrees_gives_no_alarm() {
    let mut w = opened();
    w.yes(compare("T1"));
    w.yes(compare("T2"));
    assert_eq!(
        w.yes(Act::FinishComparison),
        [Fact::BoxCompared { box_id: box_id("B1"), matched: 2, missing: 0, extra: 0 }]
    );
}

#[test]
fn a_discrepancy_is_settled_once_with_a_reason() {
    let mut w = opened();
    w.yes(compare("T9"));
    let settle =
        |id: &str| Act::SettleDiscrepancy { tube: tube(id), reason: RepairReason::ExplainedByOtherSide };
    assert_eq!(w.no(settle("T1")), Refusal::NoDiscrepancy);
    w.yes(settle("T9"));
    assert_eq!(w.row::<TubeRow>("T9").unwrap().state, TubeState::Settled);
    assert_eq!(w.no(settle("T9")), Refusal::NoDiscrepancy);
}

#[test]
fn a_tube_is_received_once() {
    let mut w = World::open(Laboratory);
    let second = listed("B2", &["T1"], "S2", 10, 4);
    w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4), second]);
    for (name, seal) in [("B1", "S1"), ("B2", "S2")] {
        w.yes(receive(name, Some(closed(seal, 20, 4))));
        w.yes(Act::OpenBox { box_id: box_id(name) });
        let facts = w.yes(compare("T1"));
        assert_eq!(matches!(facts.as_slice(), [Fact::TubeReceived { .. }]), name == "B1");
        w.yes(Act::FinishComparison);
    }
    assert_eq!(w.desk().counts.tubes_received, 1);
}

#[test]
fn a_box_is_opened_at_the_laboratory_by_a_permitted_person_one_at_a_time() {
    let mut w = World::open(Laboratory);
    w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4), listed("B2", &["T2"], "S2", 10, 4)]);
    let open = |name: &str| Act::OpenBox { box_id: box_id(name) };
    assert_eq!(w.no(open("B1")), Refusal::BoxUnknown);
    w.yes(receive("B1", Some(closed("S1", 20, 4))));
    w.yes(receive("B2", Some(closed("S2", 20, 4))));
    w.sign_in("staff");
    assert!(matches!(w.no(open("B1")), Refusal::NotPermitted { .. }));
    w.sign_in("lab");
    w.yes(open("B1"));
    assert_eq!(w.already(open("B1")), Already::BoxOpen);
    assert_eq!(w.no(open("B2")), Refusal::OtherBoxOpen { box_id: box_id("B1") });
    w.yes(Act::FinishComparison);
    assert_eq!(w.no(open("B1")), Refusal::BoxState { state: BoxState::Compared });
}

#[test]
fn a_compared_box_is_emptied_and_comes_again() {
    let mut w = opened();
    let empty = Act::EmptyBox { box_id: box_id("B1") };
    assert_eq!(w.no(empty.clone()), Refusal::BoxState { state: BoxState::Opened });
    w.yes(compare("T1"));
    w.yes(compare("T2"));
    w.yes(Act::FinishComparison);
    w.yes(empty);
    assert_eq!(w.row::<BoxRow>("B1").unwrap().state, BoxState::Empty);
    assert_eq!(w.row::<Manifest>("B1"), None);
    w.manifest(vec![listed("B1", &["T3"], "S1", 30, 5)]);
    w.yes(receive("B1", Some(closed("S1", 40, 5))));
    w.yes(Act::OpenBox { box_id: box_id("B1") });
    w.yes(compare("T3"));
    let facts = w.yes(compare("T2"));
    assert!(matches!(facts.as_slice(), [Fact::DiscrepancyFound { .. }]), "T2 came the last time");
}

#[test]
fn a_trip_goes_from_the_first_box_to_the_last() {
    let mut w = World::open(Vehicle);
    w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4), listed("B2", &["T2"], "S2", 10, 4)]);
    let facts = w.yes(receive("B1", Some(closed("S1", 20, 4))));
    assert_eq!(facts.first(), Some(&Fact::TripStarted { from: site("LAST") }));
    assert_eq!(w.yes(receive("B2", Some(closed("S2", 20, 4)))).len(), 1);
    assert_eq!(w.yes(hand_over("B1", Some(closed("S1", 30, 4)))).len(), 1);
    let facts = w.yes(hand_over("B2", Some(closed("S2", 30, 4))));
    assert_eq!(facts.last(), Some(&Fact::TripEnded { at: site("NEXT"), boxes: 2 }));
    w.manifest(vec![listed("B1", &["T5"], "S1", 40, 5)]);
    let facts = w.yes(receive("B1", Some(closed("S1", 50, 5))));
    assert_eq!(facts.first(), Some(&Fact::TripStarted { from: site("LAST") }), "the next trip");
}

#[test]
fn a_vehicle_hands_over_without_remark_only_at_the_count_of_the_manifest() {
    let mut w = World::open(Vehicle);
    w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4)]);
    w.yes(receive("B1", Some(closed("S1", 20, 4))));
    w.yes(receive("B2", Some(closed("S2", 20, 4))));
    let needs = |reason| Refusal::NeedsException { reason };
    assert_eq!(w.no(hand_over("B1", Some(closed("S1", 30, 5)))), needs(ExceptionReason::SealCountChanged));
    assert_eq!(w.no(hand_over("B2", Some(closed("S2", 30, 4)))), needs(ExceptionReason::CountUnknown));
    w.yes(hand_over("B1", Some(closed("S1", 31, 4))));
    // Its manifest comes on the road.
    w.manifest(vec![listed("B2", &["T2"], "S2", 10, 4)]);
    w.yes(hand_over("B2", Some(closed("S2", 31, 4))));
}

#[test]
fn only_a_change_of_fence_is_recorded() {
    let mut w = World::open(Vehicle);
    let fence = |id: &str| FenceId::new(id).unwrap();
    let at = |id: Option<&str>| Act::AtFence { fence: id.map(fence) };
    assert_eq!(w.yes(at(None)), []);
    assert_eq!(w.yes(at(Some("lab"))), [Fact::FenceEntered { fence: fence("lab") }]);
    assert_eq!(w.yes(at(Some("lab"))), []);
    assert_eq!(
        w.yes(at(Some("ctc"))),
        [Fact::FenceLeft { fence: fence("lab") }, Fact::FenceEntered { fence: fence("ctc") }]
    );
    assert_eq!(w.yes(at(None)), [Fact::FenceLeft { fence: fence("ctc") }]);
}
