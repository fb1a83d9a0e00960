//! What the hub sends a gateway that cannot go on with its journal, signed by an order key and retained.
//!
//! - [`NewJournal`] at `order/journal/<journal>`: close that journal and start a new one, as another copy of it is about.
//! - [`RestorePart`] at `order/restore/<journal>/<part>`: what the ledger of that new journal must know, as JSON lines
//!   of [`RestoredRow`] in one zstd frame. A part has at most [`PART_BYTES_MAX`] bytes as published.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    bytes::{self, Bytes},
    keys::{PublicKey, SignKey},
    order::ORDER_KEYS_MAX,
    sign::{self, Kind, OpenError, SignError},
    topic::PREFIX,
};
use crate::{
    fact::{Link, id::GatewayId},
    rule::restored::RestoredRow,
};

/// Longest part, in bytes, as it is published.
pub const PART_BYTES_MAX: usize = sign::BATCH_BYTES_MAX;

/// Most parts of a ledger.
pub const PARTS_MAX: u32 = 1_000;

/// Most bytes of rows in one part, unpacked: they are all in memory at once.
pub const ROWS_BYTES_MAX: usize = 192 * 1024;

/// Longest row, in bytes.
const ROW_BYTES_MAX: usize = 32 * 1024;

/// Most journals that a ledger is put together from; the latest where there are more.
pub const FROM_MAX: usize = 32;

/// Close a journal and start a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJournal {
    /// Whose journal.
    pub gateway: GatewayId,
    /// Which one. A gateway that writes another one by now does nothing.
    pub journal: Uuid,
}

impl NewJournal {
    /// Where it is published, retained.
    pub fn topic(&self) -> String {
        format!("{PREFIX}/{}/order/journal/{}", self.gateway, self.journal)
    }

    /// Is that the topic of such a message?
    pub fn is_topic(topic: &str) -> bool {
        topic.contains("/order/journal/")
    }

    /// Signs it.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(key, Kind::NewJournal, serde_json::to_vec(self).map_err(|_| SignError::Encoding)?)
    }

    /// Opens one signed by any of these keys.
    pub fn open(message: &[u8], keys: &[PublicKey]) -> Result<Self, OpenError> {
        let payload = opened(message, keys, Kind::NewJournal)?;
        serde_json::from_slice(&payload).map_err(|_| OpenError::Content("not an order for a new journal"))
    }
}

/// Where a journal of the gateway ends at the hub: its last line, or one that is kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownEnd {
    /// Which journal.
    pub journal: Uuid,
    /// The number.
    pub seq: u64,
    /// The link there.
    pub link: Link,
}

/// One part of what a ledger must know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestorePart {
    /// Whose ledger.
    pub gateway: GatewayId,
    /// The new journal.
    pub journal: Uuid,
    /// The journals that it was put together from, the oldest first.
    pub from: Vec<Uuid>,
    /// Where those end at the hub: what a gateway has beyond them it still sends.
    pub ends: Vec<KnownEnd>,
    /// Version, higher half: the hub's epoch.
    pub epoch: u64,
    /// Version, lower half.
    pub number: u64,
    /// Which part, from 1.
    pub part: u32,
    /// How many there are.
    pub parts: u32,
    /// SHA-256 over all rows of all parts as JSON lines, 64 hex characters.
    pub digest: String,
    /// The rows of this part.
    #[serde(skip)]
    pub rows: Vec<RestoredRow>,
}

/// Why a ledger cannot be put into parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// More than [`PARTS_MAX`] parts.
    #[error("the ledger needs more than {PARTS_MAX} parts")]
    TooLong,
    /// A row longer than one may be.
    #[error("a row has {0} bytes; at most {ROW_BYTES_MAX} are allowed")]
    RowTooLong(usize),
    /// The encoder refused it.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl RestorePart {
    /// Its version: a lower one than was taken is refused.
    pub fn version(&self) -> (u64, u64) {
        (self.epoch, self.number)
    }

    /// Where it is published, retained.
    pub fn topic(&self) -> String {
        format!("{PREFIX}/{}/order/restore/{}/{}", self.gateway, self.journal, self.part)
    }

    /// Is that the topic of such a message?
    pub fn is_topic(topic: &str) -> bool {
        topic.contains("/order/restore/")
    }

    /// Puts rows into numbered parts; at least one, even where there is no row. `like` gives all but part, parts,
    /// digest and rows.
    pub fn split(like: &Self, rows: Vec<RestoredRow>) -> Result<Vec<Self>, RestoreError> {
        let mut digest = Sha256::new();
        let mut groups: Vec<Vec<RestoredRow>> = vec![Vec::new()];
        let mut bytes = 0;
        for row in rows {
            let line = serde_json::to_string(&row).map_err(|_| SignError::Encoding)?;
            if line.len() > ROW_BYTES_MAX {
                return Err(RestoreError::RowTooLong(line.len()));
            }
            digest.update(line.as_bytes());
            digest.update(b"\n");
            // Tokens do not compress: a part stays short enough if its rows do.
            bytes += line.len() + 1;
            if bytes > ROWS_BYTES_MAX {
                bytes = line.len() + 1;
                groups.push(Vec::new());
            }
            if let Some(group) = groups.last_mut() {
                group.push(row);
            }
        }
        let parts = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        if parts > PARTS_MAX {
            return Err(RestoreError::TooLong);
        }
        let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let made = groups.into_iter().zip(1..).map(|(rows, part)| Self {
            part,
            parts,
            digest: digest.clone(),
            rows,
            ..like.clone()
        });
        Ok(made.collect())
    }

    /// Signs it.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        let mut text = Vec::new();
        for row in &self.rows {
            serde_json::to_writer(&mut text, row).map_err(|_| SignError::Encoding)?;
            text.push(b'\n');
        }
        let packed = zstd::bulk::compress(&text, LEVEL).map_err(|_| SignError::Encoding)?;
        sign::sign(key, Kind::Restore, bytes::to_cbor(&(self, Bytes(packed)))?)
    }

    /// Opens one signed by any of these keys.
    pub fn open(message: &[u8], keys: &[PublicKey]) -> Result<Self, OpenError> {
        let payload = opened(message, keys, Kind::Restore)?;
        let (mut part, packed): (Self, Bytes) = bytes::from_cbor(&payload)?;
        if part.from.len() > FROM_MAX {
            return Err(OpenError::Content("too many journals"));
        }
        let text = zstd::bulk::decompress(&packed.0, ROWS_BYTES_MAX)
            .map_err(|_| OpenError::Content("not the zstd expected"))?;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let row = serde_json::from_slice(line).map_err(|_| OpenError::Content("not a row"))?;
            part.rows.push(row);
        }
        Ok(part)
    }
}

