//! A gateway without its journal: decides, numbers and applies, and checks what must hold after every act.
#![allow(dead_code, reason = "each test crate that shares this file uses a part of it")]

use waypost_core::{
    code::{
        claim::ClaimToken,
        pin::{Hex, PinVerifier},
    },
    fact::{
        Checklist, ClockQuality, Fact, Moment, MovementReason, Role, SealReading, SealState, SiteKind,
        WallTime,
        id::{BoxId, CampaignId, GatewayId, ItemId, OperatorId, RoundId, SealId, SiteId, TubeId},
    },
    rule::{
        Act, Already, Decision, MemoryLedger, Place, Refusal, apply, author, decide,
        ledger::{Row, load},
        order::{CampaignTerms, Order, OrderDocument, Round, Secret, StaffEntry},
        pin::PinProof,
        row::{Desk, Manifest, ONLY, PinRule, StaffRow},
        take,
    },
};

/// The day on which tests happen, and its noon in Hong Kong.
pub const DAY: &str = "2020-09-03";
pub const NOON: &str = "2020-09-03T04:00:00Z";
pub const DUE: &str = "2020-09-03T07:00:00Z";

/// A fact with what its record would say.
#[derive(Debug, Clone)]
pub struct Noted {
    pub seq: u64,
    pub now: Moment,
    pub boot: u32,
    pub by: Option<OperatorId>,
    pub fact: Fact,
    pub act: Act,
}

pub struct World {
    pub gateway: GatewayId,
    pub site: SiteId,
    pub kind: SiteKind,
    pub ledger: MemoryLedger,
    pub now: Moment,
    pub boot: u32,
    pub box_tubes_max: u32,
    pub par: Vec<(ItemId, i64)>,
    pub journal: Vec<Noted>,
    /// What was granted without a record, and after how many records.
    pub taken: Vec<(u64, Act)>,
    pub orders: u64,
}

impl World {
    /// A site with its staff order, and nobody signed in.
    pub fn closed(kind: SiteKind) -> Self {
        let now = Moment { up_ms: 1_000, at: time(NOON), clock: ClockQuality::Gnss };
        let mut world = Self {
            gateway: GatewayId::new("gw-1").unwrap(),
            site: site("SITE-1"),
            kind,
            ledger: MemoryLedger::default(),
            now,
            boot: 1,
            box_tubes_max: 50,
            par: Vec::new(),
            journal: Vec::new(),
            taken: Vec::new(),
            orders: 0,
        };
        world.order(ONLY, Order::Staff { people: everybody() });
        world
    }

    /// A site at work, with the person who usually does it.
    pub fn open(kind: SiteKind) -> Self {
        let mut world = Self::closed(kind);
        world.sign_in(match kind {
            SiteKind::Vehicle => "driver",
            SiteKind::Laboratory => "lab",
            _ => "staff",
        });
        world
    }

    pub fn sign_in(&mut self, who: &str) {
        self.yes(Act::SignIn { badge: badge(who), day: DAY.into(), pin: None });
    }

    pub fn place<'a>(&'a self, by: Option<&'a OperatorId>) -> Place<'a> {
        Place {
            gateway: &self.gateway,
            site: &self.site,
            kind: self.kind,
            now: self.now,
            boot: self.boot,
            next_seq: self.next_seq(),
            by,
            box_tubes_max: self.box_tubes_max,
            par: &self.par,
        }
    }

    pub fn next_seq(&self) -> u64 {
        self.journal.len() as u64 + 1
    }

    /// Asks as whoever is signed in.
    pub fn ask(&mut self, act: Act) -> Decision {
        let by = author(&self.place(None), &self.ledger, &act).unwrap();
        self.ask_as(act, by)
    }

    pub fn ask_as(&mut self, act: Act, by: Option<OperatorId>) -> Decision {
        let decision = decide(&self.place(by.as_ref()), &self.ledger, &act).unwrap();
        if let Decision::Grant(facts) = &decision {
            for fact in facts {
                let seq = self.next_seq();
                let mut ledger = std::mem::take(&mut self.ledger);
                apply(&self.place(by.as_ref()), &mut ledger, seq, fact, &act).unwrap();
                self.ledger = ledger;
                let (now, boot, by) = (self.now, self.boot, by.clone());
                self.journal.push(Noted { seq, now, boot, by, fact: fact.clone(), act: act.clone() });
            }
            let mut ledger = std::mem::take(&mut self.ledger);
            let seq = self.journal.len() as u64;
            take(&self.place(by.as_ref()), &mut ledger, seq, &act).unwrap();
            self.ledger = ledger;
            if matches!(act, Act::ApplyOrder { .. }) {
                self.taken.push((seq, act));
            }
        }
        decision
    }

