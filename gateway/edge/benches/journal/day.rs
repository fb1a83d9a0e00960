//! The demonstration's mix of requests, and the rows that they come to.

use std::path::Path;

use uuid::Uuid;
use waypost_core::{
    code::claim::{ClaimParams, ClaimToken},
    fact::{
        Checklist, Fact, Link, Moment, MovementReason, Record, Role, SealReading, SealState, SiteKind,
        WallTime,
        id::{BoxId, CampaignId, GatewayId, ItemId, OperatorId, RoundId, SealId, SiteId, TubeId},
    },
    rule::{
        Act, Decision, Ledger, LedgerError, LedgerMut, MemoryLedger, Place, RowKind, apply, author, decide,
        order::{CampaignTerms, Order, OrderDocument, Round, Secret, StaffEntry},
        row::StaffRow,
    },
};
use waypost_edge::{
    clock::Clock,
    journal::{JournalConfig, Request, RequestId},
};

const NOON_MS: i64 = 1_599_105_600_000;
const TUBES_A_BOX: usize = 50;

/// One request and what it writes.
pub struct Step {
    pub request: Request,
    pub lines: Vec<(u64, Link, String)>,
    /// Changes of the ledger, in order; a row can come more than once.
    pub puts: Vec<Put>,
}

#[derive(Clone)]
pub struct Put {
    pub kind: u8,
    pub id: String,
    pub parent: Option<String>,
    /// None: taken away.
    pub body: Option<String>,
}

/// What one site does.
pub struct Day {
    pub name: &'static str,
    kind: SiteKind,
    /// Before the clock runs: orders, sign-in, goods.
    pub setup: Vec<Step>,
    pub steps: Vec<Step>,
}

impl Day {
    fn new(name: &'static str, kind: SiteKind, setup: Vec<Act>, acts: Vec<Act>) -> Self {
        let mut world = World::new(kind);
        let setup = setup.into_iter().map(|act| world.step(act)).collect();
        let steps = acts.into_iter().map(|act| world.step(act)).collect();
        Self { name, kind, setup, steps }
    }

    pub fn config(&self, dir: &Path) -> JournalConfig {
        JournalConfig {
            dir: dir.to_owned(),
            gateway: gateway(),
            site: site(),
            kind: self.kind,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: Clock::simulated(WallTime(NOON_MS), 1.0),
            track_max: 1000,
            journal: Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001),
        }
    }
}

/// Tubes into boxes of fifty; each box is closed and sealed.
pub fn testing_centre(tubes: usize) -> Day {
    let mut acts = Vec::new();
    for first in (0..tubes).step_by(TUBES_A_BOX) {
        let number = first / TUBES_A_BOX;
        let box_id = BoxId::new(format!("80030095010939{number:016}")).unwrap();
        acts.push(Act::StartBox { box_id: box_id.clone() });
        for tube in first..tubes.min(first + TUBES_A_BOX) {
            acts.push(Act::ScanTube { tube: TubeId::new(format!("T-{tube:08}")).unwrap(), booking: None });
        }
        acts.push(Act::CloseBox { checklist: Checklist::COMPLETE });
        let reading = SealReading {
            seal: SealId::new(format!("SEAL-{number:04}")).unwrap(),
            state: SealState::Closed,
            authentic: true,
            counter: Some(1000),
            event_count: Some(7),
            battery_percent: Some(90),
            pairing: 0,
        };
        acts.push(Act::SealBox { box_id, reading, mechanical: None, due: WallTime(NOON_MS + 5_400_000) });
    }
    Day::new("testing_centre", SiteKind::TestingCentre, vec![staff(), sign_in()], acts)
}

