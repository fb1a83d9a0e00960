//! A laboratory: boxes are received with one scan each, opened by a permitted person, compared tube by tube, emptied.

use waypost_core::{
    fact::{
        AlarmKind, DiscrepancyCode, Fact, RepairReason,
        id::{BoxId, TubeId},
    },
    rule::{
        Act, Already,
        ledger::load,
        row::{BoxRow, BoxState},
    },
};

use super::{
    command::Command,
    counter::Counter,
    exchange::{Exchange, Way},
    say,
    screen::{Frame, Screen},
    step::{Around, Asked, Outcome, Scanned, Step},
    stock::reason_choices,
    workplace::Workplace,
};
use crate::panel::{Message, Progress, Tone};

/// Reasons that settle a discrepancy.
const SETTLE_REASONS: [RepairReason; 5] = [
    RepairReason::ExplainedByOtherSide,
    RepairReason::Found,
    RepairReason::Lost,
    RepairReason::Damaged,
    RepairReason::Mistake,
];

/// Where a laboratory stands between two scans.
#[derive(Debug, Default)]
pub struct Laboratory {
    exchange: Exchange,
    /// The box that a command without a box is about.
    chosen: Option<Chosen>,
    /// What the next box is scanned for, where not to be received.
    next_box: Option<NextBox>,
    settling: Option<Settling>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    box_id: BoxId,
    /// What it was when it was chosen.
    state: BoxState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextBox {
    Open,
    Empty,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Settling {
    WaitsForTube,
    WaitsForReason(TubeId),
}

impl Laboratory {
    fn box_scanned(&mut self, box_id: &BoxId, around: &Around<'_>) -> Step {
        let row = row(box_id, around);
        self.settling = None;
        match self.next_box.take() {
            Some(NextBox::Open) => return Act::OpenBox { box_id: box_id.clone() }.into(),
            Some(NextBox::Empty) => return Act::EmptyBox { box_id: box_id.clone() }.into(),
            None => {}
        }
        let (already, line) = match row.state {
            BoxState::Received => (Already::BoxHere, "next-open"),
            BoxState::Opened => (Already::BoxOpen, "next-compare"),
            BoxState::Compared => (Already::BoxHere, "next-empty"),
            _ => return self.exchange.step(box_id, Way::Take, around),
        };
        self.chosen = Some(Chosen { box_id: box_id.clone(), state: row.state });
        let mut screen = say::already(&already, &Act::OpenBox { box_id: box_id.clone() });
        screen.lines.pop();
        Step::Show(screen.line(Message::new(line)))
    }

    fn tube(&mut self, tube: &TubeId) -> Step {
        if self.settling.is_some() {
            self.settling = Some(Settling::WaitsForReason(tube.clone()));
            return Step::Show(Screen::ask(Message::new("ask-settle-reason").text("tube", tube)));
        }
        Act::CompareTube { tube: tube.clone() }.into()
    }

    fn command(&mut self, command: &Command, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        self.next_box = None;
        Some(match command {
            // A box that was just compared stays at hand to be emptied: it is another one that is to be opened.
            Command::Open => match self.chosen.take_if(|chosen| chosen.state != BoxState::Compared) {
                Some(Chosen { box_id, .. }) => Act::OpenBox { box_id }.into(),
                None => self.await_box(NextBox::Open, "ask-box-to-open"),
            },
            Command::Empty => match self.chosen.take_if(|chosen| chosen.state != BoxState::Received) {
                Some(Chosen { box_id, .. }) => Act::EmptyBox { box_id }.into(),
                None => self.await_box(NextBox::Empty, "ask-box-to-empty"),
            },
            Command::Finish => Act::FinishComparison.into(),
            Command::Settle => {
                self.settling = Some(Settling::WaitsForTube);
                Step::Show(Screen::ask(Message::new("ask-tube-to-settle")))
            }
            Command::Reason(reason) => match self.settling.clone()? {
                Settling::WaitsForReason(tube) => Act::SettleDiscrepancy { tube, reason: *reason }.into(),
                Settling::WaitsForTube => Step::Show(Screen::ask(Message::new("ask-tube-to-settle"))),
            },
            Command::Receive => Step::Show(Screen::ask(Message::new("ask-place-from"))),
            Command::Exception => return self.exchange.except(around),
            Command::Damaged if counter.open_box.is_none() => self.exchange.damage(around),
            _ => return None,
        })
    }

    fn await_box(&mut self, next: NextBox, key: &'static str) -> Step {
        self.next_box = Some(next);
        Step::Show(Screen::ask(Message::new(key)))
    }
}

impl Workplace for Laboratory {
    fn scan(&mut self, scanned: &Scanned, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        match scanned {
            Scanned::Place(site) => {
                self.exchange.partner = Some(site.clone());
                Some(match self.exchange.waiting.take() {
                    Some(box_id) => self.exchange.step(&box_id, Way::Take, around),
                    None => Step::Show(Screen::ask(Message::new("ask-boxes-from").text("from", site))),
                })
            }
            Scanned::Box(box_id) => Some(self.box_scanned(box_id, around)),
            Scanned::Seal(seal) => self.exchange.seal(seal, around),
            Scanned::Tube(tube) => Some(self.tube(tube)),
            Scanned::Command(command) => self.command(command, counter, around),
            Scanned::Booking(_) | Scanned::Document(_) => None,
        }
    }

    fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        _counter: &Counter,
        around: &Around<'_>,
    ) -> Option<Screen> {
        // A box that was just received is not chosen: others come off the same vehicle before one is opened.
        if let Some(screen) = self.exchange.answered(asked, outcome) {
            self.chosen = None;
            return Some(screen);
        }
        // A refused opening or emptying can be asked again by the right person.
        if let (Act::OpenBox { box_id } | Act::EmptyBox { box_id }, Outcome::Refused(_)) =
            (&asked.act, outcome)
        {
            let state = row(box_id, around).state;
            self.chosen = Some(Chosen { box_id: box_id.clone(), state });
        }
        let Outcome::Granted { facts, .. } = outcome else { return None };
        let new = Message::new;
        facts.iter().rev().find_map(|fact| {
            Some(match fact {
                Fact::BoxOpened { box_id } => {
                    Screen::yes(new("yes-box-opened").text("box", box_id)).line(new("next-compare"))
                }
                Fact::TubeReceived { tube, .. } => Screen::yes(new("yes-tube-agrees").text("tube", tube)),
                Fact::DiscrepancyFound { tube, code: DiscrepancyCode::NotOnManifest, .. } => {
                    Screen::no(new("no-not-on-manifest").text("tube", tube))
                        .line(new("line-discrepancy-noted"))
                        .line(new("next-set-tube-aside"))
                }
                Fact::BoxCompared { box_id, matched, missing, extra } => {
                    self.chosen = Some(Chosen { box_id: box_id.clone(), state: BoxState::Compared });
                    compared(facts, box_id, (*matched, *missing, *extra))
                }
                Fact::DiscrepancySettled { tube, reason, .. } => {
                    self.settling = None;
                    Screen::yes(
                        new("yes-settled").text("tube", tube).message("reason", new(say::reason(*reason))),
                    )
                }
                Fact::BoxEmptied { box_id } => Screen::yes(new("yes-box-emptied").text("box", box_id)),
                _ => return None,
            })
        })
    }

    fn frame(&self, counter: &Counter) -> Frame {
        if let Some(settling) = &self.settling {
            return match settling {
                Settling::WaitsForTube => Frame::new("title-settle", Message::new("ask-tube-to-settle")),
                Settling::WaitsForReason(tube) => {
                    let prompt = Message::new("ask-settle-reason").text("tube", tube);
                    let mut frame = Frame::new("title-settle", prompt);
                    frame.choices.extend(reason_choices(&SETTLE_REASONS));
                    frame
                }
            }
            .choice("CMD-CANCEL", "choice-cancel");
        }
        if let Some(open) = &counter.open_box {
            let mut frame = Frame::new("title-compare", Message::new("ask-tubes-of").text("box", open))
                .choice("CMD-FINISH", "choice-finish")
                .choice("CMD-SETTLE", "choice-settle");
            frame.progress = Some(Progress { done: counter.done, of: counter.of });
            frame.lines.push(Message::new("line-open-box").text("box", open));
            return frame;
        }
        let frame = match &self.exchange.partner {
            Some(site) => Frame::new("title-receive", Message::new("ask-boxes-from").text("from", site)),
            None => Frame::new("title-receive", Message::new("ask-place-from")),
        };
        if self.exchange.is_in_doubt() {
            return self.exchange.frame(frame);
        }
        let (open, empty) = (("CMD-OPEN", "choice-open"), ("CMD-EMPTY", "choice-empty"));
        let (first, second) = match &self.chosen {
            Some(Chosen { state: BoxState::Compared, .. }) => (empty, open),
            _ => (open, empty),
        };
        let mut frame = frame.choice(first.0, first.1).choice(second.0, second.1);
        frame.lines.extend(self.chosen.iter().map(|chosen| say::line_box(&chosen.box_id)));
        frame
            .choice("CMD-SETTLE", "choice-settle")
            .choice("CMD-DAMAGED", "choice-damaged")
            .choice("CMD-CLOSE-SHIFT", "choice-close-shift")
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// As the ledger has it. One that cannot be read is unknown; the question that follows then fails.
fn row(box_id: &BoxId, around: &Around<'_>) -> BoxRow {
    load(around.ledger, box_id.as_str()).ok().flatten().unwrap_or_default()
}

fn compared(facts: &[Fact], box_id: &BoxId, (matched, missing, extra): (u32, u32, u32)) -> Screen {
    let main = Message::new(if missing + extra == 0 { "yes-compared" } else { "compared-differs" });
    let mut screen = Screen::yes(
        main.text("box", box_id).number("matched", matched).number("missing", missing).number("extra", extra),
    );
    if missing + extra > 0 {
        screen.tone = Tone::Alarm;
    }
    let tubes = facts.iter().filter_map(|fact| match fact {
        Fact::DiscrepancyFound { tube, code: DiscrepancyCode::NotInBox, .. } => Some(tube),
        _ => None,
    });
    screen
        .lines
        .extend(tubes.take(MISSING_SHOWN).map(|tube| Message::new("line-missing-tube").text("tube", tube)));
    let told =
        facts.iter().any(|fact| matches!(fact, Fact::AlarmRaised { alarm: AlarmKind::TubesDisagree, .. }));
    if told {
        screen.lines.push(Message::new("next-settle"));
    }
    screen.line(Message::new("next-empty"))
}

/// Missing tubes that are named on the panel; the journal has them all.
const MISSING_SHOWN: usize = 3;
