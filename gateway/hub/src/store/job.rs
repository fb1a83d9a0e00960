//! What the writer is asked to do, and what a commit brought.

use uuid::Uuid;
use waypost_core::{
    fact::Link,
    wire::{express::Express, upload::Upload},
};

/// Something for the writer.
#[derive(Debug, Clone)]
pub enum Job {
    /// A batch or a declaration whose signature holds and whose signer is the topic's gateway; and the message itself.
    Upload(Box<Upload>, Vec<u8>),
    /// An express copy, likewise.
    Express(String, Express),
    /// A message that cannot be believed: who it seems to be from, why, and the message.
    Apart(String, String, Vec<u8>),
    /// A gateway was heard; what waits there and whether it is online, where it said so.
    Heard {
        /// Which gateway.
        gateway: String,
        /// Records that it has not had acknowledged.
        queued: Option<u64>,
        /// Connected.
        online: Option<bool>,
    },
    /// A retained acknowledgement at the broker is ahead of this store: a new epoch above this one is needed.
    RaiseEpoch(u64),
    /// All is to be acknowledged anew: the broker was reached, and this is the connection's number.
    Republish(u64),
    /// Time has passed.
    Tick,
}

/// How far a journal is held, to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNow {
    /// To whom.
    pub gateway: String,
    /// The store's epoch.
    pub epoch: u64,
    /// Which journal.
    pub journal: Uuid,
    /// Last number of the ledger without a hole.
    pub held: u64,
    /// The link there.
    pub link: Link,
    /// Last number of the track.
    pub track_held: u64,
}

/// What a commit brought.
#[derive(Debug, Default)]
pub struct Applied {
    /// What can now be acknowledged.
    pub held: Vec<HeldNow>,
    /// The manifests changed.
    pub manifests_changed: bool,
    /// Something was written.
    pub changed: bool,
    /// `held` is all there is, for this connection.
    pub republish: Option<u64>,
}
