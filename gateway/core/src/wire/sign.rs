//! COSE_Sign1 with EdDSA over Ed25519, tagged (CBOR tag 18).
//!
//! The protected header holds algorithm (-8), content type (the [`Kind`]) and key id (the signer's name); the
//! unprotected one is empty, so that every byte that is read is signed.

use coset::{CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabel, RegisteredLabelWithPrivate};
use coset::{TaggedCborSerializable, iana};

use super::keys::{NAME_BYTES_MAX, PublicKey, SignKey};

/// Longest order, in bytes, as it is signed. It goes in parts where it is longer than one message may be, see
/// [`part`](super::part).
pub const ORDER_BYTES_MAX: usize = 1024 * 1024;

/// Longest message that gateway and hub take in from a broker, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Longest batch, in bytes, as it is published. A broker's CONNACK may ask for less.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Longest of the small messages, in bytes: an express copy holds one line of at most 4 KiB.
const SMALL_BYTES_MAX: usize = 8 * 1024;

/// Longest grant, in bytes: two certificates and the versions of a few hundred orders.
const GRANT_BYTES_MAX: usize = 64 * 1024;

/// Bytes that the envelope adds to a payload, at most: tag, headers with the longest name, signature.
pub const ENVELOPE_BYTES_MAX: usize = 256;

/// What a signed message is. Its name is the content type under the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Records of a gateway.
    Batch,
    /// A gateway declares what it no longer has.
    Lost,
    /// An alarm's express copy.
    Express,
    /// The hub's acknowledgement.
    Ack,
    /// An order.
    Order,
    /// The root says which keys may do what.
    Keys,
    /// A gateway asks for its certificate.
    Enrol,
    /// The hub's answer to that.
    Grant,
    /// A journal is to be closed and a new one started.
    NewJournal,
    /// A part of a ledger that comes back.
    Restore,
    /// A part of an order that is too long for one message.
    Part,
    /// A gateway asks about a person.
    Ask,
    /// The hub's answer to that.
    Answer,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Batch,
        Self::Lost,
        Self::Express,
        Self::Ack,
        Self::Order,
        Self::Keys,
        Self::Enrol,
        Self::Grant,
        Self::NewJournal,
        Self::Restore,
        Self::Part,
        Self::Ask,
        Self::Answer,
    ];

    /// The content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Batch => "application/vnd.waypost.batch",
            Self::Lost => "application/vnd.waypost.lost+json",
            Self::Express => "application/vnd.waypost.express",
            Self::Ack => "application/vnd.waypost.ack+json",
            Self::Order => "application/vnd.waypost.order+json",
            Self::Keys => "application/vnd.waypost.keys+json",
            Self::Enrol => "application/vnd.waypost.enrol+json",
            Self::Grant => "application/vnd.waypost.grant+json",
            Self::NewJournal => "application/vnd.waypost.journal+json",
            Self::Restore => "application/vnd.waypost.restore",
            Self::Part => "application/vnd.waypost.part",
            Self::Ask => "application/vnd.waypost.ask+json",
            Self::Answer => "application/vnd.waypost.answer+json",
        }
    }

    /// Longest message of this kind, in bytes.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Batch | Self::Restore | Self::Part => BATCH_BYTES_MAX,
            Self::Order => ORDER_BYTES_MAX,
            Self::Grant => GRANT_BYTES_MAX,
            Self::NewJournal
            | Self::Lost
            | Self::Express
            | Self::Ack
            | Self::Keys
            | Self::Enrol
            | Self::Ask
            | Self::Answer => SMALL_BYTES_MAX,
        }
    }
}

/// Why a message cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It would be longer than its kind may be.
    #[error("the message would have {bytes} bytes; at most {max} are allowed")]
    TooLong {
        /// What it would have.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// The encoder refused it.
    #[error("the message cannot be encoded")]
    Encoding,
}

