//! A picture in memory: one byte a dot, a place in a palette of sixteen colours.
//!
//! Sixteen colours are more than the panel has, so a picture of 800 × 480 dots takes 384 KB, is compared fast, and
//! becomes a small PNG without loss.

use std::convert::Infallible;

use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Size},
    pixelcolor::{PixelColor, raw::RawU8},
    primitives::Rectangle,
};

/// Largest width or height, in dots.
pub const SIDE_MAX: u32 = 4096;
/// Colours of a palette.
pub const COLOURS: usize = 16;

/// Red, green and blue of each colour.
pub type Palette = [[u8; 3]; COLOURS];

/// A colour, by its place in the palette; places from [`COLOURS`] on are the first colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Paint(pub u8);

impl PixelColor for Paint {
    type Raw = RawU8;
}

/// A picture. It can be drawn on with `embedded-graphics`; what lies outside is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    width: u32,
    height: u32,
    palette: &'static Palette,
    dots: Vec<u8>,
}

impl Frame {
    /// A picture in the palette's first colour. Sides beyond [`SIDE_MAX`] are shortened to it.
    pub fn new(width: u32, height: u32, palette: &'static Palette) -> Self {
        let (width, height) = (width.min(SIDE_MAX), height.min(SIDE_MAX));
        Self { width, height, palette, dots: vec![0; width as usize * height as usize] }
    }

    /// Width in dots.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in dots.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green and blue of each place of the palette.
    pub fn palette(&self) -> &'static Palette {
        self.palette
    }

    /// A row of places in the palette; empty below the picture.
    pub fn row(&self, y: u32) -> &[u8] {
        let start = y as usize * self.width as usize;
        self.dots.get(start..start + self.width as usize).unwrap_or_default()
    }

    /// A part of a row, cut at the picture's edge.
    pub fn span(&self, y: u32, x: u32, width: u32) -> &[u8] {
        let row = self.row(y);
        let start = (x as usize).min(row.len());
        let end = (x as usize + width as usize).min(row.len());
        row.get(start..end).unwrap_or_default()
    }

    /// A place's red, green and blue.
    pub fn rgb(&self, place: u8) -> [u8; 3] {
        self.palette.get(usize::from(place)).copied().unwrap_or(self.palette[0])
    }

    /// Is the dot nearer to white than to black? Outside no dot is.
    pub fn lit(&self, x: u32, y: u32) -> bool {
        let Some(place) = self.row(y).get(x as usize) else { return false };
        let [red, green, blue] = self.rgb(*place).map(u32::from);
        // Luma of ITU-R BT.601, times 1000.
        299 * red + 587 * green + 114 * blue >= 127_500
    }

    /// Fills a rectangle.
    pub fn block(&mut self, x: u32, y: u32, width: u32, height: u32, paint: Paint) {
        let (right, bottom) =
            (x.saturating_add(width).min(self.width), y.saturating_add(height).min(self.height));
        for row in y..bottom {
            let start = row as usize * self.width as usize;
            if let Some(dots) = self.dots.get_mut(start + x as usize..start + right.max(x) as usize) {
                dots.fill(paint.0);
            }
        }
    }

    /// The picture turned clockwise by so many quarters of a turn.
    pub fn turned(&self, quarters: u8) -> Self {
        let (width, height) = match quarters % 2 {
            0 => (self.width, self.height),
            _ => (self.height, self.width),
        };
        let mut turned = Self::new(width, height, self.palette);
        let (last_x, last_y) = (self.width.saturating_sub(1), self.height.saturating_sub(1));
        for (at, dot) in turned.dots.iter_mut().enumerate() {
            let (x, y) = (at as u32 % width, at as u32 / width);
            let (from_x, from_y) = match quarters % 4 {
                0 => (x, y),
                1 => (y, last_y - x),
                2 => (last_x - x, last_y - y),
                _ => (last_x - y, x),
            };
            let from = from_y as usize * self.width as usize + from_x as usize;
            *dot = self.dots.get(from).copied().unwrap_or_default();
        }
        turned
    }
}

impl OriginDimensions for Frame {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Frame {
    type Color = Paint;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Paint>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, paint) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            self.block(x, y, 1, 1, paint);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, paint: Paint) -> Result<(), Infallible> {
        // What lies left of the picture or above it is cut off, not moved in.
        let (left, top) = (area.top_left.x.max(0), area.top_left.y.max(0));
        let width = i64::from(area.top_left.x) + i64::from(area.size.width) - i64::from(left);
        let height = i64::from(area.top_left.y) + i64::from(area.size.height) - i64::from(top);
        let side = |value: i64| u32::try_from(value).unwrap_or(0);
        self.block(side(left.into()), side(top.into()), side(width), side(height), paint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::geometry::Point;

    use super::*;

    const PALETTE: Palette = {
        let mut palette = [[0; 3]; COLOURS];
        palette[1] = [255; 3];
        palette
    };

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut frame = Frame::new(4, 3, &PALETTE);
        frame.block(2, 1, 9, 9, Paint(1));
        frame.block(9, 0, 1, 1, Paint(1));
        frame.block(0, 9, u32::MAX, u32::MAX, Paint(1));
        let area = Rectangle::new(Point::new(-2, -2), Size::new(3, 3));
        let Ok(()) = frame.fill_solid(&area, Paint(1));
        let pixels = [Point::new(-1, 0), Point::new(99, 0), Point::new(1, 2)];
        let Ok(()) = frame.draw_iter(pixels.map(|at| Pixel(at, Paint(1))));
        assert_eq!(frame.dots, [1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1]);
        assert!(frame.lit(0, 0) && !frame.lit(1, 0) && !frame.lit(9, 9));
        assert_eq!((frame.row(3), frame.span(1, 3, 9)), (&[][..], &[1][..]));
    }

    #[test]
    fn four_quarters_are_a_whole_turn() {
        let mut frame = Frame::new(3, 2, &PALETTE);
        frame.block(0, 0, 1, 1, Paint(1));
        let quarter = frame.turned(1);
        assert_eq!((quarter.width(), quarter.height()), (2, 3));
        assert_eq!(quarter.dots, [0, 1, 0, 0, 0, 0], "the upper left corner is now the upper right one");
        assert_eq!(quarter.turned(1), frame.turned(2));
        assert_eq!(quarter.turned(3), frame);
        assert_eq!(Frame::new(0, 5, &PALETTE).turned(1).row(0), [] as [u8; 0]);
    }
}
