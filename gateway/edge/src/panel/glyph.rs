//! Glyphs of 8 × 16 and 16 × 16 dots, a subset of GNU Unifont made by `fonts/make`: what the panel's strings and
//! visible ASCII need. A string whose glyph is missing fails the build (`build.rs`).

use std::{collections::HashMap, sync::OnceLock};

/// Height of every glyph, in dots.
pub const HEIGHT: u32 = 16;

/// One character's dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// 8 or 16 dots.
    pub width: u32,
    rows: [u16; HEIGHT as usize],
}

impl Glyph {
    /// Is the dot at that column and row set? Outside the glyph none is.
    pub fn dot(&self, x: u32, y: u32) -> bool {
        let Some(row) = usize::try_from(y).ok().and_then(|y| self.rows.get(y)) else { return false };
        x < self.width && row >> (self.width - 1 - x) & 1 == 1
    }
}

/// The glyph of a character, if the subset has it.
pub fn glyph(character: char) -> Option<&'static Glyph> {
    table().get(&character)
}

/// The glyph, or the one of a question mark: data from a scan may hold any character.
pub fn glyph_or_mark(character: char) -> &'static Glyph {
    const EMPTY: Glyph = Glyph { width: 8, rows: [0; HEIGHT as usize] };
    glyph(character).or_else(|| glyph('?')).unwrap_or(&EMPTY)
}

fn table() -> &'static HashMap<char, Glyph> {
    static TABLE: OnceLock<HashMap<char, Glyph>> = OnceLock::new();
    TABLE.get_or_init(|| include_str!("../../fonts/panel.hex").lines().filter_map(parse).collect())
}

/// Reads one line of Unifont's `.hex` format: the code point, a colon, and 16 rows of 2 or 4 hex digits.
fn parse(line: &str) -> Option<(char, Glyph)> {
    let (code, dots) = line.split_once(':')?;
    let character = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
    let digits = match dots.len() {
        32 => 2,
        64 => 4,
        _ => return None,
    };
    let mut rows = [0; HEIGHT as usize];
    for (at, row) in rows.iter_mut().enumerate() {
        *row = u16::from_str_radix(dots.get(at * digits..(at + 1) * digits)?, 16).ok()?;
    }
    Some((character, Glyph { width: digits as u32 * 4, rows }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::Language;

    #[test]
    fn every_character_of_every_string_has_a_glyph() {
        let missing: String = Language::ALL
            .iter()
            .flat_map(|language| language.sources())
            .flat_map(str::chars)
            .filter(|character| !character.is_control() && glyph(*character).is_none())
            .collect();
        assert_eq!(missing, "", "run fonts/make");
    }

    #[test]
    fn a_glyph_reads_as_drawn() {
        let bar = glyph('|').unwrap();
        assert_eq!(bar.width, 8);
        assert!((0..HEIGHT).any(|y| bar.dot(4, y) || bar.dot(3, y)));
        assert!(!bar.dot(0, 0) && !bar.dot(99, 0) && !bar.dot(0, 99));
    }
}
