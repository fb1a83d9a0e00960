//! Claim tokens: what is stored instead of a document number.
//!
//! Argon2id (version 0x13) over HMAC-SHA256(campaign key, `waypost-claim-v1` 1F *space* 1F *number*), salt the first
//! 16 bytes of SHA-256(campaign id). *Space* is `hk` for every document that bears an identity card number, else the
//! document type. The HMAC comes first, so that nothing can be computed before the key is known.

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{fold::fold_char, hkid::Hkid};

/// Bytes of a token.
pub const TOKEN_LEN: usize = 16;
/// The most memory one token may take, in KiB: a quarter of the smallest gateway's.
pub const MEMORY_MAX_KIB: u32 = 256 * 1024;
/// The most passes over it.
pub const PASSES_MAX: u32 = 16;
/// The most lanes.
pub const LANES_MAX: u32 = 4;
/// Length of the normalised text of a document that bears no identity card number.
pub const OTHER_NUMBER_LEN: std::ops::RangeInclusive<usize> = 4..=32;
/// Length of the name of a document type.
pub const OTHER_KIND_LEN: std::ops::RangeInclusive<usize> = 2..=24;

const DOMAIN: &[u8] = b"waypost-claim-v1";
const UNIT_SEPARATOR: &[u8] = &[0x1F];
const HKID_SPACE: &str = "hk";

/// Stands for one person in one campaign. Printed and sent as 32 lower-case hex characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ClaimToken(pub [u8; TOKEN_LEN]);

/// Cost of a token, as the campaign's order gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimParams {
    /// Memory in KiB, at least 8 for each lane, at most [`MEMORY_MAX_KIB`].
    pub m_kib: u32,
    /// Passes, 1 to [`PASSES_MAX`].
    pub t: u32,
    /// Lanes, 1 to [`LANES_MAX`].
    pub p: u32,
}

impl Default for ClaimParams {
    fn default() -> Self {
        Self { m_kib: 19_456, t: 2, p: 1 }
    }
}

/// The document that a person shows. It cannot be printed and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Document(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Hkid(Hkid),
    Other { kind: String, number: Zeroizing<String> },
}

/// What is wrong with a document, a token's text or the parameters. The number is never part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The name of the document type is not 2 to 24 of `a`–`z`, `0`–`9` and `-`, or is the reserved `hk`.
    #[error("a document type is 2 to 24 lower-case letters, digits and hyphens, and not `hk`")]
    DocumentKind,
    /// The normalised text is not 4 to 32 letters and digits.
    #[error("a document number is 4 to 32 letters and digits")]
    DocumentNumber,
    /// The parameters are outside the bounds that [`ClaimParams`] names.
    #[error("claim parameters out of bounds")]
    Params,
    /// Not 32 hex characters.
    #[error("a claim token is 32 hex characters")]
    Token,
}

impl Document {
    /// A document that bears an identity card number: the card itself, a birth certificate, a receipt for a card.
    pub fn hkid(number: Hkid) -> Self {
        Self(Inner::Hkid(number))
    }

    /// Any other document: its type as the campaign's order names it, and its number as it was keyed.
    ///
    /// # Errors
    /// [`ClaimError::DocumentKind`] or [`ClaimError::DocumentNumber`].
    pub fn other(kind: &str, number: &str) -> Result<Self, ClaimError> {
        let well_formed = kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !well_formed || !OTHER_KIND_LEN.contains(&kind.len()) || kind == HKID_SPACE {
            return Err(ClaimError::DocumentKind);
        }
        Ok(Self(Inner::Other { kind: kind.to_owned(), number: normalise(number)? }))
    }

    /// `hk`, or the document type.
    pub fn space(&self) -> &str {
        match &self.0 {
            Inner::Hkid(_) => HKID_SPACE,
            Inner::Other { kind, .. } => kind,
        }
    }

    /// What screens and paper show: `A123****`, and of other numbers a quarter, three characters at the most.
    pub fn masked(&self) -> String {
        match &self.0 {
            Inner::Hkid(number) => number.masked(),
            Inner::Other { number, .. } => {
                number.chars().take((number.len() / 4).min(3)).chain("****".chars()).collect()
            }
        }
    }

