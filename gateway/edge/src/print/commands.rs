//! Commands as codes, for a counter without a touch screen.

use waypost_core::fact::SiteKind;
use waypost_drivers::printer::barcode::Matrix;

use super::{
    PrintError,
    canvas::{Canvas, Column, Size},
};
use crate::panel::Message;

/// Side of a code, in units: 18 mm.
const CODE_UNITS: u32 = 144;

/// A list of commands, each a QR code with its words.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSheet {
    /// Code and words.
    pub commands: Vec<(&'static str, Message)>,
}

/// The commands of a kind of site.
pub fn work_commands(kind: SiteKind) -> CommandSheet {
    let own: &[(&str, &str)] = match kind {
        SiteKind::TestingCentre => &[
            ("CMD-UNDO", "choice-undo"),
            ("CMD-CLOSE-BOX", "choice-close-box"),
            ("CMD-CHECK-ALL", "choice-check-all"),
            ("CMD-SEAL", "title-seal"),
            ("CMD-HANDOVER", "choice-hand-over"),
        ],
        SiteKind::PostOffice => &[("CMD-PROXY", "choice-proxy"), ("CMD-VOID", "choice-void")],
        SiteKind::Vehicle => &[("CMD-RECEIVE", "choice-receive"), ("CMD-HANDOVER", "choice-hand-over")],
        SiteKind::Laboratory => &[
            ("CMD-RECEIVE", "choice-receive"),
            ("CMD-OPEN", "choice-open"),
            ("CMD-FINISH", "choice-finish"),
            ("CMD-SETTLE", "choice-settle"),
            ("CMD-EMPTY", "choice-empty"),
        ],
        SiteKind::Warehouse => &[("CMD-STOCK-IN", "choice-stock-in"), ("CMD-STOCK-OUT", "choice-stock-out")],
    };
    let common: &[(&str, &str)] = &[
        ("CMD-COUNT", "choice-count"),
        ("CMD-REPRINT", "choice-reprint"),
        ("CMD-CANCEL", "choice-cancel"),
        ("CMD-CLOSE-SHIFT", "choice-close-shift"),
    ];
    let commands = own.iter().chain(common).map(|(code, words)| (*code, Message::new(words))).collect();
    CommandSheet { commands }
}

impl CommandSheet {
    pub(super) fn draw(&self, canvas: &mut Canvas) -> Result<(), PrintError> {
        canvas.say(Size::Large, &Message::new("print-commands"));
        for (code, words) in &self.commands {
            canvas.rule();
            let (full, top, side) = (canvas.full(), canvas.y(), canvas.units(CODE_UNITS));
            let took = canvas.matrix(&Matrix::qr(code)?, full.x, top, side)?;
            let beside = side + canvas.units(12);
            let column = Column { x: full.x + beside, width: full.width.saturating_sub(beside) };
            canvas.go_to(top + canvas.units(16));
            canvas.say_in(Size::Plain, column, words);
            canvas.write(Size::Small, column, code);
            canvas.go_to(canvas.y().max(top + took));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{panel::Language, station::command::Command};

    #[test]
    fn every_printed_command_is_one_and_has_words() {
        use SiteKind::{Laboratory, PostOffice, TestingCentre, Vehicle, Warehouse};
        for kind in [TestingCentre, PostOffice, Vehicle, Laboratory, Warehouse] {
            for (code, words) in work_commands(kind).commands {
                assert!(Command::read(code).is_some(), "{code}");
                assert!(Language::ALL.iter().all(|language| language.knows(words.key)), "{}", words.key);
            }
        }
    }
}
