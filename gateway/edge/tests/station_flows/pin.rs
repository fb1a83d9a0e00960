//! Badge and PIN at the panel: keyed by code, typed at once, or turned with two buttons; never shown.

use waypost_core::{
    fact::{Fact, SiteKind},
    rule::Act,
};

use crate::desk::{Desk, PIN_STAFF, PIN_SUPERVISOR, STAFF, SUPERVISOR};
use waypost_edge::panel::{Arg, Tone};

/// Everything that the panel would show.
fn panel(desk: &mut Desk) -> String {
    format!("{:?}", desk.frame())
}

#[test]
fn a_pin_is_keyed_digit_by_digit_and_only_dots_are_shown() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.all(&[
        (PIN_STAFF, "ask-pin"),
        ("CMD-DIGIT-2", "ask-pin"),
        ("CMD-DIGIT-5", "ask-pin"),
        ("CMD-DIGIT-8", "ask-pin"),
    ]);
    let frame = desk.frame();
    let dots = frame.lines.iter().find(|line| line.key == "line-pin").unwrap();
    assert_eq!(dots.args, [("dots", Arg::Text("***".to_owned()))]);
    assert!(!panel(&mut desk).contains("258"));
    let opened = desk.all(&[("CMD-DIGIT-0", "ask-pin"), ("CMD-PIN-OK", "yes-shift-opened")]);
    assert!(!format!("{opened:?}").contains("2580"));
    assert!(!format!("{opened:?}").contains(PIN_STAFF));
}

#[test]
fn a_pin_is_typed_at_once() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.all(&[(PIN_STAFF, "ask-pin"), ("2580", "yes-shift-opened")]);
    assert_ne!(desk.scan("2580").key, "yes-shift-opened", "digits are a PIN only where one is asked for");
}

#[test]
fn two_buttons_are_enough_for_a_pin() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.scan(PIN_STAFF);
    let choices = desk.choices();
    let (yes, no) = (choices[0].clone(), choices[1].clone());
    let mut turn = 0;
    // The digit 10 is the end.
    for digit in [2, 5, 8, 0, 10] {
        while turn != digit {
            desk.scan(&no);
            turn = (turn + 1) % 11;
        }
        let shown = desk.scan(&yes);
        assert_eq!(shown.key, if digit == 10 { "yes-shift-opened" } else { "ask-pin" });
    }
    assert!(
        !choices.iter().any(|code| ["CMD-CANCEL", "CMD-UNDO"].contains(&code.as_str())),
        "what the no button would take"
    );
}

#[test]
fn what_is_no_pin_is_said_and_cancel_leaves_it() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.all(&[
        ("CMD-DIGIT-1", "scan-not-now"),
        (PIN_STAFF, "ask-pin"),
        ("123", "no-pin-length"),
        ("CMD-PIN-OK", "no-pin-length"),
        ("T-00000001", "scan-not-now"),
        ("CMD-PIN-LEAVE", "ask-badge"),
        (STAFF, "yes-shift-opened"),
        (PIN_SUPERVISOR, "ask-pin"),
        (STAFF, "already-signed-in"),
    ]);
    assert!(!desk.choices().contains(&"CMD-PIN-OK".to_owned()), "another badge leaves it too");
}

#[test]
fn a_locked_badge_is_unlocked_by_a_supervisor_with_badge_and_pin() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    for left in [4, 3, 2, 1] {
        let shown = desk.all(&[(PIN_STAFF, "ask-pin"), ("1111", "no-pin-wrong")]);
        assert_eq!(shown.screen.main.args, [("left", Arg::Number(left))]);
        assert_eq!(shown.tone, Tone::No);
    }
    desk.all(&[
        (PIN_STAFF, "ask-pin"),
        ("1111", "refusal-pin-locked"),
        (PIN_STAFF, "refusal-pin-locked"),
        ("CMD-UNLOCK", "ask-unlock-supervisor"),
        (STAFF, "refusal-needs-supervisor"),
        (PIN_SUPERVISOR, "ask-pin"),
        ("11111", "no-pin-wrong"),
        (PIN_SUPERVISOR, "ask-pin"),
    ]);
    let unlocked = desk.all(&[("97531", "yes-pin-unlocked")]);
    assert!(matches!(&unlocked.facts[0], Fact::PinUnlocked { operator, .. } if operator.as_str() == "s-pin"));
    desk.all(&[(PIN_STAFF, "ask-pin"), ("2580", "yes-shift-opened")]);
}

#[test]
fn a_void_asks_for_the_supervisors_pin() {
    let mut desk = Desk::with(SiteKind::PostOffice, STAFF);
    desk.serve_campaign(100);
    desk.all(&[
        ("A123456(3)", "yes-served"),
        ("CMD-VOID", "ask-void-reason"),
        ("CMD-REASON-MISTAKE", "ask-void-supervisor"),
        (PIN_STAFF, "refusal-needs-supervisor"),
        (PIN_SUPERVISOR, "ask-pin"),
        ("00000", "no-pin-wrong"),
        (PIN_SUPERVISOR, "ask-pin"),
        ("97531", "yes-voided"),
    ]);
}

#[test]
fn who_is_signed_out_for_being_idle_scans_the_badge_again() {
    let mut desk = Desk::with(SiteKind::PostOffice, SUPERVISOR);
    desk.scan("CMD-VOID");
    let screen = desk.note(Act::EndSession).unwrap();
    assert_eq!((screen.tone, screen.main.key), (Tone::Ready, "ask-badge"));
    assert_eq!(desk.frame().title.key, "title-sign-in", "what was begun is left");
    desk.all(&[("CMD-COUNT", "refusal-not-signed-in"), (SUPERVISOR, "yes-signed-in")]);
}
