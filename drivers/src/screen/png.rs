//! PNG: a file that always holds a whole picture, and the encoding that the console's picture shares.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{Area, Frame, ScreenError, Target};

/// The picture as a PNG with a palette, four bits a dot.
///
/// # Errors
/// A picture without dots.
pub fn encode(frame: &Frame) -> Result<Vec<u8>, ScreenError> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, frame.width(), frame.height());
    encoder.set_color(::png::ColorType::Indexed);
    encoder.set_depth(::png::BitDepth::Four);
    encoder.set_palette(frame.palette().concat());
    let mut writer = encoder.write_header()?;
    let packed: Vec<u8> = (0..frame.height())
        .flat_map(|y| frame.row(y).chunks(2))
        .map(|pair| match pair {
            [left, right] => left << 4 | right & 0x0F,
            [left] => left << 4,
            _ => 0,
        })
        .collect();
    writer.write_image_data(&packed)?;
    writer.finish()?;
    Ok(bytes)
}

/// A PNG file in place of a screen.
pub struct PngFile {
    path: PathBuf,
    width: u32,
    height: u32,
}

impl PngFile {
    /// A file of that name; it is made with the first picture.
    pub fn new(path: PathBuf, width: u32, height: u32) -> Self {
        Self { path, width, height }
    }
}

impl Target for PngFile {
    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn send(&mut self, frame: &Frame, _areas: &[Area]) -> Result<u64, ScreenError> {
        let bytes = encode(frame)?;
        replace(&self.path, &bytes).map_err(|(doing, source)| ScreenError::File {
            path: self.path.clone(),
            doing,
            source,
        })?;
        Ok(bytes.len() as u64)
    }
}

/// Whole or not at all: who reads the file never sees half a picture. It is a view, not a record, so nothing waits for
/// the disk.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), (&'static str, std::io::Error)> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = fs::File::create(&new).map_err(|error| ("making the new file", error))?;
    file.write_all(bytes).map_err(|error| ("writing", error))?;
    fs::rename(&new, path).map_err(|error| ("putting the new file in its place", error))
}
