//! Code 128 and GS1-128, for labels and sample codes that are drawn (ISO/IEC 15417).

use super::gs1::GS;

/// Characters of the longest text that is drawn: GS1-128 allows 48.
pub const TEXT_LEN_MAX: usize = 48;

const START_B: u8 = 104;
const START_C: u8 = 105;
const TO_B: u8 = 100;
const TO_C: u8 = 99;
const FNC1: u8 = 102;
const STOP: u8 = 106;
/// Fewer digits in a row are shorter left in set B.
const DIGITS_FOR_C: usize = 4;

/// The text has a character that Code 128's set B does not have, or it is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Code 128 is drawn of 1 to {TEXT_LEN_MAX} visible ASCII characters")]
pub struct NotDrawable;

/// Widths of bars and spaces in modules, a bar first, without the quiet zones of ten modules on either side. With `gs1`
/// an FNC1 stands first, and one for each GS in the text.
///
/// # Errors
/// [`NotDrawable`].
pub fn bars(text: &str, gs1: bool) -> Result<Vec<u8>, NotDrawable> {
    let symbols = symbols(text, gs1)?;
    let check = check_symbol(&symbols);
    let patterns =
        symbols.into_iter().chain([check, STOP]).filter_map(|symbol| PATTERNS.get(usize::from(symbol)));
    Ok(patterns.flat_map(|pattern| pattern.bytes().map(|width| width - b'0')).collect())
}

/// The check symbol of a start symbol and those that follow it.
pub fn check_symbol(symbols: &[u8]) -> u8 {
    let sum: usize = symbols.iter().enumerate().map(|(n, &symbol)| n.max(1) * usize::from(symbol)).sum();
    // Below 103.
    (sum % 103) as u8
}

/// The start symbol and those of the text: set C for digits in pairs, set B for the rest.
fn symbols(text: &str, gs1: bool) -> Result<Vec<u8>, NotDrawable> {
    if text.is_empty() || text.len() > TEXT_LEN_MAX {
        return Err(NotDrawable);
    }
    let mut in_c = digits(text.as_bytes()) >= DIGITS_FOR_C;
    let mut symbols = vec![if in_c { START_C } else { START_B }];
    symbols.extend(gs1.then_some(FNC1));
    let mut rest = text.as_bytes();
    while let Some((&c, after)) = rest.split_first() {
        let run = digits(rest);
        if gs1 && c == GS as u8 {
            symbols.push(FNC1);
            rest = after;
        } else if in_c
            && let Some(([tens, ones], after)) = rest.split_first_chunk::<2>()
            && run >= 2
        {
            symbols.push((tens - b'0') * 10 + (ones - b'0'));
            rest = after;
        } else if in_c {
            symbols.push(TO_B);
            in_c = false;
        } else if run >= DIGITS_FOR_C && run.is_multiple_of(2) {
            symbols.push(TO_C);
            in_c = true;
        } else if c == b' ' || c.is_ascii_graphic() {
            symbols.push(c - b' ');
            rest = after;
        } else {
            return Err(NotDrawable);
        }
    }
    Ok(symbols)
}

/// How many digits stand first.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// Widths of bar, space, bar, space, bar, space of each symbol value; of the stop symbol with one bar more.
#[rustfmt::skip]
const PATTERNS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads what was drawn, as a scanner sends it.
    fn scan(bars: &[u8]) -> String {
        let (stop, body) = (&bars[bars.len() - 7..], &bars[..bars.len() - 7]);
        let value = |widths: &[u8]| {
            let text: String = widths.iter().map(|width| char::from(b'0' + width)).collect();
            PATTERNS.iter().position(|pattern| *pattern == text).unwrap() as u8
        };
        assert_eq!(value(stop), STOP);
        let symbols: Vec<u8> = body.chunks(6).map(value).collect();
        let (check, symbols) = symbols.split_last().unwrap();
        assert_eq!(check_symbol(symbols), *check);
        let (mut in_c, mut text) = (symbols[0] == START_C, String::new());
        for (n, &symbol) in symbols.iter().enumerate().skip(1) {
            match symbol {
                FNC1 if n == 1 => text.push_str("]C1"),
                FNC1 => text.push(GS),
                TO_B if in_c => in_c = false,
                TO_C if !in_c => in_c = true,
                pair if in_c => text.push_str(&format!("{pair:02}")),
                symbol => text.push(char::from(symbol + b' ')),
            }
        }
        text
    }

    #[test]
    fn published_symbols_have_their_check_symbols() {
        assert_eq!(check_symbol(&[103, 48, 42, 42, 17, 18, 19, 35]), 54, "PJJ123C from set A");
        let gs1_128 = symbols("00376104250021234569", true).unwrap();
        assert_eq!(gs1_128, [105, 102, 0, 37, 61, 4, 25, 0, 21, 23, 45, 69]);
        assert_eq!(check_symbol(&gs1_128), 50);
    }

    #[test]
    fn every_pattern_is_its_own_with_eleven_modules_and_an_even_number_of_dark_ones() {
        for (n, pattern) in PATTERNS.iter().enumerate() {
            let widths: Vec<u32> = pattern.chars().filter_map(|c| c.to_digit(10)).collect();
            let dark: u32 = widths.iter().step_by(2).sum();
            assert_eq!(widths.iter().sum::<u32>(), if n == usize::from(STOP) { 13 } else { 11 }, "{n}");
            assert!(n == usize::from(STOP) || dark.is_multiple_of(2), "{n}");
            assert_eq!(PATTERNS.iter().position(|other| other == pattern), Some(n));
        }
    }

    #[test]
    fn a_text_that_cannot_be_drawn_is_refused() {
        for text in ["", "é", "a\u{1D}b", "\n", &"7".repeat(TEXT_LEN_MAX + 1)] {
            assert_eq!(bars(text, false), Err(NotDrawable), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_read_again(text in "[ -~]{1,10}([0-9]{1,12}[ -~]{0,3}){0,3}", digits in "[0-9]{1,48}") {
            for text in [text, digits] {
                let text = text.get(..TEXT_LEN_MAX.min(text.len())).unwrap();
                let drawn = scan(&bars(text, false).unwrap());
                prop_assert_eq!(drawn, text);
            }
        }

        #[test]
        fn a_gs1_code_is_read_again_with_its_separators(text in "[0-9A-Z]{1,20}(\\x1d[0-9]{2,8}[A-Z]{0,3}){0,2}") {
            let drawn = scan(&bars(&text, true).unwrap());
            prop_assert_eq!(drawn, format!("]C1{text}"));
        }
    }
}
