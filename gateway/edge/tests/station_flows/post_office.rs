//! A post office.

use waypost_core::{
    fact::{
        Fact, SiteKind,
        id::{CampaignId, RoundId, SiteId},
    },
    rule::{
        Act,
        elsewhere::{FilterSays, HubSays, ServedElsewhere},
        order::{ElsewhereTerms, FilterList, Order, PieceEntry, WhenStale},
    },
};
use waypost_edge::panel::{Arg, Tone};

use crate::desk::{Desk, PIN_SUPERVISOR, STAFF, SUPERVISOR, at, order};

/// Numbers that are published as examples.
const PERSON: &str = "A123456(3)";
const OTHER: &str = "AB987654(3)";

fn office() -> Desk {
    let mut desk = Desk::with(SiteKind::PostOffice, STAFF);
    desk.serve_campaign(100);
    desk
}

#[test]
fn a_person_is_served_once_and_the_number_is_shown_masked() {
    let mut desk = office();
    let served = desk.scan(PERSON);
    assert_eq!((served.key, served.tone), ("yes-served", Tone::Yes));
    assert_eq!(served.screen.main.args, [("packs", Arg::Number(2))]);
    assert_eq!(served.line("line-document").args, [("masked", Arg::Text("A123****".to_owned()))]);
    desk.now.at = desk.now.at.plus_ms(5 * 60_000);
    let again = desk.scan(PERSON);
    assert_eq!((again.key, again.tone), ("refusal-already-served", Tone::No));
    assert_eq!(again.line("line-served-here").args, [("minutes", Arg::Number(5))]);
    assert_eq!(again.line("line-served-where").args[1].1, Arg::Text("2020-10-05 10:00".to_owned()));
    assert_eq!(again.line("line-appeal").args, [("where", Arg::Text("1823".to_owned()))]);
    assert!(!format!("{again:?}").contains("123456"));
}

#[test]
fn another_document_is_taken_by_its_kind() {
    let mut desk = office();
    assert_eq!(desk.scan_as("K 1234567", Some("passport")).key, "yes-served");
    assert_eq!(desk.scan_as("K 1234567", Some("library-card")).key, "refusal-document-not-taken");
    assert_eq!(desk.scan_as("?", Some("passport")).key, "scan-bad-document");
    assert_eq!(desk.scan_as("CMD-PROXY", Some("passport")).key, "ask-proxy-document", "a command stays one");
}

#[test]
fn a_proxy_shows_two_documents() {
    let mut desk = office();
    let served = desk.all(&[
        ("CMD-PROXY", "ask-proxy-document"),
        (OTHER, "ask-person-document"),
        (PERSON, "yes-served"),
    ]);
    assert!(served.has_line("line-by-proxy"));
    assert!(matches!(&served.act, Some(Act::Claim { proxy: Some(_), .. })));
    let next = desk.scan(OTHER);
    assert!(matches!(&next.act, Some(Act::Claim { proxy: None, .. })), "the proxy comes for themselves now");
    let same = desk.all(&[
        ("CMD-PROXY", "ask-proxy-document"),
        ("C123456(9)", "ask-person-document"),
        ("C123456(9)", "refusal-proxy-is-person"),
    ]);
    assert_eq!(same.tone, Tone::No);
}

#[test]
fn a_claim_is_taken_back_by_another_person_who_supervises() {
    let mut desk = office();
    desk.scan(PERSON);
    desk.all(&[("CMD-VOID", "ask-void-reason"), ("CMD-REASON-RETURNED", "ask-void-supervisor")]);
    let own = desk.scan(STAFF);
    assert_eq!(own.tone, Tone::No, "{own:#?}");
    let voided = desk.scan(SUPERVISOR);
    assert_eq!(voided.key, "yes-voided");
    assert!(
        matches!(&voided.facts[0], Fact::ClaimVoided { approved_by, mends, .. } if approved_by.as_str() == "s-supervisor" && *mends > 0)
    );
    assert_eq!(desk.scan(PERSON).key, "yes-served", "and may be served again");
}

#[test]
fn the_claim_of_a_person_is_taken_back_by_their_number() {
    let mut desk = office();
    desk.all(&[(PERSON, "yes-served"), (OTHER, "yes-served")]);
    let voided = desk.all(&[
        ("CMD-VOID", "ask-void-reason"),
        (PERSON, "ask-void-reason"),
        ("CMD-REASON-MISTAKE", "ask-void-supervisor"),
        (SUPERVISOR, "yes-voided"),
    ]);
    assert!(matches!(&voided.act, Some(Act::VoidClaim { claim: Some(_), .. })));
    desk.all(&[(OTHER, "refusal-already-served"), (PERSON, "yes-served")]);
}

