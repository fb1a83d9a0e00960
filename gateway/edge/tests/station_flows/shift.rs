//! Signing in, changing person, ending a shift, at any counter.

use waypost_core::{
    fact::{ClockQuality, SiteKind},
    rule::Act,
};
use waypost_edge::panel::{Arg, Tone};

use crate::desk::{Desk, STAFF, SUPERVISOR};

#[test]
fn nothing_is_asked_or_recorded_without_a_badge() {
    for kind in [
        SiteKind::TestingCentre,
        SiteKind::PostOffice,
        SiteKind::Vehicle,
        SiteKind::Laboratory,
        SiteKind::Warehouse,
    ] {
        let mut desk = Desk::new(kind);
        let before = desk.ledger.clone();
        for code in ["T-00000001", "B-0001", "A123456(3)", "CMD-UNDO", "CMD-CLOSE-SHIFT", "V-012", "QTY-5"] {
            let shown = desk.scan(code);
            assert_eq!(
                (shown.key, shown.tone, shown.act),
                ("refusal-not-signed-in", Tone::No, None),
                "{code}"
            );
        }
        assert_eq!(desk.ledger, before);
    }
}

#[test]
fn a_badge_opens_the_shift_the_next_one_changes_person_and_the_same_one_is_already_in() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.all(&[
        ("STAFF-9999999999999999", "refusal-unknown-badge"),
        (STAFF, "yes-shift-opened"),
        (STAFF, "already-signed-in"),
        (SUPERVISOR, "yes-signed-in"),
    ]);
    assert_eq!(desk.station.counter().operator.as_ref().unwrap().as_str(), "s-supervisor");
}

#[test]
fn the_operator_confirms_the_day_where_the_clock_cannot_be_believed() {
    let mut desk = Desk::new(SiteKind::TestingCentre);
    desk.now.clock = ClockQuality::Unset;
    let asked = desk.scan(STAFF);
    assert_eq!((asked.key, asked.tone), ("ask-day", Tone::Ask));
    assert_eq!(asked.screen.main.args, [("day", Arg::Text("2020-10-05".to_owned()))]);
    assert_eq!(desk.choices(), ["CMD-DAY", "CMD-CANCEL"]);
    let opened = desk.scan("DAY-2020-10-06");
    assert!(matches!(&opened.act, Some(Act::SignIn { day, .. }) if day == "2020-10-06"));
    assert_eq!(desk.scan("CMD-DAY").key, "scan-no-day-wanted");
    desk.all(&[("CMD-CLOSE-SHIFT", "yes-shift-closed"), (STAFF, "ask-day"), ("CMD-DAY", "yes-shift-opened")]);
}

#[test]
fn closing_a_shift_lists_what_was_done_and_what_the_hub_lacks() {
    let mut desk = Desk::with(SiteKind::TestingCentre, STAFF);
    desk.all(&[("B-0001", "yes-box-started"), ("T-00000001", "yes-tube-packed")]);
    let closed = desk.scan("CMD-CLOSE-SHIFT");
    assert_eq!(closed.line("line-unsynced").args, [("count", Arg::Number(7))]);
    assert_eq!(closed.line("line-count-packed").args, [("count", Arg::Number(1))]);
    assert_eq!(desk.frame().prompt.key, "ask-badge");
    desk.all(&[(STAFF, "yes-shift-opened"), ("T-00000002", "yes-tube-packed")]);
}

#[test]
fn a_language_needs_no_badge() {
    assert_eq!(Desk::new(SiteKind::PostOffice).scan("CMD-LANG").key, "language");
}

#[test]
fn every_choice_is_a_command_that_is_known() {
    for kind in [
        SiteKind::TestingCentre,
        SiteKind::PostOffice,
        SiteKind::Vehicle,
        SiteKind::Laboratory,
        SiteKind::Warehouse,
    ] {
        let mut desk = Desk::with(kind, STAFF);
        for code in desk.choices() {
            assert_ne!(Desk::with(kind, STAFF).scan(&code).key, "scan-unknown-command", "{kind:?} {code}");
        }
    }
}
