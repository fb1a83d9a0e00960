//! A record: a fact with who, when and its place in the journal, as one line of JSON.

use serde::{Deserialize, Serialize};

use super::{
    Fact,
    id::OperatorId,
    time::{ClockQuality, WallTime},
};

/// Longest line, in bytes. It is stored, linked and sent as those exact bytes.
pub const LINE_BYTES_MAX: usize = 4096;

/// Room that most lines need, in bytes.
const LINE_BYTES_USUAL: usize = 384;

/// One line of a journal's ledger stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Place in the journal: from 1, without gaps, never used again.
    pub seq: u64,
    /// Which start of the gateway, from 1.
    pub boot: u32,
    /// Milliseconds since that start.
    pub up_ms: u64,
    /// What the wall clock said: a remark, see `clock`.
    pub at: WallTime,
    /// How far `at` can be believed.
    pub clock: ClockQuality,
    /// Who did it; absent where the gateway itself noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperatorId>,
    /// What happened.
    pub fact: Fact,
}

/// Why a record cannot be written as a line, or a line not be read as a record.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line would have more than [`LINE_BYTES_MAX`] bytes.
    #[error("a record has at most {LINE_BYTES_MAX} bytes, this one would have {0}")]
    TooLong(usize),
    /// Not JSON, or a fact of an unknown kind.
    #[error("the line cannot be read as a record")]
    Unreadable(#[from] serde_json::Error),
}

impl Record {
    /// The line, without a line end.
    pub fn to_line(&self) -> Result<String, LineError> {
        let mut line = Vec::with_capacity(LINE_BYTES_USUAL);
        serde_json::to_writer(&mut line, self)?;
        if line.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong(line.len()));
        }
        String::from_utf8(line).map_err(|error| LineError::Unreadable(serde::ser::Error::custom(error)))
    }

    /// Reads a line. A line that cannot be read is kept and sent on as it is: nothing is dropped for this.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong(line.len()));
        }
        Ok(serde_json::from_str(line)?)
    }
}
