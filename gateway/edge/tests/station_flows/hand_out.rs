//! Power failed between the record of a claim and its panel: the operator says whether the packs were handed over.

use waypost_core::fact::{Fact, SiteKind};
use waypost_edge::station::hand_out::HandOut;

use crate::desk::{Desk, STAFF, SUPERVISOR};

const PERSON: &str = "A123456(3)";
const OTHER: &str = "C123456(9)";

/// A post office after a restart at which these claims were not shown.
fn after_the_cut(people: &[&str]) -> Desk {
    let mut desk = Desk::with(SiteKind::PostOffice, STAFF);
    desk.serve_campaign(100);
    for person in people {
        let first = desk.next_record();
        let facts = desk.all(&[(person, "yes-served")]).facts;
        let one = HandOut::of(first, &facts, desk.ledger()).unwrap().unwrap();
        desk.station_mut().ask_hand_out(one);
    }
    desk
}

#[test]
fn a_no_takes_the_claim_back_and_the_next_one_is_asked() {
    let mut desk = after_the_cut(&[PERSON, OTHER]);
    let frame = desk.frame();
    assert_eq!((frame.title.key, frame.prompt.key), ("title-handed", "ask-handed"));
    assert_eq!(desk.choices(), ["CMD-HANDED-YES", "CMD-HANDED-NO"], "also by the two buttons");
    let no = desk.all(&[("CMD-HANDED-NO", "yes-not-handed")]);
    assert!(matches!(no.facts.as_slice(), [Fact::HandOutConfirmed { handed: false, .. }]));
    assert!(no.has_line("ask-handed"), "the next one: {no:#?}");
    desk.all(&[("CMD-HANDED-YES", "yes-handed"), ("CMD-HANDED-YES", "scan-not-now")]);
    desk.all(&[(OTHER, "refusal-already-served"), (PERSON, "yes-served")]);
}

#[test]
fn a_repeat_shows_the_first_answer_its_age_and_that_it_is_open() {
    let mut desk = after_the_cut(&[PERSON]);
    desk.now.at = desk.now.at.plus_ms(7 * 60_000);
    let again = desk.all(&[(PERSON, "refusal-already-served")]);
    assert!(again.has_line("line-served-here") && again.has_line("line-handed-open"), "{again:#?}");
    desk.scan("CMD-HANDED-YES");
    let again = desk.all(&[(PERSON, "refusal-already-served")]);
    assert!(again.has_line("line-served-here") && !again.has_line("line-handed-open"));
}

#[test]
fn work_goes_on_while_a_question_waits_and_a_void_answers_it() {
    let mut desk = after_the_cut(&[PERSON]);
    desk.all(&[
        (OTHER, "yes-served"),
        ("CMD-VOID", "ask-void-reason"),
        (PERSON, "ask-void-reason"),
        ("CMD-REASON-MISTAKE", "ask-void-supervisor"),
        (SUPERVISOR, "yes-voided"),
    ]);
    assert_eq!(desk.frame().prompt.key, "ask-document", "nothing is left to ask");
}

#[test]
fn nobody_says_it_who_is_not_signed_in() {
    let mut desk = after_the_cut(&[PERSON]);
    desk.scan("CMD-CLOSE-SHIFT");
    assert!(desk.frame().lines.iter().any(|line| line.key == "line-handed-waits"));
    desk.all(&[
        ("CMD-HANDED-NO", "refusal-not-signed-in"),
        (STAFF, "yes-shift-opened"),
        ("CMD-HANDED-NO", "yes-not-handed"),
    ]);
}
