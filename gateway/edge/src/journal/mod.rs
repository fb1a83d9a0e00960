//! The journal: every verdict is on the disk before it is seen.
//!
//! One file, `journal.db` (SQLite, write-ahead log, `synchronous=FULL`), and one thread that owns the only
//! connection that writes. It takes requests from a bounded queue, asks the rules with the ledger as it is, appends
//! the facts as linked lines, lets each change the ledger, and commits; requests that wait are committed together.
//! Nothing is decided or written anywhere else, so two consoles cannot serve one person twice.
//!
//! What it promises:
//!
//! - An answer, yes or no, is given only after the commit that it rests on.
//! - A request's id is recorded once; the same id again gets the first answer.
//! - A refusal leaves no record and the ledger as it was.
//! - A commit that fails has an unknown end: nothing is tried again. The file is opened again and the ids are looked
//!   up; those found were granted, of the others nothing was recorded.
//! - A row or a record that is not as it was written is an error and never a wrong verdict; the writer stays stopped.
//!
//! Readers work beside the writer and in other processes.

mod answers;
mod ask;
pub mod background;
mod care;
mod chain;
mod config;
mod database;
mod draft;
mod engine;
mod error;
mod fault;
mod held;
mod log_ahead;
mod number;
pub mod quarantine;
mod quick_hash;
mod reader;
pub mod renew;
mod reserve;
mod retention;
mod room;
mod rows;
pub mod salvage;
mod salvaged;
mod snapshot;
mod snapshot_row;
#[cfg(feature = "soak")]
#[doc(hidden)]
pub mod soak;
mod sql;
mod statements;
#[cfg(test)]
mod tests;
mod track;
mod upkeep;
mod verify;
mod witness;
mod writer;

use uuid::Uuid;
use waypost_core::{fact::Link, rule};

pub use ask::{
    Acknowledged, BadRequestId, Health, REQUEST_ID_BYTES_MAX, Request, RequestId, Tail, Unshown, Verdict,
};
pub use care::Care;
pub use chain::{Boundary, Line};
pub use config::JournalConfig;
pub use database::{FILE, LOCK_FILE, is_in_use};
pub use engine::GROUP_MAX;
pub(crate) use error::chain as in_one_line;
pub use error::{AckError, JournalError, JournalFailure};
pub use fault::crash_point;
pub use reader::Reader;
pub use reserve::{RESERVE_BYTES, RESERVE_FILE};
pub use room::{Room, Space};
pub use snapshot::{SNAPSHOT_FILE, Snapshot, read_snapshot, write_snapshot};
pub use snapshot_row::SnapshotRow;
pub use track::{FIX_BYTES_MAX, Position};
pub use upkeep::{Upkeep, UpkeepError};
pub use verify::{BadRecord, Verified, verify, verify_tail};
pub use witness::{Seen, WITNESS_FILE};
pub use writer::{Condition, QUEUE_MAX, Writer};

use config::Rules;

/// What a start found.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The journal's id.
    pub journal: Uuid,
    /// Which start of the gateway this is, from 1.
    pub boot: u32,
    /// Number of the last record: the one of this start.
    pub last: u64,
    /// Its link.
    pub link: Link,
    /// The latest acknowledgement that was written down.
    pub held: Option<Acknowledged>,
    /// Yes verdicts to a person of which it is not noted that they were shown, oldest first.
    pub unshown: Vec<Unshown>,
}

/// Opens the journal to write, makes it where it is missing, and notes the start of the gateway.
///
/// Blocks on the disk. Fails if another process has it, if it is damaged at its end, if it is another gateway's, and
/// if the disk cannot be written.
pub fn open(config: JournalConfig) -> Result<(Writer, Opened), JournalError> {
    open_with(config, Rules { author: rule::author, decide: rule::decide, apply: rule::apply })
}

fn open_with(config: JournalConfig, rules: Rules) -> Result<(Writer, Opened), JournalError> {
    let lock = database::Lock::take(&config.dir)?;
    let journal = config.journal;
    if Space::of(&config.dir).is_ok_and(|space| space.room() == Room::Critical)
        && reserve::give_up(&config.dir)
    {
        // Room for the records of the start, and for those who are in the middle of something.
        tracing::warn!("the disk is nearly full: the reserve is given up, for the last records");
    }
    let (engine, unshown) = engine::Engine::open(config, rules)?;
    let tail = engine.tail();
    let opened = Opened {
        journal,
        boot: engine.boot(),
        last: tail.ledger_last,
        link: tail.link,
        held: tail.held,
        unshown,
    };
    Ok((writer::start(engine, lock)?, opened))
}