/// Why a message is not believed. It tells nothing of its content, which is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Longer than its kind may be; nothing of it was read.
    #[error("the message has {bytes} bytes; at most {max} are allowed")]
    TooLong {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// Not a COSE_Sign1 as Waypost writes it.
    #[error("not a signed message")]
    Malformed,
    /// A signed message of another kind than may stand here.
    #[error("a signed message of another kind")]
    Kind,
    /// No key of that name is known.
    #[error("signed with an unknown key {0:?}")]
    UnknownKey(String),
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
    /// The signature holds, but the content does not read as its kind.
    #[error("the signature holds, but the content is malformed: {0}")]
    Content(&'static str),
}

/// A message whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// Who signed it.
    pub signer: String,
    /// What was signed.
    pub payload: Vec<u8>,
}

/// Signs a payload. The same key, kind and payload give the same bytes.
pub fn sign(key: &SignKey, kind: Kind, payload: Vec<u8>) -> Result<Vec<u8>, SignError> {
    let protected = HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .content_type(kind.content_type().to_owned())
        .key_id(key.name().as_bytes().to_vec())
        .build();
    let bytes = CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .create_signature(&[], |message| key.sign(message).to_vec())
        .build()
        .to_tagged_vec()
        .map_err(|_| SignError::Encoding)?;
    let max = kind.bytes_max();
    if bytes.len() > max { Err(SignError::TooLong { bytes: bytes.len(), max }) } else { Ok(bytes) }
}

