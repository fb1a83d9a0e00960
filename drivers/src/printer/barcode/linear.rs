//! Bars in one row, such as Code 128, from their widths.

use crate::printer::Bitmap;

/// White modules on either side (ISO/IEC 15417, 4.4.3).
pub const QUIET: u32 = 10;

/// A linear bar code: widths of bars and spaces in modules, a bar first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    widths: Vec<u8>,
}

impl Linear {
    /// Bars and spaces of those widths, a bar first, without quiet zones.
    pub fn new(widths: Vec<u8>) -> Self {
        Self { widths }
    }

    /// Modules across, both quiet zones included.
    pub fn modules(&self) -> u32 {
        self.widths.iter().map(|width| u32::from(*width)).sum::<u32>() + 2 * QUIET
    }

    /// Draws it with modules of `module` dots; the quiet zone begins at `x`.
    pub fn draw(&self, picture: &mut Bitmap, x: u32, y: u32, module: u32, height: u32) {
        let mut at = x + QUIET * module;
        for (nth, width) in self.widths.iter().enumerate() {
            let width = u32::from(*width) * module;
            if nth.is_multiple_of(2) {
                picture.fill(at, y, width, height);
            }
            at += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_between_their_quiet_zones() {
        let code = Linear::new(vec![2, 1, 1]);
        assert_eq!(code.modules(), 24);
        let mut picture = Bitmap::new(80, 2).unwrap();
        code.draw(&mut picture, 3, 1, 2, 9);
        let black: Vec<u32> = (0..80).filter(|x| picture.dot(*x, 1)).collect();
        assert_eq!(black, [23, 24, 25, 26, 29, 30], "after 3 dots and 10 modules of 2");
        assert!((0..80).all(|x| !picture.dot(x, 0)));
    }
}