    #[track_caller]
    pub fn yes(&mut self, act: Act) -> Vec<Fact> {
        match self.ask(act.clone()) {
            Decision::Grant(facts) => facts,
            other => panic!("{act:?} gave {other:?}"),
        }
    }

    #[track_caller]
    pub fn no(&mut self, act: Act) -> Refusal {
        let before = self.ledger.clone();
        let answer = self.ask(act.clone());
        assert_eq!(self.ledger, before, "a refusal leaves the ledger as it was");
        match answer {
            Decision::Refuse(refusal) => refusal,
            other => panic!("{act:?} gave {other:?}"),
        }
    }

    #[track_caller]
    pub fn already(&mut self, act: Act) -> Already {
        match self.ask(act.clone()) {
            Decision::Already(already) => already,
            other => panic!("{act:?} gave {other:?}"),
        }
    }

    pub fn order(&mut self, id: &str, order: Order) -> Vec<Fact> {
        let document = self.document(id, order);
        self.yes(Act::ApplyOrder { document: Box::new(document) })
    }

    pub fn document(&mut self, id: &str, order: Order) -> OrderDocument {
        self.orders += 1;
        OrderDocument {
            id: id.into(),
            epoch: 1,
            number: self.orders,
            not_before: None,
            expires: None,
            to: Vec::new(),
            order,
        }
    }

    pub fn row<R: Row>(&self, id: &str) -> Option<R> {
        load(&self.ledger, id).unwrap()
    }

    pub fn desk(&self) -> Desk {
        self.row(ONLY).unwrap_or_default()
    }

    pub fn later(&mut self, ms: i64) {
        self.now.up_ms = self.now.up_ms.checked_add_signed(ms).unwrap();
        self.now.at = self.now.at.plus_ms(ms);
    }

    // --- the steps at a centre, as far as a test needs them ---

    pub fn scan(&mut self, tube: &str) -> Vec<Fact> {
        self.yes(scan(tube))
    }

    /// A box with these tubes, closed.
    pub fn close(&mut self, name: &str, tubes: &[&str]) {
        self.yes(Act::StartBox { box_id: box_id(name) });
        for tube in tubes {
            self.scan(tube);
        }
        self.yes(Act::CloseBox { checklist: Checklist::COMPLETE });
    }

    /// A box with these tubes, sealed with `reading`.
    pub fn seal(&mut self, name: &str, tubes: &[&str], reading: SealReading) {
        self.close(name, tubes);
        self.yes(seal_box(name, reading));
    }

    pub fn manifest(&mut self, boxes: Vec<Manifest>) -> Vec<Fact> {
        self.order(ONLY, Order::Manifest { boxes })
    }

    /// A campaign of two rounds: 2 packs and 1, then 2 and 1; two proxies an occasion.
    pub fn campaign(&mut self, daily_quota: Option<u32>) {
        let terms = terms(daily_quota);
        self.order(CAMPAIGN, Order::Campaign { terms, key: Secret::new("00".repeat(32)) });
    }

    pub fn stock(&mut self, item: &str, quantity: i64) -> Vec<Fact> {
        self.yes(move_stock(item, quantity))
    }
}

pub const CAMPAIGN: &str = "masks-2020-10";

pub fn terms(daily_quota: Option<u32>) -> CampaignTerms {
    let round = |id: &str, from: &str, until: &str| Round {
        id: RoundId::new(id).unwrap(),
        from: from.into(),
        until: until.into(),
        packs_first: 2,
        packs_again: 1,
    };
    CampaignTerms {
        id: CampaignId::new(CAMPAIGN).unwrap(),
        name: "Masks".into(),
        rounds: vec![round("r1", "2020-09-01", "2020-09-30"), round("r2", "2020-10-05", "2020-10-31")],
        hash: Default::default(),
        documents: vec!["hk".into()],
        proxies_max: 2,
        daily_quota,
        appeal: "Call 1823".into(),
        disputes_until: None,
        elsewhere: None,
    }
}

pub fn everybody() -> Vec<StaffEntry> {
    let entry =
        |who: &str, role| StaffEntry { badge: badge(who), person: StaffRow::without_pin(person(who), role) };
    vec![
        entry("staff", Role::Staff),
        entry("staff2", Role::Staff),
        entry("boss", Role::Supervisor),
        entry("boss2", Role::Supervisor),
        entry("driver", Role::Driver),
        entry("lab", Role::Laboratory),
        entry("fitter", Role::Maintainer),
    ]
}

