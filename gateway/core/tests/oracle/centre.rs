//! A testing centre: a tube is never in two boxes; a sealed box takes no tube; a handover without remark needs a
//! closed authentic seal at the count at which the box was sealed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waypost_core::{
    fact::{Checklist, ExceptionReason, Fact, SealReading, SealState, SiteKind::TestingCentre},
    rule::{
        Act, Decision,
        row::{BoxRow, BoxState, TubeRow, TubeState},
    },
};

use crate::{
    Answer,
    world::{World, box_id, closed, hearsay, in_state, scan, seal_box, site, start, tube},
};

const BOX_HOLDS: usize = 3;

/// What is asked or done, with small numbers for names.
#[derive(Debug, Clone)]
pub enum Step {
    Scan(u8),
    Start(u8),
    Undo,
    Move(u8),
    Close {
        complete: bool,
    },
    Reopen(u8),
    Empty(u8),
    Seal(u8, u8, Look),
    HandOver(u8, u8, Look, bool),
    Note(u8, Look),
    /// Somebody opens the seal, or closes it.
    Handle(u8),
    Wait(i64),
}

/// How a seal is read.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    /// A new authentic frame that says how it is.
    Fresh,
    /// The first frame ever caught of it, sent again.
    Replayed,
    /// Somebody's plain frame that says it is closed.
    Plain,
    /// It is not heard.
    Silent,
}

pub fn step() -> impl Strategy<Value = Step> {
    let look = || {
        prop_oneof![
            6 => Just(Look::Fresh),
            1 => Just(Look::Replayed),
            1 => Just(Look::Plain),
            1 => Just(Look::Silent)
        ]
    };
    let (tubes, boxes, seals) = (0..10u8, 0..3u8, 0..2u8);
    prop_oneof![
        12 => tubes.clone().prop_map(Step::Scan),
        4 => boxes.clone().prop_map(Step::Start),
        2 => Just(Step::Undo),
        2 => tubes.prop_map(Step::Move),
        4 => prop::bool::weighted(0.8).prop_map(|complete| Step::Close { complete }),
        1 => boxes.clone().prop_map(Step::Reopen),
        1 => boxes.clone().prop_map(Step::Empty),
        5 => (boxes.clone(), seals.clone(), look()).prop_map(|(b, s, look)| Step::Seal(b, s, look)),
        4 => (boxes, seals.clone(), look(), prop::bool::weighted(0.2))
            .prop_map(|(b, s, look, remark)| Step::HandOver(b, s, look, remark)),
        2 => (seals.clone(), look()).prop_map(|(s, look)| Step::Note(s, look)),
        1 => seals.prop_map(Step::Handle),
        1 => (1..90_000i64).prop_map(Step::Wait),
    ]
}

/// Where the model has a tube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Desk,
    In(u8),
    Gone,
}

/// What the model's boxes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Doing {
    #[default]
    Nothing,
    Packing,
    Closed,
    /// With which seal, at which count.
    Sealed(u8, u32),
    Gone,
}

#[derive(Debug, Default)]
struct Container {
    doing: Doing,
    tubes: BTreeSet<u8>,
}

/// A seal of metal and plastic.
#[derive(Debug, Default)]
struct Metal {
    open: bool,
    count: u32,
    counter: u32,
    first: Option<SealReading>,
    /// Highest counter in any record.
    recorded: Option<u32>,
}

pub struct Centre {
    pub world: World,
    tubes: BTreeMap<u8, At>,
    boxes: BTreeMap<u8, Container>,
    seals: BTreeMap<u8, Metal>,
    open: Option<u8>,
    last: Option<u8>,
}

impl Centre {
    pub fn new() -> Self {
        let mut world = World::open(TestingCentre);
        world.box_tubes_max = BOX_HOLDS as u32;
        Self {
            world,
            tubes: BTreeMap::new(),
            boxes: (0..3).map(|b| (b, Container::default())).collect(),
            seals: (0..2).map(|s| (s, Metal::default())).collect(),
            open: None,
            last: None,
        }
    }