/// Persons served over the counter.
pub fn post_office(persons: usize) -> Day {
    let campaign = CampaignId::new("masks-2020-09").unwrap();
    let acts = (0..persons).map(|person| Act::Claim {
        campaign: campaign.clone(),
        // Tokens are scattered, as hashes are.
        claim: ClaimToken(
            (person as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
        ),
        document: "hk".to_owned(),
        proxy: None,
        elsewhere: Default::default(),
    });
    let terms = CampaignTerms {
        id: campaign.clone(),
        name: "Masks".to_owned(),
        rounds: vec![Round {
            id: RoundId::new("r1").unwrap(),
            from: "2020-09-01".to_owned(),
            until: "2020-09-30".to_owned(),
            packs_first: 2,
            packs_again: 1,
        }],
        hash: ClaimParams::default(),
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "1823".to_owned(),
        disputes_until: None,
        elsewhere: None,
    };
    let order = Order::Campaign { terms, key: Secret::new("00".repeat(32)) };
    let packs = Act::MoveStock {
        item: ItemId::new("packs").unwrap(),
        quantity: 900_000,
        reason: MovementReason::Received,
        with: None,
    };
    let setup = vec![staff(), sign_in(), document("masks-2020-09", order), packs];
    Day::new("post_office", SiteKind::PostOffice, setup, acts.collect())
}

fn badge() -> String {
    "ab".repeat(32)
}

fn sign_in() -> Act {
    Act::SignIn { badge: badge(), day: "2020-09-03".to_owned(), pin: None }
}

fn staff() -> Act {
    let person = StaffRow::without_pin(OperatorId::new("s-7f3a").unwrap(), Role::Supervisor);
    document("-", Order::Staff { people: vec![StaffEntry { badge: badge(), person }] })
}

fn document(id: &str, order: Order) -> Act {
    let document = OrderDocument {
        id: id.to_owned(),
        epoch: 1,
        number: 1,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order,
    };
    Act::ApplyOrder { document: Box::new(document) }
}

fn gateway() -> GatewayId {
    GatewayId::new("ctc-kwai-chung").unwrap()
}

fn site() -> SiteId {
    SiteId::new("SITE-CTC1").unwrap()
}

/// Plays the acts over a ledger in memory and keeps what they write.
struct World {
    gateway: GatewayId,
    site: SiteId,
    kind: SiteKind,
    ledger: Recorder,
    seq: u64,
    link: Link,
    requests: u64,
}

impl World {
    fn new(kind: SiteKind) -> Self {
        let ledger = Recorder { ledger: MemoryLedger::default(), puts: Vec::new() };
        // After the two records of a start.
        Self { gateway: gateway(), site: site(), kind, ledger, seq: 2, link: Link::START, requests: 0 }
    }

    fn step(&mut self, act: Act) -> Step {
        let now = Moment {
            up_ms: self.requests * 1000,
            at: WallTime(NOON_MS).plus_ms(self.requests as i64 * 1000),
            clock: waypost_core::fact::ClockQuality::Gnss,
        };
        let by = author(&self.place(now, None), &self.ledger, &act).unwrap();
        let decision = decide(&self.place(now, by.as_ref()), &self.ledger, &act).unwrap();
        let Decision::Grant(facts) = decision else { panic!("{act:?}: {decision:?}") };
        let lines = facts.into_iter().map(|fact| self.line(now, by.as_ref(), fact, &act)).collect();
        self.requests += 1;
        let id = RequestId::new(format!("{}/1/{}", self.gateway, self.requests)).unwrap();
        let request = Request { id, by: None, act };
        Step { request, lines, puts: std::mem::take(&mut self.ledger.puts) }
    }

    fn line(&mut self, now: Moment, by: Option<&OperatorId>, fact: Fact, act: &Act) -> (u64, Link, String) {
        let seq = self.seq + 1;
        let mut ledger = std::mem::take(&mut self.ledger);
        apply(&self.place(now, by), &mut ledger, seq, &fact, act).unwrap();
        self.ledger = ledger;
        let record =
            Record { seq, boot: 1, up_ms: now.up_ms, at: now.at, clock: now.clock, by: by.cloned(), fact };
        let line = record.to_line().unwrap();
        self.seq = seq;
        self.link = self.link.after(line.as_bytes());
        (seq, self.link, line)
    }

    fn place<'a>(&'a self, now: Moment, by: Option<&'a OperatorId>) -> Place<'a> {
        Place {
            gateway: &self.gateway,
            site: &self.site,
            kind: self.kind,
            now,
            boot: 1,
            next_seq: self.seq + 1,
            by,
            box_tubes_max: 50,
            par: &[],
        }
    }
}

/// A ledger in memory that keeps what is written to it.
#[derive(Default)]
struct Recorder {
    ledger: MemoryLedger,
    puts: Vec<Put>,
}

impl Ledger for Recorder {
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
        self.ledger.body(kind, id)
    }
    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
        self.ledger.children(kind, parent, most)
    }
    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
        self.ledger.ids(kind, most)
    }
}

impl LedgerMut for Recorder {
    fn put_body(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        body: &str,
    ) -> Result<(), LedgerError> {
        let (parent_owned, body_owned) = (parent.map(str::to_owned), Some(body.to_owned()));
        self.puts.push(Put { kind: kind as u8, id: id.to_owned(), parent: parent_owned, body: body_owned });
        self.ledger.put_body(kind, id, parent, body)
    }
    fn remove(&mut self, kind: RowKind, id: &str) -> Result<(), LedgerError> {
        self.puts.push(Put { kind: kind as u8, id: id.to_owned(), parent: None, body: None });
        self.ledger.remove(kind, id)
    }
}
