//! Draws on a picture in dots of the plain size; a large screen's dots are several of its own.

use waypost_drivers::screen::{Frame, Paint};

use super::{
    super::{
        glyph::{HEIGHT, glyph_or_mark},
        palette::PALETTE,
        text,
    },
    Mark,
};

/// From one line of text to the next.
pub const LINE: u32 = 18;

/// A picture that is being drawn.
pub struct Pen {
    pub frame: Frame,
    pub scale: u32,
    cut: bool,
}

impl Pen {
    pub fn new(width: u32, height: u32, scale: u32) -> Self {
        Self { frame: Frame::new(width, height, &PALETTE), scale: scale.max(1), cut: false }
    }

    pub fn finish(self) -> (Frame, bool) {
        (self.frame, self.cut)
    }

    /// Whole dots from left to right.
    pub fn width(&self) -> u32 {
        self.frame.width() / self.scale
    }

    /// Whole dots from top to bottom.
    pub fn height(&self) -> u32 {
        self.frame.height() / self.scale
    }

    pub fn block(&mut self, x: u32, y: u32, width: u32, height: u32, paint: Paint) {
        let scale = self.scale;
        self.frame.block(x * scale, y * scale, width * scale, height * scale, paint);
    }

    /// From edge to edge, also where the width is no whole number of dots.
    pub fn band(&mut self, y: u32, height: u32, paint: Paint) {
        let scale = self.scale;
        self.frame.block(0, y * scale, self.frame.width(), height * scale, paint);
    }

    /// From there to the lower edge.
    pub fn below(&mut self, y: u32, paint: Paint) {
        let (y, width, height) = (y * self.scale, self.frame.width(), self.frame.height());
        self.frame.block(0, y, width, height.saturating_sub(y), paint);
    }

    /// One line of text in glyphs of `size` times the plain size, cut with a mark where it does not fit.
    pub fn text(&mut self, text: &str, x: u32, y: u32, room: u32, size: u32, paint: Paint) {
        let (text, cut) = text::fit(text, room / size.max(1));
        self.cut |= cut;
        let mut left = x;
        for character in text.chars() {
            let glyph = glyph_or_mark(character);
            for row in 0..HEIGHT {
                let mut column = 0;
                while column < glyph.width {
                    let run =
                        (column..glyph.width).take_while(|column| glyph.dot(*column, row)).count() as u32;
                    if run > 0 {
                        self.block(left + column * size, y + row * size, run * size, size, paint);
                    }
                    column += run + 1;
                }
            }
            left += glyph.width * size;
        }
    }

    /// At most so many lines, one below the other; the last is cut where there would be more.
    pub fn lines(&mut self, lines: &[String], x: u32, y: u32, room: u32, most: usize, paint: Paint) {
        for (at, line) in lines.iter().take(most).enumerate() {
            let top = y + at as u32 * LINE;
            match lines.get(at + 1..) {
                Some(rest) if at + 1 == most && !rest.is_empty() => {
                    let whole = format!("{line} {}", rest.join(" "));
                    self.text(&whole, x, top, room, 1, paint);
                }
                _ => self.text(line, x, top, room, 1, paint),
            }
        }
    }

    /// The sign before a choice: a tick or a cross in a box for a button, a small square for a printed code.
    pub fn mark(&mut self, mark: Mark, x: u32, y: u32, ink: Paint, paper: Paint) {
        const TICK: [u16; 12] = [0, 0, 0, 0x006, 0x00E, 0x01C, 0x338, 0x3F0, 0x1E0, 0x0C0, 0, 0];
        const CROSS: [u16; 12] = [0, 0, 0x204, 0x30C, 0x198, 0x0F0, 0x060, 0x0F0, 0x198, 0x30C, 0x204, 0];
        let rows = match mark {
            Mark::Code => return self.block(x + 3, y + 6, 4, 4, ink),
            Mark::Yes => TICK,
            Mark::No => CROSS,
        };
        self.block(x, y + 2, 12, 12, ink);
        for (row, bits) in (0..).zip(rows) {
            for column in (0..12).filter(|column| bits >> (11 - column) & 1 == 1) {
                self.block(x + column, y + 2 + row, 1, 1, paper);
            }
        }
    }
}
