//! A framebuffer of the kernel's (`/dev/fb0`), of any size, in RGB565 or XRGB8888.
//!
//! Size and format come from its folder in `/sys/class/graphics`: `virtual_size`, `bits_per_pixel` and `stride`, with
//! `modes` for what of it is seen (Documentation/fb/framebuffer.rst, `drivers/video/fbdev/core/fbsysfs.c`). The parts of
//! rows that changed are written at their places; nothing is mapped.

use std::{
    fs::{self, File, OpenOptions},
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::{Area, Frame, SIDE_MAX, ScreenError, Target, Turn};

/// Rows that are written at once, but for one more.
const ROWS_MAX: u32 = 16;

/// Bytes of a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Five bits red, six green, five blue, in the machine's byte order.
    Rgb565,
    /// Blue, green, red and an unused byte, on a little-endian machine.
    Xrgb8888,
}

/// A framebuffer.
pub struct Framebuffer {
    file: File,
    path: PathBuf,
    width: u32,
    height: u32,
    /// Bytes from one row to the next.
    stride: u64,
    format: Format,
    turn: Turn,
}

impl Framebuffer {
    /// Opens the device and reads its geometry from the kernel's folder of it.
    ///
    /// # Errors
    /// It is not there, or has a format that cannot be written.
    pub fn open(device: &Path, sys: &Path, turn: Turn) -> Result<Self, ScreenError> {
        let (virtual_width, virtual_height) = pair(&read(sys, "virtual_size")?, ',')
            .filter(|(width, height)| (1..=SIDE_MAX).contains(width) && (1..=SIDE_MAX).contains(height))
            .ok_or_else(|| unusable(sys, "virtual_size", "no width and height between 1 and 4096"))?;
        // A driver may keep a second picture below the first, which is never seen. Without modes, all is seen.
        let seen = fs::read_to_string(sys.join("modes")).ok().and_then(|modes| mode(&modes));
        let (width, height) = seen.map_or((virtual_width, virtual_height), |(width, height)| {
            (width.min(virtual_width), height.min(virtual_height))
        });
        let bits = read(sys, "bits_per_pixel")?;
        let format = match bits.as_str() {
            "16" => Format::Rgb565,
            "32" => Format::Xrgb8888,
            _ => return Err(unusable(sys, "bits_per_pixel", &format!("{bits}, where 16 and 32 are known"))),
        };
        let row = u64::from(width) * format.bytes();
        let stride = read(sys, "stride")?
            .parse()
            .ok()
            .filter(|stride| (row..=u64::from(SIDE_MAX) * 8).contains(stride))
            .ok_or_else(|| unusable(sys, "stride", "no length of a row"))?;
        let opened = OpenOptions::new().write(true).open(device);
        let file = opened.map_err(|source| failed(device, "opening", source))?;
        Ok(Self { file, path: device.to_owned(), width, height, stride, format, turn })
    }
}

impl Target for Framebuffer {
    fn size(&self) -> (u32, u32) {
        match self.turn {
            Turn::Deg0 | Turn::Deg180 => (self.width, self.height),
            Turn::Deg90 | Turn::Deg270 => (self.height, self.width),
        }
    }

    fn send(&mut self, frame: &Frame, areas: &[Area]) -> Result<u64, ScreenError> {
        let quarters = match self.turn {
            Turn::Deg0 => return self.write(frame, areas),
            Turn::Deg90 => 1,
            Turn::Deg180 => 2,
            Turn::Deg270 => 3,
        };
        let (width, height) = (frame.width(), frame.height());
        let turned: Vec<Area> = areas.iter().map(|area| turn(area, quarters, width, height)).collect();
        self.write(&frame.turned(quarters), &turned)
    }
}

impl Framebuffer {
    fn write(&self, frame: &Frame, areas: &[Area]) -> Result<u64, ScreenError> {
        let mut bytes = 0;
        for area in areas {
            let below = (area.y + area.height).min(self.height);
            let right = (area.x + area.width).min(self.width);
            if right == self.width && self.stride == u64::from(self.width) * self.format.bytes() {
                bytes += self.write_to_the_edge(frame, area.x, area.y..below)?;
                continue;
            }
            for y in area.y..below {
                let mut row = Vec::new();
                self.dots(frame, y, area.x..right, &mut row);
                bytes += self.write_at(&row, y, area.x)?;
            }
        }
        Ok(bytes)
    }

