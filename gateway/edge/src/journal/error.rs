//! What can go wrong with a journal, for the person who mends it and for the operator who waits.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;
use uuid::Uuid;
use waypost_core::{
    fact::{LineError, Link},
    rule::LedgerError,
};

use super::witness::Seen;

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has it. One journal has one writer.
    #[error("the journal in {dir} is in use by another process{}; stop that one first, or give this one a data directory of its own", .holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that has it, where it could be read.
        holder: Option<u32>,
    },
    /// There is no journal there.
    #[error("there is no journal in {dir}: expected the file {file} there")]
    Missing {
        /// The data directory.
        dir: PathBuf,
        /// The file's name.
        file: &'static str,
    },
    /// It was made, as a salvage does, and nothing was written into it yet.
    #[error("the journal has no record yet: it begins with the gateway's next start")]
    NotBegun,
    /// The directory or the lock file failed.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite failed.
    #[error("the journal's database failed while {doing}")]
    Sqlite {
        /// What was done.
        doing: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The SQLite that this was built with can corrupt a write-ahead log.
    #[error("SQLite {found} can corrupt a journal; version 3.51.3 or later is needed")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// A setting did not take.
    #[error("the database setting {name} is {found} and must be {wanted}")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// What it must be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// A database, but of something else.
    #[error("{path} is not a Waypost journal")]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version of this software.
    #[error(
        "the journal has format {found}, this program knows formats up to {known}; install the later version again"
    )]
    NewerFormat {
        /// Of the file.
        found: i64,
        /// Of this program.
        known: i64,
    },
    /// The journal of another gateway, or an older one of this gateway.
    #[error("the journal in {dir} has the id {found}, the gateway's identity names {wanted}")]
    OtherJournal {
        /// The data directory.
        dir: PathBuf,
        /// In the file.
        found: String,
        /// In the configuration.
        wanted: Uuid,
    },
    /// Something in the file is not as it was written.
    #[error("the journal is damaged: {what}")]
    Damaged {
        /// What, with its number.
        what: String,
    },
    /// Its last records are gone: its log was lost, or it was put back from a copy. It is not continued.
    #[error("the journal ends at record {last}, and it had come to record {}: its log was lost, or it was put back from a copy", .seen.seq)]
    TailLost {
        /// Number of the last record that is there.
        last: u64,
        /// How far it had come.
        seen: Seen,
    },
    /// A record cannot be written.
    #[error("a record cannot be written")]
    Line(#[from] LineError),
    /// The ledger of the rules cannot be read or written.
    #[error("the ledger cannot be used")]
    Ledger(#[from] LedgerError),
    /// A start could not be noted.
    #[error("the start cannot be noted")]
    Start(#[source] JournalFailure),
    /// The writer's thread did not start.
    #[error("the writer's thread did not start")]
    Thread(#[source] io::Error),
}

impl JournalError {
    /// Names what was done when SQLite failed.
    pub(super) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { doing, source }
    }

    /// What is in the file is not what was written, so trying again does not help.
    pub fn is_damage(&self) -> bool {
        matches!(self.failure(), JournalFailure::Damaged { .. })
    }

    /// As the operator's answer.
    pub(crate) fn failure(&self) -> JournalFailure {
        match self {
            Self::Sqlite { source, .. } => JournalFailure::of_sqlite(source),
            Self::Ledger(error) => JournalFailure::of_ledger(error),
            Self::Line(LineError::TooLong(bytes)) => JournalFailure::TooLong { bytes: *bytes },
            Self::Damaged { what } => JournalFailure::Damaged { what: what.clone() },
            Self::TailLost { .. } => JournalFailure::Damaged { what: self.to_string() },
            Self::Start(failure) => failure.clone(),
            Self::Io { source, .. }
                if !matches!(JournalFailure::of_io(source), JournalFailure::Io { .. }) =>
            {
                JournalFailure::of_io(source)
            }
            other => JournalFailure::Io { what: chain(other) },
        }
    }
}

/// Why a request got no verdict. Nothing may be handed over on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalFailure {
    /// No room is left for records.
    #[error("the disk is full: nothing more is recorded until there is room")]
    Full,
    /// The disk takes no writes.
    #[error("the disk is read-only: nothing more is recorded until it is replaced or mounted for writing")]
    ReadOnly,
    /// What is on the disk is not what was written. The writer stays stopped.
    #[error("the journal is damaged ({what}): nothing more is recorded until it is repaired")]
    Damaged {
        /// What.
        what: String,
    },
    /// The disk or the database failed in another way.
    #[error("the disk failed ({what}): nothing was recorded")]
    Io {
        /// How.
        what: String,
    },
    /// The record would be longer than a line may be. Only this request is refused for it.
    #[error("the record would have {bytes} bytes, more than a line may have")]
    TooLong {
        /// Bytes that it would have.
        bytes: usize,
    },
    /// The writer was stopped; the gateway is going down.
    #[error("the journal is closed")]
    Stopped,
}

impl JournalFailure {
    pub(super) fn of_sqlite(error: &rusqlite::Error) -> Self {
        // The log's index has no room to grow: SQLite has no plain "full" for that.
        let no_room_for_index = error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        match error.sqlite_error_code() {
            _ if no_room_for_index => Self::Full,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { what: error.to_string() }
            }
            _ => Self::Io { what: error.to_string() },
        }
    }

    /// As a file system tells it.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io { what: error.to_string() },
        }
    }

    pub(crate) fn of_ledger(error: &LedgerError) -> Self {
        match error {
            LedgerError::Damaged { .. } => Self::Damaged { what: error.to_string() },
            LedgerError::Store(source) => match source.downcast_ref::<rusqlite::Error>() {
                Some(source) => Self::of_sqlite(source),
                None => Self::Io { what: source.to_string() },
            },
        }
    }

    /// Trying again later can help: room is made, a disk comes back.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Damaged { .. } | Self::Stopped)
    }
}

/// Why an acknowledgement is not believed. What it says is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// It is for another journal.
    #[error("the acknowledgement is for journal {found}")]
    OtherJournal {
        /// Which.
        found: Uuid,
    },
    /// The hub's store is older than one that acknowledged before.
    #[error("the acknowledgement has epoch {found}, epoch {held} was seen before")]
    EpochLower {
        /// In the acknowledgement.
        found: u64,
        /// Seen before.
        held: u64,
    },
    /// It names a record that this journal does not have yet.
    #[error("the acknowledgement holds record {held}, the journal ends at {last}")]
    Ahead {
        /// In the acknowledgement.
        held: u64,
        /// Ours.
        last: u64,
    },
    /// The hub has another line under that number, or under one before it.
    #[error("the acknowledgement has link {found} at record {held}, the journal has {ours}")]
    OtherLink {
        /// Where.
        held: u64,
        /// In the acknowledgement.
        found: Link,
        /// Ours.
        ours: Link,
    },
    /// More is in the second copy than in the first.
    #[error("the acknowledgement says {safe} is safe and only {held} is held")]
    SafeAboveHeld {
        /// In the acknowledgement.
        safe: u64,
        /// In the acknowledgement.
        held: u64,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalFailure),
}

/// An error and its causes in one line, for a log or a page.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
