//! What the bench saw: every verdict that a panel showed, so that the end can ask for each of them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;

/// A panel as a page receives it; what the demonstration looks at.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Seen {
    /// `yes`, `no`, `ask`, …
    pub tone: String,
    /// The verdict or the prompt.
    pub main: String,
    /// Why.
    pub lines: Vec<String>,
    /// Records that the verdict wrote.
    pub records: Option<(u64, u64)>,
    /// Microseconds from reading to verdict.
    pub verdict_us: Option<u64>,
    /// Microseconds of the claim's hash.
    pub hash_us: Option<u64>,
    /// Scans answered.
    pub answered: u64,
    /// The status line.
    pub status: SeenStatus,
}

/// The part of the status that the demonstration looks at.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SeenStatus {
    /// Devices that are missing.
    pub missing: Vec<String>,
}

/// Everything seen so far.
#[derive(Debug, Default)]
pub struct Witness {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeSet<(String, u64)>,
    verdicts_us: Vec<u64>,
    hashes_us: Vec<u64>,
}

impl Witness {
    /// Notes a verdict that a panel showed.
    pub fn saw(&self, gateway: &str, seen: &Seen) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, last)) = seen.records {
            inner.records.extend((first..=last).map(|seq| (gateway.to_owned(), seq)));
        }
        inner.verdicts_us.extend(seen.verdict_us);
        inner.hashes_us.extend(seen.hash_us);
    }

    /// Records of verdicts that were shown: gateway and number.
    pub fn records(&self) -> BTreeSet<(String, u64)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).records.clone()
    }

    /// Microseconds of all verdicts, and of all claims' hashes.
    pub fn times_us(&self) -> (Vec<u64>, Vec<u64>) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.verdicts_us.clone(), inner.hashes_us.clone())
    }
}
