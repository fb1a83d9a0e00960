//! From a scanner's reports to whole codes, as a table: reports and times in, codes and flaws out.

use std::time::Duration;

use tokio::time::Instant;

use super::layout::{Layout, Piece};
use crate::scanner::aim::split_aim;
use crate::scanner::assembler::CODE_BYTES_MAX;
use crate::scanner::{Assembled, Flaw, Scan, text};

/// How long the next report of a code may take. A full-speed device sends one in 1 to 10 ms.
pub const REST_WITHIN: Duration = Duration::from_millis(500);

/// Puts codes together. Holds at most one, of at most [`CODE_BYTES_MAX`] bytes.
#[derive(Debug)]
pub struct Joiner {
    layouts: Vec<Layout>,
    code: Vec<u8>,
    symbology: Option<String>,
    /// Bytes of the code, also those that were not kept.
    length: usize,
    /// Reports of it.
    reports: usize,
    last_report: Option<Instant>,
}

impl Joiner {
    /// A joiner for reports of these layouts; for the quirk table's where there are none.
    pub fn new(layouts: Vec<Layout>) -> Self {
        let layouts = if layouts.is_empty() { Layout::quirks().to_vec() } else { layouts };
        Self { layouts, code: Vec::new(), symbology: None, length: 0, reports: 0, last_report: None }
    }

    /// Takes a report that came at `now`. A report of another id is none of a scan, and is left alone.
    ///
    /// Gives whether it was one.
    pub fn push(&mut self, report: &[u8], now: Instant, found: &mut impl FnMut(Assembled)) -> bool {
        self.tick(now, found);
        // Taken out and put back: a piece borrows from the report only.
        let Some(read) =
            self.layouts.iter().find(|layout| layout.fits(report)).map(|layout| layout.read(report))
        else {
            return false;
        };
        match read {
            Ok(piece) => self.join(piece, now, found),
            Err(flaw) => {
                self.reset(found);
                found(Assembled::Unreadable { flaw, length: report.len() });
            }
        }
        true
    }