/// A filter of the day's round is stale after an hour; it was made so many minutes ago.
fn office_among_others(when_stale: WhenStale, age_min: i64, hit: bool) -> Desk {
    let mut desk = Desk::with(SiteKind::PostOffice, STAFF);
    desk.serve_campaign_with(100, Some(ElsewhereTerms { stale_after_min: 60, when_stale }));
    let (campaign, round) = (CampaignId::new("masks-2020-10").unwrap(), RoundId::new("r2").unwrap());
    let as_of = desk.now.at.plus_ms(-age_min * 60_000);
    let pieces = vec![PieceEntry { digest: "ab".repeat(32), bytes: 100 }];
    let list = FilterList { campaign, round: round.clone(), as_of, pieces };
    let document = order(&list.id(), Order::Filter { list });
    desk.note(Act::ApplyOrder { document: Box::new(document) });
    desk.elsewhere.filters = vec![FilterSays { round, as_of, hit }];
    desk
}

#[test]
fn where_a_filter_hits_a_supervisor_decides_and_the_panel_says_why() {
    let mut desk = office_among_others(WhenStale::Serve, 5, true);
    let asked = desk.scan(PERSON);
    assert_eq!((asked.key, asked.tone), ("refusal-maybe-served", Tone::Ask));
    assert_eq!(asked.line("line-list-age").args, [("minutes", Arg::Number(5))]);
    assert_eq!(asked.line("line-appeal").args, [("where", Arg::Text("1823".to_owned()))]);
    assert_eq!((desk.frame().title.key, desk.choices()), ("title-decide", vec!["CMD-CANCEL".to_owned()]));
    // Whoever is at the counter cannot decide; a supervisor can, and keys a PIN where there is one.
    assert_eq!(desk.scan(STAFF).tone, Tone::No);
    let served = desk.all(&[(PIN_SUPERVISOR, "ask-pin"), ("97531", "yes-served")]);
    assert!(served.has_line("line-provisional-list"));
    assert_eq!(served.line("line-decided-by").args, [("person", Arg::Text("s-pin-supervisor".to_owned()))]);
    assert!(matches!(&served.facts[0], Fact::ClaimServed { provisional: true, approved_by: Some(_), .. }));
    assert_eq!(desk.frame().title.key, "title-masks", "decided");
    // Left: the next badge is a badge again.
    desk.all(&[
        (OTHER, "refusal-maybe-served"),
        ("CMD-CANCEL", "ask-document"),
        (SUPERVISOR, "yes-signed-in"),
    ]);
}

#[test]
fn the_age_of_a_stale_filter_stands_on_the_panel() {
    let age = |desk: &mut Desk| {
        let lines = desk.frame().lines;
        lines.into_iter().find(|line| line.key.starts_with("line-list-"))
    };
    let mut desk = office_among_others(WhenStale::Serve, 60, false);
    assert_eq!(age(&mut desk), None, "fresh");
    assert!(!desk.scan(PERSON).has_line("line-provisional-list"));
    let mut desk = office_among_others(WhenStale::Serve, 61, false);
    assert_eq!(age(&mut desk).unwrap().args, [("minutes", Arg::Number(61))]);
    assert!(desk.scan(PERSON).has_line("line-provisional-list"));
    let mut desk = office_among_others(WhenStale::AskSupervisor, 180, false);
    assert_eq!(age(&mut desk).unwrap().args, [("hours", Arg::Number(3))]);
    desk.all(&[(PERSON, "refusal-list-stale"), (SUPERVISOR, "yes-served")]);
    let mut desk = office_among_others(WhenStale::Refuse, 61, false);
    desk.all(&[(PERSON, "refusal-list-too-old"), (SUPERVISOR, "yes-signed-in")]);
}

#[test]
fn what_the_hub_says_of_another_office_is_shown_with_place_and_time() {
    let mut desk = office_among_others(WhenStale::Serve, 5, true);
    let served = ServedElsewhere {
        round: RoundId::new("r2").unwrap(),
        site: SiteId::new("SITE-THERE").unwrap(),
        at: at("09:20"),
    };
    desk.elsewhere.hub = Some(HubSays { served: vec![served] });
    let refused = desk.scan(PERSON);
    assert_eq!((refused.key, refused.tone), ("refusal-served-elsewhere", Tone::No));
    let place = refused.line("line-served-where").args.clone();
    assert_eq!(place[0].1, Arg::Text("SITE-THERE".to_owned()));
    assert_eq!(place[1].1, Arg::Text("2020-10-05 09:20".to_owned()));
    assert!(refused.has_line("line-appeal"));
    assert_eq!(desk.frame().title.key, "title-masks", "there is nothing to decide");
}

#[test]
fn without_a_campaign_nothing_is_hashed_or_handed_out() {
    let mut desk = Desk::with(SiteKind::PostOffice, STAFF);
    let shown = desk.scan(PERSON);
    assert_eq!((shown.key, shown.act), ("refusal-no-campaign", None));
}
