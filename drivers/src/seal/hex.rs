//! Hexadecimal text, as frames, keys and addresses are written by people.

/// The bytes of pairs of hexadecimal digits, upper or lower case; nothing for an odd number or another character.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    decode_bytes(text.as_bytes())
}

pub(super) fn decode_bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| pair.iter().try_fold(0, |byte, digit| Some(byte << 4 | nibble(*digit)?))).collect()
}

/// Lower-case hexadecimal digits of the bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pairs_of_digits_are_bytes() {
        assert_eq!(decode("41e4FF"), Some(vec![0x41, 0xe4, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["4", "4g", "0x41", "41 e4", "é1"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(encode(&[0x41, 0x0e]), "410e");
    }
}
