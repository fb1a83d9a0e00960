//! What is asked of the writer, and what it answers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::{
    fact::{Fact, Link, WallTime, id::OperatorId},
    rule::{Act, Already, Refusal},
};

use super::error::JournalFailure;

/// Longest id of a request, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// The id of a request: the same id again is the same request, and gets the first answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

/// A text that is empty or longer than [`REQUEST_ID_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a request's id has 1 to {REQUEST_ID_BYTES_MAX} bytes, this one has {0}")]
pub struct BadRequestId(usize);

impl RequestId {
    /// Takes a text of 1 to [`REQUEST_ID_BYTES_MAX`] bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, BadRequestId> {
        let text = text.into();
        match text.len() {
            1..=REQUEST_ID_BYTES_MAX => Ok(Self(text)),
            bytes => Err(BadRequestId(bytes)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = BadRequestId;
    fn try_from(text: String) -> Result<Self, BadRequestId> {
        Self::new(text)
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> String {
        id.0
    }
}

/// Something asked of the writer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its id; ids with the gateway, the boot and a number in order keep the index small.
    pub id: RequestId,
    /// Who asks; none: the gateway itself.
    pub by: Option<OperatorId>,
    /// What.
    pub act: Act,
}

/// What the writer answers, once it is on the disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Yes.
    Granted {
        /// Number of the first record; 0 where there was nothing worth writing.
        first: u64,
        /// Number of the last record; 0 where there was nothing worth writing.
        last: u64,
        /// The facts of these records, in order. Empty too where a repeat's records have been pruned.
        facts: Vec<Fact>,
        /// The request was granted before; this is the first answer again.
        repeated: bool,
    },
    /// It is so already: neither yes nor no.
    Already(Already),
    /// No, and why.
    Refused(Refusal),
    /// No verdict: nothing may be handed over.
    Failed(JournalFailure),
}

/// A yes of which it is not noted that the operator saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unshown {
    /// The request.
    pub id: RequestId,
    /// Number of its first record.
    pub first: u64,
    /// Number of its last record.
    pub last: u64,
    /// What was granted.
    pub facts: Vec<Fact>,
}

/// What the hub says that it has. Its signature has been checked by whoever brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Grows whenever the hub's store is made, restored or failed over.
    pub epoch: u64,
    /// The hub's time.
    pub time: WallTime,
    /// The journal.
    pub journal: Uuid,
    /// Ledger: committed up to this number.
    pub held: u64,
    /// Ledger: in a second copy too, up to this number.
    pub safe: u64,
    /// The link at `held`.
    pub link: Link,
    /// Track: committed up to this number.
    pub track_held: u64,
}

/// Where the journal ends, and what the hub has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Number of the last ledger record.
    pub ledger_last: u64,
    /// Its link.
    pub link: Link,
    /// Number of the last position; 0 where there is none.
    pub track_last: u64,
    /// The latest acknowledgement that was believed.
    pub held: Option<Acknowledged>,
}

impl Tail {
    /// Ledger records that the hub has not acknowledged.
    pub fn unsynced(&self) -> u64 {
        self.ledger_last.saturating_sub(self.held.map_or(0, |ack| ack.held))
    }
}

/// Whether records can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// They can.
    Well,
    /// They cannot; every request fails with this.
    Stopped(JournalFailure),
}
