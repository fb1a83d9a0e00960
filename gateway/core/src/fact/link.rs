//! The chain: each ledger line is linked to all before it.
//!
//! `link = SHA-256(previous link as 64 lower-case hex characters, then the line)`; before the first line stand 64
//! zeros. An auditor can do it with `sha256sum`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A place in the chain: 32 bytes, written as 64 lower-case hex characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link([u8; 32]);

/// A text that is not 64 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link is written as 64 lower-case hex characters")]
pub struct BadLink;

impl Link {
    /// What stands before the first line.
    pub const START: Self = Self([0; 32]);

    /// Takes the 32 bytes as they are stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The link after this line.
    pub fn after(&self, line: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.hex());
        hash.update(line);
        Self(hash.finalize().into())
    }

    /// 64 ASCII characters.
    fn hex(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (place, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *place = DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
            }
        }
        text
    }
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Link({self})")
    }
}

impl FromStr for Link {
    type Err = BadLink;
    fn from_str(text: &str) -> Result<Self, BadLink> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(BadLink);
        }
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(BadLink),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            if let [high, low] = pair {
                *byte = nibble(*high)? << 4 | nibble(*low)?;
            }
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Link {
    type Error = BadLink;
    fn try_from(text: String) -> Result<Self, BadLink> {
        text.parse()
    }
}

impl From<Link> for String {
    fn from(link: Link) -> String {
        link.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_is_what_sha256sum_gives() {
        let link = Link::START.after(br#"{"seq":1}"#);
        assert_eq!(link.to_string(), "0a00898550374c41186879d92f30325cd0a550ce8c5da4d9aeef34a95c0b85ea");
        assert_eq!(link.to_string().parse(), Ok(link));
    }
}
