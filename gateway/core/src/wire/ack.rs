//! The hub's acknowledgement: what is committed there. Retained, one message for all streams of a gateway.
//!
//! A broker's PUBACK only means that the broker has a message. This means that the hub has the records.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    keys::{PublicKey, SignKey},
    sign::{self, Kind, OpenError, SignError},
};
use crate::fact::{Link, WallTime};

pub use super::keys::ACK_KEY_NAME;

/// What the hub holds of one journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Grows whenever the hub's store is made, restored or failed over. A gateway refuses a lower one than it has seen;
    /// a higher one may take `held` back.
    pub epoch: u64,
    /// The hub's time when it signed.
    pub time: WallTime,
    /// Which journal.
    pub journal: Uuid,
    /// The ledger.
    pub ledger: LedgerAck,
    /// The track.
    pub track: TrackAck,
}

/// How far the ledger is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerAck {
    /// Committed up to this number, without a hole; 0: nothing yet.
    pub held: u64,
    /// In a second copy too up to this number; never more than `held`.
    pub safe: u64,
    /// The link at `held`; [`Link::START`] at 0.
    pub link: Link,
}

/// How far the track is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackAck {
    /// The highest number committed; numbers below it that are missing are gaps. 0: nothing yet.
    pub held: u64,
}

impl Ack {
    /// Signs it with the acknowledging key.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        let json = serde_json::to_vec(self).map_err(|_| SignError::Encoding)?;
        sign::sign(key, Kind::Ack, json)
    }

    /// Opens a message signed by the acknowledging key.
    pub fn open(bytes: &[u8], key: &PublicKey) -> Result<Self, OpenError> {
        let opened = sign::open(bytes, &[Kind::Ack], |_| Some(*key))?;
        let ack: Self = serde_json::from_slice(&opened.payload)
            .map_err(|_| OpenError::Content("not an acknowledgement"))?;
        if ack.ledger.safe > ack.ledger.held {
            return Err(OpenError::Content("more is safe than held"));
        }
        Ok(ack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::keys::Seed;

    fn ack(held: u64, safe: u64) -> Ack {
        Ack {
            epoch: 2,
            time: WallTime(1_599_091_262_345),
            journal: Uuid::from_bytes([3; 16]),
            ledger: LedgerAck { held, safe, link: Link::START },
            track: TrackAck { held: 4 },
        }
    }

    #[test]
    fn it_reads_as_the_design_names_it() {
        let json = serde_json::to_string(&ack(7, 6)).unwrap();
        assert_eq!(
            json,
            format!(
                "{{\"epoch\":2,\"time\":\"2020-09-03T00:01:02.345Z\",\"journal\":\"{}\",\"ledger\":{{\"held\":7,\
                 \"safe\":6,\"link\":\"{}\"}},\"track\":{{\"held\":4}}}}",
                Uuid::from_bytes([3; 16]),
                Link::START
            )
        );
    }

    #[test]
    fn only_the_acknowledging_key_acknowledges() {
        let key = SignKey::new(ACK_KEY_NAME, &Seed::from_bytes([7; 32])).unwrap();
        let other = SignKey::new(ACK_KEY_NAME, &Seed::from_bytes([8; 32])).unwrap();
        let bytes = ack(7, 7).sign(&key).unwrap();
        assert_eq!(Ack::open(&bytes, &key.public()), Ok(ack(7, 7)));
        assert_eq!(Ack::open(&bytes, &other.public()), Err(OpenError::Signature));
        let order = sign::sign(&key, Kind::Order, serde_json::to_vec(&ack(7, 7)).unwrap()).unwrap();
        assert_eq!(Ack::open(&order, &key.public()), Err(OpenError::Kind));
        let bytes = ack(7, 8).sign(&key).unwrap();
        assert!(matches!(Ack::open(&bytes, &key.public()), Err(OpenError::Content(_))));
    }
}
