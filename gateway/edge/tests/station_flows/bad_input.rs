//! Bad input: each kind gets a message of its own and a tone, and leaves the ledger as it was.

use std::collections::BTreeSet;

use waypost_core::fact::{SealState, SiteKind};
use waypost_edge::panel::Tone;

use crate::desk::{Desk, STAFF};

/// A centre with a full box open, another one closed.
fn centre() -> Desk {
    let mut desk = Desk::with(SiteKind::TestingCentre, STAFF);
    desk.all(&[
        ("B-0001", "yes-box-started"),
        ("T-00000001", "yes-tube-packed"),
        ("CMD-CLOSE-BOX", "ask-checklist"),
        ("CMD-CHECK-ALL", "yes-box-closed"),
        ("B-0002", "yes-box-started"),
        ("T-00000002", "yes-tube-packed"),
        ("T-00000003", "yes-tube-packed"),
        ("T-00000004", "yes-tube-packed"),
    ]);
    desk.hear("S-0001", SealState::Open, 10, Some(4));
    desk
}

#[test]
fn each_bad_input_has_its_own_message_and_tone_and_leaves_the_ledger_as_it_was() {
    let table = [
        ("what is this", "scan-unknown", Tone::No),
        ("A123456(4)", "scan-wrong-check-digit", Tone::No),
        ("A123456", "scan-missing-check-digit", Tone::No),
        ("(01)12345678901232", "scan-damaged-code", Tone::No),
        ("", "scan-empty", Tone::No),
        ("CMD-DANCE", "scan-unknown-command", Tone::No),
        ("CMD-FINISH", "scan-not-now", Tone::No),
        ("T-00000002", "already-in-this-box", Tone::Already),
        ("T-00000001", "refusal-tube-in-other-box", Tone::No),
        ("T-00000005", "refusal-box-full", Tone::No),
        ("B-0003", "refusal-other-box-open", Tone::No),
        ("STAFF-9999999999999999", "refusal-unknown-badge", Tone::No),
    ];
    let mut desk = centre();
    let before = desk.ledger.clone();
    let mut keys = BTreeSet::new();
    for (text, key, tone) in table {
        let shown = desk.scan(text);
        assert_eq!((shown.key, shown.tone), (key, tone), "{text}");
        assert!(!shown.screen.lines.is_empty(), "{text}: what to do next is said");
        assert_eq!(desk.ledger, before, "{text}");
        keys.insert(key);
    }
    assert_eq!(keys.len(), table.len(), "each has a message of its own");
}

#[test]
fn an_open_seal_seals_no_box() {
    let mut desk = centre();
    assert_eq!(desk.scan("B-0001").key, "ask-fit-seal");
    let before = desk.ledger.clone();
    let open = desk.scan("S-0001");
    assert_eq!((open.key, open.tone), ("refusal-seal-not-closed", Tone::No));
    let unread = desk.scan("S-0002");
    assert_eq!(unread.key, "refusal-seal-not-closed");
    assert_ne!(open.screen.main, unread.screen.main, "open and unread are told apart");
    assert_eq!(desk.ledger, before);
}

#[test]
fn no_part_of_an_unknown_text_is_shown() {
    let mut desk = centre();
    for text in ["Secret-7 of Chan", "A123456(4)", "A123456"] {
        let shown = format!("{:?}", desk.scan(text));
        assert!(!shown.contains("Secret") && !shown.contains("123456"), "{shown}");
    }
}
