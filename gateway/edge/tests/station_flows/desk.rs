//! A counter without hardware: the real station and the real rules over a ledger in memory.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use waypost_core::{
    code::{
        Badge, LabelKinds,
        claim::{ClaimParams, ClaimToken, Document},
        pin::{Pin, PinVerifier},
    },
    fact::{
        ClockQuality, Fact, Moment, Role, SealReading, SealState, SiteKind, WallTime,
        id::{BoxId, CampaignId, GatewayId, ItemId, OperatorId, RoundId, SealId, SiteId},
    },
    rule::{
        Act, Decision, LedgerMut, Place, apply, author, decide,
        elsewhere::Elsewhere,
        ledger::store,
        memory::MemoryLedger,
        order::{CampaignTerms, ElsewhereTerms, Order, OrderDocument, Round, Secret, StaffEntry},
        pin::PinProof,
        row::{Manifest, PinRule, StaffRow},
        take,
    },
};
use waypost_edge::{
    panel::{Message, Tone},
    station::{
        Station,
        read::{read, read_pin},
        screen::{Frame, Screen},
        step::{Around, Asked, HashJob, Hashed, Local, Nearest, Outcome, Seals, Step},
    },
};

pub const STAFF: &str = "STAFF-0000000000000001";
pub const SUPERVISOR: &str = "STAFF-0000000000000002";
pub const DRIVER: &str = "STAFF-0000000000000003";
pub const LABORATORY: &str = "STAFF-0000000000000004";

/// With the PIN 2580.
pub const PIN_STAFF: &str = "STAFF-0000000000000005";
/// With the PIN 97531.
pub const PIN_SUPERVISOR: &str = "STAFF-0000000000000006";

/// What came of one scan.
#[derive(Debug)]
pub struct Shown {
    pub tone: Tone,
    pub key: &'static str,
    pub screen: Screen,
    pub act: Option<Act>,
    pub facts: Vec<Fact>,
}

impl Shown {
    pub fn has_line(&self, key: &str) -> bool {
        self.screen.lines.iter().any(|line| line.key == key)
    }

    pub fn line(&self, key: &str) -> &Message {
        let found = self.screen.lines.iter().find(|line| line.key == key);
        found.unwrap_or_else(|| panic!("no {key} in {self:#?}"))
    }
}

#[derive(Default)]
pub struct Heard {
    readings: BTreeMap<String, SealReading>,
    /// Seals that are near, the loudest first, each with its strength in dBm.
    pub near: Vec<(&'static str, i8)>,
}

/// Far louder, in dB.
const MARGIN_DB: i8 = 8;

impl Seals for Heard {
    fn reading(&self, seal: &SealId) -> SealReading {
        self.readings
            .get(seal.as_str())
            .cloned()
            .unwrap_or_else(|| reading(seal.as_str(), SealState::Unread, None, None))
    }

    fn is_known(&self, seal: &SealId) -> bool {
        self.readings.contains_key(seal.as_str())
    }

    fn nearest(&self, is_free: &dyn Fn(&SealId) -> bool) -> Nearest {
        let free = |(seal, dbm): &(&str, i8)| {
            let seal = SealId::new(*seal).unwrap();
            is_free(&seal).then_some((seal, *dbm))
        };
        match self.near.iter().filter_map(free).collect::<Vec<_>>().as_slice() {
            [] => Nearest::None,
            [(_, first), (_, second), ..] if first - second < MARGIN_DB => Nearest::Several,
            [(seal, _), ..] => Nearest::One(seal.clone()),
        }
    }
}

pub fn reading(seal: &str, state: SealState, counter: Option<u32>, event_count: Option<u32>) -> SealReading {
    SealReading {
        seal: SealId::new(seal).unwrap(),
        state,
        authentic: counter.is_some(),
        counter,
        event_count,
        battery_percent: None,
        pairing: 0,
    }
}

pub struct Desk {
    pub station: Station,
    pub ledger: MemoryLedger,
    pub heard: Heard,
    pub now: Moment,
    pub local: Arc<Local>,
    /// What is known of the next persons at other offices.
    pub elsewhere: Elsewhere,
    labels: LabelKinds,
    gateway: GatewayId,
    seq: u64,
}

impl Desk {
    /// A counter of that kind at which nobody is signed in. Its boxes hold three tubes.
    pub fn new(kind: SiteKind) -> Self {
        let local = Arc::new(Local {
            site: SiteId::new("SITE-HERE").unwrap(),
            kind,
            closes: vec!["13:30".parse().unwrap(), "20:00".parse().unwrap()],
            time_zone: TimeZone::get("Asia/Hong_Kong").unwrap(),
            box_tubes_max: 3,
            items: ["tubes", "packs"].map(|item| ItemId::new(item).unwrap()).to_vec(),
            session_idle: std::time::Duration::from_secs(900),
        });
        let ledger = MemoryLedger::default();
        let station = Station::new(Arc::clone(&local), &ledger).unwrap();
        let at = "2020-10-05T02:00:00Z".parse().unwrap();
        let now = Moment { up_ms: 1_000, at, clock: ClockQuality::Ntp };
        let gateway = GatewayId::new("g").unwrap();
        let (heard, labels) = (Heard::default(), LabelKinds::default());
        let elsewhere = Elsewhere::default();
        let mut desk = Self { station, ledger, heard, now, local, elsewhere, labels, gateway, seq: 1 };
        desk.note(Act::ApplyOrder { document: Box::new(staff()) });
        desk
    }

