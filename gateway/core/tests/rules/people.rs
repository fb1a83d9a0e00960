//! Shifts, people and what their roles allow.

use waypost_core::{
    fact::{AlarmKind, ClockQuality, Fact, RepairReason, Role, SiteKind, SiteKind::*},
    rule::{Act, Already, Decision, Refusal, order::Order, row::ONLY},
};

use crate::world::*;

fn badge_of(who: &str) -> Act {
    Act::SignIn { badge: badge(who), day: DAY.into(), pin: None }
}

#[test]
fn the_first_badge_opens_the_shift_and_the_next_changes_person() {
    let mut w = World::closed(TestingCentre);
    assert_eq!(w.yes(badge_of("staff")), [Fact::ShiftOpened { role: Role::Staff, day: DAY.into() }]);
    assert_eq!(w.journal.last().unwrap().by, Some(person("staff")));
    assert_eq!(w.already(badge_of("staff")), Already::SignedIn);
    assert_eq!(w.yes(badge_of("boss")), [Fact::SignedIn { role: Role::Supervisor }]);
    assert_eq!(w.journal.last().unwrap().by, Some(person("boss")));
    assert_eq!(w.desk().operator, Some(person("boss")));
    assert_eq!(w.no(badge_of("stranger")), Refusal::UnknownBadge);
}

#[test]
fn a_shift_begins_on_a_day_that_is_one() {
    let mut w = World::closed(TestingCentre);
    for day in ["", "yesterday", "2020-9-3", "2020-02-30", "2020-09-03T00:00", "20200903"] {
        assert_eq!(
            w.no(Act::SignIn { badge: badge("staff"), day: day.into(), pin: None }),
            Refusal::BadDay,
            "{day}"
        );
    }
}

#[test]
fn nothing_by_a_person_is_recorded_without_sign_in() {
    let mut w = World::closed(TestingCentre);
    assert_eq!(w.no(scan("T1")), Refusal::NotSignedIn);
    assert_eq!(w.no(Act::CloseShift { unsynced: 0 }), Refusal::NotSignedIn);
    w.sign_in("staff");
    w.scan("T1");
    // What was asked by somebody who is not at the counter any more.
    w.sign_in("boss");
    let late = w.ask_as(scan("T2"), Some(person("staff")));
    assert_eq!(late, Decision::Refuse(Refusal::NotSignedIn));
    assert_eq!(w.ask_as(scan("T2"), None), Decision::Refuse(Refusal::NotSignedIn));
}

#[test]
fn a_badge_signs_in_its_own_person_only() {
    let mut w = World::open(TestingCentre);
    let answer = w.ask_as(badge_of("boss"), Some(person("staff")));
    assert_eq!(answer, Decision::Refuse(Refusal::NotSignedIn));
}

#[test]
fn after_the_shift_is_closed_nobody_is_at_the_desk() {
    let mut w = World::open(TestingCentre);
    w.yes(start("B1"));
    w.scan("T1");
    let facts = w.yes(Act::CloseShift { unsynced: 7 });
    let Some(Fact::ShiftClosed { counts, unsynced: 7 }) = facts.first() else {
        panic!("{facts:?}");
    };
    assert_eq!((counts.tubes_collected, counts.tubes_packed), (1, 1));
    assert_eq!(w.no(scan("T2")), Refusal::NotSignedIn);
    w.sign_in("staff2");
    assert_eq!(w.desk().counts.tubes_packed, 0);
    assert_eq!(w.desk().open_box, Some(box_id("B1")), "the box lies there still");
    assert_eq!(w.no(Act::UndoTube), Refusal::NothingToUndo);
}

#[test]
fn who_is_no_more_on_the_staff_list_is_signed_out_at_once() {
    let mut w = World::open(TestingCentre);
    let mut people = everybody();
    people.retain(|entry| entry.badge != badge("staff"));
    w.order(ONLY, Order::Staff { people });
    assert_eq!(w.no(scan("T1")), Refusal::NotSignedIn);
    assert_eq!(w.no(badge_of("staff")), Refusal::UnknownBadge);
    w.sign_in("staff2");
    w.scan("T1");
}

