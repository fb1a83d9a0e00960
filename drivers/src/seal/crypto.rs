//! A seal's key, and the encryption of BTHome v2: AES-128-CCM with a tag of 4 bytes and no associated data.
//!
//! Source: bthome.io, "Encryption". The nonce of 13 bytes is the address as printed, the service UUID `D2 FC`, the
//! frame's device information byte and the counter as sent (least significant byte first). With a tag of 32 bits and
//! a key that never changes this is evidence of tampering, not proof against someone who holds the key.

use std::fmt;
use std::str::FromStr;

use aes::Aes128;
use ccm::Ccm;
use ccm::aead::{Aead, KeyInit};
use ccm::consts::{U4, U13};
use zeroize::ZeroizeOnDrop;

use super::address::Address;

type BthomeCcm = Ccm<Aes128, U4, U13>;

/// Length of the tag at a frame's end, in bytes.
pub const TAG_LEN: usize = 4;

/// The service UUID 0xFCD2 as it stands in a nonce and on the air.
pub const UUID_ON_AIR: [u8; 2] = [0xD2, 0xFC];

/// A seal's key of 16 bytes. It is never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct SealKey([u8; 16]);

/// Text that is not a key of 16 bytes. It never repeats what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Something else than pairs of hexadecimal digits.
    #[error("a seal's key is 32 hexadecimal digits and nothing else")]
    NotHex,
    /// The wrong length.
    #[error("a seal's key is 16 bytes (32 hexadecimal digits), not {0}")]
    Length(usize),
}

/// The tag does not fit: another key, another address, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame's tag does not fit key and address")]
pub struct BadTag;

impl SealKey {
    /// A key from its 16 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Encrypts the objects of a frame: cipher text, then the tag. The bench's seals use it, and tests.
    ///
    /// # Errors
    ///
    /// [`BadTag`] if the objects are longer than the cipher allows (65,535 bytes), which no advertisement is.
    pub fn encrypt(
        &self,
        address: Address,
        info: u8,
        counter: u32,
        objects: &[u8],
    ) -> Result<Vec<u8>, BadTag> {
        self.cipher().encrypt(&nonce(address, info, counter).into(), objects).map_err(|_| BadTag)
    }

    /// Decrypts cipher text that is followed by its tag.
    ///
    /// # Errors
    ///
    /// [`BadTag`] if the tag does not fit.
    pub fn decrypt(
        &self,
        address: Address,
        info: u8,
        counter: u32,
        sealed: &[u8],
    ) -> Result<Vec<u8>, BadTag> {
        self.cipher().decrypt(&nonce(address, info, counter).into(), sealed).map_err(|_| BadTag)
    }

    fn cipher(&self) -> BthomeCcm {
        BthomeCcm::new(&self.0.into())
    }
}

impl FromStr for SealKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = super::hex::decode(text).ok_or(BadKey::NotHex)?;
        let length = bytes.len();
        Ok(Self(bytes.try_into().map_err(|_| BadKey::Length(length))?))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

fn nonce(address: Address, info: u8, counter: u32) -> [u8; 13] {
    let [a, b, c, d, e, f] = address.0;
    let [u, v] = UUID_ON_AIR;
    let [w, x, y, z] = counter.to_le_bytes();
    [a, b, c, d, e, f, u, v, info, w, x, y, z]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_sixteen_bytes() {
        assert!("231d39c1d7cc1ab1aee224cd096db932".parse::<SealKey>().is_ok());
        assert_eq!(
            "231d39c1d7cc1ab1aee224cd096db932aabbccdd11223344".parse::<SealKey>(),
            Err(BadKey::Length(24))
        );
        assert_eq!("231d39".parse::<SealKey>(), Err(BadKey::Length(3)));
        assert_eq!("key".parse::<SealKey>(), Err(BadKey::NotHex));
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = SealKey::new([0x23; 16]);
        assert_eq!(format!("{key:?}"), "SealKey(…)");
    }

    #[test]
    fn a_changed_bit_anywhere_fails_the_tag() {
        let (key, address) = (SealKey::new([7; 16]), Address([1, 2, 3, 4, 5, 6]));
        let sealed = key.encrypt(address, 0x41, 1000, &[0x11, 0x00, 0x2B, 0x00]).unwrap();
        assert_eq!(key.decrypt(address, 0x41, 1000, &sealed).unwrap(), [0x11, 0x00, 0x2B, 0x00]);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.decrypt(address, 0x41, 1000, &changed), Err(BadTag), "bit {bit}");
        }
        assert_eq!(key.decrypt(address, 0x45, 1000, &sealed), Err(BadTag));
        assert_eq!(key.decrypt(address, 0x41, 1001, &sealed), Err(BadTag));
        assert_eq!(key.decrypt(Address([0; 6]), 0x41, 1000, &sealed), Err(BadTag));
    }
}
