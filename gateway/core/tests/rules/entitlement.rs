//! Masks.

use waypost_core::{
    code::claim::ClaimToken,
    fact::{Fact, RepairReason, SiteKind::PostOffice, id::CampaignId},
    rule::{Act, Refusal, order::Order, order::Secret, row::StockRow},
};

use crate::world::*;

fn post_office() -> World {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    w.stock("packs", 100);
    w
}

/// Closes the shift and begins the next one on another day.
fn on_day(w: &mut World, day: &str) {
    w.yes(Act::CloseShift { unsynced: 0 });
    w.yes(Act::SignIn { badge: badge("staff"), day: day.into(), pin: None });
}

fn packs(facts: &[Fact]) -> u32 {
    match facts.first() {
        Some(Fact::ClaimServed { packs, .. }) => *packs,
        other => panic!("{other:?}"),
    }
}

fn void(claim: Option<ClaimToken>, approval: Option<&str>) -> Act {
    Act::VoidClaim {
        campaign: CampaignId::new(CAMPAIGN).unwrap(),
        claim,
        approval: approval.map(badge),
        pin: None,
        reason: RepairReason::Mistake,
    }
}

#[test]
fn a_person_is_served_once_a_round() {
    let mut w = post_office();
    let seq = w.next_seq();
    assert_eq!(packs(&w.yes(claim(1))), 2);
    w.later(60_000);
    assert_eq!(
        w.no(claim(1)),
        Refusal::AlreadyServed { site: site("SITE-1"), at: time(NOON), seq, appeal: "Call 1823".into() }
    );
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 98);
}

#[test]
fn packs_are_by_history() {
    let mut w = post_office();
    assert_eq!(packs(&w.yes(claim(1))), 2);
    on_day(&mut w, "2020-10-05");
    assert_eq!(packs(&w.yes(claim(1))), 1, "served in an earlier round");
    assert_eq!(packs(&w.yes(claim(2))), 2, "never served");
    assert!(matches!(w.no(claim(1)), Refusal::AlreadyServed { .. }));
}

#[test]
fn a_round_may_give_nothing_to_who_was_served_before() {
    let mut w = post_office();
    let mut terms = terms(None);
    terms.rounds[1].packs_again = 0;
    w.order(CAMPAIGN, Order::Campaign { terms, key: Secret::new("00".repeat(32)) });
    w.yes(claim(1));
    on_day(&mut w, "2020-10-31");
    assert!(matches!(w.no(claim(1)), Refusal::AlreadyServed { .. }));
    assert_eq!(packs(&w.yes(claim(2))), 2);
}

#[test]
fn claims_are_served_on_the_days_of_a_round_only() {
    for (day, open) in [
        ("2020-08-31", false),
        ("2020-09-01", true),
        ("2020-09-30", true),
        ("2020-10-01", false),
        ("2020-10-31", true),
        ("2020-11-01", false),
    ] {
        let mut w = post_office();
        on_day(&mut w, day);
        if open {
            w.yes(claim(1));
        } else {
            assert_eq!(w.no(claim(1)), Refusal::NoCampaign, "{day}");
        }
    }
}

#[test]
fn an_unknown_campaign_or_document_is_refused() {
    let mut w = post_office();
    let campaign = CampaignId::new("masks-1999").unwrap();
    let act = Act::Claim {
        campaign,
        claim: token(1),
        document: "hk".into(),
        proxy: None,
        elsewhere: Default::default(),
    };
    assert_eq!(w.no(act), Refusal::NoCampaign);
    let campaign = CampaignId::new(CAMPAIGN).unwrap();
    let act = Act::Claim {
        campaign,
        claim: token(1),
        document: "library-card".into(),
        proxy: None,
        elsewhere: Default::default(),
    };
    assert_eq!(w.no(act), Refusal::DocumentNotTaken);
}

#[test]
fn a_site_serves_no_more_than_its_quota_of_the_day() {
    let mut w = World::open(PostOffice);
    w.campaign(Some(2));
    w.stock("packs", 100);
    w.yes(claim(1));
    w.yes(claim(2));
    assert_eq!(w.no(claim(3)), Refusal::QuotaReached { daily_quota: 2 });
    w.yes(void(Some(token(1)), Some("boss")));
    w.yes(claim(3));
    assert_eq!(w.no(claim(4)), Refusal::QuotaReached { daily_quota: 2 });
    on_day(&mut w, "2020-09-04");
    w.yes(claim(4));
}

#[test]
fn a_proxy_fetches_for_two_on_one_occasion() {
    let mut w = post_office();
    w.yes(claim_by_proxy(1, 9));
    w.yes(claim_by_proxy(2, 9));
    assert_eq!(w.no(claim_by_proxy(3, 9)), Refusal::ProxyLimit { proxies_max: 2 });
    w.yes(void(Some(token(2)), Some("boss")));
    w.yes(claim_by_proxy(3, 9));
    w.yes(claim_by_proxy(4, 8));
    w.yes(claim(9));
    on_day(&mut w, "2020-09-04");
    w.yes(claim_by_proxy(5, 9));
}

#[test]
fn a_proxy_is_not_the_person() {
    assert_eq!(post_office().no(claim_by_proxy(1, 1)), Refusal::ProxyIsPerson);
}

#[test]
fn no_claim_is_served_without_packs() {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    w.stock("packs", 3);
    w.yes(claim(1));
    assert_eq!(w.no(claim(2)), Refusal::OutOfStock { on_hand: 1 });
}

#[test]
fn a_void_needs_the_badge_of_a_supervisor_who_is_another_person() {
    let mut w = post_office();
    let mends = w.next_seq();
    w.yes(claim(1));
    assert_eq!(w.no(void(None, None)), Refusal::NeedsSupervisor);
    assert_eq!(w.no(void(None, Some("stranger"))), Refusal::UnknownBadge);
    assert_eq!(w.no(void(None, Some("staff2"))), Refusal::NeedsSupervisor);
    w.sign_in("boss");
    assert_eq!(w.no(void(None, Some("boss"))), Refusal::SupervisorIsOperator);
    let facts = w.yes(void(None, Some("boss2")));
    let [Fact::ClaimVoided { packs: 2, mends: named, approved_by, .. }] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert_eq!((*named, approved_by), (mends, &person("boss2")));
}

#[test]
fn a_voided_claim_gives_its_packs_back_and_may_be_served_again() {
    let mut w = post_office();
    w.yes(claim(1));
    w.yes(void(None, Some("boss")));
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 100);
    assert_eq!((w.desk().counts.claims_served, w.desk().counts.packs), (0, 0));
    assert_eq!(w.no(void(Some(token(1)), Some("boss"))), Refusal::NoClaim);
    assert_eq!(packs(&w.yes(claim(1))), 2, "as if never served");
    assert!(matches!(w.no(claim(1)), Refusal::AlreadyServed { .. }));
}

#[test]
fn only_a_claim_served_here_is_voided() {
    let mut w = post_office();
    assert_eq!(w.no(void(None, Some("boss"))), Refusal::NoClaim);
    assert_eq!(w.no(void(Some(token(7)), Some("boss"))), Refusal::NoClaim);
}
