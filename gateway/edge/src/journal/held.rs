//! What the hub has: the last acknowledgement that was believed, and whether it is on the disk yet.
//!
//! It goes along with the next commit. One that a power cut takes is given again, for records that are sent once more.

use std::time::Duration;

use rusqlite::Connection;

use super::{
    ask::Acknowledged,
    database::{self, put_meta},
    error::{AckError, JournalError},
};

/// Where it stands among the single values.
pub(super) const NAME: &str = "held";
/// An acknowledgement that no record takes along is written after this; a commit for each would write half as much
/// again as the records.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Held {
    ack: Option<Acknowledged>,
    /// The disk has an older one, or none.
    waits: bool,
    /// The disk has one: who looks from outside sees that the hub was there.
    is_known: bool,
}

/// The latest acknowledgement that was written down.
pub(super) fn stored(connection: &Connection) -> Result<Option<Acknowledged>, JournalError> {
    database::meta(connection, NAME)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| JournalError::Damaged { what: format!("the stored acknowledgement: {error}") })
}

impl Held {
    pub(super) fn read(connection: &Connection) -> Result<Self, JournalError> {
        let ack = stored(connection)?;
        Ok(Self { ack, waits: false, is_known: ack.is_some() })
    }

    pub(super) fn ack(&self) -> Option<Acknowledged> {
        self.ack
    }

    /// Whether one says something new, after the one that was believed before. An error: it contradicts itself or that
    /// one.
    pub(super) fn is_news(&self, ack: &Acknowledged) -> Result<bool, AckError> {
        if ack.safe > ack.held {
            return Err(AckError::SafeAboveHeld { safe: ack.safe, held: ack.held });
        }
        let Some(before) = self.ack else { return Ok(true) };
        if ack.epoch < before.epoch {
            return Err(AckError::EpochLower { found: ack.epoch, held: before.epoch });
        }
        let goes_back =
            ack.held < before.held || ack.safe < before.safe || ack.track_held < before.track_held;
        Ok(ack.epoch > before.epoch || !goes_back)
    }

    pub(super) fn believe(&mut self, ack: Acknowledged) {
        self.ack = Some(ack);
        self.waits = true;
    }

    /// How long it may wait for a commit; the first of a journal does not. None: it does not wait.
    pub(super) fn may_wait(&self) -> Option<Duration> {
        self.waits.then_some(if self.is_known { WAIT_MAX } else { Duration::ZERO })
    }

    /// Writes it where it waits, within the transaction that is open.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.waits {
            return Ok(());
        }
        let text = serde_json::to_string(&self.ack)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        put_meta(connection, NAME, &text)
    }

    pub(super) fn committed(&mut self) {
        self.waits = false;
        self.is_known = self.ack.is_some();
    }
}
