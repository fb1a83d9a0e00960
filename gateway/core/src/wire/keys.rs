//! Ed25519 keys: a seed that is wiped and cannot be printed, a named key pair, a public part written as hex.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::fact::id::{GatewayId, ID_BYTES_MAX};

/// Longest name of a key, in bytes: as long as a gateway's id.
pub const NAME_BYTES_MAX: usize = ID_BYTES_MAX;

/// The name that the acknowledging key signs with.
pub const ACK_KEY_NAME: &str = "ack";

/// The name that the hub's own order key signs with.
pub const ORDER_KEY_NAME: &str = "order";

/// A text or bytes that are no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 64 lower-case or upper-case hex characters.
    #[error("a key is written as 64 hex characters")]
    Hex,
    /// 32 bytes that are no point of the curve, or one of small order.
    #[error("these 32 bytes are no Ed25519 public key")]
    NoPoint,
    /// The name is empty or longer than [`NAME_BYTES_MAX`] bytes.
    #[error("a key's name has 1 to {NAME_BYTES_MAX} bytes")]
    Name,
}

/// The 32 secret bytes that a key pair is made of. Written as 64 hex characters in key files, never printed.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes 32 bytes from a good source of randomness.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Seed(…)")
    }
}

impl TryFrom<String> for Seed {
    type Error = BadKey;
    fn try_from(mut text: String) -> Result<Self, BadKey> {
        let seed = hex_to_bytes(&text).map(Self);
        text.zeroize();
        seed
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> String {
        bytes_to_hex(&seed.0)
    }
}

/// A key pair with the name that its messages carry: a gateway's id, or `ack`, or an order key's name.
#[derive(Clone)]
pub struct SignKey {
    name: String,
    pair: SigningKey,
}

impl SignKey {
    /// Makes the pair of a seed. The name has 1 to [`NAME_BYTES_MAX`] bytes.
    pub fn new(name: impl Into<String>, seed: &Seed) -> Result<Self, BadKey> {
        let name = name.into();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(BadKey::Name);
        }
        Ok(Self::named(&name, seed))
    }

    /// A gateway's pair: its id is a name of the right length.
    pub fn of_gateway(gateway: &GatewayId, seed: &Seed) -> Self {
        Self::named(gateway.as_str(), seed)
    }

    fn named(name: &str, seed: &Seed) -> Self {
        Self { name: name.to_owned(), pair: SigningKey::from_bytes(&seed.0) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public part.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair.verifying_key())
    }

    /// 64 bytes of signature.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).to_bytes()
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SignKey({}, …)", self.name)
    }
}

/// The hub's key file, `keys.json`: two seeds, so that what acknowledges can sign no order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSeeds {
    /// Of the key that signs acknowledgements and nothing else.
    pub ack_key: Seed,
    /// Of the key that signs orders.
    pub order_key: Seed,
}

impl HubSeeds {
    /// The acknowledging pair, named [`ACK_KEY_NAME`].
    pub fn ack(&self) -> SignKey {
        SignKey::named(ACK_KEY_NAME, &self.ack_key)
    }

    /// The order pair, named [`ORDER_KEY_NAME`].
    pub fn order(&self) -> SignKey {
        SignKey::named(ORDER_KEY_NAME, &self.order_key)
    }
}

/// The public part of a pair, written as 64 lower-case hex characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of a point. Points of small order are refused: their signatures prove nothing.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| BadKey::NoPoint)?;
        if key.is_weak() { Err(BadKey::NoPoint) } else { Ok(Self(key)) }
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Does the signature hold? Strict: no malleable encodings.
    pub(super) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&bytes_to_hex(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = BadKey;
    fn from_str(text: &str) -> Result<Self, BadKey> {
        Self::from_bytes(&hex_to_bytes(text)?)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = BadKey;
    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

pub(super) fn bytes_to_hex(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

pub(super) fn hex_to_bytes(text: &str) -> Result<[u8; 32], BadKey> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return Err(BadKey::Hex);
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(BadKey::Hex);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = u8::try_from(nibble(*high)? << 4 | nibble(*low)?).map_err(|_| BadKey::Hex)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_seed_gives_the_public_key_of_rfc_8032() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60".to_owned();
        let key = SignKey::new("test", &Seed::try_from(seed.clone()).unwrap()).unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public().to_string(), public);
        assert_eq!(public.parse(), Ok(key.public()));
        assert!(!format!("{key:?} {:?}", Seed::try_from(seed).unwrap()).contains("9d61"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!("d75a".parse::<PublicKey>(), Err(BadKey::Hex));
        assert_eq!("é".repeat(32).parse::<PublicKey>(), Err(BadKey::Hex));
        assert_eq!("00".repeat(32).parse::<PublicKey>(), Err(BadKey::NoPoint));
        assert_eq!(format!("02{}", "00".repeat(31)).parse::<PublicKey>(), Err(BadKey::NoPoint));
        assert_eq!(SignKey::new("", &Seed::from_bytes([1; 32])).unwrap_err(), BadKey::Name);
    }
}