    fn number(&self) -> Zeroizing<String> {
        match &self.0 {
            Inner::Hkid(number) => number.number(),
            Inner::Other { number, .. } => number.clone(),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} {})", self.space(), self.masked())
    }
}

/// Upper case, full-width forms folded, spaces and hyphens gone.
fn normalise(text: &str) -> Result<Zeroizing<String>, ClaimError> {
    let mut number = Zeroizing::new(String::with_capacity(*OTHER_NUMBER_LEN.end()));
    for c in text.chars().map(fold_char) {
        if c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}') {
            continue;
        }
        if !c.is_ascii_alphanumeric() || number.len() >= *OTHER_NUMBER_LEN.end() {
            return Err(ClaimError::DocumentNumber);
        }
        number.push(c.to_ascii_uppercase());
    }
    if OTHER_NUMBER_LEN.contains(&number.len()) { Ok(number) } else { Err(ClaimError::DocumentNumber) }
}

/// Makes claim tokens, with memory of its own that is used again: each token needs as much as the campaign's parameters
/// say, and an allocator that is asked for 19 MiB again and again keeps ten times that.
#[derive(Default)]
pub struct ClaimHasher {
    memory: Vec<Block>,
}

impl ClaimHasher {
    /// The token of a document's holder in a campaign. Takes tens of milliseconds: run it on a thread of its own, one at
    /// a time. The memory is wiped afterwards.
    ///
    /// # Errors
    /// [`ClaimError::Params`] where the parameters are out of bounds.
    pub fn token(
        &mut self,
        key: &[u8; 32],
        campaign: &str,
        document: &Document,
        params: ClaimParams,
    ) -> Result<ClaimToken, ClaimError> {
        let params = params.checked()?;
        self.memory.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| ClaimError::Params)?;
        for part in [DOMAIN, UNIT_SEPARATOR, document.space().as_bytes(), UNIT_SEPARATOR] {
            mac.update(part);
        }
        mac.update(document.number().as_bytes());
        let keyed = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        let digest = <[u8; 32]>::from(Sha256::digest(campaign.as_bytes()));
        let salt = digest.first_chunk::<16>().ok_or(ClaimError::Params)?;
        let mut token = [0; TOKEN_LEN];
        let made =
            argon2.hash_password_into_with_memory(keyed.as_slice(), salt, &mut token, &mut self.memory);
        self.memory.iter_mut().for_each(Zeroize::zeroize);
        made.map_err(|_| ClaimError::Params)?;
        Ok(ClaimToken(token))
    }
}

/// The token of a document's holder in a campaign, with memory for this once: see [`ClaimHasher`].
///
/// # Errors
/// [`ClaimError::Params`] where the parameters are out of bounds.
pub fn claim_token(
    key: &[u8; 32],
    campaign: &str,
    document: &Document,
    params: ClaimParams,
) -> Result<ClaimToken, ClaimError> {
    ClaimHasher::default().token(key, campaign, document, params)
}

impl ClaimParams {
    /// Whether the parameters are within bounds: asked when an order comes in, long before the first claim.
    ///
    /// # Errors
    /// [`ClaimError::Params`].
    pub fn check(self) -> Result<(), ClaimError> {
        self.checked().map(|_| ())
    }

    fn checked(self) -> Result<Params, ClaimError> {
        if self.m_kib > MEMORY_MAX_KIB || self.t > PASSES_MAX || self.p > LANES_MAX {
            return Err(ClaimError::Params);
        }
        Params::new(self.m_kib, self.t, self.p, Some(TOKEN_LEN)).map_err(|_| ClaimError::Params)
    }
}

impl fmt::Display for ClaimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 2 * TOKEN_LEN];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (place, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *place = DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for ClaimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimToken({self})")
    }
}

impl FromStr for ClaimToken {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut token = [0; TOKEN_LEN];
        if pairs.len() != TOKEN_LEN || !rest.is_empty() {
            return Err(ClaimError::Token);
        }
        for (byte, [high, low]) in token.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(token))
    }
}

