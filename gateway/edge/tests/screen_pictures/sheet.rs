//! Many pictures in one PNG, and the comparison with the kept one.

use std::{fs, io::BufWriter, path::PathBuf};

use waypost_drivers::screen::Frame;

/// Set to `write`, the kept pictures are replaced by what is drawn now. Look at them before they are kept.
const REWRITE: &str = "WAYPOST_GOLDEN";
/// Dots between two pictures.
const GAP: u32 = 2;
/// The place in the palette between two pictures.
const BETWEEN: u8 = 15;

/// Pictures of one size, side by side.
#[derive(PartialEq, Eq)]
pub struct Sheet {
    width: u32,
    height: u32,
    palette: Vec<u8>,
    /// Four bits a dot, as in the file.
    packed: Vec<u8>,
}

impl Sheet {
    /// Puts them in rows of so many. Their width is even.
    pub fn new(frames: &[Frame], columns: usize) -> Self {
        let first = frames.first().unwrap();
        let (wide, high) = (first.width() + GAP, first.height() + GAP);
        let (width, height) =
            (wide * columns as u32 - GAP, high * frames.len().div_ceil(columns) as u32 - GAP);
        let mut packed = vec![BETWEEN << 4 | BETWEEN; (width / 2 * height) as usize];
        for (at, frame) in frames.iter().enumerate() {
            let (x, y) = (wide * (at % columns) as u32, high * (at / columns) as u32);
            for row in 0..frame.height() {
                let start = ((y + row) * width + x) as usize / 2;
                let dots = frame.row(row);
                let pairs = dots.chunks(2).map(|pair| pair[0] << 4 | pair[1]);
                packed[start..start + dots.len() / 2].iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair);
            }
        }
        Self { width, height, palette: first.palette().concat(), packed }
    }

    /// Compares with the kept sheet, dot by dot.
    pub fn check(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var(REWRITE).is_ok_and(|value| value == "write") {
            self.write(&path);
        }
        let remedy =
            format!("look at it with {REWRITE}=write and `git diff`, and keep it if it is as it should be");
        let kept =
            Self::read(&path).unwrap_or_else(|| panic!("{}: no such picture; {remedy}", path.display()));
        assert_eq!((kept.width, kept.height), (self.width, self.height), "{name}: other pages; {remedy}");
        assert_eq!(kept.palette, self.palette, "{name}: other colours; {remedy}");
        if kept != *self {
            let at = kept.packed.iter().zip(&self.packed).position(|(kept, now)| kept != now).unwrap();
            let (x, y) = (at as u32 * 2 % self.width, at as u32 * 2 / self.width);
            panic!("{name}: the page at column {x}, row {y} looks different; {remedy}");
        }
    }

    fn write(&self, path: &PathBuf) {
        let file = BufWriter::new(fs::File::create(path).unwrap());
        let mut encoder = png::Encoder::new(file, self.width, self.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(self.palette.clone());
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.packed).unwrap();
        writer.finish().unwrap();
    }

    fn read(path: &PathBuf) -> Option<Self> {
        let file = fs::File::open(path).ok()?;
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
        let mut packed = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut packed).unwrap();
        let info = reader.info();
        assert_eq!(info.bit_depth, png::BitDepth::Four);
        let palette = info.palette.clone().unwrap().into_owned();
        Some(Self { width: info.width, height: info.height, palette, packed })
    }
}
