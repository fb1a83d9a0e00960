//! How many people who try twice are served twice, as a function of the filter's age and of the offices that are offline.
//!
//!     cargo run --release -p waypost-core --example leak_rate -- [SEED] [COUNTERS] [PEOPLE] [TWICE_PER_MILLE]
//!
//! A day from 09:00 to 17:00 at 300 counters, each an office of its own, with 250,000 people of whom 1 % try a second
//! time at another office, at least twenty minutes later. Each claim is decided by the real rule over a ledger of its
//! office, with real filters, asked as a gateway asks them, and with tokens of the real type. Tokens are random numbers
//! here: Argon2id would take hours and spreads them the same way.
//!
//! Every so many minutes the hub makes a filter of all it holds, and every office that is online has it at once: a
//! filter's age is anything between nothing and that interval. Offices that are offline are so all day: what they serve
//! is not at the hub before the evening, and their filter is the morning's, which is empty.
//!
//! Two ways are measured. *Filters alone*: the hub is never asked, a hit goes to a supervisor, and the supervisor sends
//! everybody away. *With the hub's answer*: offices that are online ask the hub where their filter hits, or where it is
//! older than an hour. The last line is one JSON object.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement stops at the first thing that is wrong"
)]

use std::{collections::HashMap, env};

use serde_json::json;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        ClockQuality, Fact, Moment, Role, SiteKind, WallTime,
        id::{CampaignId, GatewayId, OperatorId, RoundId, SiteId},
    },
    filter,
    rule::{
        Act, Decision, MemoryLedger, Place, Refusal, apply, decide,
        elsewhere::{Elsewhere, FilterSays, HubSays, ServedElsewhere, leaves_open},
        ledger::store,
        order::{CampaignTerms, ElsewhereTerms, Round, WhenStale},
        row::{CampaignRow, Desk, ONLY, StockRow},
    },
};

const DAY: &str = "2020-10-05";
/// 2020-10-05T09:00 in Hong Kong.
const OPENS_MS: i64 = 1_601_859_600_000;
const DAY_MS: u64 = 8 * 60 * MINUTE_MS;
const MINUTE_MS: u64 = 60_000;
/// From one office to another.
const WAY_MS: u64 = 20 * MINUTE_MS;
/// Where the hub is asked, it is asked about a filter that is older than this.
const STALE_AFTER_MIN: u32 = 60;
const AGES_MIN: [u64; 7] = [5, 15, 30, 60, 120, 240, 480];
const OFFLINE_PERCENT: [u64; 5] = [0, 1, 5, 20, 50];

/// Steele, Lea and Flood's SplitMix64: the same seed gives the same day.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Anything from 0 up to `end`, without `end`.
    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    fn token(&mut self) -> ClaimToken {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next().to_le_bytes());
        ClaimToken(bytes)
    }
}

/// Somebody comes to a counter.
struct Visit {
    at_ms: u64,
    office: usize,
    token: ClaimToken,
    second: bool,
}

/// An office and what it has written down.
struct Office {
    gateway: GatewayId,
    site: SiteId,
    ledger: MemoryLedger,
    records: u64,
    online: bool,
}

/// What came of a day.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// Second tries that were served, which the hub finds in the evening.
    leaked: u64,
    /// Honest people whom a filter's chance hit sent to a supervisor.
    sent_away: u64,
    /// Claims that were served as provisional.
    provisional: u64,
    /// Questions to the hub.
    questions: u64,
}

fn main() {
    let given = |at, default| env::args().nth(at).map_or(default, |text| text.parse().expect("a number"));
    let (seed, counters, people, twice_per_mille) =
        (given(1, 7), given(2, 300), given(3, 250_000), given(4, 10));
    let visits = visits(seed, counters, people, twice_per_mille);
    let twice = visits.iter().filter(|visit| visit.second).count() as u64;
    println!("{people} people at {counters} counters, of whom {twice} try twice; seed {seed}");
    let mut measured = Vec::new();
    for asks_hub in [false, true] {
        println!(
            "\n{}: of 100 who try twice, served twice",
            if asks_hub { "with the hub's answer" } else { "filters alone" }
        );
        print!("{:>20}", "a filter every");
        OFFLINE_PERCENT.iter().for_each(|percent| print!("{:>13}", format!("{percent} % offline")));
        println!();
        for age_min in AGES_MIN {
            print!("{:>20}", format!("{age_min} min"));
            for percent in OFFLINE_PERCENT {
                let outcome = day(&visits, counters, percent, age_min, asks_hub);
                let leak_percent = outcome.leaked as f64 * 100.0 / twice as f64;
                print!("{leak_percent:>13.2}");
                measured.push(json!({
                    "asks_hub": asks_hub, "every_min": age_min, "offline_percent": percent,
                    "leaked": outcome.leaked, "leak_percent": (leak_percent * 100.0).round() / 100.0,
                    "honest_to_supervisor": outcome.sent_away, "provisional": outcome.provisional,
                    "questions": outcome.questions,
                }));
            }
            println!();
        }
    }
    println!(
        "{}",
        json!({ "seed": seed, "counters": counters, "people": people, "twice": twice, "days": measured })
    );
}

/// Everybody who comes on that day, in order of time.
fn visits(seed: u64, counters: u64, people: u64, twice_per_mille: u64) -> Vec<Visit> {
    let mut dice = Dice(seed);
    let mut visits = Vec::new();
    for person in 0..people {
        let (token, office) = (dice.token(), dice.below(counters));
        let twice = person * twice_per_mille % 1000 < twice_per_mille;
        let last_ms = if twice { DAY_MS - WAY_MS } else { DAY_MS };
        let at_ms = dice.below(last_ms);
        let visit = |at_ms, office, second| Visit { at_ms, office: office as usize, token, second };
        visits.push(visit(at_ms, office, false));
        if twice {
            let other = (office + 1 + dice.below(counters - 1)) % counters;
            let again_ms = at_ms + WAY_MS + dice.below(DAY_MS - WAY_MS - at_ms);
            visits.push(visit(again_ms, other, true));
        }
    }
    visits.sort_by_key(|visit| visit.at_ms);
    visits
}

