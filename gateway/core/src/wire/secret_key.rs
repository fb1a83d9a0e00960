//! X25519 keys: a gateway's pair for secrets in orders. The private half never leaves the gateway.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::keys::{BadKey, Seed, bytes_to_hex, hex_to_bytes};

/// A pair that agrees on shared secrets with others.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// Makes the pair of a seed (RFC 7748 clamps it when it is used).
    pub fn new(seed: &Seed) -> Self {
        Self(StaticSecret::from(*seed.bytes()))
    }

    /// The public part.
    pub fn public(&self) -> SecretPublicKey {
        SecretPublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// The 32 bytes that both ends come to; none where the other's key is of small order, so that everybody would know
    /// them. They are no key yet: derive one with HKDF.
    pub fn agree(&self, other: &SecretPublicKey) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(other.0));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretKey(…)")
    }
}

/// The public part of a pair for secrets, written as 64 lower-case hex characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretPublicKey([u8; 32]);

impl SecretPublicKey {
    /// Any 32 bytes are a public key of X25519; [`SecretKey::agree`] refuses those of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SecretPublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&bytes_to_hex(&self.0))
    }
}

impl fmt::Debug for SecretPublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretPublicKey({self})")
    }
}

impl FromStr for SecretPublicKey {
    type Err = BadKey;
    fn from_str(text: &str) -> Result<Self, BadKey> {
        hex_to_bytes(text).map(Self)
    }
}

impl TryFrom<String> for SecretPublicKey {
    type Error = BadKey;
    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<SecretPublicKey> for String {
    fn from(key: SecretPublicKey) -> String {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hex: &str) -> SecretKey {
        SecretKey::new(&Seed::try_from(hex.to_owned()).unwrap())
    }

    /// Bob's pair is that of RFC 7748, section 6.1.
    #[test]
    fn both_ends_come_to_the_same_secret() {
        let alice = key(&"77".repeat(32));
        let bob = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
        assert_eq!(bob.public().to_string(), public);
        assert_eq!(alice.agree(&bob.public()), bob.agree(&alice.public()));
        assert!(alice.agree(&bob.public()).is_some());
    }

    #[test]
    fn a_key_of_small_order_agrees_on_nothing() {
        let key = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        for bytes in [[0; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            assert_eq!(key.agree(&SecretPublicKey::from_bytes(bytes)), None);
        }
        assert!(!format!("{key:?}").contains("5dab"));
    }
}
