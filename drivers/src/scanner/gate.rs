//! What of a scanner's findings is told, the same for every way of connecting: a repeat is one scan, and noise is one
//! complaint.
//!
//! Each scanner has a gate of its own, so that two scanners never suppress each other's codes.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroize as _;

use super::{Assembled, ScannerEvent};

/// How long the same code again counts as the same scan, from one reading to the next.
pub const SAME_WITHIN: Duration = Duration::from_millis(300);
/// After so long without a flaw a burst is over.
pub const QUIET: Duration = Duration::from_millis(500);
/// So many flaws in one burst are noise (a wrong speed, a loose cable): until it is quiet, nothing is told any more,
/// also what looks like a code in it by chance. The first one is told.
pub const NOISE_FLAWS: u32 = 2;

/// Lets findings through, once each.
#[derive(Debug)]
pub struct Gate {
    same_within: Duration,
    /// The last scan by a keyed hash, as its text may be an identity number, and when it was last read.
    last_scan: Option<(u64, Instant)>,
    hasher: RandomState,
    last_flaw: Option<Instant>,
    flaws: u32,
}

impl Gate {
    /// A gate that takes the same code within this time for the same scan. Zero: never.
    pub fn new(same_within: Duration) -> Self {
        Self { same_within, last_scan: None, hasher: RandomState::new(), last_flaw: None, flaws: 0 }
    }

    /// What is to be told of a finding at `now`.
    pub fn pass(&mut self, found: Assembled, now: Instant) -> Option<ScannerEvent> {
        if self.last_flaw.is_none_or(|last| now.saturating_duration_since(last) >= QUIET) {
            self.flaws = 0;
        }
        match found {
            Assembled::Unreadable { flaw, length } => {
                self.last_flaw = Some(now);
                self.flaws = self.flaws.saturating_add(1);
                (self.flaws == 1).then_some(ScannerEvent::Unreadable { flaw, length })
            }
            Assembled::Scan(mut scan) => {
                if self.flaws >= NOISE_FLAWS || self.is_repeat(&scan.text, scan.symbology.as_deref(), now) {
                    scan.text.zeroize();
                    return None;
                }
                Some(ScannerEvent::Scan(scan))
            }
        }
    }

    /// The device was opened anew: what was noise before came over another line. A code of before is still the same scan.
    pub fn open_anew(&mut self) {
        self.last_flaw = None;
        self.flaws = 0;
    }

    fn is_repeat(&mut self, text: &str, symbology: Option<&str>, now: Instant) -> bool {
        let hash = self.hasher.hash_one((text, symbology));
        let again = self
            .last_scan
            .is_some_and(|(last, at)| last == hash && now.saturating_duration_since(at) < self.same_within);
        // A scanner that is held on a label reads on and on: each reading carries the window on.
        self.last_scan = Some((hash, now));
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::{Flaw, Scan};

    fn code(text: &str) -> Assembled {
        Assembled::Scan(Scan { text: text.to_owned(), symbology: None })
    }

    fn flaw() -> Assembled {
        Assembled::Unreadable { flaw: Flaw::NotText, length: 3 }
    }

    /// Which of the findings, each at its millisecond, are told.
    fn told(found: Vec<(u64, Assembled)>) -> Vec<usize> {
        let start = Instant::now();
        let mut gate = Gate::new(SAME_WITHIN);
        let at = |ms| start + Duration::from_millis(ms);
        let told = found.into_iter().map(|(ms, found)| gate.pass(found, at(ms)).is_some());
        told.enumerate().filter_map(|(index, told)| told.then_some(index)).collect()
    }

    #[test]
    fn the_same_code_within_the_window_is_one_scan() {
        let held =
            vec![(0, code("A")), (299, code("A")), (598, code("A")), (898, code("A")), (900, code("B"))];
        assert_eq!(told(held), [0, 3, 4]);
        let between = vec![(0, code("A")), (10, code("B")), (20, code("A"))];
        assert_eq!(told(between), [0, 1, 2], "another code between them ends the window");
    }

    #[test]
    fn the_same_text_of_another_symbology_is_another_scan() {
        let other = Assembled::Scan(Scan { text: "A".to_owned(), symbology: Some("]C0".to_owned()) });
        assert_eq!(told(vec![(0, code("A")), (1, other)]), [0, 1]);
    }

    #[test]
    fn without_a_window_each_reading_is_a_scan() {
        let mut gate = Gate::new(Duration::ZERO);
        let now = Instant::now();
        assert!((0..3).all(|_| gate.pass(code("A"), now).is_some()));
    }

    #[test]
    fn noise_is_told_once_and_codes_in_it_are_not_believed_until_it_is_quiet() {
        let noise = vec![
            (0, flaw()),
            (1, flaw()),
            (2, code("A")),
            (400, flaw()),
            (899, code("B")),
            (1_400, code("C")),
            (1_401, flaw()),
        ];
        assert_eq!(told(noise), [0, 5, 6]);
    }

    #[test]
    fn who_scans_again_and_again_is_believed_as_soon_as_it_is_quiet() {
        let found = vec![(0, flaw()), (1, flaw()), (200, code("A")), (400, code("A")), (501, code("A"))];
        assert_eq!(told(found), [0, 4]);
    }

    #[test]
    fn halves_of_codes_from_before_the_cable_was_pulled_are_no_noise_afterwards() {
        let now = Instant::now();
        let mut gate = Gate::new(SAME_WITHIN);
        for _ in 0..3 {
            assert!(gate.pass(flaw(), now).is_some(), "each is told");
            gate.open_anew();
        }
        assert!(gate.pass(code("A"), now).is_some());
        gate.open_anew();
        assert_eq!(gate.pass(code("A"), now), None, "the same scan, sent once more");
    }

    #[test]
    fn a_code_behind_a_single_flaw_is_believed() {
        assert_eq!(told(vec![(0, flaw()), (250, code("A")), (300, flaw())]), [0, 1]);
    }
}
