//! A dock: no box is turned away, whatever its seal says; what is wrong with it is recorded and alarmed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waypost_core::{
    fact::{AlarmKind, ExceptionReason, Fact, SealReading, SealState, SiteKind},
    rule::{Act, Decision, row::BoxRow},
};

use crate::{
    Answer,
    world::{World, box_id, closed, hearsay, in_state, listed, site},
};

/// Frame and count at which every box was sealed.
const SEALED_AT: (u32, u32) = (10, 4);

#[derive(Debug, Clone)]
pub enum Step {
    /// The hub lists the box, and all that it listed before.
    List(u8),
    Receive {
        who: Who,
        number: u8,
        look: Look,
        said: Option<ExceptionReason>,
    },
    HandOver {
        number: u8,
        look: Look,
        remark: bool,
    },
    Handle(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Staff,
    Usual,
    Boss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A new authentic frame that says how it is.
    Fresh,
    /// No reader at hand.
    Nothing,
    Plain,
    Silent,
    Tampered,
    /// The frame of its sealing, sent again.
    Replayed,
    /// Another seal is on it.
    Other,
}

pub fn step() -> impl Strategy<Value = Step> {
    let look = || {
        prop_oneof![
            5 => Just(Look::Fresh),
            1 => Just(Look::Nothing),
            1 => Just(Look::Plain),
            1 => Just(Look::Silent),
            1 => Just(Look::Tampered),
            1 => Just(Look::Replayed),
            1 => Just(Look::Other),
        ]
    };
    let who = prop_oneof![Just(Who::Staff), Just(Who::Usual), Just(Who::Boss)];
    let said = prop::option::of(prop_oneof![
        Just(ExceptionReason::SealOpen),
        Just(ExceptionReason::BoxDamaged),
        Just(ExceptionReason::CountUnknown),
    ]);
    prop_oneof![
        3 => (0..4u8).prop_map(Step::List),
        6 => (who, 0..4u8, look(), said)
            .prop_map(|(who, number, look, said)| Step::Receive { who, number, look, said }),
        3 => (0..4u8, look(), any::<bool>())
            .prop_map(|(number, look, remark)| Step::HandOver { number, look, remark }),
        1 => (0..4u8).prop_map(Step::Handle),
    ]
}

#[derive(Debug, Clone, Copy, Default)]
struct Metal {
    open: bool,
    openings: u32,
    frames: u32,
}

pub struct Dock {
    pub world: World,
    listed: BTreeSet<u8>,
    /// Boxes with a manifest here.
    manifests: BTreeSet<u8>,
    /// Boxes here; true where it is known with which count they were sealed.
    here: BTreeMap<u8, bool>,
    /// Boxes of whose seal a frame after the sealing was recorded here, or the counter came with a manifest.
    floor: BTreeSet<u8>,
    seals: BTreeMap<u8, Metal>,
}

impl Dock {
    pub fn new(kind: SiteKind) -> Self {
        Self {
            world: World::open(kind),
            listed: BTreeSet::new(),
            manifests: BTreeSet::new(),
            here: BTreeMap::new(),
            floor: BTreeSet::new(),
            seals: (0..4).map(|n| (n, Metal::default())).collect(),
        }
    }

    pub fn take(&mut self, step: &Step) {
        match *step {
            Step::Handle(n) => {
                let seal = self.seals.get_mut(&n).unwrap();
                seal.open = !seal.open;
                seal.openings += u32::from(seal.open);
            }
            Step::List(n) => self.list(n),
            Step::Receive { who, number, look, said } => self.receive(who, number, look, said),
            Step::HandOver { number, look, remark } => self.hand_over(number, look, remark),
        }
        for n in 0..4 {
            let row: BoxRow = self.world.row(&name(n)).unwrap_or_default();
            assert_eq!(row.is_in_custody(), self.here.contains_key(&n), "box {n}");
        }
    }

    fn list(&mut self, n: u8) {
        self.listed.insert(n);
        let (counter, count) = SEALED_AT;
        let boxes = self.listed.iter().map(|n| listed(&name(*n), &["T1"], &seal_name(*n), counter, count));
        self.world.manifest(boxes.collect());
        self.manifests.clone_from(&self.listed);
        self.floor.extend(&self.listed);
        for (n, known) in &mut self.here {
            *known |= self.listed.contains(n);
        }
    }

    fn read(&mut self, n: u8, look: Look) -> Option<SealReading> {
        let seal = self.seals.get_mut(&n).unwrap();
        seal.frames += 1;
        let (counter, count) = SEALED_AT;
        let now = closed(&seal_name(n), counter + seal.frames, count + seal.openings);
        match look {
            Look::Fresh if seal.open => Some(in_state(SealState::Open, now)),
            Look::Fresh => Some(now),
            Look::Nothing => None,
            Look::Plain => Some(hearsay(now)),
            Look::Silent => Some(hearsay(in_state(SealState::Silent, now))),
            Look::Tampered => Some(in_state(SealState::Tampered, now)),
            Look::Replayed => Some(closed(&seal_name(n), counter, count)),
            Look::Other => Some(closed("S-OTHER", 100 + seal.frames, count)),
        }
    }

