//! AIM symbology identifiers: `]cm` before the data says which bar code was read.
//!
//! A scanner adds them when it is told to. Vendors' own "code ID" letters are something else and are not read here.

use std::{fmt, str::FromStr};

/// Which bar code was read: code character and modifier of ISO/IEC 15424.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbology {
    code: u8,
    modifier: u8,
}

/// The bar codes that are told apart by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `]C0`, and `]C2` with FNC1 in second place.
    Code128,
    /// `]C1`: Code 128 with FNC1 first.
    Gs1128,
    /// `]C4`: blood bank labels.
    Isbt128,
    /// `]A…`.
    Code39,
    /// `]G…`.
    Code93,
    /// `]F…`.
    Codabar,
    /// `]I…`: interleaved two of five.
    Itf,
    /// `]E0` EAN-13 or UPC-A, `]E3` with an add-on.
    Ean13,
    /// `]E4`.
    Ean8,
    /// `]e0`: GS1 DataBar and composite.
    Gs1DataBar,
    /// `]d…` but `]d2`.
    DataMatrix,
    /// `]d2`.
    Gs1DataMatrix,
    /// `]Q…` but `]Q3`.
    Qr,
    /// `]Q3`.
    Gs1Qr,
    /// `]L…`.
    Pdf417,
    /// `]z…`.
    Aztec,
    /// Any other.
    Other,
}

impl Symbology {
    /// The bar code by name.
    pub fn family(self) -> Family {
        match (self.code, self.modifier) {
            (b'C', b'1') => Family::Gs1128,
            (b'C', b'4') => Family::Isbt128,
            (b'C', _) => Family::Code128,
            (b'A', _) => Family::Code39,
            (b'G', _) => Family::Code93,
            (b'F', _) => Family::Codabar,
            (b'I', _) => Family::Itf,
            (b'E', b'0' | b'3') => Family::Ean13,
            (b'E', b'4') => Family::Ean8,
            (b'e', b'0') => Family::Gs1DataBar,
            (b'd', b'2') => Family::Gs1DataMatrix,
            (b'd', _) => Family::DataMatrix,
            (b'Q', b'3') => Family::Gs1Qr,
            (b'Q', _) => Family::Qr,
            (b'L', _) => Family::Pdf417,
            (b'z', _) => Family::Aztec,
            _ => Family::Other,
        }
    }

    /// Whether its data are GS1 element strings.
    pub fn is_gs1(self) -> bool {
        matches!(self.family(), Family::Gs1128 | Family::Gs1DataMatrix | Family::Gs1Qr | Family::Gs1DataBar)
    }
}

/// Not `]`, a letter and a letter or digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an AIM symbology identifier is `]`, a letter and a letter or digit")]
pub struct NotAnIdentifier;

impl FromStr for Symbology {
    type Err = NotAnIdentifier;

    fn from_str(text: &str) -> Result<Self, NotAnIdentifier> {
        match split(text) {
            (Some(symbology), "") => Ok(symbology),
            _ => Err(NotAnIdentifier),
        }
    }
}

impl fmt::Display for Symbology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "]{}{}", char::from(self.code), char::from(self.modifier))
    }
}

/// Takes the identifier off a scanned text, if there is one.
pub fn split(text: &str) -> (Option<Symbology>, &str) {
    if let Some(([b']', code, modifier], _)) = text.as_bytes().split_first_chunk::<3>()
        && code.is_ascii_alphabetic()
        && modifier.is_ascii_alphanumeric()
        && let Some(data) = text.get(3..)
    {
        return (Some(Symbology { code: *code, modifier: *modifier }), data);
    }
    (None, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_published_identifier_is_typed_and_taken_off() {
        for (identifier, family, gs1) in [
            ("]C0", Family::Code128, false),
            ("]C1", Family::Gs1128, true),
            ("]C2", Family::Code128, false),
            ("]C4", Family::Isbt128, false),
            ("]A0", Family::Code39, false),
            ("]A7", Family::Code39, false),
            ("]d1", Family::DataMatrix, false),
            ("]d2", Family::Gs1DataMatrix, true),
            ("]d4", Family::DataMatrix, false),
            ("]Q1", Family::Qr, false),
            ("]Q3", Family::Gs1Qr, true),
            ("]z0", Family::Aztec, false),
            ("]L2", Family::Pdf417, false),
            ("]E0", Family::Ean13, false),
            ("]E3", Family::Ean13, false),
            ("]E4", Family::Ean8, false),
            ("]e0", Family::Gs1DataBar, true),
            ("]I1", Family::Itf, false),
            ("]F0", Family::Codabar, false),
            ("]G0", Family::Code93, false),
            ("]X0", Family::Other, false),
        ] {
            let symbology: Symbology = identifier.parse().unwrap();
            assert_eq!((symbology.family(), symbology.is_gs1()), (family, gs1), "{identifier}");
            assert_eq!(symbology.to_string(), identifier);
            assert_eq!(split(&format!("{identifier}data")), (Some(symbology), "data"));
        }
    }

    #[test]
    fn a_text_without_an_identifier_is_left_whole() {
        for text in ["", "]", "]C", "C0data", "]00x", "]C-", "]Cé", "é]C0", " ]C0x"] {
            assert_eq!(split(text), (None, text));
        }
        for text in ["]C0x", "]C", "D"] {
            assert_eq!(text.parse::<Symbology>(), Err(NotAnIdentifier));
        }
    }
}