#[test]
fn what_the_gateway_notes_needs_nobody() {
    let mut w = World::closed(Vehicle);
    let alarm = AlarmKind::SealForged;
    for (act, fact) in [
        (Act::RaiseAlarm { alarm, subject: "S1".into() }, Fact::AlarmRaised { alarm, subject: "S1".into() }),
        (
            Act::FindClock { boot: 1, offset_ms: -5, quality: ClockQuality::Gnss },
            Fact::ClockFound { boot: 1, offset_ms: -5, quality: ClockQuality::Gnss },
        ),
        (Act::Start { version: "1".into() }, Fact::GatewayStarted { version: "1".into() }),
    ] {
        assert_eq!(w.yes(act), [fact]);
        assert_eq!(w.journal.last().unwrap().by, None);
    }
    w.yes(Act::NoteSeal { reading: closed("S1", 1, 1) });
    w.yes(Act::AtFence { fence: None });
    w.yes(Act::Tick);
}

/// One act of each family.
fn acts() -> [(&'static str, Act); 8] {
    let box_id = || box_id("B1");
    [
        ("pack", scan("T1")),
        ("hand over", hand_over("B1", None)),
        ("receive", receive("B1", None)),
        ("open", Act::OpenBox { box_id: box_id() }),
        ("empty", Act::EmptyBox { box_id: box_id() }),
        ("claim", claim(1)),
        ("stock", move_stock("packs", 1)),
        ("settle", Act::SettleDiscrepancy { tube: tube("T1"), reason: RepairReason::Found }),
    ]
}

/// The families that are not refused as somebody else's work.
fn allowed(kind: SiteKind, who: &str) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    for (name, act) in acts() {
        let mut w = World::closed(kind);
        w.sign_in(who);
        let decision = w.ask(act);
        if !matches!(decision, Decision::Refuse(Refusal::NotHere | Refusal::NotPermitted { .. })) {
            allowed.push(name);
        }
    }
    allowed
}

#[test]
fn each_kind_of_site_does_its_own_work_only() {
    assert_eq!(allowed(TestingCentre, "boss"), ["pack", "hand over", "empty", "stock"]);
    assert_eq!(allowed(PostOffice, "boss"), ["claim", "stock"]);
    assert_eq!(allowed(Vehicle, "boss"), ["hand over", "receive", "stock"]);
    assert_eq!(allowed(Laboratory, "boss"), ["receive", "open", "empty", "stock", "settle"]);
    assert_eq!(allowed(Warehouse, "boss"), ["stock"]);
}

#[test]
fn roles_do_their_own_work_only() {
    assert_eq!(allowed(TestingCentre, "staff"), ["pack", "hand over", "empty", "stock"]);
    assert_eq!(allowed(PostOffice, "staff"), ["claim", "stock"]);
    assert_eq!(allowed(Warehouse, "staff"), ["stock"]);
    assert_eq!(allowed(Vehicle, "driver"), ["hand over", "receive", "stock"]);
    assert_eq!(allowed(Laboratory, "lab"), ["receive", "open", "empty", "stock", "settle"]);
    assert_eq!(allowed(Vehicle, "staff"), [""; 0]);
    assert_eq!(allowed(TestingCentre, "driver"), [""; 0]);
    for kind in [TestingCentre, PostOffice, Vehicle, Laboratory, Warehouse] {
        assert_eq!(allowed(kind, "fitter"), [""; 0], "a maintainer has nothing to do with custody");
    }
}

#[test]
fn tubes_are_seen_only_by_those_who_open_boxes() {
    assert_eq!(allowed(Laboratory, "staff"), ["receive", "empty", "stock"]);
}
