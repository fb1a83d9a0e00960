//! A code of squares on a terminal, for a scanner or a telephone in front of it.

use std::io::{self, Write};

use waypost_drivers::printer::{Bitmap, barcode::Matrix};

/// Black on white whatever the terminal's colours are, and back.
const COLOURS: &str = "\x1b[30;107m";
const PLAIN: &str = "\x1b[0m";

/// Writes a QR code of a text, two rows of squares a line.
pub fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    let code = Matrix::qr(text).map_err(io::Error::other)?;
    let side = code.modules();
    let mut picture = Bitmap::new(side, side + side % 2).map_err(io::Error::other)?;
    code.draw(&mut picture, 0, 0, 1);
    for y in (0..side).step_by(2) {
        let line: String = (0..side)
            .map(|x| match (picture.dot(x, y), picture.dot(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })
            .collect();
        writeln!(out, "{COLOURS}{line}{PLAIN}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_the_squares_of_the_code() {
        let text = "WP1-8ZK3QF-0123AB@10.0.0.5:8091";
        let mut out = Vec::new();
        write(&mut out, text).unwrap();
        let out = String::from_utf8(out).unwrap();
        let code = Matrix::qr(text).unwrap();
        let side = code.modules();
        let mut picture = Bitmap::new(side, side).unwrap();
        code.draw(&mut picture, 0, 0, 1);
        let mut rows: Vec<Vec<bool>> = Vec::new();
        for line in out.lines() {
            let squares = line.strip_prefix(COLOURS).unwrap().strip_suffix(PLAIN).unwrap();
            rows.push(squares.chars().map(|square| "█▀".contains(square)).collect());
            rows.push(squares.chars().map(|square| "█▄".contains(square)).collect());
        }
        assert!(rows.len() - side as usize <= 1, "two rows a line");
        for (y, row) in (0..side).zip(&rows) {
            assert_eq!(*row, (0..side).map(|x| picture.dot(x, y)).collect::<Vec<_>>(), "row {y}");
        }
    }
}
