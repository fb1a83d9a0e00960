//! A quick hash for the few rows in memory: the standard one guards large maps against chosen keys, and takes as long
//! as the rest of a look-up. Here a bad choice of keys costs a walk over at most a few thousand rows.

use std::hash::Hasher;

/// Odd, and without a pattern in its bits: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Eight bytes at a time: turn, mix in, multiply.
#[derive(Default)]
pub(super) struct QuickHash(u64);

impl QuickHash {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for QuickHash {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    /// The high bits are the well mixed ones, the map looks at the low ones first.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