    pub fn take(&mut self, step: &Step) {
        match *step {
            Step::Handle(s) => {
                let seal = self.seals.get_mut(&s).unwrap();
                seal.open = !seal.open;
                seal.count += u32::from(seal.open);
            }
            Step::Wait(ms) => self.world.later(ms),
            _ => self.ask(step),
        }
    }

    fn ask(&mut self, step: &Step) {
        let act = self.act(step);
        let expected = self.expect(step);
        let before = self.world.ledger.clone();
        let decision = self.world.ask(act.clone());
        if let Some(expected) = expected {
            assert_eq!(Answer::of(&decision), expected, "{step:?} as {act:?} gave {decision:?}");
        }
        match decision {
            Decision::Grant(facts) => {
                for fact in &facts {
                    self.sees(fact);
                }
                self.follow(step, &facts);
            }
            _ => assert_eq!(self.world.ledger, before, "only a yes changes the ledger"),
        }
        self.agrees();
    }

    fn act(&mut self, step: &Step) -> Act {
        match *step {
            Step::Scan(t) => scan(&tube_name(t)),
            Step::Start(b) => start(&box_name(b)),
            Step::Undo => Act::UndoTube,
            Step::Move(t) => Act::MoveTube { tube: tube(&tube_name(t)) },
            Step::Close { complete } => {
                Act::CloseBox { checklist: Checklist { absorbent: complete, ..Checklist::COMPLETE } }
            }
            Step::Reopen(b) => Act::ReopenBox { box_id: box_id(&box_name(b)) },
            Step::Empty(b) => Act::EmptyBox { box_id: box_id(&box_name(b)) },
            Step::Seal(b, s, look) => seal_box(&box_name(b), self.read(s, look)),
            Step::HandOver(b, s, look, remark) => Act::HandOverBox {
                box_id: box_id(&box_name(b)),
                to: site("VAN"),
                reading: Some(self.read(s, look)),
                remark: remark.then_some(ExceptionReason::BoxDamaged),
            },
            Step::Note(s, look) => Act::NoteSeal { reading: self.read(s, look) },
            Step::Handle(_) | Step::Wait(_) => unreachable!("nothing is asked"),
        }
    }

    fn read(&mut self, s: u8, look: Look) -> SealReading {
        let seal = self.seals.get_mut(&s).unwrap();
        let name = format!("S{s}");
        match look {
            Look::Fresh => {
                seal.counter += 1;
                let state = if seal.open { SealState::Open } else { SealState::Closed };
                let frame = in_state(state, closed(&name, seal.counter, seal.count));
                seal.first.get_or_insert_with(|| frame.clone());
                frame
            }
            Look::Replayed => seal.first.clone().unwrap_or_else(|| hearsay(closed(&name, 0, seal.count))),
            Look::Plain => hearsay(closed(&name, 0, seal.count)),
            Look::Silent => hearsay(in_state(SealState::Silent, closed(&name, 0, seal.count))),
        }
    }

