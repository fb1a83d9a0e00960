//! From the bytes of a line to whole codes, as a table: bytes and times in, codes and flaws out.
//!
//! A scanner marks only the end of a code, by a suffix. So a code of which the end does not come within a time is
//! dropped and never joined to the next: half a tube's number may well be another tube's number.

use std::time::Duration;

use tokio::time::Instant;

use super::aim::{CodeIds, split_aim};
use super::gate::SAME_WITHIN;
use super::{Assembled, Flaw, Scan};

/// Longest code in bytes, prefix and symbology identifier included. A GS1 Digital Link or a signed code of a manifest is
/// shorter; what is longer comes from a device that does not send its suffix.
pub const CODE_BYTES_MAX: usize = 512;
/// Longest suffix, in bytes.
pub const SUFFIX_BYTES_MAX: usize = 16;

/// What ends a code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Ending {
    /// CR, LF or both: right for any scanner that is set to one of them.
    #[default]
    Any,
    /// CR alone; an LF belongs to the code.
    Cr,
    /// LF alone; a CR belongs to the code.
    Lf,
    /// CR and then LF; each alone belongs to the code.
    CrLf,
    /// Another text, 1 to [`SUFFIX_BYTES_MAX`] bytes; what is beyond is not looked at. Empty: nothing ends a code.
    Text(Vec<u8>),
}

/// How a scanner frames its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// What ends a code.
    pub ending: Ending,
    /// What the scanner was set to send before each code. A code without it is refused.
    pub prefix: Vec<u8>,
    /// Letters of the vendor's that it puts before each code where it sends no AIM identifier. Where there are any, a
    /// code with neither is refused.
    pub code_ids: CodeIds,
    /// How long the rest of a code may take to come, from one byte to the next.
    pub rest_within: Duration,
    /// How long the same code again counts as the same scan, from one reading to the next. Zero: never.
    pub same_within: Duration,
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            ending: Ending::Any,
            prefix: Vec::new(),
            code_ids: CodeIds::default(),
            rest_within: Duration::from_millis(200),
            same_within: SAME_WITHIN,
        }
    }
}

/// Puts codes together. Holds at most one code, of at most [`CODE_BYTES_MAX`] bytes and its suffix.
#[derive(Debug)]
pub struct Assembler {
    framing: Framing,
    code: Vec<u8>,
    /// Bytes of the code, also those that were not kept.
    length: usize,
    last_byte: Option<Instant>,
}

impl Assembler {
    /// An assembler at the beginning of a code.
    pub fn new(framing: Framing) -> Self {
        Self { framing, code: Vec::new(), length: 0, last_byte: None }
    }

    /// Takes bytes that came at `now`.
    pub fn push(&mut self, bytes: &[u8], now: Instant, found: &mut impl FnMut(Assembled)) {
        self.tick(now, found);
        for &byte in bytes {
            self.last_byte = Some(now);
            self.take(byte);
            if let Some(suffix) = self.suffix() {
                self.code.truncate(self.code.len() - suffix);
                self.length -= suffix;
                self.end(found);
            }
        }
    }

