//! ILI9341 and ST7789: TFTs of 320 × 240 dots on SPI.
//!
//! Such a screen never answers: unplugged and plugged in again it stays white until its controller is woken anew, which
//! is why the thread that feeds it opens it again from time to time.

use embedded_graphics::pixelcolor::Rgb565;
use embedded_hal::{
    delay::DelayNs,
    digital::{ErrorType, OutputPin},
    spi::SpiDevice,
};
use mipidsi::{
    Builder, Display,
    interface::{Interface, InterfaceKind, InterfacePixelFormat},
    models::{ILI9341Rgb565, Model, ST7789},
    options::{ColorInversion, ColorOrder, Orientation, Rotation},
};
use rppal::spi;

use super::{Area, Colours, Frame, ScreenError, SpiWiring, Target, TftModel, Turn};
use crate::header::{Header, Level};

/// Most bytes of one SPI transfer: the kernel's `spidev` takes no more unless it is told to.
pub const CHUNK_BYTES: usize = 4096;
/// Bytes that address a rectangle: column and page commands with four bytes each, and the command to write.
const ADDRESS_BYTES: u64 = 11;
/// The long side.
const WIDTH: u16 = 320;
/// The short side.
const HEIGHT: u16 = 240;
/// Software reset of the MIPI display command set.
const SOFT_RESET: u8 = 0x01;

/// Opens a TFT on one of the machine's own buses.
pub(super) fn open(wiring: &SpiWiring) -> Result<Box<dyn Target>, ScreenError> {
    let bus = bus(wiring)?;
    let header = Header::find().map_err(|source| ScreenError::Pin { pin: wiring.dc, source })?;
    let output = |pin, level| header.output(pin, level).map_err(|source| ScreenError::Pin { pin, source });
    let dc = output(wiring.dc, Level::Low)?;
    // High: the controller runs.
    let reset = wiring.reset.map(|pin| output(pin, Level::High)).transpose()?;
    let keep = Box::new(wiring.backlight.map(|pin| output(pin, Level::High)).transpose()?);
    let delay = &mut rppal::hal::Delay::new();
    Ok(match wiring.model {
        TftModel::Ili9341 => Box::new(TftScreen::start(ILI9341Rgb565, bus, dc, reset, keep, wiring, delay)?),
        TftModel::St7789 => Box::new(TftScreen::start(ST7789, bus, dc, reset, keep, wiring, delay)?),
    })
}

fn bus(wiring: &SpiWiring) -> Result<spi::SimpleHalSpiDevice, ScreenError> {
    let name = format!("/dev/spidev{}.{}", wiring.bus, wiring.select);
    let bus = match wiring.bus {
        0 => spi::Bus::Spi0,
        1 => spi::Bus::Spi1,
        2 => spi::Bus::Spi2,
        3 => spi::Bus::Spi3,
        4 => spi::Bus::Spi4,
        5 => spi::Bus::Spi5,
        _ => spi::Bus::Spi6,
    };
    let select = match wiring.select {
        0 => spi::SlaveSelect::Ss0,
        1 => spi::SlaveSelect::Ss1,
        _ => spi::SlaveSelect::Ss2,
    };
    match spi::Spi::new(bus, select, wiring.speed_hz, spi::Mode::Mode0) {
        Ok(spi) => Ok(spi::SimpleHalSpiDevice::new(spi)),
        Err(why) => Err(ScreenError::Bus { bus: name, why: why.to_string() }),
    }
}

/// A TFT on any SPI bus.
pub struct TftScreen<SPI: SpiDevice, DC: OutputPin, RST: OutputPin, MODEL>
where
    MODEL: Model<ColorFormat = Rgb565>,
{
    display: Display<Wire<SPI, DC>, MODEL, Reset<RST>>,
    size: (u32, u32),
    /// The backlight, which is sure to be lit only while its pin is held.
    _keep: Box<dyn Send>,
}

