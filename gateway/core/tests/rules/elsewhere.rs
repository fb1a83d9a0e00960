//! Claims at other offices: what filters and the hub say, and what follows.

use waypost_core::{
    fact::{ClockQuality, Fact, SiteKind::PostOffice, id::CampaignId, id::RoundId},
    rule::{
        Act, Refusal,
        elsewhere::{
            Elsewhere, FilterList, FilterRow, FilterSays, HubSays, PieceEntry, ServedElsewhere, leaves_open,
        },
        order::{ElsewhereTerms, Order, Secret, WhenStale},
        order_check,
        row::StockRow,
    },
};

use crate::world::*;

const MINUTE: i64 = 60_000;

/// A post office in the first round of a campaign with that policy; a filter is stale after an hour.
fn office(when_stale: WhenStale) -> World {
    office_with(when_stale, |_| {})
}

fn office_with(
    when_stale: WhenStale,
    change: impl FnOnce(&mut waypost_core::rule::order::CampaignTerms),
) -> World {
    let mut w = World::open(PostOffice);
    let mut terms = terms(None);
    terms.elsewhere = Some(ElsewhereTerms { stale_after_min: 60, when_stale });
    change(&mut terms);
    w.order(CAMPAIGN, Order::Campaign { terms, key: Secret::new("00".repeat(32)) });
    w.stock("packs", 100);
    w
}

fn round(id: &str) -> RoundId {
    RoundId::new(id).unwrap()
}

/// What the filter of a round said so many minutes ago.
fn says(w: &World, id: &str, age_min: i64, hit: bool) -> FilterSays {
    FilterSays { round: round(id), as_of: w.now.at.plus_ms(-age_min * MINUTE), hit }
}

fn filters(filters: Vec<FilterSays>) -> Elsewhere {
    Elsewhere { filters, ..Elsewhere::default() }
}

fn hub(served: &[(&str, &str)]) -> Elsewhere {
    let served = served.iter().map(|(id, at)| ServedElsewhere {
        round: round(id),
        site: site("SITE-9"),
        at: time(at),
    });
    Elsewhere { hub: Some(HubSays { served: served.collect() }), ..Elsewhere::default() }
}

fn ask(n: u8, known: Elsewhere) -> Act {
    let Act::Claim { campaign, claim, document, proxy, .. } = claim(n) else { unreachable!() };
    Act::Claim { campaign, claim, document, proxy, elsewhere: known }
}

fn approved(known: Elsewhere, by: &str) -> Elsewhere {
    Elsewhere { approval: Some(badge(by)), ..known }
}