    /// Is something wrong with the seal, as far as can be known? None where a replay cannot be known as one.
    fn fault(&self, n: u8, look: Look, seal_known: bool, count_known: bool) -> Option<bool> {
        let seal = &self.seals[&n];
        Some(match look {
            Look::Fresh => seal.open || count_known && seal.openings > 0,
            Look::Other if !seal_known => return None,
            Look::Replayed if !self.floor.contains(&n) => return None,
            _ => true,
        })
    }

    fn receive(&mut self, who: Who, n: u8, look: Look, said: Option<ExceptionReason>) {
        let kind = self.world.kind;
        let badge_of = match who {
            Who::Staff if kind == SiteKind::Laboratory => "staff",
            Who::Boss => "boss",
            _ if kind == SiteKind::Laboratory => "lab",
            _ => "driver",
        };
        self.world.ask(Act::SignIn {
            badge: crate::world::badge(badge_of),
            day: crate::world::DAY.into(),
            pin: None,
        });
        let manifest = self.manifests.contains(&n);
        let fault = self.fault(n, look, manifest, manifest);
        let reading = self.read(n, look);
        let act = Act::ReceiveBox { box_id: box_id(&name(n)), from: site("FROM"), reading, exception: said };
        let decision = self.world.ask(act);
        if self.here.contains_key(&n) {
            assert_eq!(Answer::of(&decision), Answer::Already);
            return;
        }
        let permitted = badge_of != "staff";
        if permitted && said.is_some() {
            assert_eq!(Answer::of(&decision), Answer::Yes, "no box is turned away: {look:?} {decision:?}");
        }
        if let Some(fault) = fault {
            let weighty = fault || said.is_some_and(|said| said != ExceptionReason::CountUnknown);
            let expected = Answer::yes_if(!weighty || permitted && said.is_some());
            assert_eq!(Answer::of(&decision), expected, "{who:?} {look:?} {said:?} {decision:?}");
        }
        let Decision::Grant(facts) = decision else { return };
        self.received_as_it_is(&facts, fault, said, manifest);
        self.here.insert(n, manifest);
        if matches!(look, Look::Fresh | Look::Tampered) {
            self.floor.insert(n);
        }
    }

    fn received_as_it_is(
        &self,
        facts: &[Fact],
        fault: Option<bool>,
        said: Option<ExceptionReason>,
        listed: bool,
    ) {
        let received = facts.iter().find_map(|fact| match fact {
            Fact::BoxReceived { manifest, exception, .. } => Some((*manifest, *exception)),
            _ => None,
        });
        let (manifest, exception) = received.unwrap();
        assert_eq!(manifest, listed);
        let weighty = exception.is_some_and(|reason| reason != ExceptionReason::CountUnknown);
        let alarm = facts
            .iter()
            .any(|fact| matches!(fact, Fact::AlarmRaised { alarm: AlarmKind::ReceivedUnderException, .. }));
        assert_eq!(alarm, weighty, "an alarm goes out with an exception");
        match fault {
            Some(true) => assert!(weighty && exception != Some(ExceptionReason::BoxDamaged), "{exception:?}"),
            Some(false) if listed => assert_eq!(exception, said),
            Some(false) => assert_eq!(exception, said.or(Some(ExceptionReason::CountUnknown))),
            None => {}
        }
    }

    fn hand_over(&mut self, n: u8, look: Look, remark: bool) {
        let boss = crate::world::badge("boss");
        self.world.ask(Act::SignIn { badge: boss, day: crate::world::DAY.into(), pin: None });
        let known = self.here.get(&n).copied();
        let count_known = known == Some(true);
        let fault = self.fault(n, look, count_known, count_known);
        let reading = self.read(n, look);
        let decision = self.world.ask(Act::HandOverBox {
            box_id: box_id(&name(n)),
            to: site("TO"),
            reading,
            remark: remark.then_some(ExceptionReason::BoxDamaged),
        });
        if self.world.kind != SiteKind::Vehicle || known.is_none() {
            assert_eq!(Answer::of(&decision), Answer::No);
            return;
        }
        if let Some(fault) = fault {
            let expected = Answer::yes_if(remark || !fault && count_known);
            assert_eq!(Answer::of(&decision), expected, "{look:?} {remark} {decision:?}");
        }
        if let Decision::Grant(facts) = decision {
            let Some(Fact::BoxHandedOver { reading, remark, .. }) = facts.first() else {
                panic!("{facts:?}")
            };
            if remark.is_none() {
                let reading = reading.as_ref().unwrap();
                assert!(reading.is_closed_and_authentic());
                assert_eq!(reading.event_count, Some(SEALED_AT.1), "the count at which it was sealed");
            }
            self.here.remove(&n);
            self.manifests.remove(&n);
            if matches!(look, Look::Fresh | Look::Tampered) {
                self.floor.insert(n);
            }
        }
    }
}

fn name(n: u8) -> String {
    format!("B{n}")
}

fn seal_name(n: u8) -> String {
    format!("S{n}")
}
