//! Papers that are printed again.

use waypost_core::{
    fact::{
        Fact, Role,
        SiteKind::{PostOffice, TestingCentre},
    },
    rule::{Act, Refusal, paper::REPRINTS_MAX},
};

use crate::world::*;

fn number(w: &mut World) -> (u64, u32) {
    match w.yes(Act::Reprint).as_slice() {
        [Fact::PaperReprinted { record, number }] => (*record, *number),
        other => panic!("{other:?}"),
    }
}

fn office() -> World {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    w.stock("packs", 100);
    w
}

#[test]
fn a_reprint_bears_its_number_and_names_the_record_of_the_latest_paper() {
    let mut w = office();
    assert_eq!(w.no(Act::Reprint), Refusal::NothingPrinted);
    w.yes(claim(1));
    let first = w.next_seq() - 1;
    assert_eq!([number(&mut w), number(&mut w)], [(first, 1), (first, 2)]);
    w.yes(claim(2));
    let second = w.next_seq() - 1;
    assert_eq!(number(&mut w), (second, 1), "the next paper is counted anew");
}

#[test]
fn a_label_and_a_report_are_papers_too() {
    let mut w = World::open(TestingCentre);
    w.seal("B-1", &["T-1"], closed("S-1", 10, 3));
    let sealed = w.next_seq() - 1;
    assert_eq!(number(&mut w), (sealed, 1));
    w.yes(Act::CloseShift { unsynced: 0 });
    let closed = w.next_seq() - 1;
    assert_eq!(w.no(Act::Reprint), Refusal::NotSignedIn);
    w.sign_in("staff2");
    assert_eq!(number(&mut w), (closed, 1), "the report of the shift before");
}

#[test]
fn more_than_three_reprints_need_a_supervisor() {
    let mut w = office();
    w.yes(claim(1));
    for expected in 1..=REPRINTS_MAX {
        assert_eq!(number(&mut w).1, expected);
    }
    assert_eq!(w.no(Act::Reprint), Refusal::NotPermitted { needs: vec![Role::Supervisor] });
    w.sign_in("boss");
    assert_eq!(number(&mut w).1, REPRINTS_MAX + 1);
}

#[test]
fn a_claim_that_was_taken_back_has_no_receipt() {
    let mut w = office();
    w.yes(claim(1));
    w.yes(void("boss"));
    assert_eq!(w.no(Act::Reprint), Refusal::NothingPrinted);
}

fn void(who: &str) -> Act {
    let Act::Claim { campaign, .. } = claim(1) else { panic!("a claim") };
    let reason = waypost_core::fact::RepairReason::Mistake;
    Act::VoidClaim { campaign, claim: None, approval: Some(badge(who)), pin: None, reason }
}