fn terms() -> CampaignTerms {
    CampaignTerms {
        id: CampaignId::new("masks").expect("an id"),
        name: "Masks".to_owned(),
        rounds: vec![Round {
            id: RoundId::new("r1").expect("an id"),
            from: DAY.to_owned(),
            until: DAY.to_owned(),
            packs_first: 1,
            packs_again: 1,
        }],
        hash: Default::default(),
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "Call 1823".to_owned(),
        disputes_until: None,
        elsewhere: Some(ElsewhereTerms { stale_after_min: STALE_AFTER_MIN, when_stale: WhenStale::Serve }),
    }
}

fn office(number: u64, terms: &CampaignTerms, operator: &OperatorId, online: bool) -> Office {
    let mut ledger = MemoryLedger::default();
    let desk = Desk {
        operator: Some(operator.clone()),
        role: Some(Role::Staff),
        day: Some(DAY.to_owned()),
        ..Desk::default()
    };
    store(&mut ledger, ONLY, desk).expect("a row");
    store(&mut ledger, terms.id.as_str(), CampaignRow { terms: terms.clone(), ended: false }).expect("a row");
    store(&mut ledger, "packs", StockRow { on_hand: 1_000_000, low: false }).expect("a row");
    Office {
        gateway: GatewayId::new(format!("post-{number}")).expect("an id"),
        site: SiteId::new(format!("SITE-{number}")).expect("an id"),
        ledger,
        records: 0,
        online,
    }
}

/// The hub's filter: the tokens that it held at a moment.
struct Filter {
    made_ms: u64,
    piece: Vec<u8>,
}

fn day(visits: &[Visit], counters: u64, offline_percent: u64, age_min: u64, asks_hub: bool) -> Outcome {
    let terms = terms();
    let operator = OperatorId::new("s-1").expect("an id");
    // Spread over the offices, and the same ones for each share.
    let online = |number: u64| number * 37 % counters >= counters * offline_percent / 100;
    let mut offices: Vec<_> =
        (0..counters).map(|number| office(number, &terms, &operator, online(number))).collect();
    let morning = Filter { made_ms: 0, piece: filter::build([]).expect("a filter") };
    let mut latest = Filter { made_ms: 0, piece: morning.piece.clone() };
    // What the hub holds: where and when each person was served.
    let mut hub: HashMap<ClaimToken, (SiteId, WallTime)> = HashMap::new();
    let mut outcome = Outcome::default();
    for visit in visits {
        let due_ms = visit.at_ms - visit.at_ms % (age_min * MINUTE_MS);
        if latest.made_ms < due_ms {
            latest = Filter { made_ms: due_ms, piece: filter::build(hub.keys().copied()).expect("a filter") };
        }
        let office = &mut offices[visit.office];
        let now = Moment { up_ms: visit.at_ms, at: at(visit.at_ms), clock: ClockQuality::Ntp };
        let known = if office.online { &latest } else { &morning };
        let says = FilterSays {
            round: terms.rounds[0].id.clone(),
            as_of: at(known.made_ms),
            hit: filter::contains(&known.piece, visit.token).expect("a piece"),
        };
        let mut elsewhere = Elsewhere { filters: vec![says], ..Elsewhere::default() };
        if asks_hub && office.online && leaves_open(&terms, DAY, &elsewhere, now) {
            outcome.questions += 1;
            let served = hub.get(&visit.token).map(|(site, at)| ServedElsewhere {
                round: terms.rounds[0].id.clone(),
                site: site.clone(),
                at: *at,
            });
            elsewhere.hub = Some(HubSays { served: served.into_iter().collect() });
        }
        let act = Act::Claim {
            campaign: terms.id.clone(),
            claim: visit.token,
            document: "hk".to_owned(),
            proxy: None,
            elsewhere,
        };
        match ask(office, now, &operator, &act) {
            Ok(provisional) => {
                outcome.leaked += u64::from(visit.second);
                outcome.provisional += u64::from(provisional);
                if office.online {
                    hub.entry(visit.token).or_insert((office.site.clone(), now.at));
                }
            }
            Err(_) if visit.second => {}
            Err(Refusal::MaybeServed { .. }) => outcome.sent_away += 1,
            Err(refusal) => panic!("an honest person was refused: {refusal:?}"),
        }
    }
    outcome
}

fn at(ms: u64) -> WallTime {
    WallTime(OPENS_MS + ms as i64)
}

/// Was the claim served, and was it provisional?
fn ask(office: &mut Office, now: Moment, operator: &OperatorId, act: &Act) -> Result<bool, Refusal> {
    let Office { gateway, site, ledger, records, .. } = office;
    let place = Place {
        gateway,
        site,
        kind: SiteKind::PostOffice,
        now,
        boot: 1,
        next_seq: *records + 1,
        by: Some(operator),
        box_tubes_max: 1,
        par: &[],
    };
    let facts = match decide(&place, ledger, act).expect("a ledger in memory") {
        Decision::Grant(facts) => facts,
        Decision::Refuse(refusal) => return Err(refusal),
        Decision::Already(already) => panic!("{already:?}"),
    };
    for fact in &facts {
        *records += 1;
        apply(&place, ledger, *records, fact, act).expect("a ledger in memory");
    }
    match facts.first() {
        Some(Fact::ClaimServed { provisional, .. }) => Ok(*provisional),
        other => panic!("{other:?}"),
    }
}
