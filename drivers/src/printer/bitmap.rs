//! A picture of one bit a dot: what a thermal head burns.

/// Most dots across: eight inches at 300 dots an inch.
pub const WIDTH_MAX: u32 = 2_400;
/// Most dots along: about a metre of paper at 203 dots an inch.
pub const HEIGHT_MAX: u32 = 8_000;

/// A picture of no dots, or of more than [`WIDTH_MAX`] × [`HEIGHT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture is 1 to {WIDTH_MAX} dots wide and 1 to {HEIGHT_MAX} high, not {width} × {height}")]
pub struct BadSize {
    /// Dots across.
    pub width: u32,
    /// Dots along.
    pub height: u32,
}

/// A picture of black dots on white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    height: u32,
    row_bytes: usize,
    /// Rows from the top, each padded to whole bytes, the leftmost dot in the highest bit.
    bits: Vec<u8>,
}

impl Bitmap {
    /// A white picture.
    ///
    /// # Errors
    /// [`BadSize`].
    pub fn new(width: u32, height: u32) -> Result<Self, BadSize> {
        if !(1..=WIDTH_MAX).contains(&width) || !(1..=HEIGHT_MAX).contains(&height) {
            return Err(BadSize { width, height });
        }
        let row_bytes = width.div_ceil(8) as usize;
        Ok(Self { width, height, row_bytes, bits: vec![0; row_bytes * height as usize] })
    }

    /// Dots across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Dots along.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// The rows from the top, [`Self::row_bytes`] each, the leftmost dot in the highest bit.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.bits.chunks(self.row_bytes)
    }

    /// Rows `from` up to, not including, `until`, as the bytes that lie there.
    pub fn band(&self, from: u32, until: u32) -> &[u8] {
        let at = |row: u32| row.min(self.height) as usize * self.row_bytes;
        self.bits.get(at(from)..at(until)).unwrap_or_default()
    }

    /// Is the dot black? Outside the picture none is.
    pub fn dot(&self, x: u32, y: u32) -> bool {
        let byte = (x < self.width && y < self.height)
            .then(|| self.bits.get(y as usize * self.row_bytes + (x / 8) as usize))
            .flatten();
        byte.is_some_and(|byte| byte & (0x80 >> (x % 8)) != 0)
    }

    /// Blackens a dot. Outside the picture nothing happens.
    pub fn set(&mut self, x: u32, y: u32) {
        if x < self.width
            && y < self.height
            && let Some(byte) = self.bits.get_mut(y as usize * self.row_bytes + (x / 8) as usize)
        {
            *byte |= 0x80 >> (x % 8);
        }
    }

    /// Blackens a rectangle, as far as it lies in the picture.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32) {
        for y in y..y.saturating_add(height).min(self.height) {
            for x in x..x.saturating_add(width).min(self.width) {
                self.set(x, y);
            }
        }
    }

    /// The same picture with its first `height` rows alone.
    ///
    /// # Errors
    /// [`BadSize`] of nothing at all.
    pub fn cut(mut self, height: u32) -> Result<Self, BadSize> {
        if height == 0 {
            return Err(BadSize { width: self.width, height });
        }
        self.height = self.height.min(height);
        self.bits.truncate(self.row_bytes * self.height as usize);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_stands_where_it_was_set_and_nowhere_else() {
        let mut picture = Bitmap::new(11, 3).unwrap();
        picture.set(10, 2);
        picture.set(11, 0);
        picture.set(0, 3);
        assert_eq!(picture.row_bytes(), 2);
        let set: Vec<_> =
            (0..4).flat_map(|y| (0..12).map(move |x| (x, y))).filter(|(x, y)| picture.dot(*x, *y)).collect();
        assert_eq!(set, [(10, 2)]);
        assert_eq!(picture.band(2, 9), [0, 0b0010_0000]);
        picture.fill(9, 0, 100, 1);
        assert_eq!(picture.band(0, 1), [0, 0b0110_0000]);
        assert_eq!(picture.cut(1).unwrap().rows().count(), 1);
    }

    #[test]
    fn a_picture_has_a_size_that_a_printer_has() {
        for (width, height) in [(0, 1), (1, 0), (WIDTH_MAX + 1, 1), (1, HEIGHT_MAX + 1)] {
            assert_eq!(Bitmap::new(width, height), Err(BadSize { width, height }));
        }
    }
}