/// Rows are made seldom: a slow level is worth it.
const LEVEL: i32 = 9;

/// The payload of a message of that kind signed by any of these keys.
pub(super) fn opened(message: &[u8], keys: &[PublicKey], kind: Kind) -> Result<Vec<u8>, OpenError> {
    let mut outcome = Err(OpenError::UnknownKey(super::keys::ORDER_KEY_NAME.to_owned()));
    for key in keys.iter().take(ORDER_KEYS_MAX) {
        outcome = sign::open(message, &[kind], |_| Some(*key));
        if outcome != Err(OpenError::Signature) {
            break;
        }
    }
    Ok(outcome?.payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fact::WallTime,
        rule::row::Service,
        wire::keys::{ORDER_KEY_NAME, Seed},
    };

    fn key(byte: u8) -> SignKey {
        SignKey::new(ORDER_KEY_NAME, &Seed::from_bytes([byte; 32])).unwrap()
    }

    fn like() -> RestorePart {
        RestorePart {
            gateway: GatewayId::new("post-1").unwrap(),
            journal: Uuid::from_bytes([1; 16]),
            from: vec![Uuid::from_bytes([2; 16])],
            ends: Vec::new(),
            epoch: 1,
            number: 7,
            part: 0,
            parts: 0,
            digest: String::new(),
            rows: Vec::new(),
        }
    }

    /// As hard to compress as tokens are.
    fn claims(count: u32) -> Vec<RestoredRow> {
        let token = |number: u32| {
            Sha256::digest(number.to_be_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
        };
        let claim = |number| {
            let token: String = token(number);
            let at = WallTime(1_600_000_000_000 + i64::from(number) * 7_919);
            let service = serde_json::json!({
                "round": "r1", "packs": 2, "seq": 0, "at": at, "site": "PO-1", "day": "2020-10-05",
            });
            let service: Service = serde_json::from_value(service).unwrap();
            RestoredRow::Claim { id: format!("c/{token}"), served: vec![service] }
        };
        (0..count).map(claim).collect()
    }

    #[test]
    fn a_large_ledger_comes_in_parts_that_fit_and_together_are_all_of_it() {
        let rows = claims(5_000);
        let parts = RestorePart::split(&like(), rows.clone()).unwrap();
        assert!(parts.len() > 1);
        let mut back = Vec::new();
        for part in &parts {
            let bytes = part.sign(&key(1)).unwrap();
            assert!(bytes.len() <= PART_BYTES_MAX);
            assert!(part.topic().starts_with("waypost/v1/post-1/order/restore/"));
            back.extend(RestorePart::open(&bytes, &[key(1).public()]).unwrap().rows);
        }
        assert_eq!(back, rows);
        assert_eq!(RestorePart::split(&like(), Vec::new()).unwrap().len(), 1);
    }

    #[test]
    fn a_part_of_another_key_or_another_kind_is_refused() {
        let part = RestorePart::split(&like(), claims(1)).unwrap().remove(0);
        let bytes = part.sign(&key(1)).unwrap();
        assert_eq!(RestorePart::open(&bytes, &[key(2).public()]), Err(OpenError::Signature));
        assert_eq!(NewJournal::open(&bytes, &[key(1).public()]), Err(OpenError::Kind));
        let order = NewJournal { gateway: part.gateway, journal: part.journal };
        let bytes = order.sign(&key(1)).unwrap();
        assert_eq!(NewJournal::open(&bytes, &[key(1).public()]), Ok(order));
    }

    #[test]
    fn a_part_that_unpacks_to_more_than_it_may_is_refused() {
        let packed = zstd::bulk::compress(&vec![b' '; 16 * 1024 * 1024], LEVEL).unwrap();
        let payload = bytes::to_cbor(&(like(), Bytes(packed))).unwrap();
        let bytes = sign::sign(&key(1), Kind::Restore, payload).unwrap();
        assert!(matches!(RestorePart::open(&bytes, &[key(1).public()]), Err(OpenError::Content(_))));
    }
}