    /// The same with this badge signed in.
    pub fn with(kind: SiteKind, badge: &str) -> Self {
        let mut desk = Self::new(kind);
        assert_eq!(desk.scan(badge).key, "yes-shift-opened");
        desk
    }

    pub fn hear(&mut self, seal: &str, state: SealState, counter: u32, event_count: Option<u32>) {
        self.heard.readings.insert(seal.to_owned(), reading(seal, state, Some(counter), event_count));
    }

    pub fn expect_box(&mut self, id: &str, seal: &str, count: u32, tubes: &[&str]) {
        let manifest = Manifest {
            box_id: BoxId::new(id).unwrap(),
            from: SiteId::new("SITE-CTC1").unwrap(),
            tubes: tubes.iter().map(|tube| (*tube).to_owned()).collect(),
            seal: SealId::new(seal).unwrap(),
            counter: Some(1),
            pairing: 0,
            event_count: Some(count),
            due: self.now.at.plus_ms(90 * 60_000),
        };
        store(&mut self.ledger, id, manifest).unwrap();
    }

    pub fn scan(&mut self, text: &str) -> Shown {
        self.scan_as(text, None)
    }

    pub fn scan_as(&mut self, text: &str, document: Option<&str>) -> Shown {
        let pin = if self.station.wants_pin() { read_pin(text) } else { None };
        let read = pin.unwrap_or_else(|| read(text, None, document, &self.labels));
        let step = self.around(|station, around| station.on_read(read, around));
        self.follow(step)
    }

    /// Scans what must be answered with these keys, one after the other.
    pub fn all(&mut self, scans: &[(&str, &str)]) -> Shown {
        let mut last = None;
        for (text, key) in scans {
            let shown = self.scan(text);
            assert_eq!(shown.key, *key, "{text}: {shown:#?}");
            last = Some(shown);
        }
        last.unwrap()
    }

    /// What the gateway notes by itself.
    pub fn note(&mut self, act: Act) -> Option<Screen> {
        let outcome = self.decide(&act, None);
        self.around(|station, around| station.on_noted(&outcome, around))
    }

    /// Number that the next record gets.
    pub fn next_record(&self) -> u64 {
        self.seq
    }

    pub fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }

    pub fn station_mut(&mut self) -> &mut Station {
        &mut self.station
    }

    pub fn frame(&mut self) -> Frame {
        self.around(|station, around| station.frame(around))
    }

    pub fn choices(&mut self) -> Vec<String> {
        self.frame().choices.into_iter().map(|choice| choice.code).collect()
    }

    pub fn serve_campaign(&mut self, packs: i64) {
        self.serve_campaign_with(packs, None);
    }

    pub fn serve_campaign_with(&mut self, packs: i64, elsewhere: Option<ElsewhereTerms>) {
        let mut document = campaign();
        if let Order::Campaign { terms, .. } = &mut document.order {
            terms.elsewhere = elsewhere;
        }
        self.note(Act::ApplyOrder { document: Box::new(document) });
        self.all(&[
            ("CMD-STOCK-IN", "stock-choose-item"),
            ("CMD-ITEM-PACKS", "stock-key-quantity"),
            (&format!("QTY-{packs}"), "yes-stock-in"),
            ("CMD-CANCEL", "ask-document"),
        ]);
    }

    fn follow(&mut self, step: Step) -> Shown {
        match step {
            Step::Show(screen) => shown(screen, None, Vec::new()),
            Step::Language => shown(Screen::yes(Message::new("language")), None, Vec::new()),
            Step::Hash(job) => {
                let mut hashed = hash(&job);
                hashed.elsewhere = self.elsewhere.clone();
                let step = self.around(|station, _| station.on_hashed(&job, hashed));
                self.follow(step)
            }
            Step::Pin(job) => {
                let right = job.verifier.holds(&job.badge, &job.pin).unwrap();
                let proof = Some(PinProof { against: job.verifier.hash, right });
                let mut act = job.act;
                match &mut act {
                    Act::SignIn { pin, .. } | Act::UnlockPin { pin, .. } | Act::VoidClaim { pin, .. } => {
                        *pin = proof
                    }
                    Act::Claim { elsewhere, .. } => elsewhere.pin = proof,
                    other => panic!("{other:?} needs no PIN"),
                }
                self.ask(&Asked { act, masked: None })
            }
            Step::Ask(asked) => self.ask(&asked),
        }
    }

