//! Forms of a character that mean the same: an input method writes `Ａ１（` where a keyboard writes `A1(`.

use std::ops::Deref;

use zeroize::Zeroizing;

/// The ASCII form of a full-width character (U+FF01 to U+FF5E, U+3000) or of a CJK bracket; any other unchanged.
pub(super) fn fold_char(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{00A0}' => ' ',
        '【' | '〔' => '(',
        '】' | '〕' => ')',
        _ => c,
    }
}

/// A text with full-width forms folded: the text itself where it has none, else a copy that is wiped after use,
/// for it may hold a document number.
pub(super) enum Folded<'a> {
    Same(&'a str),
    Copy(Zeroizing<String>),
}

impl Deref for Folded<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Same(text) => text,
            Self::Copy(text) => text,
        }
    }
}

/// Folds every character of a text.
pub(super) fn fold(text: &str) -> Folded<'_> {
    if text.chars().all(|c| fold_char(c) == c) {
        return Folded::Same(text);
    }
    // Folding never lengthens, so the copy is not moved while it grows and leaves no second one behind.
    let mut copy = Zeroizing::new(String::with_capacity(text.len()));
    copy.extend(text.chars().map(fold_char));
    Folded::Copy(copy)
}
