//! CBOR helpers: byte strings for serde, and reading with nothing left over.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, Visitor},
};

use super::sign::OpenError;
use crate::fact::Link;

/// Writes a value as CBOR.
pub fn to_cbor(value: &impl Serialize) -> Result<Vec<u8>, super::sign::SignError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|_| super::sign::SignError::Encoding)?;
    Ok(bytes)
}

/// Reads one CBOR value that takes up all the bytes.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, OpenError> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).map_err(|_| OpenError::Content("not the CBOR expected"))?;
    if rest.is_empty() { Ok(value) } else { Err(OpenError::Content("bytes after the CBOR")) }
}

/// A CBOR byte string.
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_byte_buf(BytesVisitor).map(Self)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a byte string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// A link as a byte string of 32 bytes, for `#[serde(with = …)]`: half of its hex.
pub mod link {
    use super::*;

    pub fn serialize<S: Serializer>(link: &Link, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(link.as_bytes())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Link, D::Error> {
        let bytes = Bytes::deserialize(from)?.0;
        <[u8; 32]>::try_from(bytes).map(Link::from_bytes).map_err(|_| D::Error::custom("a link has 32 bytes"))
    }
}
