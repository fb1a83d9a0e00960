//! What is wrong with a printer, whatever its language.

use serde::Serialize;

/// What a printer says is wrong with it, the most pressing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The paper or the labels are used up.
    PaperOut,
    /// The cover or the head is open.
    CoverOpen,
    /// The ribbon is used up.
    RibbonOut,
    /// The cutter is stuck.
    Cutter,
    /// The head is too hot or too cold; that passes.
    Temperature,
    /// Its own key holds it.
    Paused,
    /// It takes no more data and does not say why.
    Busy,
    /// It has an error that it does not name.
    Error,
    /// Paper will be used up soon. It prints all the same.
    PaperLow,
}

impl Trouble {
    /// Nothing is printed until it is mended.
    pub fn stops(self) -> bool {
        self != Self::PaperLow
    }
}

/// A printer's answer to the question how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// What is wrong, if anything.
    pub trouble: Option<Trouble>,
    /// It has work that is not printed yet, as far as its language can say.
    pub busy: bool,
}

impl Status {
    /// Is it ready for a job?
    pub fn is_ready(self) -> bool {
        !self.trouble.is_some_and(Trouble::stops)
    }
}

/// The status byte of a USB port (USB printer class 1.1, 4.2.2).
pub fn of_usb_port(byte: u8) -> Status {
    const PAPER_EMPTY: u8 = 0x20;
    const SELECTED: u8 = 0x10;
    const NOT_ERROR: u8 = 0x08;
    let trouble = if byte & PAPER_EMPTY != 0 {
        Some(Trouble::PaperOut)
    } else if byte & NOT_ERROR == 0 {
        Some(Trouble::Error)
    } else if byte & SELECTED == 0 {
        Some(Trouble::Paused)
    } else {
        None
    };
    Status { trouble, busy: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_usb_port_says_what_is_wrong() {
        for (byte, trouble) in [
            (0x18, None),
            (0x38, Some(Trouble::PaperOut)),
            (0x30, Some(Trouble::PaperOut)),
            (0x10, Some(Trouble::Error)),
            (0x08, Some(Trouble::Paused)),
        ] {
            assert_eq!(of_usb_port(byte).trouble, trouble, "{byte:02x}");
        }
    }

    #[test]
    fn paper_that_runs_low_stops_nothing() {
        assert!(Status { trouble: Some(Trouble::PaperLow), busy: true }.is_ready());
        assert!(!Status { trouble: Some(Trouble::PaperOut), busy: false }.is_ready());
    }
}
