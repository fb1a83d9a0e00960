//! A post office: one claim a person a round; stock on hand is the sum of its movements.

use proptest::prelude::*;
use waypost_core::{
    fact::{Fact, MovementReason, RepairReason, SiteKind::PostOffice, id::CampaignId, id::ItemId},
    rule::{Act, Decision, row::StockRow},
};

use crate::{
    Answer,
    world::{CAMPAIGN, World, badge, claim, claim_by_proxy, token},
};

const QUOTA: usize = 4;
const PROXIES: usize = 2;
/// Two days of the first round, two of the second, one of none.
const DAYS: [(&str, Option<u8>); 5] = [
    ("2020-09-03", Some(1)),
    ("2020-09-30", Some(1)),
    ("2020-10-05", Some(2)),
    ("2020-10-06", Some(2)),
    ("2020-12-01", None),
];
const PEOPLE: [&str; 5] = ["staff", "staff2", "boss", "boss2", "stranger"];

#[derive(Debug, Clone)]
pub enum Step {
    Serve(u8, Option<u8>),
    /// Whose claim, none for the last one; which of [`PEOPLE`] agrees.
    Void(Option<u8>, Option<usize>),
    Move(i64),
    Count(i64, bool),
    /// The next shift: who and on which of [`DAYS`].
    Shift(usize, usize),
    SignIn(usize),
}

