//! A vehicle: takes sealed boxes, carries them, gives them to a laboratory.
//!
//! No command is needed: a box that is aboard is given where the vehicle stands now, unless that is where it came from.

use waypost_core::{
    fact::{
        Fact,
        id::{BoxId, SiteId},
    },
    rule::{
        ledger::load,
        row::{BoxRow, BoxState, FenceRow},
    },
};

use super::{
    command::Command,
    counter::Counter,
    exchange::{Exchange, Way},
    screen::{Frame, Screen},
    step::{Around, Asked, Outcome, Scanned, Step},
    workplace::Workplace,
};
use crate::panel::Message;

/// Where a vehicle stands between two scans.
#[derive(Debug, Default)]
pub struct Vehicle {
    exchange: Exchange,
    /// What the driver said, over what the boxes say by themselves.
    way: Option<Way>,
    /// The fence around the vehicle, by its site.
    fence: Option<SiteId>,
    /// When the driver scanned where the vehicle is, by the gateway's clock.
    scanned_ms: Option<u64>,
}

/// What the driver scanned goes before fences for so long: positions come late.
const BY_HAND_MS: u64 = 10 * 60_000;

impl Vehicle {
    fn box_scanned(&mut self, box_id: &BoxId, around: &Around<'_>) -> Step {
        let row: BoxRow = load(around.ledger, box_id.as_str()).ok().flatten().unwrap_or_default();
        let aboard = row.state == BoxState::Carried;
        let elsewhere = self.exchange.partner.is_some() && self.exchange.partner != row.other;
        let way = match self.way {
            Some(way) => way,
            None if aboard && elsewhere => Way::Give,
            None => Way::Take,
        };
        if aboard && self.way.is_none() && self.exchange.partner.is_none() {
            self.exchange.waiting = Some(box_id.clone());
            return Step::Show(Screen::ask(Message::new("ask-place-here")));
        }
        self.exchange.step(box_id, way, around)
    }

    fn at(&mut self, site: &SiteId, around: &Around<'_>) -> Step {
        self.exchange.partner = Some(site.clone());
        self.scanned_ms = Some(around.now.up_ms);
        match self.exchange.waiting.take() {
            Some(box_id) => self.box_scanned(&box_id, around),
            None => Step::Show(Screen::ask(Message::new("ask-boxes-at").text("site", site))),
        }
    }

    fn command(&mut self, command: &Command, around: &Around<'_>) -> Option<Step> {
        let key = match command {
            Command::HandOver => {
                self.way = Some(Way::Give);
                "ask-boxes-to-give"
            }
            Command::Receive => {
                self.way = Some(Way::Take);
                "ask-boxes-to-take"
            }
            Command::Exception => return self.exchange.except(around),
            Command::Damaged => return Some(self.exchange.damage(around)),
            _ => return None,
        };
        Some(Step::Show(Screen::ask(Message::new(key))))
    }
}

impl Workplace for Vehicle {
    fn scan(&mut self, scanned: &Scanned, _counter: &Counter, around: &Around<'_>) -> Option<Step> {
        match scanned {
            Scanned::Place(site) => Some(self.at(site, around)),
            Scanned::Box(box_id) => Some(self.box_scanned(box_id, around)),
            Scanned::Seal(seal) => self.exchange.seal(seal, around),
            Scanned::Command(command) => self.command(command, around),
            Scanned::Tube(_) | Scanned::Booking(_) | Scanned::Document(_) => None,
        }
    }

    fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        counter: &Counter,
        _around: &Around<'_>,
    ) -> Option<Screen> {
        let screen = self.exchange.answered(asked, outcome)?;
        Some(screen.line(Message::new("line-aboard").number("count", counter.due.len())))
    }

    fn frame(&self, _counter: &Counter) -> Frame {
        let frame = match &self.exchange.partner {
            Some(site) => {
                let mut frame = Frame::new("title-vehicle", Message::new("ask-boxes-at").text("site", site));
                frame.lines.push(Message::new("line-with").text("site", site));
                frame
            }
            None => Frame::new("title-vehicle", Message::new("ask-place-here")),
        };
        if self.exchange.is_in_doubt() {
            return self.exchange.frame(frame);
        }
        frame
            .choice("CMD-HANDOVER", "choice-hand-over")
            .choice("CMD-RECEIVE", "choice-receive")
            .choice("CMD-DAMAGED", "choice-damaged")
            .choice("CMD-CLOSE-SHIFT", "choice-close-shift")
    }

    fn clear(&mut self) {
        let partner = self.fence.clone();
        *self = Self { fence: partner.clone(), ..Self::default() };
        self.exchange.partner = partner;
    }

    /// A fence says where the vehicle is, unless the driver just did. A box at hand stays at hand.
    fn happened(&mut self, fact: &Fact, around: &Around<'_>) {
        self.fence = match fact {
            Fact::FenceEntered { fence } => {
                let row: Option<FenceRow> = load(around.ledger, fence.as_str()).ok().flatten();
                row.map(|row| row.site)
            }
            Fact::FenceLeft { .. } => None,
            _ => return,
        };
        let by_hand = self.scanned_ms.is_some_and(|at| around.now.up_ms.saturating_sub(at) < BY_HAND_MS);
        if !by_hand && !self.exchange.is_in_doubt() {
            self.scanned_ms = None;
            self.way = None;
            self.exchange.partner = self.fence.clone();
        }
    }
}
