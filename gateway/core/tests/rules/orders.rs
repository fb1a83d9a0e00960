//! Orders.

use waypost_core::{
    fact::{
        ClockQuality, Fact,
        SiteKind::{Laboratory, PostOffice},
        id::FenceId,
        id::SealId,
    },
    rule::{
        Act, Already, Refusal,
        order::{FenceEntry, Order, OrderDocument, SealEntry, SealFormat, Secret, StaffEntry},
        row::{FenceRow, Manifest, ONLY, StaffRow},
    },
};

use crate::world::*;

fn apply(document: &OrderDocument) -> Act {
    Act::ApplyOrder { document: Box::new(document.clone()) }
}

fn staff(w: &mut World, people: Vec<StaffEntry>) -> OrderDocument {
    w.document(ONLY, Order::Staff { people })
}

fn key() -> Secret {
    Secret::new("ab".repeat(32))
}

#[test]
fn only_a_newer_order_comes_into_force() {
    let mut w = World::closed(PostOffice);
    let mut document = staff(&mut w, everybody());
    (document.epoch, document.number) = (3, 7);
    let facts = w.yes(apply(&document));
    let (order, id) = ("staff".into(), ONLY.into());
    assert_eq!(facts, [Fact::OrderApplied { order, id, epoch: 3, number: 7 }]);
    assert_eq!(w.already(apply(&document)), Already::OrderInForce);
    for (epoch, number) in [(3, 6), (2, 99)] {
        (document.epoch, document.number) = (epoch, number);
        assert_eq!(w.no(apply(&document)), Refusal::OrderOlder { epoch: 3, number: 7 });
    }
    (document.epoch, document.number) = (4, 1);
    w.yes(apply(&document));
}

#[test]
fn a_manifest_leaves_no_record_and_its_version_only_grows() {
    let mut w = World::closed(Laboratory);
    let mut document = w.document(ONLY, Order::Manifest { boxes: vec![listed("B1", &["T1"], "S1", 10, 4)] });
    (document.epoch, document.number) = (1, 7);
    assert_eq!(w.yes(apply(&document)), []);
    assert!(w.row::<Manifest>("B1").is_some());
    assert_eq!(w.already(apply(&document)), Already::OrderInForce);
    document.number = 6;
    assert_eq!(w.no(apply(&document)), Refusal::OrderOlder { epoch: 1, number: 7 });
}

#[test]
fn an_order_for_other_gateways_is_refused() {
    let mut w = World::closed(PostOffice);
    let mut document = staff(&mut w, everybody());
    document.to = vec!["gw-2".into(), "gw-3".into()];
    assert!(matches!(w.no(apply(&document)), Refusal::OrderInvalid { .. }));
    document.to.push("gw-1".into());
    w.yes(apply(&document));
}

#[test]
fn an_orders_dates_are_judged_only_with_a_clock_that_is_right() {
    let mut w = World::closed(PostOffice);
    let mut expired = staff(&mut w, everybody());
    expired.expires = Some(time(NOON).plus_ms(-1));
    let mut early = staff(&mut w, everybody());
    early.not_before = Some(time(NOON).plus_ms(1));
    for document in [expired, early] {
        assert!(matches!(w.no(apply(&document)), Refusal::OrderInvalid { .. }));
        w.now.clock = ClockQuality::Unset;
        w.yes(apply(&document));
        w.now.clock = ClockQuality::Gnss;
    }
}

#[test]
fn a_newer_list_replaces_the_older_one() {
    let mut w = World::closed(PostOffice);
    let mut people = everybody();
    people.truncate(2);
    w.order(ONLY, Order::Staff { people });
    assert!(w.row::<StaffRow>(&badge("staff2")).is_some());
    assert!(w.row::<StaffRow>(&badge("boss")).is_none());
    let fence = |id: &str| FenceEntry {
        id: FenceId::new(id).unwrap(),
        fence: FenceRow { site: site("LAB"), lat: 22.3, lon: 114.2, radius_m: 100.0 },
    };
    w.order(ONLY, Order::Fences { fences: vec![fence("a"), fence("b")] });
    w.order(ONLY, Order::Fences { fences: vec![fence("b")] });
    assert!(w.row::<FenceRow>("a").is_none() && w.row::<FenceRow>("b").is_some());
}

