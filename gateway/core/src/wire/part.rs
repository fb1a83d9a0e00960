//! What is longer than one message: cut into numbered parts, each signed by an order key.
//!
//! Published retained at `<topic of the whole>/part/<number>`. A part is a CBOR array of two: a [`PartHeader`], and a
//! byte string with its stretch of the whole. All parts but the last are of one length, so that a part says by its
//! number where it belongs. The header names the whole by its SHA-256: parts of two wholes never mix, and nothing of a
//! whole is taken before all of it is there and has that sum.
//!
//! [`cut`] makes the parts, [`Joiner`] puts them together in memory. Order, repeats and losses do not matter: parts are
//! retained, and come again with the next connection.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    bytes::{self, Bytes},
    keys::{PublicKey, SignKey},
    order::ORDER_BYTES_MAX,
    sign::{self, ENVELOPE_BYTES_MAX, Kind, OpenError, SignError},
};
use crate::fact::id::ID_BYTES_MAX;

/// Longest part, in bytes, as it is published. A broker's CONNACK may ask for less.
pub const PART_BYTES_MAX: usize = sign::BATCH_BYTES_MAX;

/// Shortest message that a broker must take, in bytes: less room than this leaves none for a header.
pub const MESSAGE_BYTES_MIN: usize = 2 * 1024;

/// Most parts of a whole.
pub const PARTS_MAX: u32 = 16_384;

/// Bytes of a part beside its stretch, at most: the envelope, and a header with the longest names.
const AROUND_BYTES_MAX: usize = ENVELOPE_BYTES_MAX + 2 * ID_BYTES_MAX + 3 * ID_BYTES_MAX + 256;

/// Wholes that are put together at once; with one more the one begun first is given up.
pub const JOINING_MAX: usize = 8;

/// Most bytes of all wholes that are being put together in memory.
pub const JOINING_BYTES_MAX: u64 = 4 * ORDER_BYTES_MAX as u64;

/// Which part of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHeader {
    /// The kind of order.
    pub kind: String,
    /// Its id among its kind.
    pub id: String,
    /// Version, higher half.
    pub epoch: u64,
    /// Version, lower half.
    pub number: u64,
    /// Which part, from 1.
    pub part: u32,
    /// How many there are.
    pub parts: u32,
    /// Length of the whole, in bytes.
    pub bytes: u64,
    /// SHA-256 of the whole, 64 lower-case hex characters.
    pub digest: String,
}

impl PartHeader {
    /// Kind, id and version of a whole, as [`cut`] wants them; the rest comes of the cutting.
    pub fn like(kind: impl Into<String>, id: impl Into<String>, (epoch, number): (u64, u64)) -> Self {
        let (kind, id) = (kind.into(), id.into());
        Self { kind, id, epoch, number, part: 0, parts: 0, bytes: 0, digest: String::new() }
    }

    /// Version of the whole.
    pub fn version(&self) -> (u64, u64) {
        (self.epoch, self.number)
    }

    /// Length of every part but the last.
    pub fn step(&self) -> u64 {
        self.bytes.div_ceil(u64::from(self.parts.max(1)))
    }

    /// Where this part begins in the whole.
    pub fn offset(&self) -> u64 {
        self.step() * u64::from(self.part.saturating_sub(1))
    }

    /// Of the same whole?
    pub fn is_of(&self, other: &Self) -> bool {
        Self { part: 0, ..self.clone() } == Self { part: 0, ..other.clone() }
    }

    fn can_be(&self) -> bool {
        let named = |text: &str, max: usize| (1..=max).contains(&text.len());
        let is_sum = self.digest.len() == 64
            && self.digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        named(&self.kind, ID_BYTES_MAX)
            && named(&self.id, 3 * ID_BYTES_MAX)
            && is_sum
            && (1..=PARTS_MAX).contains(&self.parts)
            && (1..=self.parts).contains(&self.part)
            && self.bytes >= u64::from(self.parts)
            && self.step() <= PART_BYTES_MAX as u64
            // The last one is not empty.
            && self.step() * u64::from(self.parts - 1) < self.bytes
    }

    /// Bytes that this part must hold.
    fn length(&self) -> u64 {
        self.step().min(self.bytes.saturating_sub(self.offset()))
    }
}

/// A part whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub header: PartHeader,
    /// Its stretch of the whole.
    pub data: Vec<u8>,
}

impl Part {
    /// Opens one signed by any of these keys.
    ///
    /// # Errors
    /// It is not believed, or cannot be: a stretch of another length than its header says counts as such.
    pub fn open(message: &[u8], keys: &[PublicKey]) -> Result<Self, OpenError> {
        let payload = super::restore::opened(message, keys, Kind::Part)?;
        let (header, Bytes(data)): (PartHeader, Bytes) = bytes::from_cbor(&payload)?;
        if !header.can_be() {
            return Err(OpenError::Content("a part that cannot be"));
        }
        if data.len() as u64 != header.length() {
            return Err(OpenError::Content("a part of another length than its number says"));
        }
        Ok(Self { header, data })
    }
}

/// The topic of a part of what would be published at `whole`.
pub fn topic(whole: &str, part: u32) -> String {
    format!("{whole}/part/{part}")
}

/// Is that the topic of a part?
pub fn is_topic(topic: &str) -> bool {
    let mut levels = topic.rsplit('/');
    let number = levels.next().is_some_and(|level| level.parse::<u32>().is_ok());
    number && levels.next() == Some("part")
}

