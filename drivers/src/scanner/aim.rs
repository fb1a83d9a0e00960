//! AIM symbology identifiers (ISO/IEC 15424): `]`, the symbology's letter, its modifier. And the vendors' own letters.
//!
//! Vendors put letters of their own before a code (Zebra sends `K` for GS1-128, Honeywell `I`). They mean nothing
//! without the vendor's table, so they are read only where the configuration gives it.

use std::collections::BTreeMap;

/// Length of an AIM symbology identifier.
pub const AIM_BYTES: usize = 3;
/// Longest vendor identifier: Zebra's two-dimensional ones are `P00`, `P01`, …
pub const CODE_ID_BYTES_MAX: usize = 3;

/// What a vendor's letters mean: letters as the scanner sends them, AIM identifier.
///
/// Empty: the scanner sends none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodeIds(BTreeMap<String, String>);

impl CodeIds {
    /// A table; entries of which the letters are not 1 to [`CODE_ID_BYTES_MAX`] visible ASCII characters, or of which
    /// the other side is no AIM identifier, are left out. The configuration says so before.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(letters, aim)| is_code_id(letters) && is_aim(aim)).collect())
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The identifier that the text begins with, the longest first, and the text behind it.
    pub fn split<'t>(&self, text: &'t str) -> Option<(&str, &'t str)> {
        (1..=CODE_ID_BYTES_MAX).rev().find_map(|length| {
            let (letters, rest) = text.split_at_checked(length)?;
            Some((self.0.get(letters)?.as_str(), rest))
        })
    }
}

/// Whether these may be a vendor's letters.
pub fn is_code_id(letters: &str) -> bool {
    (1..=CODE_ID_BYTES_MAX).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether this is an AIM identifier, as `]C1`.
pub fn is_aim(text: &str) -> bool {
    text.len() == AIM_BYTES && split_aim(text).0.is_some()
}

/// The AIM identifier before a code, if there is one, and the code.
pub fn split_aim(text: &str) -> (Option<&str>, &str) {
    match text.as_bytes() {
        [b']', letter, modifier, ..] if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => {
            text.split_at_checked(AIM_BYTES).map_or((None, text), |(aim, rest)| (Some(aim), rest))
        }
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_a_bracket_a_letter_and_a_modifier() {
        assert_eq!(split_aim("]C10100"), (Some("]C1"), "0100"));
        assert_eq!(split_aim("]zC"), (Some("]zC"), ""));
        for none in ["", "]", "]C", "]1C", "]C\x1d", "C1x", "]äb"] {
            assert_eq!(split_aim(none), (None, none));
        }
        assert!(is_aim("]Q1") && !is_aim("]Q10") && !is_aim("Q1]"));
    }

    #[test]
    fn the_longest_of_a_vendors_letters_is_taken_and_unknown_ones_are_not_guessed() {
        let pairs = [("P", "]L0"), ("P01", "]Q1"), ("A", "]E0"), ("bad id", "]E0"), ("B", "EAN")];
        let ids = CodeIds::new(pairs.map(|(letters, aim)| (letters.to_owned(), aim.to_owned())));
        assert_eq!(ids.split("P01text"), Some(("]Q1", "text")));
        assert_eq!(ids.split("P02text"), Some(("]L0", "02text")));
        assert_eq!(ids.split("A4006381333931"), Some(("]E0", "4006381333931")));
        assert_eq!(ids.split("Bx"), None);
        assert_eq!(ids.split("äx"), None, "never cut within a character");
        assert!(CodeIds::default().is_empty());
    }
}
