//! A box changes hands: who is on the other side, what the seal says, and what happens where it is not as it should be.

use waypost_core::{
    fact::{
        ExceptionReason, Fact, SealReading,
        id::{BoxId, SealId, SiteId},
    },
    rule::{
        Act, Refusal,
        ledger::load,
        row::{BoxRow, Manifest},
    },
};

use super::{
    say,
    screen::{Frame, Screen},
    step::{Around, Asked, Outcome, Step},
};
use crate::panel::Message;

/// Which way a box goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From here to the other side.
    Give,
    /// From the other side to here.
    Take,
}

/// The exchange at a counter or a dock. It lasts until another work begins, so that a second box needs one scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// Who is on the other side.
    pub partner: Option<SiteId>,
    /// A box that waits for the other side's code.
    pub waiting: Option<BoxId>,
    /// A box of which nobody knows the seal.
    sealless: Option<(BoxId, Way)>,
    /// A box whose seal is not as it should be.
    doubted: Option<Doubted>,
    /// The next box is damaged.
    damaged: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Doubted {
    box_id: BoxId,
    way: Way,
    seal: Option<SealId>,
    reason: ExceptionReason,
}

impl Exchange {
    /// Begins anew.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives or takes a box with what its seal says now.
    pub fn step(&mut self, box_id: &BoxId, way: Way, around: &Around<'_>) -> Step {
        self.sealless = None;
        self.doubted = None;
        if self.partner.is_none() {
            self.waiting = Some(box_id.clone());
            let key = if way == Way::Give { "ask-place-to" } else { "ask-place-from" };
            return Step::Show(Screen::ask(Message::new(key)).line(say::line_box(box_id)));
        }
        match seal_of(box_id, way, around) {
            Some(seal) => self.act(box_id, way, Some(&seal), None, around),
            None => {
                self.sealless = Some((box_id.clone(), way));
                let screen = Screen::ask(Message::new("ask-seal-of-box")).line(say::line_box(box_id));
                Step::Show(screen.line(Message::new("next-no-seal")))
            }
        }
    }

    /// A seal was scanned: it is the one on the box at hand.
    pub fn seal(&mut self, seal: &SealId, around: &Around<'_>) -> Option<Step> {
        let (box_id, way) = match (self.sealless.take(), &self.doubted) {
            (Some(one), _) => one,
            (None, Some(doubted)) => (doubted.box_id.clone(), doubted.way),
            (None, None) => return None,
        };
        Some(self.act(&box_id, way, Some(seal), None, around))
    }

    /// Goes on under exception with the box at hand.
    pub fn except(&mut self, around: &Around<'_>) -> Option<Step> {
        if let Some((box_id, way)) = self.sealless.take() {
            return Some(self.act(&box_id, way, None, Some(ExceptionReason::SealUnread), around));
        }
        let Doubted { box_id, way, seal, reason } = self.doubted.clone()?;
        Some(self.act(&box_id, way, seal.as_ref(), Some(reason), around))
    }

    /// The box at hand is damaged, or the next one is.
    pub fn damage(&mut self, around: &Around<'_>) -> Step {
        match self.doubted.clone() {
            Some(Doubted { box_id, way, seal, .. }) => {
                self.act(&box_id, way, seal.as_ref(), Some(ExceptionReason::BoxDamaged), around)
            }
            None => {
                self.damaged = true;
                Step::Show(Screen::ask(Message::new("ask-damaged-box")))
            }
        }
    }

    fn act(
        &mut self,
        box_id: &BoxId,
        way: Way,
        seal: Option<&SealId>,
        exception: Option<ExceptionReason>,
        around: &Around<'_>,
    ) -> Step {
        let Some(partner) = self.partner.clone() else { return self.step(box_id, way, around) };
        let exception = if self.damaged { Some(ExceptionReason::BoxDamaged) } else { exception };
        let reading: Option<SealReading> = seal.map(|seal| around.seals.reading(seal));
        let box_id = box_id.clone();
        Step::from(match way {
            Way::Give => Act::HandOverBox { box_id, to: partner, reading, remark: exception },
            Way::Take => Act::ReceiveBox { box_id, from: partner, reading, exception },
        })
    }

    /// Takes up an answer. The panel of one that went well.
    pub fn answered(&mut self, asked: &Asked, outcome: &Outcome) -> Option<Screen> {
        let (box_id, way, reading, said) = match &asked.act {
            Act::HandOverBox { box_id, reading, remark, .. } => (box_id, Way::Give, reading, remark),
            Act::ReceiveBox { box_id, reading, exception, .. } => (box_id, Way::Take, reading, exception),
            _ => return None,
        };
        self.doubted = match outcome {
            Outcome::Refused(Refusal::NeedsException { reason }) => Some(*reason),
            Outcome::Refused(Refusal::NotPermitted { .. }) => *said,
            _ => None,
        }
        .map(|reason| Doubted {
            box_id: box_id.clone(),
            way,
            seal: reading.as_ref().map(|reading| reading.seal.clone()),
            reason,
        });
        let Outcome::Granted { facts, .. } = outcome else { return None };
        self.damaged = false;
        facts.iter().find_map(|fact| match fact {
            Fact::BoxHandedOver { box_id, to, remark, .. } => {
                let main = Message::new("yes-handed-over").text("box", box_id).text("to", to);
                Some(Screen { lines: remark.map(under_exception).into_iter().collect(), ..Screen::yes(main) })
            }
            Fact::BoxReceived { box_id, from, exception, manifest, .. } => {
                let main = Message::new("yes-received").text("box", box_id).text("from", from);
                let mut screen = Screen::yes(main);
                screen.lines.extend(exception.map(under_exception));
                if !manifest {
                    screen.lines.push(Message::new("line-no-manifest"));
                }
                Some(screen)
            }
            _ => None,
        })
    }

    /// Does a box wait for a decision about its seal?
    pub fn is_in_doubt(&self) -> bool {
        self.doubted.is_some() || self.sealless.is_some()
    }

    /// Adds what can be chosen for the box at hand.
    pub fn frame(&self, frame: Frame) -> Frame {
        if self.doubted.is_some() {
            return frame
                .choice("CMD-EXCEPTION", "choice-exception")
                .choice("CMD-DAMAGED", "choice-damaged")
                .choice("CMD-CANCEL", "choice-cancel");
        }
        if self.sealless.is_some() {
            return frame.choice("CMD-EXCEPTION", "choice-no-seal").choice("CMD-CANCEL", "choice-cancel");
        }
        frame
    }
}

fn under_exception(reason: ExceptionReason) -> Message {
    Message::new("line-under-exception").message("reason", say::exception(reason))
}

/// The seal that should be on a box. A ledger that cannot be read knows none; the question that follows then fails.
fn seal_of(box_id: &BoxId, way: Way, around: &Around<'_>) -> Option<SealId> {
    match way {
        Way::Give => load::<BoxRow>(around.ledger, box_id.as_str()).ok().flatten()?.seal,
        Way::Take => {
            load::<Manifest>(around.ledger, box_id.as_str()).ok().flatten().map(|manifest| manifest.seal)
        }
    }
}