    /// When [`Self::tick`] has something to do, if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        self.last_byte.filter(|_| self.length > 0).map(|last| last + self.framing.rest_within)
    }

    /// Drops half a code of which the rest is overdue at `now`.
    pub fn tick(&mut self, now: Instant, found: &mut impl FnMut(Assembled)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.reset(found);
        }
    }

    /// The device went away: what is half-read stays half.
    pub fn reset(&mut self, found: &mut impl FnMut(Assembled)) {
        if self.length > 0 {
            let flaw = if self.length > CODE_BYTES_MAX { Flaw::TooLong } else { Flaw::Half };
            found(Assembled::Unreadable { flaw, length: self.length });
        }
        self.clear();
    }

    fn take(&mut self, byte: u8) {
        self.length = self.length.saturating_add(1);
        // What is too long already is only searched for its suffix.
        if self.code.len() >= CODE_BYTES_MAX + SUFFIX_BYTES_MAX {
            self.code.drain(..self.code.len() - 1);
        }
        self.code.push(byte);
    }

    /// How many bytes of suffix the code ends with, if it ends.
    fn suffix(&self) -> Option<usize> {
        let code = self.code.as_slice();
        let (ends, length) = match &self.framing.ending {
            Ending::Any => (matches!(code.last(), Some(b'\r' | b'\n')), 1),
            Ending::Cr => (code.last() == Some(&b'\r'), 1),
            Ending::Lf => (code.last() == Some(&b'\n'), 1),
            Ending::CrLf => (code.ends_with(b"\r\n"), 2),
            Ending::Text(text) => {
                let text = text.get(..SUFFIX_BYTES_MAX).unwrap_or(text);
                (!text.is_empty() && code.ends_with(text), text.len())
            }
        };
        ends.then_some(length)
    }

    fn end(&mut self, found: &mut impl FnMut(Assembled)) {
        // The LF behind a CR, or a scanner that was triggered on nothing.
        if self.length > 0 {
            found(match self.read() {
                Ok(scan) => Assembled::Scan(scan),
                Err(flaw) => Assembled::Unreadable { flaw, length: self.length },
            });
        }
        self.clear();
    }

    fn read(&self) -> Result<Scan, Flaw> {
        if self.length > CODE_BYTES_MAX {
            return Err(Flaw::TooLong);
        }
        let code = self.code.strip_prefix(self.framing.prefix.as_slice()).ok_or(Flaw::NoPrefix)?;
        let text = super::text(code)?;
        let (symbology, text) = match split_aim(text) {
            (None, text) if !self.framing.code_ids.is_empty() => {
                let (aim, text) = self.framing.code_ids.split(text).ok_or(Flaw::UnknownCodeId)?;
                (Some(aim), text)
            }
            told => told,
        };
        Ok(Scan { text: text.to_owned(), symbology: symbology.map(str::to_owned) })
    }

    fn clear(&mut self) {
        // It may have been an identity number.
        self.code.fill(0);
        self.code.clear();
        self.length = 0;
        self.last_byte = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str, symbology: Option<&str>) -> Assembled {
        Assembled::Scan(Scan { text: text.to_owned(), symbology: symbology.map(str::to_owned) })
    }

    fn unreadable(flaw: Flaw, length: usize) -> Assembled {
        Assembled::Unreadable { flaw, length }
    }

    /// What comes of pieces of a line, each at its millisecond.
    fn assemble(framing: Framing, pieces: &[(u64, &[u8])]) -> Vec<Assembled> {
        let start = Instant::now();
        let mut assembler = Assembler::new(framing);
        let mut out = Vec::new();
        for (ms, bytes) in pieces {
            assembler.push(bytes, start + Duration::from_millis(*ms), &mut |found| out.push(found));
        }
        assembler.reset(&mut |found| out.push(found));
        out
    }

    #[test]
    fn any_of_the_usual_suffixes_ends_a_code() {
        for line in [&b"A\rB\r"[..], b"A\nB\n", b"A\r\nB\r\n", b"\r\nA\r\n\r\nB\r"] {
            assert_eq!(assemble(Framing::default(), &[(0, line)]), [scan("A", None), scan("B", None)]);
        }
    }

    #[test]
    fn a_configured_suffix_is_the_only_one() {
        let with = |ending| Framing { ending, ..Framing::default() };
        assert_eq!(assemble(with(Ending::Cr), &[(0, b"A\nB\r")]), [scan("A\nB", None)]);
        assert_eq!(assemble(with(Ending::Lf), &[(0, b"A\rB\n")]), [scan("A\rB", None)]);
        assert_eq!(assemble(with(Ending::CrLf), &[(0, b"A\rB\nC\r\n")]), [scan("A\rB\nC", None)]);
    }

    #[test]
    fn a_symbology_identifier_is_kept_apart_and_separators_stay() {
        let line = b"]C10100012345678905\x1d10A\r]Q1 x\r]x\r]1a\r]\xc3\xa4b\r";
        assert_eq!(
            assemble(Framing::default(), &[(0, line)]),
            [
                scan("0100012345678905\x1d10A", Some("]C1")),
                scan(" x", Some("]Q1")),
                scan("]x", None),
                scan("]1a", None),
                scan("]äb", None),
            ]
        );
    }

    #[test]
    fn half_a_code_is_dropped_and_never_joined_to_the_next() {
        let pieces: [(u64, &[u8]); 2] = [(0, b"TUBE-00"), (200, b"TUBE-0002\r")];
        assert_eq!(
            assemble(Framing::default(), &pieces),
            [unreadable(Flaw::Half, 7), scan("TUBE-0002", None)]
        );
        let slow: [(u64, &[u8]); 3] = [(0, b"TUBE"), (199, b"-0"), (398, b"1\r")];
        assert_eq!(assemble(Framing::default(), &slow), [scan("TUBE-01", None)]);
    }

    #[test]
    fn a_suffix_of_any_text_ends_a_code_also_where_it_begins_twice() {
        let with = |text: &[u8]| Framing { ending: Ending::Text(text.to_vec()), ..Framing::default() };
        assert_eq!(assemble(with(b"##;"), &[(0, b"A#B###;\rC##;")]), [scan("A#B#", None), scan("\rC", None)]);
        assert_eq!(assemble(with(b"\t"), &[(0, b"A\tB")]), [scan("A", None), unreadable(Flaw::Half, 1)]);
        assert_eq!(assemble(with(b""), &[(0, b"A\r")]), [unreadable(Flaw::Half, 2)], "nothing ends it");
        let mut long = vec![b'7'; CODE_BYTES_MAX];
        long.extend(b"<end of a code>");
        assert!(matches!(assemble(with(b"<end of a code>"), &[(0, &long)])[0], Assembled::Scan(_)));
    }

    #[test]
    fn a_vendors_letters_become_the_identifier_and_a_code_without_them_is_refused() {
        let pairs = [("A", "]E0"), ("K", "]C1")].map(|(id, aim)| (id.to_owned(), aim.to_owned()));
        let framing = Framing { code_ids: CodeIds::new(pairs), ..Framing::default() };
        assert_eq!(
            assemble(framing, &[(0, b"A4006381333931\rK10AB\x1d21C\r]Q1x\rXyz\r")]),
            [
                scan("4006381333931", Some("]E0")),
                scan("10AB\x1d21C", Some("]C1")),
                scan("x", Some("]Q1")),
                unreadable(Flaw::UnknownCodeId, 3),
            ]
        );
    }

    #[test]
    fn a_code_of_the_longest_length_is_read_and_one_byte_more_is_not() {
        for ending in [Ending::Any, Ending::CrLf] {
            let framing = Framing { ending, ..Framing::default() };
            let mut line = vec![b'7'; CODE_BYTES_MAX];
            line.extend(b"\r\n");
            assert_eq!(assemble(framing.clone(), &[(0, &line)]).len(), 1);
            assert!(matches!(assemble(framing.clone(), &[(0, &line)])[0], Assembled::Scan(_)));
            line.insert(0, b'7');
            assert_eq!(assemble(framing, &[(0, &line)]), [unreadable(Flaw::TooLong, CODE_BYTES_MAX + 1)]);
        }
    }

    #[test]
    fn a_flood_without_suffix_is_one_flaw_and_the_code_after_it_is_read() {
        let mut line = vec![b'7'; 20_000];
        line.extend(b"\rA\r");
        assert_eq!(
            assemble(Framing::default(), &[(0, &line)]),
            [unreadable(Flaw::TooLong, 20_000), scan("A", None)]
        );
    }

    #[test]
    fn what_is_no_text_or_lacks_the_prefix_is_refused_whole() {
        assert_eq!(assemble(Framing::default(), &[(0, b"A\xff\r")]), [unreadable(Flaw::NotUtf8, 2)]);
        let framing = Framing { prefix: b"~".to_vec(), ..Framing::default() };
        assert_eq!(
            assemble(framing, &[(0, b"~]C1A\rB\r")]),
            [scan("A", Some("]C1")), unreadable(Flaw::NoPrefix, 1)]
        );
    }

    #[test]
    fn control_characters_that_no_label_holds_are_noise() {
        assert_eq!(assemble(Framing::default(), &[(0, b"A\0\r")]), [unreadable(Flaw::NotText, 2)]);
        assert_eq!(assemble(Framing::default(), &[(0, b"[)>\x1e06\x1dA\x04\r")]).len(), 1, "ISO/IEC 15434");
    }

    #[test]
    fn a_scan_is_printed_by_length_only() {
        let printed = format!("{:?}", scan("A1234563", None));
        assert!(!printed.contains("1234563"), "{printed}");
    }

    proptest! {
        #[test]
        fn how_a_line_is_cut_does_not_change_its_codes(
            line in prop::collection::vec(prop::sample::select(&b"AB]C1\r\n\x1d\xff"[..]), 0..200),
            cuts in prop::collection::vec(1..10_usize, 0..50),
        ) {
            let whole = assemble(Framing::default(), &[(0, &line)]);
            let mut rest = line.as_slice();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                pieces.push((0, piece));
                rest = behind;
            }
            pieces.push((0, rest));
            prop_assert_eq!(assemble(Framing::default(), &pieces), whole);
        }
    }
}
