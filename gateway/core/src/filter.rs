//! Sets of claim tokens that can be asked and not listed: binary fuse filters with fingerprints of 16 bits.
//!
//! A [`piece`](build) is a file: a header of [`HEADER_BYTES`] bytes, then the fingerprints, little-endian. The header is
//! `waypost1`, the construction's seed, the lengths of a segment, of its mask and of all segments but two (one 64-bit
//! and three 32-bit numbers, little-endian), and how many tokens there are (32 bits).
//!
//! To ask for a token three fingerprints are read, at places that the token says: [`Shape::probe`]. Nothing else of the
//! file is looked at, so it can stay on the card. A token that is in the set is always found; another one is found too
//! with a probability of about 1 in 65,536. Tokens are keyed (see [`claim`](crate::code::claim)): who has the file and no
//! key of the campaign can ask for nobody, and nothing in it says who is in it.

use xorf::BinaryFuse16;

use crate::code::claim::ClaimToken;

/// Length of a piece's header, in bytes.
pub const HEADER_BYTES: usize = 32;

/// What every piece begins with; the number grows with a change that an older reader would misread.
const MAGIC: &[u8; 8] = b"waypost1";

/// Longest piece, in bytes: about fourteen million tokens.
pub const PIECE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Longest segment, in fingerprints, as the construction chooses it.
const SEGMENT_MAX: u32 = 1 << 18;

/// Why a piece cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The construction did not come to an end. With other tokens it will.
    #[error("the filter cannot be constructed")]
    Construction,
    /// More than a piece may have.
    #[error("the filter would have more than {PIECE_BYTES_MAX} bytes")]
    TooLong,
    /// The bytes are no piece, or not as long as their header says.
    #[error("not a piece of a filter")]
    Malformed,
}

/// Where fingerprints lie in a piece, as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    seed: u64,
    segment_length: u32,
    segments_length: u32,
    tokens: u32,
}

/// What to read for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Where the three fingerprints lie, in bytes from the start of the piece; each has two bytes.
    pub at: [u64; 3],
    /// What they must give together.
    fingerprint: u16,
}

impl Probe {
    /// Is the token in the set, given the bytes at the three places?
    pub fn hits(&self, read: [[u8; 2]; 3]) -> bool {
        read.into_iter().fold(self.fingerprint, |sum, two| sum ^ u16::from_le_bytes(two)) == 0
    }
}

/// Makes a piece of tokens; the order is of no concern, and one that comes twice counts once.
///
/// # Errors
/// Too many tokens, or a construction that does not end.
pub fn build(tokens: impl IntoIterator<Item = ClaimToken>) -> Result<Vec<u8>, FilterError> {
    let mut keys: Vec<u64> = tokens.into_iter().map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    let tokens = u32::try_from(keys.len()).map_err(|_| FilterError::TooLong)?;
    // 18 bits a token, and a little more where there are few.
    if u64::from(tokens) * 9 / 4 > PIECE_BYTES_MAX {
        return Err(FilterError::TooLong);
    }
    let filter = BinaryFuse16::try_from(&keys).map_err(|_| FilterError::Construction)?;
    let descriptor = &filter.descriptor;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * filter.fingerprints.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&descriptor.seed.to_le_bytes());
    for number in
        [descriptor.segment_length, descriptor.segment_length_mask, descriptor.segment_count_length, tokens]
    {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend(filter.fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()));
    if bytes.len() as u64 > PIECE_BYTES_MAX { Err(FilterError::TooLong) } else { Ok(bytes) }
}

/// Is the token in the piece?
///
/// # Errors
/// The bytes are no piece.
pub fn contains(piece: &[u8], token: ClaimToken) -> Result<bool, FilterError> {
    let header = piece.first_chunk().ok_or(FilterError::Malformed)?;
    let shape = Shape::read(header, piece.len() as u64)?;
    if shape.tokens() == 0 {
        return Ok(false);
    }
    let probe = shape.probe(token);
    let mut read = [[0; 2]; 3];
    for (two, at) in read.iter_mut().zip(probe.at) {
        let at = usize::try_from(at).map_err(|_| FilterError::Malformed)?;
        *two = piece.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(FilterError::Malformed)?;
    }
    Ok(probe.hits(read))
}