pub fn step() -> impl Strategy<Value = Step> {
    let person = || 0..6u8;
    prop_oneof![
        12 => (person(), prop::option::weighted(0.3, person())).prop_map(|(p, proxy)| Step::Serve(p, proxy)),
        3 => (prop::option::of(person()), prop::option::weighted(0.9, 0..5usize))
            .prop_map(|(p, by)| Step::Void(p, by)),
        3 => (-12..30i64).prop_map(Step::Move),
        1 => (-2..40i64, any::<bool>()).prop_map(|(n, reason)| Step::Count(n, reason)),
        2 => (0..4usize, 0..DAYS.len()).prop_map(|(who, day)| Step::Shift(who, day)),
        1 => (0..4usize).prop_map(Step::SignIn),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Served {
    person: u8,
    round: u8,
    day: usize,
    proxy: Option<u8>,
    packs: u32,
    voided: bool,
}

pub struct Counter {
    pub world: World,
    served: Vec<Served>,
    movements: Vec<i64>,
    who: usize,
    day: usize,
    /// The claim that a void without a name means.
    last: Option<u8>,
}

impl Counter {
    pub fn new() -> Self {
        let mut world = World::open(PostOffice);
        world.campaign(Some(QUOTA as u32));
        Self { world, served: Vec::new(), movements: Vec::new(), who: 0, day: 0, last: None }
    }

    pub fn take(&mut self, step: &Step) {
        let act = match *step {
            Step::Serve(p, None) => claim(p),
            Step::Serve(p, Some(proxy)) => claim_by_proxy(p, proxy),
            Step::Void(p, by) => Act::VoidClaim {
                campaign: CampaignId::new(CAMPAIGN).unwrap(),
                claim: p.map(token),
                approval: by.map(|by| badge(PEOPLE[by])),
                pin: None,
                reason: RepairReason::Mistake,
            },
            Step::Move(quantity) => {
                let reason = if quantity > 0 { MovementReason::Received } else { MovementReason::Issued };
                Act::MoveStock { item: packs(), quantity, reason, with: None }
            }
            Step::Count(counted, reason) => {
                Act::CountStock { item: packs(), counted, reason: reason.then_some(RepairReason::Recounted) }
            }
            Step::Shift(who, day) => {
                self.world.yes(Act::CloseShift { unsynced: 0 });
                (self.day, self.last) = (day, None);
                self.who = usize::MAX;
                self.take(&Step::SignIn(who));
                return;
            }
            Step::SignIn(who) => {
                Act::SignIn { badge: badge(PEOPLE[who]), day: DAYS[self.day].0.into(), pin: None }
            }
        };
        let expected = self.expect(step);
        let before = self.world.ledger.clone();
        let decision = self.world.ask(act);
        assert_eq!(Answer::of(&decision), expected, "{step:?} gave {decision:?}");
        match decision {
            Decision::Grant(facts) => self.follow(step, &facts),
            _ => assert_eq!(self.world.ledger, before, "only a yes changes the ledger"),
        }
        self.agrees();
    }

    fn expect(&self, step: &Step) -> Answer {
        match *step {
            Step::Serve(person, proxy) => {
                let Some((round, due)) = self.due(person) else { return Answer::No };
                let today = |s: &&Served| s.day == self.day && s.round == round && !s.voided;
                let fetched = |s: &&Served| proxy.is_some() && s.proxy == proxy;
                let by_quota = self.served.iter().filter(today).count() < QUOTA;
                let by_proxy = self.served.iter().filter(today).filter(fetched).count() < PROXIES;
                let there = self.on_hand() >= i64::from(due);
                Answer::yes_if(by_quota && by_proxy && proxy != Some(person) && there)
            }
            Step::Void(person, by) => {
                let claim = person.or(self.last).and_then(|person| self.latest(person));
                let agreed = by.is_some_and(|by| PEOPLE[by].starts_with("boss") && by != self.who);
                Answer::yes_if(claim.is_some() && agreed)
            }
            Step::Move(quantity) => Answer::yes_if(quantity != 0 && self.on_hand() + quantity >= 0),
            Step::Count(counted, reason) => {
                Answer::yes_if(counted >= 0 && (reason || counted == self.on_hand()))
            }
            Step::SignIn(who) if who == self.who => Answer::Already,
            Step::SignIn(_) => Answer::Yes,
            Step::Shift(..) => Answer::Yes,
        }
    }

    /// Round of the day and packs by history; none where there is no round or the person was served in it.
    fn due(&self, person: u8) -> Option<(u8, u32)> {
        let round = DAYS[self.day].1?;
        let mut mine = self.served.iter().filter(|s| s.person == person && !s.voided);
        let before = mine.clone().next().is_some();
        mine.all(|s| s.round != round).then_some((round, if before { 1 } else { 2 }))
    }

    fn latest(&self, person: u8) -> Option<usize> {
        self.served.iter().rposition(|s| s.person == person && !s.voided)
    }

    fn on_hand(&self) -> i64 {
        self.movements.iter().sum()
    }

    fn follow(&mut self, step: &Step, facts: &[Fact]) {
        match *step {
            Step::Serve(person, proxy) => {
                let (round, due) = self.due(person).unwrap();
                let Some(Fact::ClaimServed { packs, .. }) = facts.first() else { panic!("{facts:?}") };
                assert_eq!(*packs, due);
                self.served.push(Served { person, round, day: self.day, proxy, packs: due, voided: false });
                self.movements.push(-i64::from(due));
                self.last = Some(person);
            }
            Step::Void(person, _) => {
                let at = self.latest(person.or(self.last).unwrap()).unwrap();
                self.served[at].voided = true;
                self.movements.push(i64::from(self.served[at].packs));
                self.last = None;
            }
            Step::Move(quantity) => self.movements.push(quantity),
            Step::Count(counted, _) => self.movements.push(counted - self.on_hand()),
            Step::SignIn(who) => self.who = who,
            Step::Shift(..) => {}
        }
    }

    fn agrees(&self) {
        for round in [1, 2] {
            for person in 0..6 {
                let times =
                    self.served.iter().filter(|s| (s.person, s.round, s.voided) == (person, round, false));
                assert!(times.count() <= 1, "one claim a person a round");
            }
        }
        let row: StockRow = self.world.row("packs").unwrap_or_default();
        assert_eq!(row.on_hand, self.on_hand(), "stock on hand is the sum of its movements");
        assert!(row.on_hand >= 0);
    }
}

fn packs() -> ItemId {
    ItemId::new("packs").unwrap()
}
