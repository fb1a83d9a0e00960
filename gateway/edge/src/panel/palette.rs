//! The panel's colours, by their place in a palette of sixteen.

use waypost_drivers::screen::{COLOURS, Paint, Palette};

use super::Tone;

/// Where a screen is not drawn on.
pub const BLACK: Paint = Paint(0);
/// Text on a dark ground.
pub const WHITE: Paint = Paint(1);
/// Text on a light ground, and the title's bar.
pub const INK: Paint = Paint(2);
/// The ground.
pub const PAPER: Paint = Paint(3);
/// The status's ground.
pub const SHADE: Paint = Paint(4);
/// The first of the tones' grounds, in the order of [`Tone::ALL`].
const TONES: u8 = 5;
/// What only the test card has.
pub const PRIMARIES: [Paint; 4] = [Paint(12), Paint(13), Paint(14), Paint(15)];

/// All of them.
pub static PALETTE: Palette = palette();

/// The ground of a tone.
pub fn ground(tone: Tone) -> Paint {
    let at = Tone::ALL.iter().position(|one| *one == tone).unwrap_or_default();
    // There are seven.
    Paint(TONES + at as u8)
}

#[expect(clippy::indexing_slicing, reason = "run by the compiler, which refuses what lies outside")]
const fn palette() -> Palette {
    let mut colours = [[0; 3]; COLOURS];
    colours[1] = [0xFF; 3];
    colours[2] = [0x14, 0x1C, 0x24];
    colours[3] = [0xF7, 0xF7, 0xF4];
    colours[4] = [0xD9, 0xDC, 0xDE];
    let mut at = 0;
    while at < Tone::ALL.len() {
        colours[TONES as usize + at] = hex(Tone::ALL[at].colour());
        at += 1;
    }
    colours[12] = [0xFF, 0, 0];
    colours[13] = [0, 0xFF, 0];
    colours[14] = [0, 0, 0xFF];
    colours[15] = [0xFF, 0xFF, 0];
    colours
}

/// `#rrggbb`.
#[expect(clippy::indexing_slicing, reason = "run by the compiler, which refuses what lies outside")]
const fn hex(text: &str) -> [u8; 3] {
    let digits = text.as_bytes();
    let mut rgb = [0; 3];
    let mut at = 0;
    while at < 6 {
        let digit = digits[at + 1];
        let value = if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
        rgb[at / 2] = rgb[at / 2] << 4 | value;
        at += 1;
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_the_ground_that_the_web_page_has() {
        for tone in Tone::ALL {
            let [red, green, blue] = PALETTE[usize::from(ground(tone).0)];
            assert_eq!(format!("#{red:02x}{green:02x}{blue:02x}"), tone.colour());
        }
    }
}
