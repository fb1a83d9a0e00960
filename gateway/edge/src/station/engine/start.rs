//! What a station does before its first scan: what a power cut left open is asked, and whoever was signed in keys the PIN
//! again.

use std::sync::Arc;

use waypost_core::{
    fact::id::OperatorId,
    rule::{
        Act, Ledger as _, LedgerError, RowKind,
        ledger::load,
        order_check::ENTRIES_MAX,
        row::{PinRule, StaffRow},
    },
};

use super::{
    super::{
        hand_out::HandOut,
        machine::Station,
        screen::Screen,
        step::{Asked, Outcome},
    },
    Engine,
    display::Took,
};
use crate::{
    journal::Reader,
    panel::{Message, Tone},
};

/// Verdicts of before a restart that are named on the panel; the journal has them all.
const UNSHOWN_LINES: usize = 4;

impl Engine {
    /// Yes verdicts of before a restart that nobody may have seen: the operator looks whether the goods were given.
    pub(super) async fn show_unshown(&mut self) {
        let unshown = std::mem::take(&mut self.parts.opened.unshown);
        let (Some(first), Some(last)) = (unshown.first(), unshown.last()) else { return };
        let mut screen = Screen::new(Tone::Ask, Message::new("ask-unshown").number("count", unshown.len()));
        screen.records = Some((first.first, last.last));
        // Another station finds the words: what these answers changed is in the ledger, and so in ours, already.
        let Ok(mut other) = Station::new(Arc::clone(&self.parts.local), &self.parts.reader) else { return };
        for one in unshown.iter().rev().take(UNSHOWN_LINES) {
            let outcome = Outcome::Granted {
                records: Some((one.first, one.last)),
                facts: one.facts.clone(),
                repeated: false,
            };
            let asked = Asked { act: Act::Tick, masked: None };
            let said = self.with_around(|_, around| other.on_answer(&asked, &outcome, around));
            let record = Message::new("line-unshown").number("record", one.first).message("what", said.main);
            screen.lines.push(record);
        }
        screen.lines.push(Message::new("next-unshown"));
        for one in unshown {
            match HandOut::of(one.first, &one.facts, &self.parts.reader) {
                // Noted as shown when it is answered: after another power cut it is asked again.
                Ok(Some(hand_out)) => {
                    self.unsettled.insert(hand_out.record, one.id);
                    self.station.ask_hand_out(hand_out);
                }
                Ok(None) => self.parts.writer.shown(one.id).await,
                Err(error) => tracing::error!(%error, "a claim of before the start cannot be read"),
            }
        }
        if let Some(question) = self.station.hand_out_screen() {
            screen.main = question.main;
        }
        self.show(screen, Took::default());
    }

    /// Whoever was signed in with a PIN before the start keys it again: the gateway may be in other hands.
    pub(super) fn ask_pin_anew(&mut self) {
        let Some(operator) = self.station.counter().operator.clone() else { return };
        if self.parts.secrets.borrow().wait_for_badge {
            // Only a badge brings the keys of campaigns back.
            return self.note(Act::EndSession);
        }
        match needs_pin(&self.parts.reader, &operator) {
            Ok(true) => self.note(Act::EndSession),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the staff list cannot be read"),
        }
    }
}

/// Is this person let in with a PIN?
fn needs_pin(ledger: &Reader, operator: &OperatorId) -> Result<bool, LedgerError> {
    for badge in ledger.ids(RowKind::Staff, ENTRIES_MAX)? {
        let person: Option<StaffRow> = load(ledger, &badge)?;
        if let Some(person) = person.filter(|person| person.operator == *operator) {
            return Ok(person.pin != PinRule::None);
        }
    }
    Ok(false)
}
