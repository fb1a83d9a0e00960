//! What the two buttons of a board do: one says yes or goes on, the other says no or goes back.
//!
//! Everything else that a screen offers is scanned from a printed code.

use super::{Choice, Panel};

/// What leaves or takes back, in the order in which the no button looks for it.
const BACK: [&str; 2] = ["CMD-CANCEL", "CMD-UNDO"];

/// The choices that the buttons make now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buttons<'a> {
    /// The first choice that does not lead back.
    pub yes: Option<&'a Choice>,
    /// The choice that leads back; where none does, the second one.
    pub no: Option<&'a Choice>,
}

impl Panel {
    /// What the two buttons do while this panel shows.
    pub fn buttons(&self) -> Buttons<'_> {
        let leads_back = |choice: &&Choice| BACK.contains(&choice.code.as_str());
        let back = BACK.iter().find_map(|code| self.choices.iter().find(|choice| choice.code == *code));
        let mut forward = self.choices.iter().filter(|choice| !leads_back(choice));
        let yes = forward.next();
        Buttons { yes, no: back.or_else(|| forward.next()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Message, Status, Tone};

    fn buttons(codes: &[&str]) -> (Option<String>, Option<String>) {
        let choice = |code: &&str| Choice { code: (*code).to_owned(), label: Message::new("choice-cancel") };
        let panel = Panel {
            title: Message::default(),
            main: Message::default(),
            tone: Tone::Ready,
            lines: Vec::new(),
            progress: None,
            choices: codes.iter().map(choice).collect(),
            status: Status::default(),
            records: None,
            verdict_us: None,
            hash_us: None,
            version: 0,
            shown: 0,
            answered: 0,
        };
        let code = |choice: Option<&Choice>| choice.map(|choice| choice.code.clone());
        let buttons = panel.buttons();
        (code(buttons.yes), code(buttons.no))
    }

    #[test]
    fn the_no_button_leads_back_wherever_something_does() {
        let cases: [(&[&str], Option<&str>, Option<&str>); 6] = [
            (&["CMD-CHECK-ALL", "CMD-CANCEL"], Some("CMD-CHECK-ALL"), Some("CMD-CANCEL")),
            (&["CMD-EXCEPTION", "CMD-DAMAGED", "CMD-CANCEL"], Some("CMD-EXCEPTION"), Some("CMD-CANCEL")),
            (&["CMD-CLOSE-BOX", "CMD-UNDO", "CMD-MOVE"], Some("CMD-CLOSE-BOX"), Some("CMD-UNDO")),
            (&["CMD-HANDOVER", "CMD-STOCK-IN"], Some("CMD-HANDOVER"), Some("CMD-STOCK-IN")),
            (&["CMD-CANCEL"], None, Some("CMD-CANCEL")),
            (&[], None, None),
        ];
        for (codes, yes, no) in cases {
            assert_eq!(buttons(codes), (yes.map(str::to_owned), no.map(str::to_owned)), "{codes:?}");
        }
    }
}
