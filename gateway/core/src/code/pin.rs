//! The PIN beside a staff badge, and what is stored instead of both.
//!
//! Argon2id (version 0x13) over `waypost-pin-v1` 1F *badge code* 1F *PIN*, with a random salt of 16 bytes, to 32 bytes.
//! A badge's code has 128 random bits, so who has the verifier alone can try nothing; who also has the badge pays the
//! hash's cost for each PIN.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{
    Badge,
    claim::{ClaimParams, LANES_MAX, MEMORY_MAX_KIB, PASSES_MAX},
};

/// Digits of a PIN.
pub const PIN_LEN: std::ops::RangeInclusive<usize> = 4..=8;
/// Bytes of a verifier's salt.
pub const SALT_LEN: usize = 16;
/// Bytes of a verifier's hash.
pub const HASH_LEN: usize = 32;

const DOMAIN: &str = "waypost-pin-v1";
const UNIT_SEPARATOR: char = '\u{1F}';

/// Digits that a person keyed. They cannot be printed and are wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<String>);

/// Why there is no PIN, or no verifier of it. No digit stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not 4 to 8 digits.
    #[error("a PIN is 4 to 8 digits")]
    Digits,
    /// Cost outside the bounds of [`ClaimParams`].
    #[error("the cost of a PIN's hash is out of bounds")]
    Cost,
    /// Not the right number of lower-case hex digits.
    #[error("a verifier's salt is 32, its hash 64 lower-case hex digits")]
    Hex,
}

impl Pin {
    /// Takes 4 to 8 ASCII digits.
    ///
    /// # Errors
    /// [`PinError::Digits`].
    pub fn new(digits: &str) -> Result<Self, PinError> {
        if !PIN_LEN.contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(PinError::Digits);
        }
        Ok(Self(Zeroizing::new(digits.to_owned())))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

/// What a staff order holds of a badge and a PIN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinVerifier {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
    /// Random, another one for each person.
    pub salt: Hex<SALT_LEN>,
    /// What the right badge and PIN hash to.
    pub hash: Hex<HASH_LEN>,
}

impl PinVerifier {
    /// The verifier of a badge and a PIN. Takes tens of milliseconds.
    ///
    /// # Errors
    /// [`PinError::Cost`].
    pub fn make(
        badge: &Badge,
        pin: &Pin,
        salt: [u8; SALT_LEN],
        ClaimParams { m_kib, t, p }: ClaimParams,
    ) -> Result<Self, PinError> {
        let mut verifier = Self { m_kib, t, p, salt: Hex(salt), hash: Hex([0; HASH_LEN]) };
        verifier.hash = verifier.hash_of(badge, pin)?;
        Ok(verifier)
    }

    /// Are this badge and this PIN the right ones? Takes tens of milliseconds: run it on a thread of its own.
    ///
    /// # Errors
    /// [`PinError::Cost`].
    pub fn holds(&self, badge: &Badge, pin: &Pin) -> Result<bool, PinError> {
        let made = self.hash_of(badge, pin)?;
        let differs = self.hash.0.iter().zip(made.0).fold(0, |bits, (a, b)| bits | (a ^ b));
        Ok(differs == 0)
    }

    /// Is its cost within bounds? Asked when an order comes in.
    ///
    /// # Errors
    /// [`PinError::Cost`].
    pub fn check(&self) -> Result<(), PinError> {
        self.cost().map(|_| ())
    }

    fn hash_of(&self, badge: &Badge, pin: &Pin) -> Result<Hex<HASH_LEN>, PinError> {
        let mut text = Zeroizing::new(String::with_capacity(DOMAIN.len() + badge.length() + pin.0.len() + 2));
        text.push_str(DOMAIN);
        text.push(UNIT_SEPARATOR);
        text.push_str(badge.expose());
        text.push(UNIT_SEPARATOR);
        text.push_str(&pin.0);
        let mut hash = [0; HASH_LEN];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.cost()?)
            .hash_password_into(text.as_bytes(), &self.salt.0, &mut hash)
            .map_err(|_| PinError::Cost)?;
        Ok(Hex(hash))
    }

    fn cost(&self) -> Result<Params, PinError> {
        if self.m_kib > MEMORY_MAX_KIB || self.t > PASSES_MAX || self.p > LANES_MAX {
            return Err(PinError::Cost);
        }
        Params::new(self.m_kib, self.t, self.p, Some(HASH_LEN)).map_err(|_| PinError::Cost)
    }
}

impl fmt::Debug for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinVerifier")
    }
}

/// Bytes that are written as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        let lower = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 2 * N || !lower {
            return Err(PinError::Hex);
        }
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(2 * at..2 * at + 2).ok_or(PinError::Hex)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| PinError::Hex)?;
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self}"))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({N} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: ClaimParams = ClaimParams { m_kib: 64, t: 1, p: 1 };

    fn verifier() -> PinVerifier {
        PinVerifier::make(&Badge::new("STAFF-1"), &Pin::new("4711").unwrap(), [7; SALT_LEN], CHEAP).unwrap()
    }

    #[test]
    fn badge_and_pin_are_both_needed() {
        let verifier = verifier();
        let holds =
            |badge: &str, pin: &str| verifier.holds(&Badge::new(badge), &Pin::new(pin).unwrap()).unwrap();
        assert!(holds("STAFF-1", "4711"));
        assert!(holds("staff-1", "4711"), "a badge is read in upper case");
        assert!(!holds("STAFF-1", "4712"));
        assert!(!holds("STAFF-2", "4711"));
        assert!(!holds("STAFF-1", "47110"));
    }

    #[test]
    fn a_verifier_is_read_back_and_says_neither_badge_nor_pin() {
        let text = serde_json::to_string(&verifier()).unwrap();
        assert_eq!(serde_json::from_str::<PinVerifier>(&text).unwrap(), verifier());
        assert!(!text.contains("STAFF") && !text.contains("4711"), "{text}");
        let debug = format!("{:?} {:?}", verifier(), Pin::new("4711").unwrap());
        assert_eq!(debug, "PinVerifier Pin");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for digits in ["", "123", "123456789", "12 4", "12a4", "١٢٣٤"] {
            assert_eq!(Pin::new(digits), Err(PinError::Digits), "{digits}");
        }
        for (field, value) in [("salt", "00"), ("hash", "zz"), ("salt", "éé")] {
            let mut json = serde_json::to_value(verifier()).unwrap();
            json[field] = value.into();
            assert!(serde_json::from_value::<PinVerifier>(json).is_err(), "{field} {value}");
        }
        for cost in
            [ClaimParams { m_kib: 4, ..CHEAP }, ClaimParams { t: 0, ..CHEAP }, ClaimParams { t: 99, ..CHEAP }]
        {
            let made = PinVerifier::make(&Badge::new("A"), &Pin::new("1234").unwrap(), [0; SALT_LEN], cost);
            assert_eq!(made, Err(PinError::Cost), "{cost:?}");
        }
    }
}
