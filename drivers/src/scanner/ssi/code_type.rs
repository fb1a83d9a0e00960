//! From the code types of SSI to AIM symbology identifiers.
//!
//! The type says which symbology was read, and no more: options that AIM's modifier would tell (whether a check digit
//! was sent, an ECI) are not in it, so the modifier is the plain one. Zebra's product guides list the types ("Code type
//! identifiers", SSI column).

/// UPC-A, UPC-E, EAN-8 and EAN-13 with a supplement of two digits.
const WITH_TWO_DIGITS: std::ops::RangeInclusive<u8> = 0x48..=0x4b;
/// The same with five digits.
const WITH_FIVE_DIGITS: std::ops::RangeInclusive<u8> = 0x88..=0x8b;

/// The AIM identifier of a type; none where it has none, or where AIM knows it as "other" only.
pub fn aim(code_type: u8) -> Option<&'static str> {
    Some(match code_type {
        0x01 | 0x20 => "]A0",
        0x13 => "]A4",
        0x02 | 0x18 => "]F0",
        // A single ISBT 128 code is plain Code 128; only the joined pair has an identifier of its own.
        0x03 | 0x19 => "]C0",
        0x0f => "]C1",
        0x21 => "]C4",
        0x04 => "]S0",
        0x05 => "]R0",
        0x06 => "]I0",
        0x07 => "]G0",
        // UPC-A, UPC-E, EAN-13, Bookland, coupon, ISSN: thirteen digits to AIM.
        0x08 | 0x09 | 0x0b | 0x10 | 0x16 | 0x17 | 0x36 => "]E0",
        0x0a => "]E4",
        // With a supplement of two or five digits.
        code if WITH_TWO_DIGITS.contains(&code)
            || WITH_FIVE_DIGITS.contains(&code)
            || matches!(code, 0x50 | 0x90) =>
        {
            "]E3"
        }
        0x0c => "]H0",
        0x0d => "]T0",
        0x0e => "]M0",
        0x11 | 0x28 => "]L0",
        0x12 => "]K0",
        0x1a | 0x9a => "]L3",
        0x1b => "]d1",
        0xc1 => "]d2",
        0x1c | 0x29 | 0x2c => "]Q1",
        0xc2 => "]Q3",
        0x25 => "]U0",
        0x2d => "]z0",
        0x2e => "]zC",
        // GS1 DataBar, and composite codes, which AIM tells alike.
        0x30..=0x32 | 0x51..=0x59 | 0x61..=0x68 | 0xb4 => "]e0",
        0xb7 => "]h0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::aim::is_aim;

    #[test]
    fn each_type_becomes_an_identifier_or_none() {
        for code_type in 0..=255 {
            assert!(aim(code_type).is_none_or(is_aim), "{code_type:02x}");
        }
        for (code_type, identifier) in [
            (0x01, "]A0"),
            (0x03, "]C0"),
            (0x0f, "]C1"),
            (0x0b, "]E0"),
            (0x0a, "]E4"),
            (0x4b, "]E3"),
            (0x8b, "]E3"),
            (0x1b, "]d1"),
            (0xc1, "]d2"),
            (0x1c, "]Q1"),
            (0xc2, "]Q3"),
            (0x30, "]e0"),
        ] {
            assert_eq!(aim(code_type), Some(identifier), "{code_type:02x}");
        }
        assert_eq!(aim(0x00), None, "not applicable");
        assert_eq!(aim(0x1e), None, "Postnet is \"other\" to AIM");
    }
}