    /// The answer that must come; none for a replayed frame, which is judged by what is recorded of it.
    fn expect(&self, step: &Step) -> Option<Answer> {
        Some(match *step {
            Step::Scan(t) => match (self.open, self.tubes.get(&t)) {
                (None, None) => Answer::Yes,
                (None, Some(At::Desk)) => Answer::Already,
                (Some(open), Some(At::In(b))) if open == *b => Answer::Already,
                (_, Some(At::In(_) | At::Gone)) => Answer::No,
                (Some(open), None | Some(At::Desk)) => Answer::yes_if(self.has_room(open)),
            },
            Step::Start(b) if self.open == Some(b) => Answer::Already,
            Step::Start(b) => {
                let startable = matches!(self.boxes[&b].doing, Doing::Nothing | Doing::Gone | Doing::Packing);
                Answer::yes_if(startable && self.desk_is_free())
            }
            Step::Undo => Answer::yes_if(self.last.is_some()),
            Step::Move(t) => match (self.open, self.tubes.get(&t)) {
                (Some(open), Some(At::In(b))) if open == *b => Answer::Already,
                (Some(open), Some(At::In(b))) => {
                    let loose = matches!(self.boxes[b].doing, Doing::Packing | Doing::Closed);
                    Answer::yes_if(loose && self.has_room(open))
                }
                _ => Answer::No,
            },
            Step::Close { complete } => {
                let filled = self.open.is_some_and(|open| !self.boxes[&open].tubes.is_empty());
                Answer::yes_if(filled && complete)
            }
            Step::Reopen(b) if self.open == Some(b) => Answer::Already,
            Step::Reopen(b) => {
                let loose = matches!(self.boxes[&b].doing, Doing::Packing | Doing::Closed);
                Answer::yes_if(loose && self.desk_is_free())
            }
            Step::Empty(b) => {
                Answer::yes_if(self.boxes[&b].doing == Doing::Packing && self.boxes[&b].tubes.is_empty())
            }
            Step::Seal(_, _, Look::Replayed) | Step::Note(_, Look::Replayed) => return None,
            Step::Seal(b, s, look) => {
                let in_use = self.boxes.iter().any(|(other, container)| {
                    *other != b && matches!(container.doing, Doing::Sealed(on, _) if on == s)
                });
                let good = matches!(look, Look::Fresh) && !self.seals[&s].open && !in_use;
                Answer::yes_if(self.boxes[&b].doing == Doing::Closed && good)
            }
            Step::HandOver(b, s, look, remark) => match self.boxes[&b].doing {
                Doing::Sealed(on, count) => {
                    let seal = &self.seals[&s];
                    let good = on == s && !seal.open && seal.count == count;
                    match look {
                        _ if remark => Answer::Yes,
                        Look::Fresh => Answer::yes_if(good),
                        Look::Replayed => return None,
                        Look::Plain | Look::Silent => Answer::No,
                    }
                }
                _ => Answer::No,
            },
            Step::Note(_, _) => Answer::Yes,
            Step::Handle(_) | Step::Wait(_) => return None,
        })
    }

    fn has_room(&self, b: u8) -> bool {
        self.boxes[&b].tubes.len() < BOX_HOLDS
    }

    fn desk_is_free(&self) -> bool {
        self.open.is_none_or(|open| self.boxes[&open].tubes.is_empty())
    }

    /// What no recorded fact may say, whatever was asked.
    fn sees(&mut self, fact: &Fact) {
        let reading = match fact {
            Fact::TubePacked { tube, box_id } => {
                let inside = |c: &&Container| c.tubes.iter().any(|t| tube_name(*t) == tube.as_str());
                assert!(self.boxes.values().find(inside).is_none(), "a tube is never in two boxes");
                let (_, container) =
                    self.boxes.iter().find(|(b, _)| box_name(**b) == box_id.as_str()).unwrap();
                assert_eq!(container.doing, Doing::Packing, "a closed or sealed box takes no tube");
                return;
            }
            Fact::BoxSealed { reading, .. } => {
                assert!(reading.is_closed_and_authentic());
                Some(reading)
            }
            Fact::BoxHandedOver { box_id, reading, remark, .. } => {
                if remark.is_none() {
                    let reading = reading.as_ref().unwrap();
                    let (_, container) =
                        self.boxes.iter().find(|(b, _)| box_name(**b) == box_id.as_str()).unwrap();
                    let Doing::Sealed(on, count) = container.doing else { panic!("{container:?}") };
                    assert!(reading.is_closed_and_authentic());
                    assert_eq!(
                        (reading.seal.as_str(), reading.event_count),
                        (&*format!("S{on}"), Some(count))
                    );
                }
                reading.as_ref().filter(|_| remark.is_none())
            }
            Fact::SealChanged { reading, .. } | Fact::SealHeard { reading } => Some(reading),
            _ => None,
        };
        let Some(reading) = reading.filter(|reading| reading.authentic) else { return };
        let seal = self.seals.iter_mut().find(|(s, _)| format!("S{s}") == reading.seal.as_str()).unwrap().1;
        assert!(reading.counter >= seal.recorded, "no recorded counter goes back");
        seal.recorded = reading.counter;
    }

