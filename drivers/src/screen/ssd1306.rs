//! SSD1306: an OLED of 128 × 64 dots on I2C.
//!
//! The controller keeps eight pages of 128 columns, each byte a column of eight dots. Of a page, the columns from the
//! first changed one to the last are sent.

use std::time::Duration;

use embedded_hal::i2c::I2c;
use ssd1306::{
    I2CDisplayInterface, Ssd1306,
    command::AddrMode,
    mode::BasicMode,
    prelude::{DisplayRotation, DisplaySize128x64, I2CInterface},
};

use super::{Area, Frame, ScreenError, Target, Turn};

const WIDTH: u32 = 128;
const HEIGHT: u32 = 64;
/// Dots of a page, one below the other.
const PAGE: u32 = 8;
/// A write that takes longer has failed.
const WRITE_TIMEOUT: Duration = Duration::from_millis(200);
/// The bytes that address a page's columns: two commands of three bytes, each with a control byte before it.
const ADDRESS_BYTES: u64 = 8;
/// Data bytes of one I2C write, behind its control byte, as `display-interface-i2c` sends them.
const WRITE_BYTES: u64 = 16;

/// The OLED on any I2C bus.
pub struct Ssd1306Screen<I2C> {
    display: Ssd1306<I2CInterface<I2C>, DisplaySize128x64, BasicMode>,
}

/// Opens the OLED on one of the machine's own buses.
pub(super) fn open(bus: u8, address: u8, turn: Turn) -> Result<Ssd1306Screen<rppal::i2c::I2c>, ScreenError> {
    let failed =
        |why: rppal::i2c::Error| ScreenError::Bus { bus: format!("/dev/i2c-{bus}"), why: why.to_string() };
    let i2c = rppal::i2c::I2c::with_bus(bus).map_err(failed)?;
    i2c.set_timeout(WRITE_TIMEOUT.as_millis() as u32).map_err(failed)?;
    Ssd1306Screen::start(i2c, address, turn)
}

impl<I2C: I2c + Send> Ssd1306Screen<I2C> {
    /// Wakes the controller.
    ///
    /// # Errors
    /// Nothing answers at that address.
    pub fn start(i2c: I2C, address: u8, turn: Turn) -> Result<Self, ScreenError> {
        let rotation = match turn {
            Turn::Deg180 => DisplayRotation::Rotate180,
            Turn::Deg0 | Turn::Deg90 | Turn::Deg270 => DisplayRotation::Rotate0,
        };
        let interface = I2CDisplayInterface::new_custom_address(i2c, address);
        let mut display = Ssd1306::new(interface, DisplaySize128x64, rotation);
        display.init_with_addr_mode(AddrMode::Horizontal).map_err(silent)?;
        Ok(Self { display })
    }
}

impl<I2C: I2c + Send> Target for Ssd1306Screen<I2C> {
    fn size(&self) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn send(&mut self, frame: &Frame, areas: &[Area]) -> Result<u64, ScreenError> {
        let mut bytes = 0;
        for page in 0..HEIGHT / PAGE {
            let Some((first, end)) = columns(areas, page) else { continue };
            let data: Vec<u8> = (first..end).map(|x| column(frame, x, page)).collect();
            // Both are at most 128.
            let (from, to) = (first as u8, end as u8);
            self.display.set_draw_area((from, page as u8), (to, page as u8 + 1)).map_err(silent)?;
            self.display.draw(&data).map_err(silent)?;
            let length = data.len() as u64;
            bytes += ADDRESS_BYTES + length + length.div_ceil(WRITE_BYTES);
        }
        Ok(bytes)
    }
}

/// First changed column of a page, and the one behind the last.
fn columns(areas: &[Area], page: u32) -> Option<(u32, u32)> {
    let (top, bottom) = (page * PAGE, (page + 1) * PAGE);
    let touching = areas.iter().filter(|area| area.y < bottom && area.y + area.height > top);
    let bounds = touching.map(|area| (area.x.min(WIDTH), (area.x + area.width).min(WIDTH)));
    bounds
        .reduce(|(x, end), (other, other_end)| (x.min(other), end.max(other_end)))
        .filter(|(x, end)| x < end)
}

/// Eight dots, one below the other, the uppermost in the lowest bit.
fn column(frame: &Frame, x: u32, page: u32) -> u8 {
    (0..PAGE).fold(0, |bits, row| bits | u8::from(frame.lit(x, page * PAGE + row)) << row)
}

fn silent(why: impl std::fmt::Debug) -> ScreenError {
    ScreenError::Silent { device: "SSD1306", why: format!("{why:?}; check wires, power and address") }
}