/// Opens a message that may be of one of these kinds. `resolve` gives the key of a signer's name, if it is known.
pub fn open(
    bytes: &[u8],
    kinds: &[Kind],
    resolve: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<Opened, OpenError> {
    let max = kinds.iter().map(|kind| kind.bytes_max()).max().unwrap_or(0);
    if bytes.len() > max {
        return Err(OpenError::TooLong { bytes: bytes.len(), max });
    }
    let message = CoseSign1::from_tagged_slice(bytes).map_err(|_| OpenError::Malformed)?;
    let (kind, signer) = read_header(&message)?;
    if !kinds.contains(&kind) {
        return Err(OpenError::Kind);
    }
    if bytes.len() > kind.bytes_max() {
        return Err(OpenError::TooLong { bytes: bytes.len(), max: kind.bytes_max() });
    }
    if message.payload.is_none() {
        return Err(OpenError::Malformed);
    }
    let Some(key) = resolve(&signer) else { return Err(OpenError::UnknownKey(signer)) };
    message.verify_signature(&[], |signature, signed| {
        if key.holds(signed, signature) { Ok(()) } else { Err(OpenError::Signature) }
    })?;
    Ok(Opened { kind, signer, payload: message.payload.unwrap_or_default() })
}

/// The payload of a message of this kind, not proved yet: only to find the key that it must be opened with.
pub(super) fn peek(bytes: &[u8], kind: Kind) -> Result<Vec<u8>, OpenError> {
    if bytes.len() > kind.bytes_max() {
        return Err(OpenError::TooLong { bytes: bytes.len(), max: kind.bytes_max() });
    }
    let message = CoseSign1::from_tagged_slice(bytes).map_err(|_| OpenError::Malformed)?;
    if read_header(&message)?.0 != kind {
        return Err(OpenError::Kind);
    }
    message.payload.ok_or(OpenError::Malformed)
}

/// Kind and signer, as they stand in the header; neither is proved yet.
fn read_header(message: &CoseSign1) -> Result<(Kind, String), OpenError> {
    let header = &message.protected.header;
    let eddsa = RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA);
    let plain = header.crit.is_empty() && header.rest.is_empty() && header.counter_signatures.is_empty();
    if header.alg != Some(eddsa) || !plain || !message.unprotected.is_empty() {
        return Err(OpenError::Malformed);
    }
    let Some(RegisteredLabel::Text(content_type)) = &header.content_type else {
        return Err(OpenError::Malformed);
    };
    let kind = Kind::ALL.into_iter().find(|kind| kind.content_type() == content_type);
    let kind = kind.ok_or(OpenError::Kind)?;
    let signer = std::str::from_utf8(&header.key_id).map_err(|_| OpenError::Malformed)?;
    if signer.is_empty() || signer.len() > NAME_BYTES_MAX {
        return Err(OpenError::Malformed);
    }
    Ok((kind, signer.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::keys::Seed;

    fn key(name: &str, byte: u8) -> SignKey {
        SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    fn a_signed_message_opens_with_its_key_and_is_the_same_each_time() {
        let key = key("gate-1", 7);
        let bytes = sign(&key, Kind::Ack, b"{}".to_vec()).unwrap();
        assert_eq!(bytes, sign(&key, Kind::Ack, b"{}".to_vec()).unwrap());
        assert_eq!(bytes.first(), Some(&0xd2), "CBOR tag 18: COSE_Sign1");
        assert!(bytes.len() <= ENVELOPE_BYTES_MAX);
        let opened = open(&bytes, &[Kind::Ack], |name| (name == "gate-1").then(|| key.public())).unwrap();
        assert_eq!(opened, Opened { kind: Kind::Ack, signer: "gate-1".into(), payload: b"{}".to_vec() });
    }

    #[test]
    fn the_envelope_with_the_longest_name_keeps_its_bound() {
        let key = key(&"n".repeat(NAME_BYTES_MAX), 7);
        for kind in Kind::ALL {
            let bytes = sign(&key, kind, vec![0; 4000]).unwrap();
            assert!(bytes.len() <= 4000 + ENVELOPE_BYTES_MAX);
        }
    }

    #[test]
    fn another_key_another_kind_or_an_unknown_name_opens_nothing() {
        let bytes = sign(&key("gate-1", 7), Kind::Ack, b"{}".to_vec()).unwrap();
        let right = key("gate-1", 7).public();
        let wrong = key("gate-1", 8).public();
        assert_eq!(open(&bytes, &[Kind::Ack], |_| Some(wrong)), Err(OpenError::Signature));
        assert_eq!(open(&bytes, &[Kind::Order], |_| Some(right)), Err(OpenError::Kind));
        assert_eq!(open(&bytes, &[Kind::Ack], |_| None), Err(OpenError::UnknownKey("gate-1".into())));
    }

    #[test]
    fn what_is_too_long_is_neither_signed_nor_read() {
        let key = key("gate-1", 7);
        let max = Kind::Batch.bytes_max();
        assert!(matches!(sign(&key, Kind::Batch, vec![0; max]), Err(SignError::TooLong { .. })));
        assert_eq!(
            open(&vec![0; max + 1], &[Kind::Batch], |_| Some(key.public())),
            Err(OpenError::TooLong { bytes: max + 1, max })
        );
        // A long message of a short kind is refused although a longer kind may stand in the same place.
        let order = sign(&key, Kind::Order, vec![0; max]).unwrap();
        assert!(open(&order, &[Kind::Order], |_| Some(key.public())).is_ok());
        assert_eq!(
            open(&order, &[Kind::Order, Kind::Ack], |_| None).unwrap_err(),
            OpenError::UnknownKey("gate-1".into())
        );
    }

    #[test]
    fn an_unsigned_header_is_refused() {
        let key = key("gate-1", 7);
        let bytes = sign(&key, Kind::Ack, b"{}".to_vec()).unwrap();
        let mut message = CoseSign1::from_tagged_slice(&bytes).unwrap();
        message.unprotected = HeaderBuilder::new().key_id(b"other".to_vec()).build();
        let bytes = message.to_tagged_vec().unwrap();
        assert_eq!(open(&bytes, &[Kind::Ack], |_| Some(key.public())), Err(OpenError::Malformed));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut bytes = vec![0xd2];
        bytes.extend(vec![0x81; 8000]);
        let opened = open(&bytes, &[Kind::Ack], |_| Some(key("a", 1).public()));
        assert_eq!(opened, Err(OpenError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = open(&bytes, &Kind::ALL, |_| Some(key("a", 1).public()));
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0_usize..200, flip in 1_u8..) {
            let key = key("gate-1", 7);
            let mut bytes = sign(&key, Kind::Order, vec![b'x'; 60]).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert!(open(&bytes, &Kind::ALL, |_| Some(key.public())).is_err());
        }
    }
}