#[test]
fn an_order_that_cannot_be_is_refused_as_a_whole() {
    let mut w = World::closed(PostOffice);
    let campaign = |change: fn(&mut waypost_core::rule::order::CampaignTerms)| {
        let mut terms = terms(None);
        change(&mut terms);
        (CAMPAIGN, Order::Campaign { terms, key: key() })
    };
    let mut twice = everybody();
    twice.extend(everybody());
    let mut bad_badge = everybody();
    bad_badge[0].badge = "ABC".into();
    let fence = |lat: f64, radius_m: f64| {
        let fence = FenceRow { site: site("LAB"), lat, lon: 0.0, radius_m };
        (ONLY, Order::Fences { fences: vec![FenceEntry { id: FenceId::new("f").unwrap(), fence }] })
    };
    let seal = |id: &str, key: Option<&str>, format, beside: Option<&str>| SealEntry {
        seal: SealId::new(id).unwrap(),
        address: format!("address of {id}"),
        key: key.map(|key| Secret::new(key.into())),
        format,
        beside: beside.map(|beside| SealId::new(beside).unwrap()),
        interval_ms: None,
        pairing: 0,
    };
    let sixteen = Some("231d39c1d7cc1ab1aee224cd096db932");
    let orders = [
        campaign(|terms| terms.rounds.clear()),
        campaign(|terms| terms.documents.clear()),
        campaign(|terms| terms.rounds[0].until = "2020-10-05".into()),
        campaign(|terms| terms.rounds[0].from = "2020-09-31".into()),
        campaign(|terms| terms.rounds[0].until = "2020-08-01".into()),
        campaign(|terms| terms.rounds[1].id = terms.rounds[0].id.clone()),
        campaign(|terms| terms.rounds[0].packs_first = 0),
        campaign(|terms| terms.hash.m_kib = u32::MAX),
        ("other-id", Order::Campaign { terms: terms(None), key: key() }),
        (CAMPAIGN, Order::Campaign { terms: terms(None), key: Secret::new("xyz".into()) }),
        (ONLY, Order::Staff { people: twice }),
        (ONLY, Order::Staff { people: bad_badge }),
        ("one", Order::Staff { people: everybody() }),
        fence(91.0, 100.0),
        fence(f64::NAN, 100.0),
        fence(22.0, 19.0),
        fence(22.0, 5_001.0),
        (ONLY, Order::Seals { seals: vec![seal("S1", Some("short"), SealFormat::Bthome, None)] }),
        (ONLY, Order::Seals { seals: vec![seal("S1", sixteen, SealFormat::Ela, None)] }),
        (ONLY, Order::Seals { seals: vec![seal("T1", None, SealFormat::Minew, Some("S1"))] }),
        (
            ONLY,
            Order::Seals {
                seals: vec![
                    seal("S1", None, SealFormat::Bthome, None),
                    seal("T1", None, SealFormat::Minew, Some("S1")),
                ],
            },
        ),
        (ONLY, Order::Manifest { boxes: vec![listed("B1", &["T1", "T1"], "S1", 1, 1)] }),
    ];
    for (id, order) in orders {
        let document = w.document(id, order);
        let refusal = w.no(apply(&document));
        assert!(matches!(refusal, Refusal::OrderInvalid { .. }), "{document:?} gave {refusal:?}");
    }
}

#[test]
fn a_campaigns_key_is_not_in_the_ledger() {
    let mut w = World::closed(PostOffice);
    w.order(CAMPAIGN, Order::Campaign { terms: terms(None), key: key() });
    assert!(!format!("{:?}", w.ledger).contains("abababab"));
}
