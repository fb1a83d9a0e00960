//! The end of a campaign and of its keys.

use waypost_core::{
    fact::{ClockQuality, Fact, SiteKind::PostOffice, id::CampaignId},
    rule::{
        Act, Already, Refusal,
        order::{Order, OrderDocument, Secret},
        row::CampaignRow,
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
    Act::EndCampaign { campaign: id(), hub_time: time(hub_time) }
}

#[test]
fn a_campaign_ends_when_its_disputes_are_over_by_the_hubs_time() {
    let mut w = World::open(PostOffice);
    assert_eq!(w.no(end(OVER)), Refusal::NoCampaign);
    let order = ending(&mut w);
    w.yes(apply(&order));
    // The gateway's own clock, however good it says it is, ends nothing.
    w.now.at = time("2031-01-01T00:00:00Z");
    assert_eq!(w.no(end("2020-12-01T11:59:59.999Z")), Refusal::CampaignNotOver);
    assert_eq!(w.yes(end(OVER)), [Fact::CampaignKeysDestroyed { campaign: id() }]);
    assert!(w.row::<CampaignRow>(CAMPAIGN).unwrap().ended);
    assert_eq!(w.already(end(OVER)), Already::CampaignEnded);
}

#[test]
fn a_campaign_without_an_end_for_disputes_does_not_end() {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    assert_eq!(w.no(end("2099-01-01T00:00:00Z")), Refusal::CampaignNotOver);
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
