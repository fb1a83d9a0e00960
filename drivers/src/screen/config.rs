//! Where a screen is, and how it is wired.

use std::path::PathBuf;

/// Clockwise, by quarters of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turn {
    /// As the maker drew it.
    #[default]
    Deg0,
    /// A quarter.
    Deg90,
    /// Upside down.
    Deg180,
    /// Three quarters.
    Deg270,
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenConfig {
    /// An OLED of 128 × 64 dots on I2C.
    Ssd1306 {
        /// The bus: 1 is `/dev/i2c-1`.
        bus: u8,
        /// 7 bits; modules have 0x3C or 0x3D.
        address: u8,
        /// Upside down or not; the quarters count as none.
        turn: Turn,
    },
    /// A TFT on SPI.
    Tft(SpiWiring),
    /// A framebuffer of the kernel's.
    Framebuffer {
        /// `/dev/fb0`.
        device: PathBuf,
        /// Where the kernel says its size and format: `/sys/class/graphics/fb0`.
        sys: PathBuf,
        /// How it hangs.
        turn: Turn,
    },
    /// A PNG file, replaced as a whole with every change.
    Png {
        /// Which.
        path: PathBuf,
        /// Dots.
        width: u32,
        /// Dots.
        height: u32,
    },
}

/// A TFT's controller and wires. Pins are GPIO numbers as Broadcom counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiWiring {
    /// Its controller.
    pub model: TftModel,
    /// SPI bus: 0 to 6.
    pub bus: u8,
    /// Chip select: 0 to 2.
    pub select: u8,
    /// Bits a second.
    pub speed_hz: u32,
    /// The pin that tells commands from data.
    pub dc: u8,
    /// The reset pin, where it is wired.
    pub reset: Option<u8>,
    /// The backlight's pin, where it is wired.
    pub backlight: Option<u8>,
    /// [`Turn::Deg0`]: 320 wide and 240 high.
    pub turn: Turn,
    /// The order of the panel's own colours.
    pub colours: Colours,
    /// The panel shows the opposite of each colour unless told so, as IPS panels do.
    pub invert: bool,
}

/// A TFT's controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TftModel {
    /// ILI9341.
    Ili9341,
    /// ST7789.
    St7789,
}

/// The order of the panel's own colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// Red first.
    Rgb,
    /// Blue first, as most ILI9341 modules.
    Bgr,
}
