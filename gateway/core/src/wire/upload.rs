//! What comes in on a stream's topic: a batch, or a declaration of what is lost.

use uuid::Uuid;

use super::{
    batch::Batch,
    keys::PublicKey,
    lost::Lost,
    sign::{self, Kind, OpenError},
};
use crate::fact::Stream;

/// A message of a stream's topic whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upload {
    /// Records.
    Batch(Batch),
    /// What the gateway no longer has.
    Lost {
        /// Who signed it.
        gateway: String,
        /// What it says.
        lost: Lost,
    },
}

impl Upload {
    /// Opens a message. `resolve` gives the key of a gateway's id, if it is known.
    pub fn open(bytes: &[u8], resolve: impl FnOnce(&str) -> Option<PublicKey>) -> Result<Self, OpenError> {
        let opened = sign::open(bytes, &[Kind::Batch, Kind::Lost], resolve)?;
        if opened.kind == Kind::Lost {
            let lost = Lost::from_opened(&opened)?;
            return Ok(Self::Lost { gateway: opened.signer, lost });
        }
        Batch::from_opened(opened).map(Self::Batch)
    }

    /// Who signed it: to be compared with the topic's gateway.
    pub fn gateway(&self) -> &str {
        match self {
            Self::Batch(batch) => &batch.gateway,
            Self::Lost { gateway, .. } => gateway,
        }
    }

    /// Whose records: journal and stream.
    pub fn stream(&self) -> (Uuid, Stream) {
        match self {
            Self::Batch(batch) => (batch.journal, batch.stream),
            Self::Lost { lost, .. } => (lost.journal, lost.stream),
        }
    }
}
