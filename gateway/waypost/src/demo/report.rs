//! What the day came to: one JSON object for machines, a few sentences for people.

use std::fmt::Write;

use serde::Serialize;

/// The demonstration's result; the last line of `waypost demo --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The seed that repeats it.
    pub seed: u64,
    /// Gateways that took part.
    pub gateways: usize,
    /// Ledger records in all journals.
    pub recorded: u64,
    /// Ledger records in the central store.
    pub at_hub: u64,
    /// Verdicts that a panel showed whose record is not in the central store.
    pub lost: u64,
    /// Facts that are in the central store more than once.
    pub doubled: u64,
    /// Tubes.
    pub tubes: Tubes,
    /// Boxes.
    pub boxes: Boxes,
    /// Claims at the post offices.
    pub masks: Masks,
    /// Persons served twice whom the central end found.
    pub double_claims_found: u64,
    /// Real seconds without a broker.
    pub outage_s: f64,
    /// Gateways killed and started again.
    pub restarts: u64,
    /// Reading to panel, commit included, without the claim's hash.
    pub verdict_ms: Spread,
    /// A claim's hash.
    pub hash_ms: HashSpread,
    /// A bare 4 KiB write with fdatasync beside the journals, in the same run.
    pub fsync_ms: HashSpread,
}

/// Tubes by how far they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tubes {
    /// Holding a specimen.
    pub collected: u64,
    /// In a box.
    pub packed: u64,
    /// Compared with the manifest at the laboratory.
    pub received: u64,
}

/// Boxes by how far they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Boxes {
    /// Sealed at a centre.
    pub sealed: u64,
    /// Received at the laboratory.
    pub received: u64,
    /// With an alarm.
    pub alarmed: u64,
}

/// Claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Masks {
    /// Persons served.
    pub served: u64,
    /// Claims refused at the counter.
    pub refused: u64,
    /// Packs handed out.
    pub packs: u64,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HashSpread {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
}

impl Spread {
    /// Of microseconds, in any order; zeros where there are none.
    pub fn of_us(mut times_us: Vec<u64>) -> Self {
        times_us.sort_unstable();
        let last = times_us.len().saturating_sub(1);
        let at = |share: usize| times_us.get(last * share / 100).map_or(0.0, |us| *us as f64 / 1000.0);
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

impl From<Spread> for HashSpread {
    fn from(spread: Spread) -> Self {
        Self { p50: spread.p50, p99: spread.p99 }
    }
}

impl Report {
    /// Nothing lost, nothing doubled, everything arrived.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.recorded == self.at_hub
    }

    /// What happened, for a clerk.
    pub fn in_words(&self) -> String {
        let Self { tubes, boxes, masks, .. } = self;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "The day is over. {} gateways wrote {} records, and {} of them are at the central end.",
            self.gateways, self.recorded, self.at_hub
        );
        let _ = writeln!(
            text,
            "{} specimens were collected, {} tubes packed into {} boxes, and {} tubes received by the laboratory.",
            tubes.collected, tubes.packed, boxes.sealed, tubes.received
        );
        let _ = writeln!(
            text,
            "{} of {} sealed boxes arrived; {} raised an alarm: it was opened on the road and received under exception.",
            boxes.received, boxes.sealed, boxes.alarmed
        );
        let _ = writeln!(
            text,
            "{} persons were given {} packs of masks; {} claims were refused with the reason and where to appeal.",
            masks.served, masks.packs, masks.refused
        );
        let _ = writeln!(
            text,
            "The broker was away for {:.1} s and everybody went on working; {} gateway was killed in the middle of its work and came back.",
            self.outage_s, self.restarts
        );
        let _ = writeln!(
            text,
            "{} person was served at two offices that could not reach each other: the central end found it.",
            self.double_claims_found
        );
        let _ = writeln!(
            text,
            "A verdict took {:.2} ms at the median and {:.2} ms at the 99th percentile, written to disk before it was shown.",
            self.verdict_ms.p50, self.verdict_ms.p99
        );
        let _ = writeln!(
            text,
            "A claim's hash took {:.1} ms at the median; a bare synced write {:.2} ms.",
            self.hash_ms.p50, self.fsync_ms.p50
        );
        let _ = match self.is_whole() {
            true => write!(text, "Lost: 0. Doubled: 0."),
            false => write!(text, "LOST: {}. DOUBLED: {}. This must not happen.", self.lost, self.doubled),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_median_and_tail() {
        let spread = Spread::of_us((1..=1000).rev().collect());
        assert_eq!((spread.p50, spread.p99, spread.max), (0.5, 0.99, 1.0));
        assert_eq!(Spread::of_us(Vec::new()).max, 0.0);
    }
}
