//! A picture by which a person sees whether a screen is wired and turned right.

use waypost_drivers::screen::Frame;

use super::{
    super::{
        Language, Message, Tone,
        glyph::HEIGHT,
        palette::{BLACK, PRIMARIES, WHITE, ground},
        text,
    },
    Pen,
};

/// The test card: a border on the outermost dots, both languages, the size in dots, a chequered field, and where there
/// is room bars of red, green, blue, yellow and the tones' colours, in this order from the left.
pub fn test_card(width: u32, height: u32) -> Frame {
    let scale = (width / 320).min(height / 240).max(1);
    let mut pen = Pen::new(width, height, scale);
    let (wide, high) = (pen.width(), pen.height());
    pen.frame.block(0, 0, width, height, WHITE);
    pen.frame.block(1, 1, width.saturating_sub(2), height.saturating_sub(2), BLACK);
    let mut lines: Vec<String> =
        Language::ALL.iter().map(|language| language.say(&Message::new("ui-screen-test"))).collect();
    lines.push(format!("{width} x {height}"));
    let bars = high.saturating_sub(4 + HEIGHT * lines.len() as u32 + 4);
    for (at, line) in (0..).zip(&lines) {
        pen.text(line, wide.saturating_sub(text::width(line)) / 2, 4 + at * HEIGHT, wide, 1, WHITE);
    }
    let top = high.saturating_sub(bars);
    let colours: Vec<_> = PRIMARIES.into_iter().chain(Tone::ALL.map(ground)).collect();
    if bars >= 32 {
        let each = wide.saturating_sub(8) / colours.len() as u32;
        for (at, colour) in (0..).zip(colours) {
            pen.block(4 + at * each, top, each, bars - 20, colour);
        }
    }
    // Single dots: a wire that loses some shows here.
    let first = top * scale + bars.saturating_sub(16).min(bars) * scale;
    for y in (first..height.saturating_sub(3)).filter(|_| bars >= 8) {
        for x in (4..width.saturating_sub(4)).filter(|x| (x + y) % 2 == 0) {
            pen.frame.block(x, y, 1, 1, WHITE);
        }
    }
    pen.finish().0
}
