//! A testing centre: tubes are collected and packed, boxes closed with the checklist, sealed and handed to a vehicle.

use waypost_core::{
    fact::{
        Checklist, Fact,
        id::{BookingId, BoxId, MechanicalSealId, SealId, TubeId},
    },
    rule::{
        Act, Refusal,
        ledger::load,
        row::{BoxRow, BoxState, SealRow},
    },
};

use super::{
    command::{Check, Command},
    counter::Counter,
    due,
    exchange::{Exchange, Way},
    say,
    screen::{Frame, Screen},
    step::{Around, Asked, Nearest, Outcome, Scanned, Step},
    workplace::Workplace,
};
use crate::panel::{Message, Progress};

/// Where a testing centre stands between two scans.
#[derive(Debug)]
pub struct TestingCentre {
    box_tubes_max: u32,
    /// The booking for the next tube.
    booking: Option<BookingId>,
    /// The open box is being closed: what was confirmed so far.
    checklist: Option<Checklist>,
    /// The closed box that waits for its seal.
    sealing: Option<BoxId>,
    /// That box's electronic seal has no count: a mechanical one is waited for.
    uncounted: Option<SealId>,
    /// The last tube that was refused for being in another box.
    elsewhere: Option<TubeId>,
    /// The next tube is moved.
    moving: bool,
    /// Boxes go to this vehicle.
    exchange: Exchange,
}

impl TestingCentre {
    /// A fresh counter.
    pub fn new(box_tubes_max: u32) -> Self {
        Self {
            box_tubes_max,
            booking: None,
            checklist: None,
            sealing: None,
            uncounted: None,
            elsewhere: None,
            moving: false,
            exchange: Exchange::default(),
        }
    }

    fn tube(&mut self, tube: &TubeId) -> Step {
        self.checklist = None;
        self.exchange.clear();
        let tube = tube.clone();
        Step::from(if std::mem::take(&mut self.moving) {
            Act::MoveTube { tube }
        } else {
            Act::ScanTube { tube, booking: self.booking.take() }
        })
    }

    fn box_scanned(&mut self, box_id: &BoxId, around: &Around<'_>) -> Step {
        let row: BoxRow = load(around.ledger, box_id.as_str()).ok().flatten().unwrap_or_default();
        self.checklist = None;
        match row.state {
            BoxState::Closed => {
                self.sealing = Some(box_id.clone());
                self.uncounted = None;
                Step::Show(Screen::ask(Message::new("ask-fit-seal").text("box", box_id)))
            }
            BoxState::Sealed => self.exchange.step(box_id, Way::Give, around),
            // Only sealed boxes go to a vehicle: with any other one the handing over is at its end, and packing begins.
            _ => {
                self.exchange.clear();
                Act::StartBox { box_id: box_id.clone() }.into()
            }
        }
    }

    fn seal(&mut self, seal: &SealId, around: &Around<'_>) -> Step {
        if let Some(step) = self.exchange.seal(seal, around) {
            return step;
        }
        let Some(box_id) = self.sealing.clone() else {
            return Step::Show(
                Screen::no(Message::new("no-box-to-seal")).line(Message::new("next-close-first")),
            );
        };
        // A number that no electronic seal has, after one without a count, is the mechanical seal's.
        let (seal, mechanical) = match self.uncounted.clone() {
            Some(electronic) if electronic != *seal && !around.seals.is_known(seal) => {
                (electronic, MechanicalSealId::new(seal.as_str()).ok())
            }
            _ => (seal.clone(), None),
        };
        let local = around.local;
        let due = due::due(around.now, &local.closes, &local.time_zone);
        Act::SealBox { box_id, reading: around.seals.reading(&seal), mechanical, due }.into()
    }

    /// Without its barcode a seal is taken where it is the only one that can be meant.
    fn nearest_seal(&mut self, box_id: &BoxId, around: &Around<'_>) -> Step {
        let is_free = |seal: &SealId| {
            let row: Option<SealRow> = load(around.ledger, seal.as_str()).ok().flatten();
            row.is_none_or(|row| row.box_id.is_none())
        };
        let ask = |key| Step::Show(Screen::ask(Message::new(key).text("box", box_id)));
        match around.seals.nearest(&is_free) {
            Nearest::One(seal) => self.seal(&seal, around),
            Nearest::Several => ask("ask-scan-one-of-several-seals"),
            Nearest::None => ask("ask-scan-seal-none-near"),
        }
    }