    /// When [`Self::tick`] has something to do, if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        self.last_report.map(|last| last + REST_WITHIN)
    }

    /// Drops half a code of which the rest is overdue at `now`.
    pub fn tick(&mut self, now: Instant, found: &mut impl FnMut(Assembled)) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.reset(found);
        }
    }

    /// The device went away: what is half-read stays half.
    pub fn reset(&mut self, found: &mut impl FnMut(Assembled)) {
        if self.reports > 0 {
            let flaw = if self.length > CODE_BYTES_MAX { Flaw::TooLong } else { Flaw::Half };
            found(Assembled::Unreadable { flaw, length: self.length });
        }
        self.clear();
    }

    fn join(&mut self, piece: Piece<'_>, now: Instant, found: &mut impl FnMut(Assembled)) {
        // Each report of a code repeats its identifier: another one is another code, and the first never ended.
        let other = piece.symbology.is_some() && piece.symbology != self.symbology.as_deref();
        if self.reports > 0 && other {
            self.reset(found);
        }
        if self.reports == 0 {
            self.symbology = piece.symbology.map(str::to_owned);
        }
        self.reports += 1;
        self.length = self.length.saturating_add(piece.data.len());
        if self.length <= CODE_BYTES_MAX {
            self.code.extend_from_slice(piece.data);
        }
        if piece.continues {
            self.last_report = Some(now);
            return;
        }
        found(match self.read() {
            Ok(scan) => Assembled::Scan(scan),
            Err(flaw) => Assembled::Unreadable { flaw, length: self.length },
        });
        self.clear();
    }

    fn read(&mut self) -> Result<Scan, Flaw> {
        if self.length > CODE_BYTES_MAX {
            return Err(Flaw::TooLong);
        }
        if self.code.is_empty() {
            return Err(Flaw::Malformed);
        }
        let told = text(&self.code)?;
        // Where it is not in its own bytes, it may be in front of the data.
        let (symbology, told) = match self.symbology.take() {
            Some(symbology) => (Some(symbology), told),
            None => {
                let (aim, rest) = split_aim(told);
                (aim.map(str::to_owned), rest)
            }
        };
        Ok(Scan { text: told.to_owned(), symbology })
    }

    fn clear(&mut self) {
        // It may have been an identity number.
        self.code.fill(0);
        self.code.clear();
        self.symbology = None;
        self.length = 0;
        self.reports = 0;
        self.last_report = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(symbology: &[u8; 3], data: &[u8], more: bool) -> Vec<u8> {
        let mut report = vec![0; 64];
        report[0] = 2;
        report[1] = u8::try_from(data.len()).unwrap();
        report[2..5].copy_from_slice(symbology);
        report[5..5 + data.len()].copy_from_slice(data);
        report[63] = u8::from(more);
        report
    }

    fn scan(text: &str, symbology: Option<&str>) -> Assembled {
        Assembled::Scan(Scan { text: text.to_owned(), symbology: symbology.map(str::to_owned) })
    }

    fn flaw(flaw: Flaw, length: usize) -> Assembled {
        Assembled::Unreadable { flaw, length }
    }

    fn join(reports: &[(u64, Vec<u8>)]) -> Vec<Assembled> {
        let start = Instant::now();
        let mut joiner = Joiner::new(Vec::new());
        let mut out = Vec::new();
        for (ms, report) in reports {
            joiner.push(report, start + Duration::from_millis(*ms), &mut |found| out.push(found));
        }
        joiner.reset(&mut |found| out.push(found));
        out
    }

    #[test]
    fn the_boarding_pass_of_the_lsr118_manual_is_one_code_of_two_reports() {
        // Access-IS LSR118 manual, page 68: 60 characters, 56 in the first report.
        let pass = "M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23     60";
        let (head, tail) = pass.as_bytes().split_at(56);
        let mut first = report(b"]Q0", head, true);
        assert_eq!(first[..5], [0x02, 0x38, 0x5d, 0x51, 0x30]);
        first[61] = 0x73;
        assert_eq!(join(&[(0, first), (8, report(b"]Q0", tail, false))]), [scan(pass, Some("]Q0"))]);
    }

    #[test]
    fn separators_are_kept_and_an_identifier_in_front_of_the_data_is_taken_off() {
        let gs1 = report(b"]d2", b"0100012345678905\x1d10A", false);
        assert_eq!(join(&[(0, gs1)]), [scan("0100012345678905\x1d10A", Some("]d2"))]);
        assert_eq!(join(&[(0, report(b"\0\0\0", b"]C1A\x1dB", false))]), [scan("A\x1dB", Some("]C1"))]);
        assert_eq!(join(&[(0, report(b"   ", b"AB", false))]), [scan("AB", None)]);
    }

    #[test]
    fn a_code_that_never_ends_is_half_and_never_joined_to_the_next() {
        let half = report(b"]Q1", &[b'A'; 56], true);
        let next = report(b"]Q1", b"T-2", false);
        let out = join(&[(0, half.clone()), (500, next.clone())]);
        assert_eq!(out, [flaw(Flaw::Half, 56), scan("T-2", Some("]Q1"))]);
        let other = report(b"]C0", b"T-2", false);
        assert_eq!(join(&[(0, half), (5, other)]), [flaw(Flaw::Half, 56), scan("T-2", Some("]C0"))]);
    }

    #[test]
    fn a_code_without_end_costs_bounded_memory_and_is_refused() {
        let start = Instant::now();
        let mut joiner = Joiner::new(Vec::new());
        let mut out = Vec::new();
        for _ in 0..10_000 {
            joiner.push(&report(b"]Q1", &[b'A'; 56], true), start, &mut |found| out.push(found));
        }
        assert!(joiner.code.capacity() < 2 * CODE_BYTES_MAX);
        joiner.push(&report(b"]Q1", b"A", false), start, &mut |found| out.push(found));
        assert_eq!(out, [flaw(Flaw::TooLong, 560_001)]);
    }

    #[test]
    fn a_report_that_does_not_hold_together_is_a_flaw_and_one_of_another_id_is_left_alone() {
        let mut long = report(b"]Q1", b"A", false);
        long[1] = 57;
        assert_eq!(join(&[(0, long)]), [flaw(Flaw::Malformed, 64)]);
        assert_eq!(join(&[(0, report(b"]Q1", b"", false))]), [flaw(Flaw::Malformed, 0)]);
        assert_eq!(join(&[(0, vec![0x10; 64])]), []);
        assert_eq!(join(&[(0, report(b"]Q1", b"\xff", false))]), [flaw(Flaw::NotUtf8, 1)]);
    }

    proptest! {
        #[test]
        fn nothing_panics(reports in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let reports: Vec<_> = reports.into_iter().map(|report| (0, report)).collect();
            join(&reports);
        }

        #[test]
        fn any_code_is_joined_whole(text in "[ -~\u{1d}]{1,400}") {
            prop_assume!(!text.starts_with(']'));
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(56).collect();
            let last = pieces.len() - 1;
            let reports: Vec<_> =
                pieces.iter().enumerate().map(|(n, piece)| (0, report(b"]Q1", piece, n < last))).collect();
            prop_assert_eq!(join(&reports), [scan(&text, Some("]Q1"))]);
        }
    }
}