    fn ask(&mut self, asked: &Asked) -> Shown {
        let by = self.station.counter().operator.clone();
        let outcome = self.decide(&asked.act, by);
        let screen = self.around(|station, around| station.on_answer(asked, &outcome, around));
        let facts = match outcome {
            Outcome::Granted { facts, .. } => facts,
            _ => Vec::new(),
        };
        shown(screen, Some(asked.act.clone()), facts)
    }

    /// Decides as the writer does.
    fn decide(&mut self, act: &Act, by: Option<OperatorId>) -> Outcome {
        let mut place = Place {
            gateway: &self.gateway,
            site: &self.local.site,
            kind: self.local.kind,
            now: self.now,
            boot: 1,
            next_seq: self.seq,
            by: None,
            par: &[],
            box_tubes_max: self.local.box_tubes_max,
        };
        let named = match act {
            Act::SignIn { .. } | Act::UnlockPin { .. } => author(&place, &self.ledger, act).unwrap(),
            _ => by,
        };
        place.by = named.as_ref();
        match decide(&place, &self.ledger, act).unwrap() {
            Decision::Grant(facts) => {
                let first = self.seq;
                for fact in &facts {
                    apply(&place, &mut self.ledger as &mut dyn LedgerMut, self.seq, fact, act).unwrap();
                    self.seq += 1;
                }
                take(&place, &mut self.ledger as &mut dyn LedgerMut, self.seq, act).unwrap();
                let records = (!facts.is_empty()).then_some((first, self.seq - 1));
                Outcome::Granted { records, facts, repeated: false }
            }
            Decision::Already(already) => Outcome::Already(already),
            Decision::Refuse(refusal) => Outcome::Refused(refusal),
        }
    }

    fn around<T>(&mut self, act: impl FnOnce(&mut Station, &Around<'_>) -> T) -> T {
        let around = Around {
            now: self.now,
            ledger: &self.ledger,
            seals: &self.heard,
            unsynced: 7,
            local: &self.local,
        };
        act(&mut self.station, &around)
    }
}

fn shown(screen: Screen, act: Option<Act>, facts: Vec<Fact>) -> Shown {
    Shown { tone: screen.tone, key: screen.main.key, screen, act, facts }
}

/// Stands in for the claim's hash: what differs in the document differs in the token.
fn hash(job: &HashJob) -> Hashed {
    let token = |document: &Document| {
        let mut bytes = [0; 16];
        let masked = format!("{}{}", document.space(), document.masked());
        bytes.copy_from_slice(&Sha256::digest(masked.as_bytes())[..16]);
        ClaimToken(bytes)
    };
    Hashed { person: token(&job.person), proxy: job.proxy.as_ref().map(token), elsewhere: Default::default() }
}

fn staff() -> OrderDocument {
    let person = |badge: &str, operator: &str, role| StaffEntry {
        badge: waypost_drivers::seal::hex::encode(&Sha256::digest(badge.as_bytes())),
        person: StaffRow::without_pin(OperatorId::new(operator).unwrap(), role),
    };
    let with_pin = |badge: &str, operator: &str, role, pin: &str| {
        let mut entry = person(badge, operator, role);
        let cost = ClaimParams { m_kib: 64, t: 1, p: 1 };
        let pin = Pin::new(pin).unwrap();
        entry.person.pin =
            PinRule::Argon2id(PinVerifier::make(&Badge::new(badge), &pin, [5; 16], cost).unwrap());
        entry
    };
    order(
        "-",
        Order::Staff {
            people: vec![
                person(STAFF, "s-staff", Role::Staff),
                person(SUPERVISOR, "s-supervisor", Role::Supervisor),
                person(DRIVER, "s-driver", Role::Driver),
                person(LABORATORY, "s-laboratory", Role::Laboratory),
                with_pin(PIN_STAFF, "s-pin", Role::Staff, "2580"),
                with_pin(PIN_SUPERVISOR, "s-pin-supervisor", Role::Supervisor, "97531"),
            ],
        },
    )
}

fn campaign() -> OrderDocument {
    let terms = CampaignTerms {
        id: CampaignId::new("masks-2020-10").unwrap(),
        name: "Masks".to_owned(),
        rounds: vec![Round {
            id: RoundId::new("r2").unwrap(),
            from: "2020-10-05".to_owned(),
            until: "2020-10-31".to_owned(),
            packs_first: 2,
            packs_again: 1,
        }],
        hash: ClaimParams::default(),
        documents: vec!["hk".to_owned(), "passport".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "1823".to_owned(),
        disputes_until: None,
        elsewhere: None,
    };
    order("masks-2020-10", Order::Campaign { terms, key: Secret::new("00".repeat(32)) })
}

pub fn order(id: &str, order: Order) -> OrderDocument {
    OrderDocument {
        id: id.to_owned(),
        epoch: 1,
        number: 1,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order,
    }
}

/// A time on the day of these tests.
pub fn at(time: &str) -> WallTime {
    format!("2020-10-05T{time}:00+08:00").parse().unwrap()
}
