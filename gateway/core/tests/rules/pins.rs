//! Badge and PIN, sessions that end, and what two people are needed for.

use waypost_core::{
    fact::{Fact, RepairReason, Role, SiteKind, SiteKind::*, id::CampaignId},
    rule::{Act, Already, Refusal, order::Order, pin::ATTEMPTS_MAX, row::ONLY, row::StockRow},
};

use crate::world::*;

fn site_with_pins(kind: SiteKind) -> World {
    let mut w = World::closed(kind);
    w.order(ONLY, Order::Staff { people: everybody_with_pin() });
    w
}

fn badge_only(who: &str) -> Act {
    Act::SignIn { badge: badge(who), day: DAY.into(), pin: None }
}

fn badge_and_pin(who: &str, right: bool) -> Act {
    Act::SignIn { badge: badge(who), day: DAY.into(), pin: proof(who, right) }
}

fn unlock(who: &str, by: &str) -> Act {
    Act::UnlockPin { badge: badge(who), approval: badge(by), pin: proof(by, true) }
}

fn void(by: &str, right: bool) -> Act {
    Act::VoidClaim {
        campaign: CampaignId::new(CAMPAIGN).unwrap(),
        claim: Some(token(1)),
        approval: Some(badge(by)),
        pin: proof(by, right),
        reason: RepairReason::Mistake,
    }
}

fn handed(n: u8, record: u64, handed: bool) -> Act {
    Act::ConfirmHandOut { campaign: CampaignId::new(CAMPAIGN).unwrap(), claim: token(n), record, handed }
}

/// Wrong PINs until the badge is locked; for how long.
fn lock(w: &mut World, who: &str) -> u64 {
    for attempt in 1..ATTEMPTS_MAX {
        let facts = w.yes(badge_and_pin(who, false));
        assert_eq!(facts, [Fact::PinRefused { operator: person(who), attempts: attempt, locked_ms: 0 }]);
    }
    locked_by(&w.yes(badge_and_pin(who, false)))
}

fn locked_by(facts: &[Fact]) -> u64 {
    let [Fact::PinRefused { locked_ms, .. }] = facts else { panic!("{facts:?}") };
    *locked_ms
}

#[test]
fn a_badge_with_a_pin_is_not_enough_alone() {
    let mut w = site_with_pins(TestingCentre);
    assert_eq!(w.no(badge_only("staff")), Refusal::NeedsPin);
    assert_eq!(w.desk().operator, None);
    w.yes(badge_and_pin("staff", false));
    assert_eq!(w.desk().operator, None, "a wrong PIN lets nobody in");
    assert_eq!(
        w.yes(badge_and_pin("staff", true)),
        [Fact::ShiftOpened { role: Role::Staff, day: DAY.into() }]
    );
    assert_eq!(w.no(badge_only("boss")), Refusal::NeedsPin, "nor does a badge change person without it");
    assert_eq!(w.already(badge_only("staff")), Already::SignedIn);
}

#[test]
fn a_pin_is_right_only_against_the_verifier_in_force() {
    let mut w = site_with_pins(TestingCentre);
    let act = |right| Act::SignIn { badge: badge("staff"), day: DAY.into(), pin: proof("boss2!", right) };
    assert_eq!(w.no(act(true)), Refusal::NeedsPin);
    assert_eq!(w.no(act(false)), Refusal::NeedsPin, "and counts as no wrong one");
}

#[test]
fn five_wrong_pins_lock_a_badge_for_a_time_that_grows() {
    let mut w = site_with_pins(TestingCentre);
    let mut locked_ms = lock(&mut w, "staff");
    assert_eq!(locked_ms, 60_000);
    for expected in [120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000] {
        assert_eq!(w.no(badge_and_pin("staff", true)), Refusal::PinLocked { left_ms: locked_ms });
        w.later(i64::try_from(locked_ms).unwrap() - 1);
        assert_eq!(w.no(badge_only("staff")), Refusal::PinLocked { left_ms: 1 });
        w.later(1);
        locked_ms = locked_by(&w.yes(badge_and_pin("staff", false)));
        assert_eq!(locked_ms, expected);
    }
    w.yes(badge_and_pin("staff2", true));
}

#[test]
fn the_right_pin_clears_the_wrong_ones() {
    let mut w = site_with_pins(TestingCentre);
    lock(&mut w, "staff");
    w.later(60_000);
    w.yes(badge_and_pin("staff", true));
    w.yes(badge_and_pin("staff2", true));
    assert_eq!(locked_by(&w.yes(badge_and_pin("staff", false))), 0, "counted from one again");
}

#[test]
fn a_restart_makes_no_lock_shorter() {
    let mut w = site_with_pins(TestingCentre);
    w.later(1_000_000);
    lock(&mut w, "staff");
    w.later(50_000);
    w.boot += 1;
    w.now.up_ms = 0;
    // Ten years on, says a clock that nobody set.
    w.now.at = w.now.at.plus_ms(315_000_000_000);
    assert_eq!(w.no(badge_and_pin("staff", true)), Refusal::PinLocked { left_ms: 60_000 });
    w.later(60_000);
    w.yes(badge_and_pin("staff", true));
}

#[test]
fn a_new_staff_order_unlocks_nobody() {
    let mut w = site_with_pins(TestingCentre);
    lock(&mut w, "staff");
    w.order(ONLY, Order::Staff { people: everybody_with_pin() });
    assert_eq!(w.no(badge_and_pin("staff", true)), Refusal::PinLocked { left_ms: 60_000 });
}

