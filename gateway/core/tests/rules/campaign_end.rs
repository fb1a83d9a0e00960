//! The end of a campaign and of its keys.

use waypost_core::{
    fact::{
        ClockQuality, Fact,
        SiteKind::PostOffice,
        id::{CampaignId, RoundId},
    },
    rule::{
        Act, Already, Refusal,
        campaign_end::OWN_CLOCK_AFTER_MS,
        elsewhere::{FilterList, FilterRow, PieceEntry},
        order::{Order, OrderDocument, Secret},
        row::{CampaignRow, OrderRow},
    },
    wire::secret_key::SecretPublicKey,
};

use crate::world::*;

/// The last day for disputes of [`ending`] is over in the last time zone from then on.
const OVER: &str = "2020-12-01T12:00:00Z";

fn id() -> CampaignId {
    CampaignId::new(CAMPAIGN).unwrap()
}

fn ending(w: &mut World) -> OrderDocument {
    let mut terms = terms(None);
    terms.disputes_until = Some("2020-11-30".into());
    w.document(CAMPAIGN, Order::Campaign { terms, key: Secret::new("00".repeat(32)) })
}

fn apply(document: &OrderDocument) -> Act {
    Act::ApplyOrder { document: Box::new(document.clone()) }
}

fn end(hub_time: &str) -> Act {
    Act::EndCampaign { campaign: id(), hub_time: Some(time(hub_time)) }
}

#[test]
fn a_campaign_ends_when_its_disputes_are_over_by_the_hubs_time() {
    let mut w = World::open(PostOffice);
    assert_eq!(w.no(end(OVER)), Refusal::NoCampaign);
    let order = ending(&mut w);
    w.yes(apply(&order));
    // Where the hub is heard, the gateway's own clock ends nothing, however good it says it is.
    w.now.at = time("2031-01-01T00:00:00Z");
    assert_eq!(w.no(end("2020-12-01T11:59:59.999Z")), Refusal::CampaignNotOver);
    assert_eq!(w.yes(end(OVER)), [Fact::CampaignKeysDestroyed { campaign: id() }]);
    assert!(w.row::<CampaignRow>(CAMPAIGN).unwrap().ended);
    assert_eq!(w.already(end(OVER)), Already::CampaignEnded);
}

#[test]
fn without_the_hub_a_campaign_ends_by_a_clock_that_is_right_and_long_after_its_end() {
    let mut w = World::open(PostOffice);
    let order = ending(&mut w);
    w.yes(apply(&order));
    let by_own_clock = || Act::EndCampaign { campaign: id(), hub_time: None };
    let long_after = time(OVER).plus_ms(OWN_CLOCK_AFTER_MS);
    for (at, clock) in [
        (long_after.plus_ms(-1), ClockQuality::Gnss),
        (time("2031-01-01T00:00:00Z"), ClockQuality::Rtc),
        (time("2031-01-01T00:00:00Z"), ClockQuality::Unset),
    ] {
        (w.now.at, w.now.clock) = (at, clock);
        assert_eq!(w.no(by_own_clock()), Refusal::CampaignNotOver, "{at} {clock:?}");
    }
    (w.now.at, w.now.clock) = (long_after, ClockQuality::Gnss);
    assert_eq!(w.yes(by_own_clock()), [Fact::CampaignKeysDestroyed { campaign: id() }]);
    assert!(w.row::<CampaignRow>(CAMPAIGN).unwrap().ended);
}

#[test]
fn a_campaign_without_an_end_for_disputes_does_not_end() {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    assert_eq!(w.no(end("2099-01-01T00:00:00Z")), Refusal::CampaignNotOver);
    w.now.at = time("2099-01-01T00:00:00Z");
    let by_own_clock = Act::EndCampaign { campaign: id(), hub_time: None };
    assert_eq!(w.no(by_own_clock), Refusal::CampaignNotOver);
}

#[test]
fn the_filters_of_a_campaign_that_ended_leave_the_ledger_and_none_comes_back() {
    let mut w = World::open(PostOffice);
    let order = ending(&mut w);
    let Order::Campaign { terms, .. } = &order.order else { unreachable!() };
    let filter = |w: &mut World, campaign: &str, round: &RoundId| {
        let list = FilterList {
            campaign: CampaignId::new(campaign).unwrap(),
            round: round.clone(),
            as_of: time("2020-10-10T00:00:00Z"),
            pieces: vec![PieceEntry { digest: "0".repeat(64), bytes: 64 }],
        };
        w.document(&list.id(), Order::Filter { list })
    };
    let round = terms.rounds[0].id.clone();
    let its = format!("{CAMPAIGN}.{round}");
    w.yes(apply(&order));
    for campaign in [CAMPAIGN, "other"] {
        let list = filter(&mut w, campaign, &round);
        w.yes(apply(&list));
    }
    assert!(w.row::<FilterRow>(&its).is_some());
    w.yes(end(OVER));
    assert_eq!(w.row::<FilterRow>(&its), None);
    assert_eq!(w.row::<OrderRow>(&format!("filter/{its}")), None);
    assert!(w.row::<FilterRow>(&format!("other.{round}")).is_some(), "that of another campaign stays");
    let again = filter(&mut w, CAMPAIGN, &round);
    assert_eq!(w.already(apply(&again)), Already::CampaignEnded);
    assert_eq!(w.row::<FilterRow>(&its), None);
}

#[test]
fn a_campaign_that_ended_serves_nobody_and_does_not_come_back() {
    let mut w = World::open(PostOffice);
    w.stock("PACKS", 10);
    let mut order = ending(&mut w);
    w.yes(apply(&order));
    w.yes(end(OVER));
    assert_eq!(w.no(claim(1)), Refusal::NoCampaign);
    let pair = Act::MakeCampaignPair { campaign: id(), key: SecretPublicKey::from_bytes([1; 32]) };
    assert_eq!(w.already(pair), Already::CampaignEnded);
    order.number += 1;
    w.now.clock = ClockQuality::Unset;
    assert_eq!(w.already(apply(&order)), Already::CampaignEnded);
}

#[test]
fn a_campaign_that_is_over_comes_not_into_force_where_the_clock_is_right() {
    let mut w = World::closed(PostOffice);
    let order = ending(&mut w);
    w.now.at = time(OVER);
    assert_eq!(w.already(apply(&order)), Already::CampaignEnded);
    w.now.clock = ClockQuality::Rtc;
    w.yes(apply(&order));
}

#[test]
fn disputes_end_on_a_day_that_is_one_and_not_before_the_rounds() {
    let mut w = World::closed(PostOffice);
    for last in ["2020-10-30", "soon", "2020-11-31"] {
        let mut order = ending(&mut w);
        let Order::Campaign { terms, .. } = &mut order.order else { unreachable!() };
        terms.disputes_until = Some(last.into());
        assert!(matches!(w.no(apply(&order)), Refusal::OrderInvalid { .. }), "{last}");
    }
}

#[test]
fn a_pair_for_a_campaign_is_on_record_with_its_public_half_alone() {
    let mut w = World::closed(PostOffice);
    let key = SecretPublicKey::from_bytes([7; 32]);
    let made = w.yes(Act::MakeCampaignPair { campaign: id(), key });
    assert_eq!(made, [Fact::CampaignPairMade { campaign: id(), key }]);
}