fn nibble(hex: u8) -> Result<u8, ClaimError> {
    match hex {
        b'0'..=b'9' => Ok(hex - b'0'),
        b'a'..=b'f' => Ok(hex - b'a' + 10),
        _ => Err(ClaimError::Token),
    }
}

impl Serialize for ClaimToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<ClaimToken> for String {
    fn from(token: ClaimToken) -> Self {
        token.to_string()
    }
}

impl TryFrom<String> for ClaimToken {
    type Error = ClaimError;

    fn try_from(text: String) -> Result<Self, ClaimError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: ClaimParams = ClaimParams { m_kib: 8, t: 1, p: 1 };

    fn key() -> [u8; 32] {
        std::array::from_fn(|i| i as u8)
    }

    fn hkid(text: &str) -> Document {
        Document::hkid(Hkid::parse(text).unwrap())
    }

    #[test]
    fn the_published_vector_gives_its_token() {
        let token =
            claim_token(&key(), "masks-2020-10", &hkid("A123456(3)"), ClaimParams::default()).unwrap();
        assert_eq!(token.to_string(), "b6390d98a6549face794b1b00c004886");
    }

    #[test]
    fn a_person_has_one_token_in_a_campaign_however_the_number_is_keyed() {
        let token = |campaign, document| claim_token(&key(), campaign, &document, CHEAP).unwrap();
        assert_eq!(token("a", hkid("A123456(3)")), token("a", hkid("ａ 1234563")));
        assert_ne!(token("a", hkid("A123456(3)")), token("b", hkid("A123456(3)")));
        assert_ne!(token("a", hkid("A123456(3)")), token("a", hkid("AB123456(9)")));
        let passport = |text| Document::other("passport", text).unwrap();
        assert_eq!(token("a", passport(" k-1234 567 ")), token("a", passport("Ｋ１２３４５６７")));
        assert_ne!(token("a", passport("A123456")), token("a", hkid("A123456(3)")));
        assert_ne!(
            token("a", passport("A123456")),
            token("a", Document::other("exemption", "A123456").unwrap())
        );
    }

    #[test]
    fn a_token_is_read_back_from_its_32_lower_case_hex_characters_only() {
        let token = ClaimToken(*b"\x00\x01\xfe\xff456789abcdef");
        assert_eq!(token.to_string().parse(), Ok(token));
        assert_eq!(serde_json::to_string(&token).unwrap(), format!("\"{token}\""));
        assert_eq!(serde_json::from_str::<ClaimToken>(&format!("\"{token}\"")).unwrap(), token);
        for text in
            ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &"A".repeat(32), &"é".repeat(16)]
        {
            assert_eq!(text.parse::<ClaimToken>(), Err(ClaimError::Token), "{text}");
        }
    }

    #[test]
    fn a_document_is_refused_without_its_number_in_the_reason() {
        for text in ["", "abc", "a_bcd", "名前1234", "1234567890123456789012345678901234"] {
            assert_eq!(Document::other("passport", text), Err(ClaimError::DocumentNumber), "{text}");
        }
        for kind in ["", "x", "hk", "Passport", "a b", "passport-of-a-very-far-country"] {
            assert_eq!(Document::other(kind, "A123456"), Err(ClaimError::DocumentKind), "{kind}");
        }
    }

    #[test]
    fn a_document_is_never_printed_whole() {
        assert_eq!(format!("{:?}", hkid("A123456(3)")), "Document(hk A123****)");
        let passport = Document::other("passport", "K12345678").unwrap();
        assert_eq!(format!("{passport:?}"), "Document(passport K1****)");
    }

    #[test]
    fn parameters_out_of_bounds_are_refused() {
        let base = ClaimParams::default();
        for params in [
            ClaimParams { m_kib: MEMORY_MAX_KIB + 1, ..base },
            ClaimParams { m_kib: 0, ..base },
            ClaimParams { t: 0, ..base },
            ClaimParams { t: PASSES_MAX + 1, ..base },
            ClaimParams { p: 0, ..base },
            ClaimParams { p: LANES_MAX + 1, ..base },
        ] {
            assert_eq!(params.check(), Err(ClaimError::Params), "{params:?}");
        }
        assert_eq!(base.check(), Ok(()));
    }
}