impl<SPI, DC, RST, MODEL> TftScreen<SPI, DC, RST, MODEL>
where
    SPI: SpiDevice,
    DC: OutputPin,
    RST: OutputPin,
    MODEL: Model<ColorFormat = Rgb565>,
{
    /// Wakes the controller; with real delays this takes up to half a second. `keep` is held as long as the screen.
    ///
    /// # Errors
    /// The bus or a pin fails. Whether anybody listens cannot be known.
    pub fn start(
        model: MODEL,
        spi: SPI,
        dc: DC,
        reset: Option<RST>,
        keep: Box<dyn Send>,
        wiring: &SpiWiring,
        delay: &mut impl DelayNs,
    ) -> Result<Self, ScreenError> {
        let mut wire = Wire { spi, dc, buffer: Vec::with_capacity(CHUNK_BYTES) };
        wire.send_command(SOFT_RESET, &[]).map_err(silent)?;
        // Landscape is a quarter of a turn from how these controllers count.
        let (rotation, upright) = match wiring.turn {
            Turn::Deg0 => (Rotation::Deg90, false),
            Turn::Deg90 => (Rotation::Deg180, true),
            Turn::Deg180 => (Rotation::Deg270, false),
            Turn::Deg270 => (Rotation::Deg0, true),
        };
        let order = match wiring.colours {
            Colours::Rgb => ColorOrder::Rgb,
            Colours::Bgr => ColorOrder::Bgr,
        };
        let invert = if wiring.invert { ColorInversion::Inverted } else { ColorInversion::Normal };
        let display = Builder::new(model, wire)
            .display_size(HEIGHT, WIDTH)
            .orientation(Orientation::new().rotate(rotation))
            .color_order(order)
            .invert_colors(invert)
            .reset_pin(Reset(reset))
            .init(delay)
            .map_err(silent)?;
        let (long, short) = (u32::from(WIDTH), u32::from(HEIGHT));
        let size = if upright { (short, long) } else { (long, short) };
        Ok(Self { display, size, _keep: keep })
    }
}

impl<SPI, DC, RST, MODEL> Target for TftScreen<SPI, DC, RST, MODEL>
where
    SPI: SpiDevice + Send,
    DC: OutputPin + Send,
    RST: OutputPin + Send,
    MODEL: Model<ColorFormat = Rgb565> + Send,
    Rgb565: InterfacePixelFormat<u8>,
{
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn send(&mut self, frame: &Frame, areas: &[Area]) -> Result<u64, ScreenError> {
        let colours = frame.palette().map(|[red, green, blue]| Rgb565::new(red >> 3, green >> 2, blue >> 3));
        let [first, ..] = colours;
        let mut bytes = 0;
        for area in areas {
            let dots = (area.y..area.y + area.height).flat_map(|y| frame.span(y, area.x, area.width));
            let pixels = dots.map(|place| colours.get(usize::from(*place)).copied().unwrap_or(first));
            // Sides of a picture are at most 4096, those of this screen 320.
            let (x, y) = (area.x as u16, area.y as u16);
            let (right, bottom) = ((area.x + area.width - 1) as u16, (area.y + area.height - 1) as u16);
            self.display.set_pixels(x, y, right, bottom, pixels).map_err(silent)?;
            bytes += ADDRESS_BYTES + 2 * u64::from(area.dots());
        }
        Ok(bytes)
    }
}

/// Four wires. mipidsi's own borrows its buffer, and so could not be kept beside it; this one owns it.
struct Wire<SPI, DC> {
    spi: SPI,
    dc: DC,
    buffer: Vec<u8>,
}

/// Which of the wires failed.
#[derive(Debug)]
enum WireError<SPI, DC> {
    Spi(SPI),
    Dc(DC),
}

impl<SPI: SpiDevice, DC: OutputPin> Wire<SPI, DC> {
    fn flush(&mut self) -> Result<(), WireError<SPI::Error, DC::Error>> {
        if !self.buffer.is_empty() {
            self.spi.write(&self.buffer).map_err(WireError::Spi)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

impl<SPI: SpiDevice, DC: OutputPin> Interface for Wire<SPI, DC> {
    type Word = u8;
    type Error = WireError<SPI::Error, DC::Error>;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), Self::Error> {
        self.buffer.clear();
        self.dc.set_low().map_err(WireError::Dc)?;
        self.spi.write(&[command]).map_err(WireError::Spi)?;
        self.dc.set_high().map_err(WireError::Dc)?;
        if args.is_empty() { Ok(()) } else { self.spi.write(args).map_err(WireError::Spi) }
    }

    fn send_pixels<const N: usize>(
        &mut self,
        pixels: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<(), Self::Error> {
        for pixel in pixels {
            if self.buffer.len() + N > CHUNK_BYTES {
                self.flush()?;
            }
            self.buffer.extend_from_slice(&pixel);
        }
        self.flush()
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<(), Self::Error> {
        self.send_pixels((0..count).map(|_| pixel))
    }
}

/// A reset pin that may not be wired.
struct Reset<RST>(Option<RST>);

impl<RST: OutputPin> ErrorType for Reset<RST> {
    type Error = RST::Error;
}

impl<RST: OutputPin> OutputPin for Reset<RST> {
    fn set_low(&mut self) -> Result<(), RST::Error> {
        self.0.as_mut().map_or(Ok(()), OutputPin::set_low)
    }

    fn set_high(&mut self) -> Result<(), RST::Error> {
        self.0.as_mut().map_or(Ok(()), OutputPin::set_high)
    }
}

fn silent(why: impl std::fmt::Debug) -> ScreenError {
    ScreenError::Silent { device: "TFT", why: format!("{why:?}") }
}
