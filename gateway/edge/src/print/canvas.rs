//! A paper that is written from the top down, and codes at a size that scanners read.

use std::collections::BTreeSet;

use waypost_core::code::code128;
use waypost_drivers::printer::{
    Bitmap,
    barcode::{Linear, Matrix},
    bitmap::HEIGHT_MAX,
};

use super::{Media, PrintError};
use crate::panel::{
    Language, Message,
    glyph::{self, glyph_or_mark},
    text,
};

/// White at every edge, in units.
const MARGIN: u32 = 8;
/// Dots an inch at which a unit, an eighth of a millimetre, is one dot.
const DPI: u32 = 203;
/// A module of bars has at most so many times its smallest size: 0.75 mm.
const MODULE_MAX: u32 = 3;

/// How large a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Beside a code.
    Small,
    /// Plain.
    Plain,
    /// A title.
    Large,
}

/// Part of a paper's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Left edge, in dots.
    pub x: u32,
    /// Dots across.
    pub width: u32,
}

/// A paper being written on.
pub struct Canvas {
    picture: Bitmap,
    language: Language,
    dpi: u32,
    /// Where the next line begins.
    y: u32,
    /// Fixed height of a label.
    label: bool,
    /// The last row that may be written on.
    bottom: u32,
}

impl Canvas {
    /// White paper.
    ///
    /// # Errors
    /// [`PrintError::Size`].
    pub fn new(media: Media, language: Language) -> Result<Self, PrintError> {
        let picture = Bitmap::new(media.width, media.height.unwrap_or(HEIGHT_MAX))?;
        let (dpi, bottom) = (media.dpi, picture.height());
        let mut canvas = Self { picture, language, dpi, y: 0, label: media.height.is_some(), bottom };
        canvas.y = canvas.units(MARGIN);
        canvas.bottom = bottom.saturating_sub(canvas.y);
        Ok(canvas)
    }

    /// The picture; paper from a roll ends after the last line.
    ///
    /// # Errors
    /// [`PrintError::Size`] of an empty one.
    pub fn finish(self) -> Result<Bitmap, PrintError> {
        if self.label {
            return Ok(self.picture);
        }
        let end = self.y + self.units(MARGIN);
        Ok(self.picture.cut(end)?)
    }

    /// The whole width between the margins.
    pub fn full(&self) -> Column {
        let margin = self.units(MARGIN);
        Column { x: margin, width: self.picture.width().saturating_sub(2 * margin) }
    }

    /// Dots of so many eighths of a millimetre, at least one for each.
    pub fn units(&self, units: u32) -> u32 {
        (units * self.dpi / DPI).max(units.min(1))
    }

    /// Dots of the smallest module that scanners read: a quarter of a millimetre.
    fn module_min(&self) -> u32 {
        (2 * self.dpi).div_ceil(DPI)
    }

    /// Where the next line begins.
    pub fn y(&self) -> u32 {
        self.y
    }

    /// Goes on at that row.
    pub fn go_to(&mut self, y: u32) {
        self.y = y;
    }

    /// The row below which nothing is written.
    pub fn bottom(&self) -> u32 {
        self.bottom
    }

    /// Keeps room at the bottom free.
    pub fn reserve(&mut self, height: u32) {
        self.bottom = self.bottom.saturating_sub(height);
    }

    /// Leaves some white.
    pub fn gap(&mut self, units: u32) {
        self.y += self.units(units);
    }

    /// A line across.
    pub fn rule(&mut self) {
        let Column { x, width } = self.full();
        self.gap(4);
        self.picture.fill(x, self.y, width, self.units(2));
        self.gap(6);
    }

