//! Pictures of a screen, to be compared dot by dot.

use std::io::Cursor;

/// Width, height, and red, green and blue of each dot.
#[derive(PartialEq, Eq)]
pub struct Picture(u32, u32, Vec<u8>);

/// From a PNG file.
pub fn of_png(bytes: &[u8]) -> Picture {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    dots.truncate(info.buffer_size());
    assert_eq!(info.color_type, png::ColorType::Rgb, "a picture in colours");
    Picture(info.width, info.height, dots)
}

/// From a PPM file as QEMU writes it (`P6`, width, height, 255).
pub fn of_ppm(bytes: &[u8]) -> Picture {
    let mut head = bytes.splitn(4, |byte| byte.is_ascii_whitespace());
    let mut word = || std::str::from_utf8(head.next().unwrap()).unwrap().to_owned();
    assert_eq!(word(), "P6");
    let [width, height] = [word(), word()].map(|number| number.parse().unwrap());
    let rest = head.next().unwrap();
    Picture(width, height, rest.strip_prefix(b"255\n").unwrap().to_vec())
}
