//! What a salvage brought back, as its report says it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::fact::Link;

/// A range of records that cannot be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRange {
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The link before the first, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Link>,
    /// The link after the last. None: nothing behind it is proven, and the journal ends before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Link>,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvaged {
    /// The damaged journal.
    pub journal: Uuid,
    /// The journal that follows it.
    pub new: Uuid,
    /// Where the damaged files lie.
    pub quarantine: PathBuf,
    /// Different numbers of records that were seen.
    pub read: u64,
    /// Records that the chain proves.
    pub proven: u64,
    /// Number of the last of them.
    pub last: u64,
    /// Its link.
    pub link: Link,
    /// Numbers that were seen, but with no line that the chain proves; at most a thousand are named.
    pub unproven: Vec<u64>,
    /// Ranges that are lost here. The hub may have them.
    pub lost: Vec<LostRange>,
    /// The hub had acknowledged records up to this one, as far as could be read.
    pub held: Option<u64>,
    /// Rows of the ledger that was made of it.
    pub rows: u64,
    /// Rows of the damaged ledger that are not as they were written.
    pub rows_bad: u64,
    /// Records whose effect on the ledger could not be worked out.
    pub unapplied: u64,
}

impl Salvaged {
    /// All of the journal was brought back. Where no record was found nobody knows.
    pub fn is_whole(&self) -> bool {
        self.read > 0 && self.lost.is_empty() && self.unapplied == 0
    }
}