    /// Does in the model what was granted.
    fn follow(&mut self, step: &Step, facts: &[Fact]) {
        match *step {
            Step::Scan(t) => match self.open {
                Some(open) => self.put(t, open),
                None => {
                    self.tubes.insert(t, At::Desk);
                }
            },
            Step::Start(b) | Step::Reopen(b) => {
                if let Some(open) = self.open.replace(b) {
                    self.boxes.insert(open, Container::default());
                }
                self.boxes.get_mut(&b).unwrap().doing = Doing::Packing;
                self.last = None;
            }
            Step::Undo => {
                let t = self.last.take().unwrap();
                self.lift(t);
                self.tubes.insert(t, At::Desk);
            }
            Step::Move(t) => {
                let Some(At::In(from)) = self.tubes.get(&t).copied() else { panic!("{t}") };
                self.lift(t);
                self.boxes.get_mut(&from).unwrap().doing = Doing::Packing;
                self.put(t, self.open.unwrap());
            }
            Step::Close { .. } => {
                let open = self.open.take().unwrap();
                self.boxes.get_mut(&open).unwrap().doing = Doing::Closed;
                self.last = None;
            }
            Step::Empty(b) => {
                self.boxes.insert(b, Container::default());
                self.open = self.open.filter(|open| *open != b);
            }
            Step::Seal(b, s, _) => {
                let [Fact::BoxSealed { reading, .. }] = facts else { panic!("{facts:?}") };
                self.boxes.get_mut(&b).unwrap().doing = Doing::Sealed(s, reading.event_count.unwrap());
            }
            Step::HandOver(b, ..) => {
                let container =
                    self.boxes.insert(b, Container { doing: Doing::Gone, ..Container::default() });
                for t in container.unwrap().tubes {
                    self.tubes.insert(t, At::Gone);
                }
            }
            Step::Note(..) | Step::Handle(_) | Step::Wait(_) => {}
        }
    }

    fn put(&mut self, t: u8, b: u8) {
        self.tubes.insert(t, At::In(b));
        self.boxes.get_mut(&b).unwrap().tubes.insert(t);
        self.last = Some(t);
    }

    fn lift(&mut self, t: u8) {
        for container in self.boxes.values_mut() {
            container.tubes.remove(&t);
        }
    }

    /// The ledger says of every tube and box what the model says.
    fn agrees(&self) {
        for t in 0..10 {
            let row: Option<TubeRow> = self.world.row(&tube_name(t));
            let at = row.map(|row| match (row.state, row.box_id) {
                (TubeState::Collected, None) => At::Desk,
                (TubeState::Packed, Some(b)) => {
                    At::In(*self.boxes.keys().find(|k| box_name(**k) == b.as_str()).unwrap())
                }
                (TubeState::Away, _) => At::Gone,
                other => panic!("{other:?}"),
            });
            assert_eq!(at, self.tubes.get(&t).copied(), "tube {t}");
        }
        for (b, container) in &self.boxes {
            let row: BoxRow = self.world.row(&box_name(*b)).unwrap_or_default();
            let state = match container.doing {
                Doing::Nothing => BoxState::Empty,
                Doing::Packing => BoxState::Packing,
                Doing::Closed => BoxState::Closed,
                Doing::Sealed(..) => BoxState::Sealed,
                Doing::Gone => BoxState::HandedOver,
            };
            assert_eq!(row.state, state, "box {b}");
            if container.doing != Doing::Gone {
                assert_eq!(row.tubes as usize, container.tubes.len(), "box {b}");
            }
        }
        let open = self.world.desk().open_box.map(|b| b.to_string());
        assert_eq!(open, self.open.map(box_name));
    }
}

fn tube_name(t: u8) -> String {
    format!("T{t}")
}

fn box_name(b: u8) -> String {
    format!("B{b}")
}
