//! What came out of a printer, made a picture again from its commands alone: nothing here knows how they were written.

use std::{fmt::Write as _, path::Path};

/// Dots, row by row; true is black.
pub struct Picture {
    pub width: usize,
    pub rows: Vec<Vec<bool>>,
}

impl Picture {
    /// A label of ZPL: the one `^GFA` field in it, at the width that `^PW` names.
    pub fn of_label(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("ZPL is text");
        assert!(text.starts_with("^XA") && text.trim_end().ends_with("^XZ"), "one label, whole");
        let number = |command: &str| -> usize {
            let (_, after) = text.split_once(command).unwrap_or_else(|| panic!("{command} is missing"));
            after.split(['^', ',']).next().unwrap().parse().unwrap()
        };
        let (width, height) = (number("^PW"), number("^LL"));
        let (_, field) = text.split_once("^GFA,").expect("a picture");
        let (field, _) = field.split_once("^FS").expect("its end");
        let mut parts = field.splitn(4, ',');
        let mut size = || parts.next().unwrap().parse::<usize>().unwrap();
        let (sent, total, row_bytes) = (size(), size(), size());
        assert_eq!((sent, total), (total, row_bytes * height));
        let rows = unpack(parts.next().unwrap(), row_bytes * 2);
        assert_eq!(rows.len(), height);
        Self { width, rows: rows.into_iter().map(|row| dots_of_hex(&row, width)).collect() }
    }

    /// A receipt of ESC/POS: its `GS v 0` strips one below the other.
    pub fn of_receipt(mut bytes: &[u8]) -> Self {
        let (mut rows, mut width) = (Vec::new(), 0);
        while let [0x1D, b'v', b'0', 0, x0, x1, y0, y1, rest @ ..] = bytes {
            let row_bytes = usize::from(*x0) + 256 * usize::from(*x1);
            let count = usize::from(*y0) + 256 * usize::from(*y1);
            width = row_bytes * 8;
            let (strip, after) = rest.split_at(row_bytes * count);
            rows.extend(strip.chunks(row_bytes).map(|row| {
                row.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1 == 1)).collect()
            }));
            bytes = after;
        }
        assert!(bytes.is_empty(), "nothing but strips: {bytes:02x?}");
        Self { width, rows }
    }

    /// Writes it as a grey picture with a white margin, as paper has one.
    pub fn write(&self, path: &Path) {
        const MARGIN: usize = 16;
        let (width, height) = (self.width + 2 * MARGIN, self.rows.len() + 2 * MARGIN);
        let mut grey = vec![255_u8; width * height];
        for (y, row) in self.rows.iter().enumerate() {
            assert_eq!(row.len(), self.width);
            for (x, _) in row.iter().enumerate().filter(|(_, black)| **black) {
                grey[(y + MARGIN) * width + x + MARGIN] = 0;
            }
        }
        let mut file = String::new();
        write!(file, "P5\n{width} {height}\n255\n").unwrap();
        std::fs::write(path, [file.as_bytes(), &grey].concat()).unwrap();
    }
}

/// Rows of hexadecimal digits from the alternative compression of the ZPL II programming guide.
fn unpack(data: &str, digits: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut row = String::new();
    let mut repeat = 0;
    for character in data.chars() {
        match character {
            'G'..='Y' => repeat += character as usize - 'F' as usize,
            'g'..='z' => repeat += 20 * (character as usize - 'f' as usize),
            '0'..='9' | 'A'..='F' => {
                row.extend(std::iter::repeat_n(character, repeat.max(1)));
                repeat = 0;
            }
            ',' => row.extend(std::iter::repeat_n('0', digits - row.len())),
            '!' => row.extend(std::iter::repeat_n('F', digits - row.len())),
            ':' => row = rows.last().expect("a row before").clone(),
            other => panic!("{other:?} is no digit"),
        }
        if row.len() == digits && repeat == 0 {
            rows.push(std::mem::take(&mut row));
        }
        assert!(row.len() < digits, "a row is too long");
    }
    assert!(row.is_empty(), "half a row");
    rows
}

fn dots_of_hex(row: &str, width: usize) -> Vec<bool> {
    let dots = row.chars().flat_map(|digit| {
        let digit = digit.to_digit(16).unwrap();
        (0..4).map(move |bit| digit >> (3 - bit) & 1 == 1)
    });
    dots.take(width).collect()
}
