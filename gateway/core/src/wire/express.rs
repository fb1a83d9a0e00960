//! The express copy of an alarm: one record's line, sent ahead of the backlog. The record itself still comes in its
//! batch; the hub shows the copy and stores the record once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    bytes,
    keys::{PublicKey, SignKey},
    sign::{self, Kind, OpenError, SignError},
};
use crate::fact::LINE_BYTES_MAX;

/// One record, ahead of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Express {
    /// Of which journal.
    pub journal: Uuid,
    /// Its number in the ledger.
    pub seq: u64,
    /// Its line.
    pub line: String,
}

impl Express {
    /// Signs it with the gateway's key.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(key, Kind::Express, bytes::to_cbor(self)?)
    }

    /// Opens a message: the gateway's id and the copy.
    pub fn open(
        bytes: &[u8],
        resolve: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<(String, Self), OpenError> {
        let opened = sign::open(bytes, &[Kind::Express], resolve)?;
        let express: Self = bytes::from_cbor(&opened.payload)?;
        if express.line.len() > LINE_BYTES_MAX || express.seq == 0 {
            return Err(OpenError::Content("not a record"));
        }
        Ok((opened.signer, express))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::keys::Seed;

    #[test]
    fn the_longest_line_travels_and_a_longer_one_does_not() {
        let key = SignKey::new("gate-1", &Seed::from_bytes([7; 32])).unwrap();
        let journal = Uuid::from_bytes([3; 16]);
        let copy = Express { journal, seq: 5, line: "x".repeat(LINE_BYTES_MAX) };
        let bytes = copy.sign(&key).unwrap();
        assert_eq!(Express::open(&bytes, |_| Some(key.public())), Ok(("gate-1".into(), copy)));
        let copy = Express { journal, seq: 5, line: "x".repeat(LINE_BYTES_MAX + 1) };
        let bytes = copy.sign(&key).unwrap();
        assert!(Express::open(&bytes, |_| Some(key.public())).is_err());
    }
}
