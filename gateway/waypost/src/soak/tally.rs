//! What a run came to.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

/// Wrongs that are told in words; the others are only counted.
const TOLD_MAX: usize = 10;

/// The result, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// Power cuts.
    pub cuts: u64,
    /// Answers that were shown.
    pub verdicts: u64,
    /// Shown, or acknowledged, and gone.
    pub lost: u64,
    /// With an effect more than once.
    pub doubled: u64,
    /// In the store and never recorded.
    pub phantom: u64,
    /// How long it took.
    pub seconds: f64,
    /// What else the profile counts.
    #[serde(flatten, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<&'static str, f64>,
    #[serde(skip)]
    pub records: u64,
    #[serde(skip)]
    pub syncs: u64,
    /// Times from power to a journal that answers.
    #[serde(skip)]
    pub journal_starts: Vec<Duration>,
    /// Times from power to a store that takes records.
    #[serde(skip)]
    pub store_starts: Vec<Duration>,
    /// The first wrongs, in words.
    #[serde(skip)]
    pub told: Vec<String>,
}

impl Tally {
    /// Nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.phantom == 0
    }

    /// How much is wrong.
    pub fn wrongs(&self) -> u64 {
        self.lost + self.doubled + self.phantom
    }

    pub fn lose(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.lost += count;
        self.tell(count, what);
    }

    pub fn double(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.doubled += count;
        self.tell(count, what);
    }

    pub fn invent(&mut self, count: u64, what: impl FnOnce() -> String) {
        self.phantom += count;
        self.tell(count, what);
    }

    fn tell(&mut self, count: u64, what: impl FnOnce() -> String) {
        if count > 0 && self.told.len() < TOLD_MAX {
            self.told.push(what());
        }
    }

    /// For people.
    pub fn in_words(&mut self) -> String {
        let Self { cuts, verdicts, lost, doubled, phantom, seconds, records, syncs, .. } = self;
        let mut words = format!(
            "{cuts} power cuts in {seconds:.1} s ({:.0} a second), {syncs} syncs\n\
             {verdicts} verdicts shown, {records} records\n\
             lost {lost}, doubled {doubled}, phantom {phantom}\n",
            *cuts as f64 / seconds.max(0.001),
        );
        for (what, times) in [("journal", &mut self.journal_starts), ("store", &mut self.store_starts)] {
            times.sort_unstable();
            let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
            if let (Some(half), Some(most)) = (at(50), at(99)) {
                words += &format!(
                    "{what} ready after a cut: half within {:.1} ms, 99 of 100 within {:.1} ms\n",
                    half.as_secs_f64() * 1e3,
                    most.as_secs_f64() * 1e3
                );
            }
        }
        for (what, count) in &self.more {
            words += &format!("{what} {count}\n");
        }
        for told in &self.told {
            words += &format!("  {told}\n");
        }
        words
    }
}
