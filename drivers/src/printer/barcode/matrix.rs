//! Codes of squares: QR (ISO/IEC 18004) and Data Matrix (ISO/IEC 16022).

use datamatrix::{DataMatrix, SymbolList};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::printer::Bitmap;

/// White modules around a QR code (ISO/IEC 18004, 5.3.8).
const QR_QUIET: u32 = 4;
/// White modules around a Data Matrix: the standard asks for one, a worn label for more.
const DATA_MATRIX_QUIET: u32 = 2;
/// Longest text of either, in bytes: beyond it the squares are too small for a label.
pub const TEXT_BYTES_MAX: usize = 1_000;

/// Why a text is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Empty, or longer than is taken here.
    #[error("a code holds 1 to {TEXT_BYTES_MAX} bytes, not {0}")]
    Length(usize),
    /// The encoder has no symbol for it.
    #[error("the text cannot be written as {0}")]
    NotWritable(&'static str),
}

/// A code of squares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    side: u32,
    quiet: u32,
    /// Black modules, row by row.
    black: Vec<(u32, u32)>,
    height: u32,
}

impl Matrix {
    /// A QR code of a text, with error correction M (about 15 % may be damaged).
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn qr(text: &str) -> Result<Self, CodeError> {
        check(text)?;
        let code =
            QrCode::encode_text(text, QrCodeEcc::Medium).map_err(|_| CodeError::NotWritable("a QR code"))?;
        let side = code.size();
        let black = (0..side)
            .flat_map(|y| (0..side).map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y))
            .map(|(x, y)| (x.unsigned_abs(), y.unsigned_abs()))
            .collect();
        Ok(Self { side: side.unsigned_abs(), quiet: QR_QUIET, black, height: side.unsigned_abs() })
    }

    /// A square Data Matrix of a text.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn data_matrix(text: &str) -> Result<Self, CodeError> {
        check(text)?;
        let code = DataMatrix::encode(text.as_bytes(), SymbolList::default().enforce_square());
        Self::of(&code.map_err(|_| CodeError::NotWritable("a Data Matrix"))?)
    }

    /// A square GS1 DataMatrix of an element string: an FNC1 stands first, and one for each GS (1D) in the text.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn gs1_data_matrix(elements: &str) -> Result<Self, CodeError> {
        check(elements)?;
        let code = DataMatrix::encode_gs1(elements.as_bytes(), SymbolList::default().enforce_square());
        Self::of(&code.map_err(|_| CodeError::NotWritable("a GS1 DataMatrix"))?)
    }

    fn of(code: &DataMatrix) -> Result<Self, CodeError> {
        let bitmap = code.bitmap();
        let size = |side: usize| u32::try_from(side).map_err(|_| CodeError::NotWritable("a Data Matrix"));
        let black =
            bitmap.pixels().map(|(x, y)| Ok((size(x)?, size(y)?))).collect::<Result<_, CodeError>>()?;
        let (side, height) = (size(bitmap.width())?, size(bitmap.height())?);
        Ok(Self { side, quiet: DATA_MATRIX_QUIET, black, height })
    }

    /// Modules across, both quiet zones included; as many along.
    pub fn modules(&self) -> u32 {
        self.side.max(self.height) + 2 * self.quiet
    }

    /// Draws it with modules of `module` dots; the quiet zone begins at `x` and `y`.
    pub fn draw(&self, picture: &mut Bitmap, x: u32, y: u32, module: u32) {
        for (column, row) in &self.black {
            let at = |nth: u32| (nth + self.quiet) * module;
            picture.fill(x + at(*column), y + at(*row), module, module);
        }
    }
}

fn check(text: &str) -> Result<(), CodeError> {
    match text.len() {
        1..=TEXT_BYTES_MAX => Ok(()),
        length => Err(CodeError::Length(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_size_that_its_text_needs() {
        assert_eq!(Matrix::qr("CMD-REPRINT").unwrap().modules(), 21 + 8, "version 1");
        // A published symbol of 30 characters in 18 × 18 does not exist: 17 digits and 3 letters need 18.
        let grai = Matrix::gs1_data_matrix("800302112345678900ABC").unwrap();
        assert_eq!(grai.modules(), 18 + 4);
        assert_eq!(Matrix::qr(""), Err(CodeError::Length(0)));
        assert_eq!(Matrix::data_matrix(&"x".repeat(1_001)), Err(CodeError::Length(1_001)));
    }

    #[test]
    fn a_data_matrix_has_its_solid_edges() {
        let code = Matrix::data_matrix("B-0001").unwrap();
        let mut picture = Bitmap::new(60, 60).unwrap();
        code.draw(&mut picture, 0, 0, 1);
        let (from, until) = (DATA_MATRIX_QUIET, code.modules() - DATA_MATRIX_QUIET);
        assert!((from..until).all(|at| picture.dot(from, at) && picture.dot(at, until - 1)));
        assert!((0..60).all(|at| !picture.dot(1, at) && !picture.dot(at, 1)), "quiet zone");
    }
}