/// The same people, and all of them have a PIN.
pub fn everybody_with_pin() -> Vec<StaffEntry> {
    let mut people = everybody();
    for entry in &mut people {
        let hash = Hex([entry.person.operator.as_str().len() as u8; 32]);
        let verifier = PinVerifier { m_kib: 64, t: 1, p: 1, salt: Hex([1; 16]), hash };
        entry.person.pin = PinRule::Argon2id(verifier);
    }
    people
}

/// What came of a PIN, against the verifier that [`everybody_with_pin`] gives.
pub fn proof(who: &str, right: bool) -> Option<PinProof> {
    Some(PinProof { against: Hex([person(who).as_str().len() as u8; 32]), right })
}

/// Looks like the SHA-256 of a badge.
pub fn badge(who: &str) -> String {
    who.bytes().cycle().take(32).map(|byte| format!("{byte:02x}")).collect()
}

pub fn person(who: &str) -> OperatorId {
    OperatorId::new(format!("p-{who}")).unwrap()
}

pub fn site(id: &str) -> SiteId {
    SiteId::new(id).unwrap()
}

pub fn tube(id: &str) -> TubeId {
    TubeId::new(id).unwrap()
}

pub fn box_id(id: &str) -> BoxId {
    BoxId::new(id).unwrap()
}

pub fn time(text: &str) -> WallTime {
    text.parse().unwrap()
}

pub fn token(n: u8) -> ClaimToken {
    ClaimToken([n; 16])
}

pub fn scan(id: &str) -> Act {
    Act::ScanTube { tube: tube(id), booking: None }
}

pub fn start(name: &str) -> Act {
    Act::StartBox { box_id: box_id(name) }
}

pub fn close_box() -> Act {
    Act::CloseBox { checklist: Checklist::COMPLETE }
}

pub fn seal_box(name: &str, reading: SealReading) -> Act {
    Act::SealBox { box_id: box_id(name), reading, mechanical: None, due: time(DUE) }
}

pub fn hand_over(name: &str, reading: Option<SealReading>) -> Act {
    Act::HandOverBox { box_id: box_id(name), to: site("NEXT"), reading, remark: None }
}

pub fn receive(name: &str, reading: Option<SealReading>) -> Act {
    Act::ReceiveBox { box_id: box_id(name), from: site("LAST"), reading, exception: None }
}

pub fn claim(n: u8) -> Act {
    Act::Claim {
        campaign: CampaignId::new(CAMPAIGN).unwrap(),
        claim: token(n),
        document: "hk".into(),
        proxy: None,
        elsewhere: Default::default(),
    }
}

pub fn claim_by_proxy(n: u8, proxy: u8) -> Act {
    Act::Claim {
        campaign: CampaignId::new(CAMPAIGN).unwrap(),
        claim: token(n),
        document: "hk".into(),
        proxy: Some(token(proxy)),
        elsewhere: Default::default(),
    }
}

/// Goods come with a positive quantity, go with a negative one.
pub fn move_stock(item: &str, quantity: i64) -> Act {
    let reason = if quantity > 0 { MovementReason::Received } else { MovementReason::Used };
    Act::MoveStock { item: ItemId::new(item).unwrap(), quantity, reason, with: None }
}

/// Closed and authentic, with that frame counter and count of openings.
pub fn closed(seal: &str, counter: u32, event_count: u32) -> SealReading {
    SealReading {
        seal: SealId::new(seal).unwrap(),
        state: SealState::Closed,
        authentic: true,
        counter: Some(counter),
        event_count: Some(event_count),
        battery_percent: Some(90),
        pairing: 0,
    }
}

pub fn in_state(state: SealState, reading: SealReading) -> SealReading {
    SealReading { state, ..reading }
}

/// As a frame without authentication would say it.
pub fn hearsay(reading: SealReading) -> SealReading {
    SealReading { authentic: false, counter: None, ..reading }
}

pub fn listed(name: &str, tubes: &[&str], seal: &str, counter: u32, event_count: u32) -> Manifest {
    Manifest {
        box_id: box_id(name),
        from: site("CENTRE"),
        tubes: tubes.iter().map(|tube| (*tube).to_owned()).collect(),
        seal: SealId::new(seal).unwrap(),
        counter: Some(counter),
        pairing: 0,
        event_count: Some(event_count),
        due: time(DUE),
    }
}
