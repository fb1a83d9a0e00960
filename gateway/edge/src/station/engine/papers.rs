//! Papers: which are due after an answer, and what the panel says of printers.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use waypost_core::fact::{Fact, WallTime};
use waypost_drivers::printer::Trouble;

use super::super::step::{Asked, Outcome};
use crate::{
    panel::{Language, Message},
    print::{Beside, PaperOrder, has_paper},
};

/// News of a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterNews {
    /// What the configuration calls it; empty: none in particular.
    pub printer: String,
    /// A paper, by its record.
    pub paper: Option<(u64, PaperNews)>,
    /// What it needs changed, to this.
    pub needs: Option<Option<Needs>>,
}

/// What a printer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// It is not reached.
    Away,
    /// It says what is wrong.
    Hand(Trouble),
}

/// What became of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperNews {
    /// It is printed.
    Printed,
    /// It may have come out in part.
    Unsure,
    /// It waited too long for its printer.
    Dropped,
    /// Too many wait already.
    QueueFull,
    /// Its codes do not fit on this printer's paper.
    TooSmall,
    /// No printer prints such papers.
    NoPrinter,
    /// There is nothing to print of that record.
    NoPaper,
}

/// The papers of a counter.
pub struct Desk {
    orders: Option<mpsc::Sender<PaperOrder>>,
    /// The latest paper, as long as the process runs.
    latest: Option<(u64, Beside)>,
    needs: BTreeMap<String, Needs>,
    /// The latest word on a paper that did not come out, by printer.
    words: BTreeMap<String, Message>,
}

impl Desk {
    /// Without `orders` nothing is printed here.
    pub fn new(orders: Option<mpsc::Sender<PaperOrder>>) -> Self {
        Self { orders, latest: None, needs: BTreeMap::new(), words: BTreeMap::new() }
    }

    /// Is anything printed here at all?
    pub fn prints(&self) -> bool {
        self.orders.is_some()
    }

    /// May the latest paper be asked for again, as far as this process knows?
    pub fn has_latest(&self) -> bool {
        self.latest.is_some()
    }

    /// Orders what an answer puts on paper. `shift` is the day and the beginning of the shift before the answer. True
    /// where the panel has something to say about it.
    pub fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        shift: (Option<String>, Option<WallTime>),
        language: Language,
    ) -> bool {
        let Outcome::Granted { records: Some((first, _)), facts, repeated: false } = outcome else {
            return false;
        };
        let mut news = false;
        for (record, fact) in (*first..).zip(facts) {
            let order = if let Fact::PaperReprinted { record, number } = fact {
                let beside = self.latest.as_ref().filter(|(latest, _)| latest == record);
                let beside = beside.map(|(_, beside)| beside.clone()).unwrap_or_default();
                PaperOrder { record: *record, reprint: *number, beside, language }
            } else if has_paper(fact) {
                let beside = Beside { masked: asked.masked.clone(), day: shift.0.clone(), opened: shift.1 };
                self.latest = Some((record, beside.clone()));
                PaperOrder { record, reprint: 0, beside, language }
            } else {
                continue;
            };
            let Some(orders) = &self.orders else { continue };
            if let Err(error) = orders.try_send(order) {
                tracing::warn!(record, %error, "a paper is not printed");
                news |= self.paper(String::new(), record, PaperNews::QueueFull);
            }
        }
        news
    }

    /// Takes news; true where the panel changes.
    pub fn news(&mut self, news: PrinterNews) -> bool {
        let PrinterNews { printer, paper, needs } = news;
        let mut changed = false;
        if let Some(needs) = needs {
            let before = match needs {
                Some(needs) => self.needs.insert(printer.clone(), needs),
                None => self.needs.remove(&printer),
            };
            changed = before != needs;
        }
        if let Some((record, news)) = paper {
            changed |= self.paper(printer, record, news);
        }
        changed
    }

    fn paper(&mut self, printer: String, record: u64, news: PaperNews) -> bool {
        let key = match news {
            PaperNews::Printed => {
                // A paper that came out says that the printer, and the way to it, are well again.
                return self.words.remove(&printer).is_some() | self.words.remove("").is_some();
            }
            PaperNews::Unsure => "printer-unsure",
            PaperNews::Dropped => "printer-dropped",
            PaperNews::QueueFull => "printer-full",
            PaperNews::TooSmall => "printer-too-small",
            PaperNews::NoPrinter => "printer-none",
            PaperNews::NoPaper => "printer-no-paper",
        };
        let word = Message::new(key).text("printer", &printer).number("record", record);
        self.words.insert(printer, word.clone()) != Some(word)
    }

    /// Lines for the panel: what is wrong, what to do.
    pub fn lines(&self) -> impl Iterator<Item = Message> {
        let needs = self.needs.iter().map(|(printer, needs)| {
            let key = match needs {
                Needs::Away => "printer-away",
                Needs::Hand(Trouble::PaperOut) => "printer-paper-out",
                Needs::Hand(Trouble::CoverOpen) => "printer-cover-open",
                Needs::Hand(Trouble::RibbonOut) => "printer-ribbon-out",
                Needs::Hand(Trouble::Cutter) => "printer-cutter",
                Needs::Hand(Trouble::Temperature) => "printer-temperature",
                Needs::Hand(Trouble::Paused) => "printer-paused",
                Needs::Hand(Trouble::Busy) => "printer-busy",
                Needs::Hand(Trouble::Error) => "printer-error",
                Needs::Hand(Trouble::PaperLow) => "printer-paper-low",
            };
            Message::new(key).text("printer", printer)
        });
        needs.chain(self.words.values().cloned())
    }
}