    /// White words on a black bar over the whole width: a mark that cannot be missed.
    pub fn banner(&mut self, message: &Message) {
        let words = self.language.say(message);
        let column = self.full();
        let (scale, gap) = (self.scale(Size::Large), self.units(4));
        let height = glyph::HEIGHT * scale + 2 * gap;
        let from = column.x + column.width.saturating_sub(text::width(&words) * scale) / 2;
        let mut white = BTreeSet::new();
        each_dot(&words, |x, y| {
            let square = (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dx, dy)));
            white.extend(square.map(|(dx, dy)| (from + x * scale + dx, self.y + gap + y * scale + dy)));
        });
        for y in self.y..self.y + height {
            for x in (column.x..column.x + column.width).filter(|x| !white.contains(&(*x, y))) {
                self.picture.set(x, y);
            }
        }
        self.y += height + gap;
    }

    /// Words, as many lines as they need.
    pub fn say(&mut self, size: Size, message: &Message) {
        let words = self.language.say(message);
        self.write(size, self.full(), &words);
    }

    /// A text in a column, broken into lines. What does not fit on a label is left out.
    pub fn write(&mut self, size: Size, column: Column, words: &str) {
        let scale = self.scale(size);
        for line in text::wrap(words, column.width / scale) {
            if self.y + glyph::HEIGHT * scale > self.bottom {
                return;
            }
            self.put(column.x, self.y, scale, &line);
            self.y += self.line_height(size);
        }
    }

    /// Words in a column.
    pub fn say_in(&mut self, size: Size, column: Column, message: &Message) {
        let words = self.language.say(message);
        self.write(size, column, &words);
    }

    /// Words on the left, a number on the right, on one line.
    pub fn row(&mut self, message: &Message, value: &str) {
        let words = self.language.say(message);
        let (column, scale) = (self.full(), self.scale(Size::Plain));
        let wide = text::width(value) * scale;
        if text::width(&words) * scale + wide + self.units(16) > column.width {
            self.write(Size::Plain, column, &words);
        } else {
            self.put(column.x, self.y, scale, &words);
        }
        self.put(column.x + column.width.saturating_sub(wide), self.y, scale, value);
        self.y += self.line_height(Size::Plain);
    }

    /// Height of a line with the white below it.
    pub fn line_height(&self, size: Size) -> u32 {
        glyph::HEIGHT * self.scale(size) + self.units(4)
    }

    /// Draws a code of squares as large as `side` dots allow, and gives the dots that it takes.
    ///
    /// # Errors
    /// [`PrintError::TooSmall`] where a square would be less than a quarter of a millimetre.
    pub fn matrix(&mut self, code: &Matrix, x: u32, y: u32, side: u32) -> Result<u32, PrintError> {
        let least = self.module_min();
        let module = side / code.modules();
        if module < least {
            let side = least * code.modules();
            return Err(PrintError::TooSmall { width: x + side, height: y + side });
        }
        code.draw(&mut self.picture, x, y, module);
        Ok(module * code.modules())
    }

    /// The bars of Code 128, or of GS1-128.
    ///
    /// # Errors
    /// [`PrintError::Bars`].
    pub fn bars(&self, data: &str, gs1: bool) -> Result<Linear, PrintError> {
        Ok(Linear::new(code128::bars(data, gs1)?))
    }

    /// Dots of a module with which bars fill a width best; none where they do not fit at a size that scanners read,
    /// a quarter of a millimetre.
    pub fn module_for(&self, bars: &Linear, width: u32) -> Option<u32> {
        let least = self.module_min();
        let module = (width / bars.modules()).min(least * MODULE_MAX);
        (module >= least).then_some(module)
    }

    /// Draws bars in the middle of a column at a row.
    pub fn draw_bars(&mut self, bars: &Linear, module: u32, column: Column, y: u32, height: u32) {
        let x = column.x + column.width.saturating_sub(bars.modules() * module) / 2;
        bars.draw(&mut self.picture, x, y, module, height);
    }

    /// A text in the middle of a column at a row, on one line.
    pub fn centred(&mut self, size: Size, column: Column, y: u32, words: &str) {
        let scale = self.scale(size);
        let (words, _) = text::fit(words, column.width / scale);
        let x = column.x + column.width.saturating_sub(text::width(&words) * scale) / 2;
        self.put(x, y, scale, &words);
    }

    /// Blackens a rectangle.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32) {
        self.picture.fill(x, y, width, height);
    }

    fn scale(&self, size: Size) -> u32 {
        match size {
            Size::Small => self.dpi.div_ceil(DPI),
            Size::Plain => ((2 * self.dpi + DPI / 2) / DPI).max(1),
            Size::Large => ((3 * self.dpi + DPI / 2) / DPI).max(1),
        }
    }

    fn put(&mut self, x: u32, y: u32, scale: u32, words: &str) {
        let picture = &mut self.picture;
        each_dot(words, |column, row| picture.fill(x + column * scale, y + row * scale, scale, scale));
    }
}

/// Calls for every dot of a text at the plain size.
fn each_dot(words: &str, mut dot: impl FnMut(u32, u32)) {
    let mut at = 0;
    for character in words.chars() {
        let glyph = glyph_or_mark(character);
        for row in 0..glyph::HEIGHT {
            for column in (0..glyph.width).filter(|column| glyph.dot(*column, row)) {
                dot(at + column, row);
            }
        }
        at += glyph.width;
    }
}
