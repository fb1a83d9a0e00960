//! A paper as a file, to be looked at before it is printed.

use png::{BitDepth, ColorType, Encoder, EncodingError};
use waypost_drivers::printer::Bitmap;

/// A PNG of one bit a dot.
///
/// # Errors
/// None in memory; the encoder has errors all the same.
pub fn png(picture: &Bitmap) -> Result<Vec<u8>, EncodingError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, picture.width(), picture.height());
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    // A set bit is black on paper and white in a PNG.
    let white: Vec<u8> = picture.rows().flatten().map(|byte| !byte).collect();
    writer.write_image_data(&white)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_black_on_paper_is_black_in_the_file() {
        let mut picture = Bitmap::new(10, 2).unwrap();
        picture.set(9, 1);
        let file = png(&picture).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut dots).unwrap();
        assert_eq!((info.width, info.height), (10, 2));
        assert_eq!(dots[..2], [0xFF, 0xFF]);
        assert_eq!(dots[3] & 0b1100_0000, 0b1000_0000);
    }
}