#[test]
fn a_supervisor_who_is_another_person_unlocks_a_badge() {
    let mut w = site_with_pins(TestingCentre);
    assert_eq!(w.already(unlock("staff", "boss")), Already::NotLocked);
    lock(&mut w, "staff");
    assert_eq!(w.no(unlock("staff", "staff2")), Refusal::NeedsSupervisor);
    assert_eq!(w.no(unlock("staff", "stranger")), Refusal::UnknownBadge);
    let without_pin = Act::UnlockPin { badge: badge("staff"), approval: badge("boss"), pin: None };
    assert_eq!(w.no(without_pin), Refusal::NeedsPin);
    let wrong = Act::UnlockPin { badge: badge("staff"), approval: badge("boss"), pin: proof("boss", false) };
    assert!(
        matches!(w.yes(wrong).as_slice(), [Fact::PinRefused { operator, .. }] if *operator == person("boss"))
    );
    assert_eq!(
        w.yes(unlock("staff", "boss")),
        [Fact::PinUnlocked { operator: person("staff"), approved_by: person("boss") }]
    );
    assert_eq!(w.journal.last().unwrap().by, Some(person("boss")));
    w.yes(badge_and_pin("staff", true));
    lock(&mut w, "boss");
    assert_eq!(w.no(unlock("boss", "boss")), Refusal::SupervisorIsOperator);
    w.yes(unlock("boss", "boss2"));
}

#[test]
fn an_idle_session_ends_and_the_shift_stays_open() {
    let mut w = World::open(TestingCentre);
    w.scan("T1");
    assert_eq!(w.yes(Act::EndSession), [Fact::SessionEnded { operator: person("staff") }]);
    assert_eq!(w.journal.last().unwrap().by, None, "the gateway notes it");
    assert_eq!(w.no(scan("T2")), Refusal::NotSignedIn);
    assert_eq!(w.yes(Act::EndSession), [], "nobody is signed in any more");
    assert_eq!(w.yes(badge_only("staff2")), [Fact::SignedIn { role: Role::Staff }]);
    assert_eq!(w.desk().counts.tubes_collected, 1, "the shift goes on");
}

#[test]
fn a_maintainer_signs_in_and_does_no_work() {
    let mut w = World::closed(TestingCentre);
    w.sign_in("fitter");
    assert!(matches!(w.no(Act::Reprint), Refusal::NotPermitted { .. }));
    assert!(matches!(w.no(scan("T1")), Refusal::NotPermitted { .. }));
    w.yes(Act::CloseShift { unsynced: 0 });
}

fn post_office() -> World {
    let mut w = site_with_pins(PostOffice);
    w.campaign(Some(1));
    w.yes(badge_and_pin("staff", true));
    w.stock("packs", 100);
    w
}

#[test]
fn a_void_needs_the_supervisors_pin_too() {
    let mut w = post_office();
    w.yes(claim(1));
    let Act::VoidClaim { campaign, claim, approval, reason, .. } = void("boss", true) else { panic!() };
    assert_eq!(w.no(Act::VoidClaim { campaign, claim, approval, pin: None, reason }), Refusal::NeedsPin);
    assert!(matches!(
        w.yes(void("boss", false)).as_slice(),
        [Fact::PinRefused { operator, attempts: 1, .. }] if *operator == person("boss")
    ));
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 98, "nothing was taken back");
    assert!(matches!(w.yes(void("boss", true)).as_slice(), [Fact::ClaimVoided { .. }]));
    w.yes(badge_and_pin("boss", true));
    assert_eq!(w.no(void("boss", true)), Refusal::NoClaim);
    w.yes(crate::world::claim(1));
    assert_eq!(w.no(void("boss", true)), Refusal::SupervisorIsOperator, "two people");
    w.yes(void("boss2", true));
}

#[test]
fn a_claim_whose_packs_were_not_handed_over_is_taken_back() {
    let mut w = post_office();
    let record = w.next_seq();
    w.yes(claim_by_proxy(1, 9));
    assert!(matches!(w.no(claim(2)), Refusal::QuotaReached { .. }));
    assert_eq!(w.no(handed(2, record, false)), Refusal::NoClaim);
    assert_eq!(w.no(handed(1, record + 1, false)), Refusal::NoClaim);
    let facts = w.yes(handed(1, record, false));
    assert!(
        matches!(facts.as_slice(), [Fact::HandOutConfirmed { record: of, handed: false, packs: 2, .. }] if *of == record),
        "{facts:?}"
    );
    assert_eq!(w.journal.last().unwrap().by, Some(person("staff")), "who said so is on record");
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 100);
    assert_eq!((w.desk().counts.claims_served, w.desk().counts.packs), (0, 0));
    assert_eq!(w.already(handed(1, record, false)), Already::HandOutKnown);
    assert_eq!(w.already(handed(1, record, true)), Already::HandOutKnown);
    assert_eq!(w.no(void("boss", true)), Refusal::NoClaim, "it is voided once");
    w.yes(claim(1));
}

#[test]
fn that_packs_were_handed_over_is_said_once() {
    let mut w = post_office();
    let record = w.next_seq();
    w.yes(claim(1));
    w.yes(handed(1, record, true));
    assert_eq!(w.already(handed(1, record, false)), Already::HandOutKnown);
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 98);
    assert!(matches!(w.no(claim(1)), Refusal::AlreadyServed { .. }));
    w.yes(void("boss", true));
}
