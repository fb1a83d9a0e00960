//! Stock at a counter: what came, what went, what was counted.

use waypost_core::{
    fact::{
        Fact, MovementReason, RepairReason,
        id::{ItemId, SiteId},
    },
    rule::{Act, Refusal, ledger::load, row::StockRow},
};

use super::{
    command::{Command, REASONS},
    say,
    screen::{Frame, Screen, item_choice, item_name},
    step::{Around, Asked, Local, Outcome, Scanned, Step},
};
use crate::panel::{Choice, Message};

/// What is done with the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Counting,
    TakingIn,
    GivingOut,
}

/// Reasons why a count differs.
const COUNT_REASONS: [RepairReason; 5] = [
    RepairReason::Recounted,
    RepairReason::Lost,
    RepairReason::Found,
    RepairReason::Damaged,
    RepairReason::Mistake,
];

/// The stock desk. It lasts until another work begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StockDesk {
    doing: Option<Doing>,
    item: Option<ItemId>,
    with: Option<SiteId>,
    /// A count that needs a reason.
    differs: Option<(ItemId, i64)>,
}

impl StockDesk {
    /// Is it at work?
    pub fn is_active(&self) -> bool {
        self.doing.is_some()
    }

    /// Leaves it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Goods go out to a site from now on.
    pub fn give_to(&mut self, site: SiteId) -> Step {
        self.differs = None;
        self.doing = Some(self.doing.filter(|doing| *doing == Doing::TakingIn).unwrap_or(Doing::GivingOut));
        self.with = Some(site);
        self.next()
    }

    /// Takes a reading that is about stock; none where it is about something else.
    pub fn scan(&mut self, scanned: &Scanned, local: &Local) -> Option<Step> {
        match scanned {
            Scanned::Place(site) if self.is_active() => {
                self.with = Some(site.clone());
                Some(self.next())
            }
            Scanned::Command(command) => self.command(command, local),
            _ => None,
        }
    }

    fn command(&mut self, command: &Command, local: &Local) -> Option<Step> {
        let doing = match command {
            Command::Count => Doing::Counting,
            Command::StockIn => Doing::TakingIn,
            Command::StockOut => Doing::GivingOut,
            Command::Item(item) if local.items.contains(item) => {
                self.item = Some(item.clone());
                return Some(self.next());
            }
            Command::Item(item) => {
                let main = Message::new("stock-unknown-item").text("item", item);
                return Some(Step::Show(Screen::no(main).line(Message::new("next-choose-item"))));
            }
            Command::Quantity(quantity) => return Some(self.quantity(*quantity)),
            Command::Reason(reason) => {
                let (item, counted) = self.differs.clone()?;
                return Some(Act::CountStock { item, counted, reason: Some(*reason) }.into());
            }
            _ => return None,
        };
        *self = Self { doing: Some(doing), with: self.with.take(), ..Self::default() };
        Some(self.next())
    }

    fn quantity(&mut self, quantity: i64) -> Step {
        let (Some(doing), Some(item)) = (self.doing, self.item.clone()) else { return self.next() };
        let with = self.with.clone();
        self.differs = None;
        Step::from(match doing {
            Doing::Counting => Act::CountStock { item, counted: quantity, reason: None },
            Doing::TakingIn => Act::MoveStock { item, quantity, reason: MovementReason::Received, with },
            Doing::GivingOut => {
                Act::MoveStock { item, quantity: -quantity, reason: MovementReason::Issued, with }
            }
        })
    }

    fn next(&self) -> Step {
        Step::Show(Screen::ask(self.prompt()))
    }

    fn prompt(&self) -> Message {
        match (&self.doing, &self.item) {
            (None, _) => Message::new("stock-choose-work"),
            (Some(_), None) => Message::new("stock-choose-item"),
            (Some(Doing::Counting), Some(item)) => {
                Message::new("stock-key-count").message("item", item_name(item.as_str()))
            }
            (Some(_), Some(item)) => {
                Message::new("stock-key-quantity").message("item", item_name(item.as_str()))
            }
        }
    }

    /// Takes up an answer. The panel of one that went well.
    pub fn answered(&mut self, asked: &Asked, outcome: &Outcome, around: &Around<'_>) -> Option<Screen> {
        if let (Act::CountStock { item, counted, .. }, Outcome::Refused(Refusal::NeedsReason { .. })) =
            (&asked.act, outcome)
        {
            self.differs = Some((item.clone(), *counted));
        }
        let Outcome::Granted { facts, .. } = outcome else { return None };
        let screen = facts.iter().find_map(|fact| match fact {
            Fact::StockMoved { item, quantity, with, .. } => {
                let key = if *quantity > 0 { "yes-stock-in" } else { "yes-stock-out" };
                let main = Message::new(key)
                    .number("count", quantity.abs())
                    .message("item", item_name(item.as_str()));
                let mut screen = Screen::yes(main);
                screen.lines.extend(with.as_ref().map(|site| Message::new("line-with").text("site", site)));
                Some(screen.line(on_hand(item, around)))
            }
            Fact::StockCounted { item, expected, counted, .. } => {
                let main = Message::new("yes-stock-counted")
                    .number("count", *counted)
                    .message("item", item_name(item.as_str()));
                let mut screen = Screen::yes(main);
                if counted != expected {
                    screen.lines.push(Message::new("line-variance").number("variance", counted - expected));
                }
                Some(screen)
            }
            _ => None,
        })?;
        self.item = None;
        self.differs = None;
        Some(screen)
    }

    /// What stands on the panel while it is at work.
    pub fn frame(&self, local: &Local) -> Frame {
        let mut frame = Frame::new("title-stock", self.prompt());
        frame.lines.extend(self.with.as_ref().map(|site| Message::new("line-with").text("site", site)));
        if self.differs.is_some() {
            frame.choices.extend(reason_choices(&COUNT_REASONS));
        } else if self.item.is_none() {
            frame.choices.extend(local.items.iter().map(item_choice));
        } else {
            frame.choices.extend([10, 50, 100, 200].map(|quantity| Choice {
                code: format!("QTY-{quantity}"),
                label: Message::new("choice-quantity").number("count", quantity),
            }));
        }
        frame.choice("CMD-CANCEL", "choice-cancel")
    }
}

/// A choice for each reason.
pub fn reason_choices(reasons: &[RepairReason]) -> Vec<Choice> {
    let named = REASONS.iter().filter(|(reason, _)| reasons.contains(reason));
    named
        .map(|(reason, code)| Choice {
            code: format!("CMD-REASON-{code}"),
            label: Message::new(say::reason(*reason)),
        })
        .collect()
}

fn on_hand(item: &ItemId, around: &Around<'_>) -> Message {
    let row: Option<StockRow> = load(around.ledger, item.as_str()).ok().flatten();
    Message::new("line-on-hand").number("count", row.map_or(0, |row| row.on_hand))
}