    /// Rows from a column to the right edge, where the next row follows at once.
    ///
    /// A write that ends where its only row ends is never shown by kernels that copy what was written to the screen: they
    /// take the end's column for 0, and nothing for changed (`drm_fb_helper_memory_range_to_clip`, Linux 6.1). So each
    /// write here touches two rows at least: what lies between is written again as it is.
    fn write_to_the_edge(&self, frame: &Frame, x: u32, rows: Range<u32>) -> Result<u64, ScreenError> {
        let Range { start: mut y, end: below } = rows;
        let mut x = x;
        let mut more = None;
        if below.saturating_sub(y) == 1 {
            if below < self.height {
                more = Some(below);
            } else if y > 0 {
                (y, x) = (y - 1, self.width - 1);
            }
        }
        let mut bytes = 0;
        while y < below {
            // A single row that would be left over is taken along.
            let end = if below - y <= ROWS_MAX + 1 { below } else { y + ROWS_MAX };
            let mut block = Vec::new();
            for row in y..end {
                self.dots(frame, row, if row == y { x } else { 0 }..self.width, &mut block);
            }
            if let Some(next) = more {
                self.dots(frame, next, 0..1, &mut block);
            }
            bytes += self.write_at(&block, y, x)?;
            (y, x) = (end, 0);
        }
        Ok(bytes)
    }

    /// Adds dots of a row as they are in memory.
    fn dots(&self, frame: &Frame, y: u32, columns: Range<u32>, bytes: &mut Vec<u8>) {
        for place in frame.span(y, columns.start, columns.end.saturating_sub(columns.start)) {
            self.format.put(frame.rgb(*place), bytes);
        }
    }

    fn write_at(&self, bytes: &[u8], y: u32, x: u32) -> Result<u64, ScreenError> {
        let at = u64::from(y) * self.stride + u64::from(x) * self.format.bytes();
        self.file.write_all_at(bytes, at).map_err(|source| failed(&self.path, "writing", source))?;
        Ok(bytes.len() as u64)
    }
}

impl Format {
    fn bytes(self) -> u64 {
        match self {
            Self::Rgb565 => 2,
            Self::Xrgb8888 => 4,
        }
    }

    fn put(self, rgb: [u8; 3], row: &mut Vec<u8>) {
        let [red, green, blue] = rgb.map(u32::from);
        match self {
            Self::Rgb565 => {
                let dot = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3;
                row.extend_from_slice(&(dot as u16).to_ne_bytes());
            }
            Self::Xrgb8888 => row.extend_from_slice(&(red << 16 | green << 8 | blue).to_ne_bytes()),
        }
    }
}

/// Where a rectangle lies when the picture of that size is turned.
fn turn(area: &Area, quarters: u8, width: u32, height: u32) -> Area {
    let (right, below) = (width - area.x - area.width, height - area.y - area.height);
    match quarters {
        1 => Area { x: below, y: area.x, width: area.height, height: area.width },
        2 => Area { x: right, y: below, width: area.width, height: area.height },
        _ => Area { x: area.y, y: right, width: area.height, height: area.width },
    }
}

/// The size of the first mode: `U:800x480p-60`.
fn mode(modes: &str) -> Option<(u32, u32)> {
    let (_, size) = modes.lines().next()?.split_once(':')?;
    pair(size.split(['p', 'i', 'd', '-']).next()?, 'x').filter(|(width, height)| *width > 0 && *height > 0)
}

fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(between)?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

fn read(sys: &Path, name: &str) -> Result<String, ScreenError> {
    let path = sys.join(name);
    let text = fs::read_to_string(&path).map_err(|source| failed(&path, "reading", source))?;
    Ok(text.trim().to_owned())
}

fn failed(path: &Path, doing: &'static str, source: std::io::Error) -> ScreenError {
    ScreenError::File { path: path.to_owned(), doing, source }
}

fn unusable(sys: &Path, name: &str, what: &str) -> ScreenError {
    ScreenError::Geometry { path: sys.join(name), what: what.to_owned() }
}
