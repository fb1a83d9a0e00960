//! Barcode scanners: from what they send to one [`Scan`] for each code that was read. One way of connecting a file.
//!
//! What a code means is not known here. A scanner may put an AIM symbology identifier before it (ISO/IEC 15424); that is
//! kept apart from the text, as it says which rules the text follows. However a scanner is connected, what it found goes
//! through one [`gate::Gate`]: a repeat is one scan, noise is one complaint.

pub mod aim;
pub mod assembler;
pub mod gate;
pub mod hid;
pub mod keyboard;
pub mod serial;
pub mod ssi;

pub use aim::CodeIds;
pub use assembler::{Ending, Framing};
pub use hid::HidPosScanner;
pub use keyboard::KeyboardScanner;
pub use serial::{SerialScanner, run};
pub use ssi::SsiScanner;

/// One code, as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan {
    /// The code's text, with group separators (1D) as they stand in it.
    pub text: String,
    /// The AIM symbology identifier, as `]C1`, if the scanner sends one.
    pub symbology: Option<String>,
}

/// A code can be an identity number: only its length is printed.
impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("length", &self.text.len()).field("symbology", &self.symbology).finish()
    }
}

/// What came of a scanner's bytes, reports or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assembled {
    /// A code.
    Scan(Scan),
    /// No code, and how many bytes of it there were.
    Unreadable {
        /// Why.
        flaw: Flaw,
        /// Bytes of it, as far as they came.
        length: usize,
    },
}

/// Why what was read is no code. The bytes are kept by length only, as they may be a part of an identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its end did not come in time.
    #[error("only the beginning of a code came")]
    Half,
    /// It is longer than [`assembler::CODE_BYTES_MAX`].
    #[error("longer than any code")]
    TooLong,
    /// It is not UTF-8: the scanner is set to another character set, or the line to another speed.
    #[error("not in UTF-8")]
    NotUtf8,
    /// It has control characters that no code holds: the line is set to another speed.
    #[error("not a text")]
    NotText,
    /// The configured prefix is missing: the beginning was lost, or the scanner is set otherwise.
    #[error("without the configured prefix")]
    NoPrefix,
    /// The configuration has a table of the vendor's letters, and it begins with none of them.
    #[error("begins with no letter of the configured code_ids")]
    UnknownCodeId,
    /// A packet's checksum is wrong, also after it was asked for again.
    #[error("the checksum is wrong")]
    Checksum,
    /// A report or packet that does not hold together: a length beyond its end, no data.
    #[error("not laid out as such a report is")]
    Malformed,
}

/// What happened at a scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerEvent {
    /// It is there.
    Up,
    /// It is away, with the reason in words.
    Down(String),
    /// It read a code.
    Scan(Scan),
    /// A person keyed this on the scanner's keyboard interface, and ended it with Enter.
    Typed(Scan),
    /// Something came that is no whole code: the operator scans again.
    Unreadable {
        /// Why.
        flaw: Flaw,
        /// How many bytes came of it. They themselves go nowhere.
        length: usize,
    },
}

/// The text of a code's bytes.
fn text(code: &[u8]) -> Result<&str, Flaw> {
    let text = std::str::from_utf8(code).map_err(|_| Flaw::NotUtf8)?;
    if text.bytes().all(may_stand_in_a_code) { Ok(text) } else { Err(Flaw::NotText) }
}

/// Separators of ISO/IEC 15434 and GS1 (EOT, FS, GS, RS, US), tabs and line ends stand in codes; the other control
/// characters do in noise only.
fn may_stand_in_a_code(byte: u8) -> bool {
    (byte >= 0x20 && byte != 0x7f) || matches!(byte, 0x04 | 0x09 | 0x0a | 0x0d | 0x1c..=0x1f)
}