/// The sum that names a whole.
pub fn digest(whole: &[u8]) -> String {
    Sha256::digest(whole).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Cuts a whole into signed parts of at most `message_bytes_max` bytes each, and never more than [`PART_BYTES_MAX`].
/// `like` gives kind, id and version; the rest of it is not looked at.
///
/// # Errors
/// The whole is empty, or would need more than [`PARTS_MAX`] parts.
pub fn cut(
    whole: &[u8],
    like: &PartHeader,
    message_bytes_max: usize,
    key: &SignKey,
) -> Result<Vec<Vec<u8>>, SignError> {
    let message_bytes_max = message_bytes_max.clamp(MESSAGE_BYTES_MIN, PART_BYTES_MAX);
    let room = message_bytes_max - AROUND_BYTES_MAX;
    let parts = whole.len().div_ceil(room);
    let too_long = SignError::TooLong { bytes: whole.len(), max: room.saturating_mul(PARTS_MAX as usize) };
    let parts = u32::try_from(parts).ok().filter(|parts| *parts <= PARTS_MAX).ok_or(too_long)?;
    let header = PartHeader { parts, bytes: whole.len() as u64, digest: digest(whole), ..like.clone() };
    if whole.is_empty() || !(PartHeader { part: 1, ..header.clone() }).can_be() {
        return Err(SignError::Encoding);
    }
    let step = usize::try_from(header.step()).map_err(|_| SignError::Encoding)?;
    let made = whole.chunks(step).zip(1..).map(|(stretch, part)| {
        let header = PartHeader { part, ..header.clone() };
        sign::sign(key, Kind::Part, bytes::to_cbor(&(&header, Bytes(stretch.to_vec())))?)
    });
    made.collect()
}

/// Why a part was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Its whole would be longer than may be held in memory.
    #[error("the whole would have {bytes} bytes; at most {ORDER_BYTES_MAX} are allowed")]
    TooLong {
        /// What it would have.
        bytes: u64,
    },
    /// A newer version is being put together.
    #[error("a newer version is being put together")]
    Older,
    /// All parts were there, and their sum is not the one that they name.
    #[error("the parts do not add up to the whole that they name")]
    Digest,
}

/// A whole of which some parts are here.
#[derive(Debug)]
struct Joining {
    /// As in its parts; the part is that of the first that came.
    header: PartHeader,
    whole: Vec<u8>,
    here: Vec<bool>,
}

/// Puts wholes together in memory: at most [`JOINING_MAX`] at once and [`JOINING_BYTES_MAX`] bytes, the oldest given up
/// first. Only what was signed gets here.
#[derive(Debug, Default)]
pub struct Joiner {
    joining: VecDeque<Joining>,
}

impl Joiner {
    /// Takes a part; the whole with the last one that was missing.
    ///
    /// # Errors
    /// Its whole is too long, older than the one under way, or not what its parts say.
    pub fn take(&mut self, part: Part) -> Result<Option<Vec<u8>>, JoinError> {
        let Part { header, data } = part;
        if header.bytes > ORDER_BYTES_MAX as u64 {
            return Err(JoinError::TooLong { bytes: header.bytes });
        }
        let same_order = |one: &Joining| one.header.kind == header.kind && one.header.id == header.id;
        if let Some(at) = self.joining.iter().position(same_order) {
            let known = self.joining.get(at).map(|one| &one.header);
            if known.is_some_and(|known| known.version() > header.version()) {
                return Err(JoinError::Older);
            }
            // A newer version, or the same one signed anew: what was here of the other is of no use.
            if known.is_some_and(|known| !known.is_of(&header)) {
                self.joining.remove(at);
            }
        }
        if !self.joining.iter().any(same_order) {
            self.make_room(header.bytes);
            let (bytes, parts) = (usize::try_from(header.bytes).unwrap_or(0), header.parts as usize);
            let (whole, here) = (vec![0; bytes], vec![false; parts]);
            self.joining.push_back(Joining { header: header.clone(), whole, here });
        }
        let Some(at) = self.joining.iter().position(same_order) else { return Ok(None) };
        let Some(one) = self.joining.get_mut(at) else { return Ok(None) };
        let from = usize::try_from(header.offset()).unwrap_or(usize::MAX);
        let stretch = one.whole.get_mut(from..from.saturating_add(data.len()));
        let here = one.here.get_mut(header.part as usize - 1);
        if let (Some(stretch), Some(here)) = (stretch, here) {
            stretch.copy_from_slice(&data);
            *here = true;
        }
        if !one.here.iter().all(|here| *here) {
            return Ok(None);
        }
        let Some(Joining { whole, header, .. }) = self.joining.remove(at) else { return Ok(None) };
        if digest(&whole) == header.digest { Ok(Some(whole)) } else { Err(JoinError::Digest) }
    }

    /// Wholes under way.
    pub fn len(&self) -> usize {
        self.joining.len()
    }

    /// Is none under way?
    pub fn is_empty(&self) -> bool {
        self.joining.is_empty()
    }

    /// Bytes that are held for them.
    pub fn bytes(&self) -> u64 {
        self.joining.iter().map(|one| one.header.bytes).sum()
    }

    fn make_room(&mut self, bytes: u64) {
        while !self.joining.is_empty()
            && (self.joining.len() >= JOINING_MAX || self.bytes() + bytes > JOINING_BYTES_MAX)
        {
            self.joining.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