    fn check(&mut self, check: Check) -> Option<Step> {
        let checklist = self.checklist.as_mut()?;
        match check {
            Check::Absorbent => checklist.absorbent = true,
            Check::Closed => checklist.secondary_closed = true,
            Check::Mark => checklist.mark_legible = true,
            Check::Clean => checklist.outside_clean = true,
            Check::All => *checklist = Checklist::COMPLETE,
        }
        if checklist.is_complete() {
            return Some(Act::CloseBox { checklist: *checklist }.into());
        }
        Some(Step::Show(Screen::ask(Message::new("ask-checklist"))))
    }

    fn command(&mut self, command: &Command, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        Some(match command {
            Command::Undo => Act::UndoTube.into(),
            Command::Move => match self.elsewhere.take() {
                Some(tube) => Act::MoveTube { tube }.into(),
                None => {
                    self.moving = true;
                    Step::Show(Screen::ask(Message::new("ask-tube-to-move")))
                }
            },
            Command::CloseBox if counter.open_box.is_none() => {
                let refused = Refusal::NoOpenBox;
                Step::Show(say::refused(
                    &refused,
                    &Act::CloseBox { checklist: Checklist::default() },
                    around.local,
                ))
            }
            Command::CloseBox => {
                self.checklist = Some(Checklist::default());
                Step::Show(Screen::ask(Message::new("ask-checklist")))
            }
            Command::Check(check) => return self.check(*check),
            Command::Seal => match self.sealing.clone() {
                Some(box_id) => self.nearest_seal(&box_id, around),
                None => Step::Show(Screen::ask(Message::new("ask-box-to-seal"))),
            },
            Command::Reopen => match self.sealing.clone() {
                Some(box_id) => Act::ReopenBox { box_id }.into(),
                None => Step::Show(Screen::ask(Message::new("ask-box-to-reopen"))),
            },
            Command::HandOver => Step::Show(Screen::ask(Message::new("ask-place-to"))),
            Command::Empty => Act::EmptyBox { box_id: counter.open_box.clone()? }.into(),
            Command::Exception => return self.exchange.except(around),
            Command::Damaged => self.exchange.damage(around),
            _ => return None,
        })
    }
}

impl Workplace for TestingCentre {
    fn scan(&mut self, scanned: &Scanned, counter: &Counter, around: &Around<'_>) -> Option<Step> {
        Some(match scanned {
            Scanned::Tube(tube) => self.tube(tube),
            Scanned::Box(box_id) => self.box_scanned(box_id, around),
            Scanned::Seal(seal) => self.seal(seal, around),
            Scanned::Booking(booking) => {
                self.booking = Some(booking.clone());
                Step::Show(Screen::ask(Message::new("ask-tube-of-booking").text("booking", booking)))
            }
            Scanned::Place(site) => {
                self.exchange.partner = Some(site.clone());
                match self.exchange.waiting.take() {
                    Some(box_id) => self.exchange.step(&box_id, Way::Give, around),
                    None => Step::Show(Screen::ask(Message::new("ask-boxes-to").text("to", site))),
                }
            }
            Scanned::Command(command) => return self.command(command, counter, around),
            Scanned::Document(_) => return None,
        })
    }

    fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        counter: &Counter,
        _around: &Around<'_>,
    ) -> Option<Screen> {
        match (&asked.act, outcome) {
            (Act::ScanTube { tube, .. }, Outcome::Refused(Refusal::TubeInOtherBox { .. })) => {
                self.elsewhere = Some(tube.clone());
            }
            (Act::ScanTube { .. }, _) => self.elsewhere = None,
            (Act::SealBox { reading, .. }, Outcome::Refused(Refusal::SealWithoutCount)) => {
                self.uncounted = Some(reading.seal.clone());
            }
            _ => {}
        }
        if let Some(screen) = self.exchange.answered(asked, outcome) {
            return Some(screen);
        }
        let Outcome::Granted { facts, .. } = outcome else { return None };
        let new = Message::new;
        // The last fact says most: a tube that is collected and packed is packed.
        facts.iter().rev().find_map(|fact| {
            Some(match fact {
                Fact::TubePacked { tube, .. } => Screen::yes(new("yes-tube-packed").text("tube", tube)),
                Fact::TubeCollected { tube, .. } => {
                    Screen::yes(new("yes-tube-collected").text("tube", tube)).line(new("next-scan-box"))
                }
                Fact::TubeTakenOut { tube, box_id, .. } => {
                    Screen::yes(new("yes-tube-taken-out").text("tube", tube).text("box", box_id))
                }
                Fact::TubeMoved { tube, from, to, .. } => {
                    Screen::yes(new("yes-tube-moved").text("tube", tube).text("from", from).text("to", to))
                }
                Fact::BoxStarted { box_id } => {
                    self.sealing = None;
                    Screen::yes(new("yes-box-started").text("box", box_id)).line(new("next-scan-tubes"))
                }
                Fact::BoxReopened { box_id, .. } => {
                    self.sealing = None;
                    Screen::yes(new("yes-box-reopened").text("box", box_id)).line(new("next-scan-tubes"))
                }
                Fact::BoxClosed { box_id, tubes, .. } => {
                    self.checklist = None;
                    self.uncounted = None;
                    self.sealing = Some(box_id.clone());
                    Screen::yes(new("yes-box-closed").text("box", box_id).number("count", *tubes))
                        .line(new("ask-fit-seal").text("box", box_id))
                }
                Fact::BoxSealed { box_id, reading, .. } => {
                    self.sealing = None;
                    self.uncounted = None;
                    Screen::yes(new("yes-box-sealed").text("box", box_id).text("seal", &reading.seal))
                        .line(new("next-hand-over"))
                }
                Fact::BoxEmptied { box_id } if counter.open_box.is_none() => {
                    Screen::yes(new("yes-box-emptied").text("box", box_id))
                }
                _ => return None,
            })
        })
    }

    fn frame(&self, counter: &Counter) -> Frame {
        if let Some(checklist) = &self.checklist {
            let mut frame = Frame::new("title-checklist", Message::new("ask-checklist"));
            for (done, code, label) in [
                (checklist.absorbent, "CMD-CHECK-ABSORBENT", "choice-check-absorbent"),
                (checklist.secondary_closed, "CMD-CHECK-CLOSED", "choice-check-closed"),
                (checklist.mark_legible, "CMD-CHECK-MARK", "choice-check-mark"),
                (checklist.outside_clean, "CMD-CHECK-CLEAN", "choice-check-clean"),
            ] {
                if !done {
                    frame = frame.choice(code, label);
                }
            }
            return frame.choice("CMD-CHECK-ALL", "choice-check-all").choice("CMD-CANCEL", "choice-cancel");
        }
        if let Some(box_id) = &self.sealing {
            return Frame::new("title-seal", Message::new("ask-fit-seal").text("box", box_id))
                .choice("CMD-SEAL", "choice-seal-nearest")
                .choice("CMD-REOPEN", "choice-reopen")
                .choice("CMD-CANCEL", "choice-cancel");
        }
        if let Some(site) = &self.exchange.partner {
            let prompt = Message::new("ask-boxes-to").text("to", site);
            let frame = Frame::new("title-hand-over", prompt);
            return if self.exchange.is_in_doubt() {
                self.exchange.frame(frame)
            } else {
                frame.choice("CMD-CANCEL", "choice-back-to-packing")
            };
        }
        let Some(open) = &counter.open_box else {
            return Frame::new("title-collect", Message::new("ask-tube-or-box"))
                .choice("CMD-HANDOVER", "choice-hand-over")
                .choice("CMD-STOCK-IN", "choice-stock-in")
                .choice("CMD-COUNT", "choice-count")
                .choice("CMD-CLOSE-SHIFT", "choice-close-shift");
        };
        let mut frame = Frame::new("title-pack", Message::new("ask-tubes-for").text("box", open))
            .choice("CMD-CLOSE-BOX", "choice-close-box")
            .choice("CMD-UNDO", "choice-undo")
            .choice("CMD-MOVE", "choice-move");
        frame.progress = Some(Progress { done: counter.done, of: self.box_tubes_max });
        frame.lines.push(Message::new("line-open-box").text("box", open));
        frame
    }

    fn clear(&mut self) {
        *self = Self::new(self.box_tubes_max);
    }
}
