//! What a gateway no longer has and will never send: a signed declaration, so that the hub can go on behind it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    keys::{PublicKey, SignKey},
    sign::{self, Kind, OpenError, Opened, SignError},
};
use crate::fact::{Link, Stream};

/// A range that is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Of which journal.
    pub journal: Uuid,
    /// Of which stream.
    pub stream: Stream,
    /// First number lost.
    pub first: u64,
    /// Last number lost.
    pub last: u64,
    /// The link before the first; [`Link::START`] in the track.
    pub before: Link,
    /// The link after the last; [`Link::START`] in the track.
    pub after: Link,
    /// Why.
    pub why: LostReason,
}

/// Why a range is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// The lines on the card cannot be read, or not in their chain.
    Damaged,
    /// The card was put back from a copy, or its last writes are missing.
    TailMissing,
    /// They were deleted once the hub had said that they are safe; its store has been put back to a time before.
    Pruned,
    /// The track's bound dropped them, the oldest first.
    Bound,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

impl Lost {
    /// Signs it with the gateway's key.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        let json = serde_json::to_vec(self).map_err(|_| SignError::Encoding)?;
        sign::sign(key, Kind::Lost, json)
    }

    pub(super) fn from_opened(opened: &Opened) -> Result<Self, OpenError> {
        let lost: Self = serde_json::from_slice(&opened.payload)
            .map_err(|_| OpenError::Content("not a declaration of loss"))?;
        if lost.first == 0 || lost.first > lost.last {
            return Err(OpenError::Content("the numbers cannot be"));
        }
        Ok(lost)
    }

    /// Opens a message: the gateway's id and what it declares.
    pub fn open(
        bytes: &[u8],
        resolve: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<(String, Self), OpenError> {
        let opened = sign::open(bytes, &[Kind::Lost], resolve)?;
        let lost = Self::from_opened(&opened)?;
        Ok((opened.signer, lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::keys::Seed;

    fn lost(first: u64, last: u64) -> Lost {
        Lost {
            journal: Uuid::from_bytes([3; 16]),
            stream: Stream::Ledger,
            first,
            last,
            before: Link::START,
            after: Link::START.after(b"x"),
            why: LostReason::Damaged,
        }
    }

    #[test]
    fn a_declaration_opens_with_the_gateways_key_only() {
        let key = SignKey::new("gate-1", &Seed::from_bytes([7; 32])).unwrap();
        let other = SignKey::new("gate-1", &Seed::from_bytes([8; 32])).unwrap();
        let bytes = lost(3, 9).sign(&key).unwrap();
        assert_eq!(Lost::open(&bytes, |_| Some(key.public())), Ok(("gate-1".into(), lost(3, 9))));
        assert_eq!(Lost::open(&bytes, |_| Some(other.public())), Err(OpenError::Signature));
    }

    #[test]
    fn a_range_that_runs_backwards_is_refused() {
        let key = SignKey::new("gate-1", &Seed::from_bytes([7; 32])).unwrap();
        for (first, last) in [(9, 3), (0, 3)] {
            let bytes = lost(first, last).sign(&key).unwrap();
            assert!(matches!(Lost::open(&bytes, |_| Some(key.public())), Err(OpenError::Content(_))));
        }
    }
}
