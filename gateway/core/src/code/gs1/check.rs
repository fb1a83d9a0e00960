//! Check digits and check characters of GS1 keys (GS1 General Specifications, section 7.9).

/// Whether a text is digits only and its last one is right: weights 3, 1, 3 … from the digit before it leftwards.
pub fn is_right(digits: &str) -> bool {
    let mut values = digits.bytes().rev();
    match values.next() {
        Some(check) if check.is_ascii_digit() && digits.len() > 1 => {
            sum(values).is_some_and(|sum| (sum + u32::from(check - b'0')).is_multiple_of(10))
        }
        _ => false,
    }
}

/// The check digit of a key without one, or `None` where it is empty or not digits only.
pub fn check_digit(digits: &str) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    char::from_digit((10 - sum(digits.bytes().rev())? % 10) % 10, 10)
}

fn sum(from_the_right: impl Iterator<Item = u8>) -> Option<u32> {
    from_the_right.zip([3, 1].into_iter().cycle()).try_fold(0, |sum, (digit, weight)| {
        digit.is_ascii_digit().then(|| sum + u32::from(digit - b'0') * weight)
    })
}

/// Whether the last two characters of an alphanumeric key (a GMN) are its right check pair: the places of the characters in
/// CSET 82 times the primes from the right, modulo 1021, written as two characters of CSET 32.
pub fn is_right_pair(key: &str) -> bool {
    let Some((data, &[high, low])) = key.as_bytes().split_last_chunk::<2>() else { return false };
    if data.len() > PRIMES.len() {
        return false;
    }
    let sum = data.iter().rev().zip(PRIMES).try_fold(0u32, |sum, (&c, prime)| Some(sum + place(c)? * prime));
    let Some(sum) = sum.map(|sum| (sum % 1021) as usize) else { return false };
    CSET_32.get(sum / 32) == Some(&high) && CSET_32.get(sum % 32) == Some(&low)
}

/// Whether every character may stand in an alphanumeric value.
pub(super) fn is_cset_82(value: &str) -> bool {
    value.bytes().all(|c| place(c).is_some())
}

/// Whether every character may stand in a component or part identifier.
pub(super) fn is_cset_39(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, b'#' | b'-' | b'/'))
}

const CSET_32: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// As many as the longest alphanumeric key has characters before its pair.
const PRIMES: [u32; 23] =
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];

/// Place in CSET 82, in the order of ISO/IEC 646 with its gaps.
fn place(c: u8) -> Option<u32> {
    let place = match c {
        b'!' | b'"' => c - b'!',
        b'%'..=b'?' => c - b'%' + 2,
        b'A'..=b'Z' => c - b'A' + 29,
        b'_' => 55,
        b'a'..=b'z' => c - b'a' + 56,
        _ => return None,
    };
    Some(u32::from(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_the_reference_suite() {
        for right in [
            "02345673",
            "416000336108",
            "1234567890128",
            "12345678901231",
            "123456789012345675",
            "6291041500213",
            "376104250021234569",
            "123451234512345120",
            "04017773003486",
        ] {
            assert!(is_right(right), "{right}");
            let (body, check) = right.split_at(right.len() - 1);
            assert_eq!(check_digit(body), check.chars().next(), "{right}");
        }
        for wrong in [
            "12345673",
            "416000336109",
            "1234567890129",
            "12345678901232",
            "123456789012345670",
            " 23456789012345675",
            "12345678901234567 ",
            "",
            "0",
            "é",
        ] {
            assert!(!is_right(wrong), "{wrong:?}");
        }
        assert_eq!((check_digit(""), check_digit("12a")), (None, None));
    }

    #[test]
    fn check_pairs_of_the_reference_suite() {
        for right in [
            "1987654Ad4X4bL5ttr2310c2K",
            "12345678901234567890123NT",
            "12345_ABCDEFGHIJKLMCP",
            "12345_NOPQRSTUVWXYZDN",
            "12345_abcdefghijklmN3",
            "12345_nopqrstuvwxyzP2",
            "12345_!\"%&'()*+,-./LC",
            "12345_0123456789:;<=>?62",
            "99999zzzzzzzzzzzzzzzzzzT2",
            "22",
            "!22",
        ] {
            assert!(is_right_pair(right), "{right}");
        }
        for wrong in [
            "1987654Ad4X4bL5ttr2310cXK",
            "1987654Ad4X4bL5ttr2310c2X",
            "",
            "2",
            "33",
            " 2345678901234567890123NT",
            "12345678901234567890123 T",
            "123456789012345678901234NT",
            "é22",
        ] {
            assert!(!is_right_pair(wrong), "{wrong:?}");
        }
    }
}