/// Packs, whether provisional, and who agreed.
fn served(facts: &[Fact]) -> (u32, bool, Option<String>) {
    match facts.first() {
        Some(Fact::ClaimServed { packs, provisional, approved_by, .. }) => {
            (*packs, *provisional, approved_by.as_ref().map(ToString::to_string))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_claim_that_no_fresh_filter_knows_is_served_for_certain() {
    for when_stale in [WhenStale::Serve, WhenStale::AskSupervisor, WhenStale::Refuse] {
        let mut w = office(when_stale);
        for age_min in [0, 1, 60] {
            let known = filters(vec![says(&w, "r1", age_min, false), says(&w, "r2", 9_999, false)]);
            let n = u8::try_from(age_min).unwrap();
            assert_eq!(served(&w.yes(ask(n, known))), (2, false, None), "{age_min} minutes old");
        }
    }
}

#[test]
fn a_filters_hit_alone_never_refuses_but_asks_a_supervisor() {
    for when_stale in [WhenStale::Serve, WhenStale::AskSupervisor, WhenStale::Refuse] {
        for age_min in [5, 600] {
            let mut w = office(when_stale);
            let known = filters(vec![says(&w, "r1", age_min, true)]);
            let refusal = Refusal::MaybeServed { age_min: Some(age_min as u64), appeal: "Call 1823".into() };
            assert_eq!(w.no(ask(1, known.clone())), refusal);
            let granted = w.yes(ask(1, approved(known, "boss")));
            assert_eq!(served(&granted), (2, true, Some(person("boss").to_string())));
            assert!(matches!(w.no(claim(1)), Refusal::AlreadyServed { .. }), "and then it is exact here");
        }
    }
}

#[test]
fn the_supervisor_who_decides_is_a_supervisor_and_another_person() {
    let mut w = office(WhenStale::Serve);
    let known = filters(vec![says(&w, "r1", 5, true)]);
    assert_eq!(w.no(ask(1, approved(known.clone(), "stranger"))), Refusal::UnknownBadge);
    assert_eq!(w.no(ask(1, approved(known.clone(), "staff2"))), Refusal::NeedsSupervisor);
    w.sign_in("boss");
    assert_eq!(w.no(ask(1, approved(known.clone(), "boss"))), Refusal::SupervisorIsOperator);
    w.yes(ask(1, approved(known, "boss2")));
}

#[test]
fn the_supervisor_who_decides_keys_the_pin_where_there_is_one() {
    let mut w = office(WhenStale::Serve);
    let known = filters(vec![says(&w, "r1", 5, true)]);
    w.order(waypost_core::rule::row::ONLY, Order::Staff { people: everybody_with_pin() });
    assert_eq!(w.no(ask(1, approved(known.clone(), "boss"))), Refusal::NeedsPin);
    let with_pin = |right| Elsewhere { pin: proof("boss", right), ..approved(known.clone(), "boss") };
    let facts = w.yes(ask(1, with_pin(false)));
    assert!(matches!(facts.as_slice(), [Fact::PinRefused { attempts: 1, .. }]), "{facts:?}");
    assert_eq!(w.row::<StockRow>("packs").unwrap().on_hand, 100);
    served(&w.yes(ask(1, with_pin(true))));
    // The right one cleared the wrong one.
    let facts = w.yes(ask(2, with_pin(false)));
    assert!(matches!(facts.as_slice(), [Fact::PinRefused { attempts: 1, .. }]), "{facts:?}");
}

#[test]
fn a_stale_filter_serves_asks_or_refuses_as_the_campaign_says() {
    let appeal = || "Call 1823".to_owned();
    for (known_min, age_min) in [(Some(61), Some(61)), (Some(1_440), Some(1_440)), (None, None)] {
        let known = |w: &World| {
            filters(known_min.map(|min| says(w, "r1", min, false)).into_iter().collect::<Vec<_>>())
        };
        let mut w = office(WhenStale::Serve);
        let ask_now = ask(1, known(&w));
        assert_eq!(served(&w.yes(ask_now)), (2, true, None), "provisional");

        let mut w = office(WhenStale::AskSupervisor);
        let (known_now, age_min) = (known(&w), age_min.map(|min: i64| min as u64));
        assert_eq!(w.no(ask(1, known_now.clone())), Refusal::ListStale { age_min, appeal: appeal() });
        let granted = w.yes(ask(1, approved(known_now, "boss")));
        assert_eq!(served(&granted), (2, true, Some(person("boss").to_string())));

        let mut w = office(WhenStale::Refuse);
        let known_now = known(&w);
        let refusal = Refusal::ListTooOld { age_min, appeal: appeal() };
        assert_eq!(w.no(ask(1, known_now.clone())), refusal);
        assert_eq!(w.no(ask(1, approved(known_now, "boss"))), refusal, "no supervisor lifts it");
    }
}

#[test]
fn a_clock_that_is_not_right_makes_no_filter_stale() {
    let mut w = office(WhenStale::Refuse);
    let known = filters(vec![says(&w, "r1", 100_000, false)]);
    w.now.clock = ClockQuality::Unset;
    assert_eq!(served(&w.yes(ask(1, known))), (2, false, None));
    let refusal = w.no(ask(2, filters(Vec::new())));
    assert!(matches!(refusal, Refusal::ListTooOld { age_min: None, .. }), "none at all is none at all");
}

#[test]
fn the_hubs_word_is_exact_whatever_the_filters_say() {
    for hit in [true, false] {
        let mut w = office(WhenStale::Refuse);
        let filters = vec![says(&w, "r1", 9_999, hit)];
        let nothing = Elsewhere { filters: filters.clone(), ..hub(&[]) };
        assert_eq!(served(&w.yes(ask(1, nothing))), (2, false, None));
        let served_there = Elsewhere { filters, ..hub(&[("r1", "2020-09-02T03:00:00Z")]) };
        let refusal = Refusal::ServedElsewhere {
            site: site("SITE-9"),
            at: time("2020-09-02T03:00:00Z"),
            appeal: "Call 1823".into(),
        };
        assert_eq!(w.no(ask(2, served_there.clone())), refusal);
        assert_eq!(w.no(ask(2, approved(served_there, "boss"))), refusal, "no supervisor lifts it");
    }
}

#[test]
fn an_earlier_round_elsewhere_gives_what_a_second_time_gives() {
    let mut w = office(WhenStale::Serve);
    // By the hub's word it is certain, by a filter's it is not; the own ledger needs neither.
    let of_hub = hub(&[("r0", "2020-08-02T03:00:00Z")]);
    assert_eq!(served(&w.yes(ask(1, of_hub))), (1, false, None));
    let of_filter = |w: &World, hit| filters(vec![says(w, "r1", 5, false), says(w, "r0", 9_999, hit)]);
    let known = of_filter(&w, true);
    assert_eq!(served(&w.yes(ask(2, known))), (1, true, None));
    let known = of_filter(&w, false);
    assert_eq!(served(&w.yes(ask(3, known))), (2, false, None));
    w.yes(Act::CloseShift { unsynced: 0 });
    w.yes(Act::SignIn { badge: badge("staff"), day: "2020-10-05".into(), pin: None });
    let known = filters(vec![says(&w, "r2", 5, false), says(&w, "r1", 5, true)]);
    assert_eq!(served(&w.yes(ask(3, known))), (1, false, None), "the own ledger knows it");
}

#[test]
fn a_round_that_gives_nothing_again_asks_about_an_earlier_one_too() {
    let nothing_again =
        |terms: &mut waypost_core::rule::order::CampaignTerms| terms.rounds[0].packs_again = 0;
    let mut w = office_with(WhenStale::Serve, nothing_again);
    let known = filters(vec![says(&w, "r1", 5, false), says(&w, "r0", 5, true)]);
    assert!(matches!(w.no(ask(1, known.clone())), Refusal::MaybeServed { .. }));
    let granted = w.yes(ask(1, approved(known, "boss")));
    assert_eq!(served(&granted), (2, true, Some(person("boss").to_string())));
    let refusal = w.no(ask(2, hub(&[("r0", "2020-08-02T03:00:00Z")])));
    assert!(matches!(refusal, Refusal::ServedElsewhere { .. }));
}

#[test]
fn without_a_policy_only_the_own_ledger_counts() {
    let mut w = World::open(PostOffice);
    w.campaign(None);
    w.stock("packs", 100);
    let known = filters(vec![says(&w, "r1", 9_999, true)]);
    assert_eq!(served(&w.yes(ask(1, known))), (2, false, None));
}

#[test]
fn the_hub_is_asked_where_a_filter_hits_or_none_is_fresh() {
    let w = office(WhenStale::Serve);
    let mut terms = terms(None);
    let asks = |terms: &_, known: Vec<FilterSays>| leaves_open(terms, DAY, &filters(known), w.now);
    assert!(!asks(&terms, Vec::new()), "no policy");
    terms.elsewhere = Some(ElsewhereTerms { stale_after_min: 60, when_stale: WhenStale::Serve });
    for (known, open) in [
        (vec![], true),
        (vec![says(&w, "r1", 60, false)], false),
        (vec![says(&w, "r1", 61, false)], true),
        (vec![says(&w, "r1", 5, true)], true),
        (vec![says(&w, "r1", 5, false), says(&w, "r2", 9_999, false)], false),
        (vec![says(&w, "r1", 5, false), says(&w, "r2", 9_999, true)], true),
    ] {
        assert_eq!(asks(&terms, known.clone()), open, "{known:?}");
    }
    assert!(!leaves_open(&terms, "2020-10-01", &filters(Vec::new()), w.now), "on a day of no round");
}

fn list(as_of: &str) -> FilterList {
    FilterList {
        campaign: CampaignId::new(CAMPAIGN).unwrap(),
        round: round("r1"),
        as_of: time(as_of),
        pieces: vec![PieceEntry { digest: "ab".repeat(32), bytes: 100 }],
    }
}

#[test]
fn a_filter_comes_into_force_without_a_record_and_no_older_one_after_it() {
    let mut w = office(WhenStale::Serve);
    let (records, new) = (w.journal.len(), list(NOON));
    let id = new.id();
    let order = |w: &mut World, list: &FilterList| {
        let order = Order::Filter { list: list.clone() };
        let document = w.document(&list.id(), order);
        Act::ApplyOrder { document: Box::new(document) }
    };
    let (older, newer) = (order(&mut w, &list("2020-09-03T03:00:00Z")), order(&mut w, &new));
    assert_eq!(w.yes(newer), Vec::new());
    assert_eq!(w.row::<FilterRow>(&id), Some(FilterRow { as_of: time(NOON), list: new }));
    assert!(matches!(w.no(older), Refusal::OrderOlder { .. }));
    assert_eq!(w.journal.len(), records);
}

#[test]
fn a_filter_that_cannot_be_is_refused() {
    let mut w = office(WhenStale::Serve);
    let mut check = |id: &str, list: FilterList| {
        order_check::check(&w.document(id, Order::Filter { list })).map_err(|_| ())
    };
    let good = list(NOON);
    let id = good.id();
    let with = |pieces: Vec<(&str, u64)>| FilterList {
        pieces: pieces
            .into_iter()
            .map(|(digest, bytes)| PieceEntry { digest: digest.into(), bytes })
            .collect(),
        ..good.clone()
    };
    let (ab, cd) = ("ab".repeat(32), "cd".repeat(32));
    assert_eq!(check(&id, good.clone()), Ok(()));
    assert_eq!(check(&id, with(vec![(&ab, 100), (&cd, 32 * 1024 * 1024)])), Ok(()));
    assert!(check("masks", good.clone()).is_err());
    assert!(check(&id, with(vec![])).is_err());
    assert!(check(&id, with(vec![(&ab, 100), (&ab, 100)])).is_err());
    assert!(check(&id, with(vec![(&ab, 3)])).is_err());
    assert!(check(&id, with(vec![(&ab, 32 * 1024 * 1024 + 1)])).is_err());
    assert!(check(&id, with(vec![("../../etc/passwd", 100)])).is_err());
    let many: Vec<String> = (0..34).map(|n| format!("{n:064x}")).collect();
    assert!(check(&id, with(many.iter().map(|digest| (digest.as_str(), 100)).collect())).is_err());
}
