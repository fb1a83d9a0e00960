//! Text in dots: how wide it is, where it breaks, how it is cut.

use super::glyph::glyph_or_mark;

/// What stands at the end of a text that was cut.
const CUT: &str = "...";
/// May not begin a line.
const CLOSING: &str = "，。、：；？！）」』》,.:;?!)%";
/// May not end a line.
const OPENING: &str = "（「『《(";

/// Width of a text in dots at the plain size.
pub fn width(text: &str) -> u32 {
    text.chars().map(|character| glyph_or_mark(character).width).sum()
}

/// The text, or as much of it as fits with a mark behind; true where it was cut.
pub fn fit(text: &str, room: u32) -> (String, bool) {
    if width(text) <= room {
        return (text.to_owned(), false);
    }
    let mut used = width(CUT);
    let mut kept: String = text
        .chars()
        .take_while(|character| {
            used += glyph_or_mark(*character).width;
            used <= room
        })
        .collect();
    kept.push_str(CUT);
    (kept, true)
}

/// Breaks a text at spaces and between Chinese characters into lines of at most `room` dots. A word that is longer than
/// a line, as a code may be, breaks where the line ends.
pub fn wrap(text: &str, room: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if !line.is_empty() && width(&line) + width(piece.trim_end()) > room {
            lines.push(std::mem::take(&mut line));
        }
        for character in piece.chars() {
            if !line.is_empty() && character != ' ' && width(&line) + glyph_or_mark(character).width > room {
                // Punctuation does not begin a line: it takes its letter along.
                let last = line.chars().next_back().filter(|last| {
                    let both = glyph_or_mark(*last).width + glyph_or_mark(character).width;
                    CLOSING.contains(character) && both <= room
                });
                let kept = line.len() - last.map_or(0, char::len_utf8);
                let next = line.split_off(if kept == 0 { line.len() } else { kept });
                lines.push(std::mem::replace(&mut line, next));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The same where every word fits into a line; none where one would have to break.
pub fn wrap_whole(text: &str, room: u32) -> Option<Vec<String>> {
    pieces(text).all(|piece| width(piece.trim_end()) <= room).then(|| wrap(text, room))
}

/// The parts between which a line may break.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = rest
            .char_indices()
            .zip(rest.chars().skip(1))
            .find_map(|((at, before), after)| may_break(before, after).then_some(at + before.len_utf8()));
        let (piece, behind) = rest.split_at_checked(at.unwrap_or(rest.len()))?;
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

fn may_break(before: char, after: char) -> bool {
    let wide = |character| glyph_or_mark(character).width > 8;
    after != ' '
        && (before == ' '
            || (wide(before) || wide(after)) && !CLOSING.contains(after) && !OPENING.contains(before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_breaks_between_words_and_never_before_a_full_stop() {
        assert_eq!(wrap("one two three four", 8 * 9), ["one two", "three", "four"]);
        assert_eq!(wrap("請掃描職員證。", 16 * 3), ["請掃描", "職員", "證。"]);
        assert_eq!(wrap("今日是否 2020-09-03？", 16 * 8), ["今日是否", "2020-09-03？"]);
        assert_eq!(wrap("", 80), [] as [String; 0]);
    }

    #[test]
    fn a_code_longer_than_a_line_goes_on_in_the_next() {
        assert_eq!(wrap("box B-0123456789", 8 * 8), ["box", "B-012345", "6789"]);
        assert_eq!(wrap("B-0123:", 8 * 6), ["B-012", "3:"]);
        assert_eq!(wrap_whole("box B-0123456789", 8 * 8), None);
        assert_eq!(wrap_whole("box B-01", 8 * 8).unwrap(), ["box B-01"]);
    }

    #[test]
    fn a_text_that_is_cut_says_so() {
        assert_eq!(fit("abcdefghij", 8 * 6), ("abc...".to_owned(), true));
        assert_eq!(fit("abcdef", 8 * 6), ("abcdef".to_owned(), false));
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[a-z 樣本瓶。「：]{0,60}", columns in 2_u32..40) {
            let lines = wrap(&text, columns * 8);
            prop_assert!(lines.iter().all(|line| width(line) <= columns * 8), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