impl Shape {
    /// Reads the header of a piece that has so many bytes. Every probe of what is returned lies within them.
    ///
    /// # Errors
    /// Not a piece, or not one of that length.
    pub fn read(header: &[u8; HEADER_BYTES], bytes: u64) -> Result<Self, FilterError> {
        let mut numbers = header.iter().copied();
        let mut next = |count: usize| {
            let taken = numbers.by_ref().take(count).enumerate();
            taken.fold(0u64, |sum, (at, byte)| sum | u64::from(byte) << (8 * at))
        };
        let (magic, seed) = (next(8), next(8));
        let mut short = || u32::try_from(next(4)).unwrap_or(u32::MAX);
        let (segment_length, mask, segments_length, tokens) = (short(), short(), short(), short());
        let fingerprints = u64::from(segments_length) + 2 * u64::from(segment_length);
        let holds = magic == u64::from_le_bytes(*MAGIC)
            && segment_length.is_power_of_two()
            && segment_length <= SEGMENT_MAX
            && mask == segment_length - 1
            && segments_length > 0
            && segments_length % segment_length == 0
            && bytes == HEADER_BYTES as u64 + 2 * fingerprints
            && bytes <= PIECE_BYTES_MAX;
        if holds {
            Ok(Self { seed, segment_length, segments_length, tokens })
        } else {
            Err(FilterError::Malformed)
        }
    }

    /// Tokens in the set. In one without any there is nobody, and a probe of it means nothing.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// What to read for a token. Graf and Lemire, "Binary Fuse Filters" (2022), section 4, as the crate `xorf` does it.
    pub fn probe(&self, token: ClaimToken) -> Probe {
        let hash = mix(key(token).wrapping_add(self.seed));
        let first = ((u128::from(hash) * u128::from(self.segments_length)) >> 64) as u64;
        let (length, mask) = (u64::from(self.segment_length), u64::from(self.segment_length) - 1);
        let second = (first + length) ^ ((hash >> 18) & mask);
        let third = (first + 2 * length) ^ (hash & mask);
        let at = [first, second, third].map(|index| HEADER_BYTES as u64 + 2 * index);
        Probe { at, fingerprint: (hash ^ (hash >> 32)) as u16 }
    }
}

/// Half of a token stands for it: tokens are evenly spread, so of a million two agree with a probability below 1e-7.
fn key(token: ClaimToken) -> u64 {
    let ClaimToken(bytes) = token;
    bytes.iter().take(8).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Murmur3's finalizer.
fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};
    use xorf::Filter;

    use super::*;

    fn token(n: u64) -> ClaimToken {
        ClaimToken(*Sha256::digest(n.to_le_bytes()).first_chunk().unwrap())
    }

    #[test]
    fn every_token_of_the_set_is_found_and_few_others() {
        for count in [0, 1, 2, 3, 5, 10, 100, 3_000u64] {
            let piece = build((0..count).map(token)).unwrap();
            let missed = (0..count).filter(|n| !contains(&piece, token(*n)).unwrap()).count();
            assert_eq!(missed, 0, "of {count}");
            let others = 10_000u64;
            let found = (0..others).filter(|n| contains(&piece, token(1 << 40 | n)).unwrap()).count();
            assert!(found < 5, "{found} of {others} others are found among {count}");
            assert!(count > 0 || found == 0, "nobody is in an empty set");
        }
    }

    #[test]
    fn a_piece_is_asked_as_the_library_asks_it() {
        let keys: Vec<u64> = (0..5_000).map(|n| key(token(n))).collect();
        let filter = BinaryFuse16::try_from(&keys).unwrap();
        let piece = build((0..5_000).map(token)).unwrap();
        for n in 0..30_000 {
            assert_eq!(contains(&piece, token(n)).unwrap(), filter.contains(&key(token(n))), "{n}");
        }
    }

    #[test]
    fn a_token_that_comes_twice_counts_once() {
        let piece = build([1, 2, 1, 1, 2].map(token)).unwrap();
        let shape = Shape::read(piece.first_chunk().unwrap(), piece.len() as u64).unwrap();
        assert_eq!(shape.tokens(), 2);
    }

    #[test]
    fn a_token_takes_about_eighteen_bits() {
        let piece = build((0..50_000).map(token)).unwrap();
        let bits = (piece.len() * 8) as f64 / 50_000.0;
        assert!((16.0..20.0).contains(&bits), "{bits}");
    }

    #[test]
    fn what_is_no_piece_is_not_read_and_no_probe_lies_outside() {
        let piece = build((0..1000).map(token)).unwrap();
        for end in 0..piece.len() {
            assert!(contains(&piece[..end], token(1)).is_err(), "cut at {end}");
        }
        for at in 0..HEADER_BYTES {
            for bit in 0..8 {
                let mut bad = piece.clone();
                bad[at] ^= 1 << bit;
                // Another seed finds other places, all within; every other change is seen.
                let read = contains(&bad, token(1));
                assert!(read.is_err() || (8..16).contains(&at) || at >= 28, "bit {bit} of byte {at}");
            }
        }
        assert!(contains(&[0xff; 4096], token(1)).is_err());
    }
}
