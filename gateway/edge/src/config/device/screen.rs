//! `[[screen]]`: OLED, TFT, framebuffer, PNG file.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use waypost_drivers::screen::{Colours, ScreenConfig, SpiWiring, TftModel, Turn};

use super::Fault;
use crate::{config::bound::within, panel::Language};

/// 7-bit address of an OLED where not given.
const ADDRESS: u8 = 0x3C;
/// Bits a second of a TFT where not given: what long wires still carry.
const SPEED_HZ: u32 = 16_000_000;
/// Width and height of a PNG where not given.
const PNG: (u32, u32) = (320, 240);
/// Widest and highest PNG.
const SIDE_MAX: u32 = 1920;
/// GPIO numbers of a Pi's header.
const PINS: std::ops::RangeInclusive<u8> = 0..=27;
/// Where the kernel describes its framebuffers.
const SYS: &str = "/sys/class/graphics";

/// A screen that shows the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// What the panel calls it when it is missing.
    pub name: String,
    /// Where it is, and how it is wired.
    pub device: ScreenConfig,
    /// Its own language; none: that of the counter.
    pub language: Option<Language>,
}

/// A section as it is written.
#[derive(Deserialize)]
pub struct RawScreen {
    name: Option<String>,
    kind: Spanned<String>,
    bus: Option<Spanned<String>>,
    address: Option<Spanned<u8>>,
    speed_hz: Option<Spanned<u32>>,
    dc: Option<Spanned<u8>>,
    reset: Option<Spanned<u8>>,
    backlight: Option<Spanned<u8>>,
    rotation: Option<Spanned<u16>>,
    colours: Option<Spanned<String>>,
    invert: Option<Spanned<bool>>,
    path: Option<Spanned<String>>,
    width: Option<Spanned<u32>>,
    height: Option<Spanned<u32>>,
    language: Option<Language>,
}

/// One screen, checked; `number` counts them from 1. A relative path of a PNG stands beside the configuration.
pub fn screen(mut raw: RawScreen, number: usize, folder: &Path) -> Result<Screen, Fault> {
    let name = raw.name.take().unwrap_or_else(|| format!("screen {number}"));
    let language = raw.language;
    let device = match raw.kind.get_ref().as_str() {
        "ssd1306" => ssd1306(raw)?,
        "ili9341" => tft(raw, TftModel::Ili9341)?,
        "st7789" => tft(raw, TftModel::St7789)?,
        "framebuffer" => framebuffer(raw)?,
        "png" => png(raw, folder)?,
        other => {
            let what = format!("no screen of kind \"{other}\" is known");
            let remedy = "write \"ssd1306\", \"ili9341\", \"st7789\", \"framebuffer\" or \"png\"";
            return Err(Fault::at(raw.kind.span(), what, remedy));
        }
    };
    Ok(Screen { name, device, language })
}

fn ssd1306(raw: RawScreen) -> Result<ScreenConfig, Fault> {
    only(&raw, &["bus", "address", "rotation"])?;
    let turn = turn(raw.rotation.as_ref(), &[0, 180])?;
    let bus = match &raw.bus {
        None => 1,
        Some(bus) => {
            bus.get_ref().strip_prefix("/dev/i2c-").and_then(|bus| bus.parse().ok()).ok_or_else(|| {
                Fault::at(bus.span(), "this is no I2C bus", "write for instance bus = \"/dev/i2c-1\"")
            })?
        }
    };
    let address = match raw.address {
        None => ADDRESS,
        Some(address) if (0x08..=0x77).contains(address.get_ref()) => *address.get_ref(),
        Some(address) => {
            let remedy = "write the 7-bit address, 0x3c or 0x3d; `i2cdetect -y 1` shows it";
            return Err(Fault::at(address.span(), "no device on I2C has this address", remedy));
        }
    };
    Ok(ScreenConfig::Ssd1306 { bus, address, turn })
}

fn tft(raw: RawScreen, model: TftModel) -> Result<ScreenConfig, Fault> {
    only(&raw, &["bus", "speed_hz", "dc", "reset", "backlight", "rotation", "colours", "invert"])?;
    let turn = turn(raw.rotation.as_ref(), &[0, 90, 180, 270])?;
    let (bus, select) = match &raw.bus {
        None => (0, 0),
        Some(bus) => spi(bus.get_ref()).ok_or_else(|| {
            Fault::at(bus.span(), "this is no SPI bus", "write for instance bus = \"/dev/spidev0.0\"")
        })?,
    };
    let Some(dc) = &raw.dc else {
        let remedy = "add the GPIO number of the wire that tells commands from data, such as dc = 25";
        return Err(Fault::at(raw.kind.span(), "missing key `dc`", remedy));
    };
    let dc_number = pin(dc)?;
    let reset = raw.reset.as_ref().map(pin).transpose()?;
    let backlight = raw.backlight.as_ref().map(pin).transpose()?;
    let twice = match (&raw.reset, &raw.backlight) {
        (Some(key), _) if reset == Some(dc_number) => Some(key),
        (_, Some(key)) if backlight == Some(dc_number) || backlight == reset => Some(key),
        _ => None,
    };
    if let Some(key) = twice {
        let what = format!("GPIO {} is given twice", key.get_ref());
        return Err(Fault::at(key.span(), what, "give each wire a pin of its own"));
    }
    let colours = match &raw.colours {
        None if model == TftModel::Ili9341 => Colours::Bgr,
        None => Colours::Rgb,
        Some(colours) => match colours.get_ref().as_str() {
            "rgb" => Colours::Rgb,
            "bgr" => Colours::Bgr,
            _ => {
                let remedy = "write \"rgb\" or \"bgr\": the one with which the test card's first bar is red";
                return Err(Fault::at(colours.span(), "no panel has this order of colours", remedy));
            }
        },
    };
    Ok(ScreenConfig::Tft(SpiWiring {
        model,
        bus,
        select,
        speed_hz: within(raw.speed_hz, 100_000..=80_000_000, SPEED_HZ, "speed_hz")?,
        dc: dc_number,
        reset,
        backlight,
        turn,
        colours,
        invert: raw.invert.map_or(model == TftModel::St7789, Spanned::into_inner),
    }))
}

fn framebuffer(raw: RawScreen) -> Result<ScreenConfig, Fault> {
    only(&raw, &["path", "rotation"])?;
    let turn = turn(raw.rotation.as_ref(), &[0, 90, 180, 270])?;
    let (path, name) = match &raw.path {
        None => ("/dev/fb0", "fb0"),
        Some(path) => {
            let name = path.get_ref().strip_prefix("/dev/").filter(|name| name.starts_with("fb"));
            let named = name.filter(|name| !name.contains('/')).map(|name| (path.get_ref().as_str(), name));
            named.ok_or_else(|| {
                Fault::at(path.span(), "this is no framebuffer", "write for instance path = \"/dev/fb0\"")
            })?
        }
    };
    Ok(ScreenConfig::Framebuffer { device: path.into(), sys: Path::new(SYS).join(name), turn })
}

fn png(raw: RawScreen, folder: &Path) -> Result<ScreenConfig, Fault> {
    only(&raw, &["path", "width", "height"])?;
    let remedy = "write for instance path = \"/run/waypost/panel.png\"";
    let path = match &raw.path {
        Some(path) if path.get_ref().ends_with(".png") => folder.join(path.get_ref()),
        Some(path) => return Err(Fault::at(path.span(), "the name of a PNG file ends with .png", remedy)),
        None => return Err(Fault::at(raw.kind.span(), "missing key `path`", remedy)),
    };
    let (width, height) = PNG;
    Ok(ScreenConfig::Png {
        path,
        width: within(raw.width, 64..=SIDE_MAX, width, "width")?,
        height: within(raw.height, 32..=SIDE_MAX, height, "height")?,
    })
}

/// A key that this kind of screen has no use for is a mistake: it was meant for another kind.
fn only(raw: &RawScreen, known: &[&str]) -> Result<(), Fault> {
    let given = [
        ("bus", raw.bus.as_ref().map(Spanned::span)),
        ("address", raw.address.as_ref().map(Spanned::span)),
        ("speed_hz", raw.speed_hz.as_ref().map(Spanned::span)),
        ("dc", raw.dc.as_ref().map(Spanned::span)),
        ("reset", raw.reset.as_ref().map(Spanned::span)),
        ("backlight", raw.backlight.as_ref().map(Spanned::span)),
        ("rotation", raw.rotation.as_ref().map(Spanned::span)),
        ("colours", raw.colours.as_ref().map(Spanned::span)),
        ("invert", raw.invert.as_ref().map(Spanned::span)),
        ("path", raw.path.as_ref().map(Spanned::span)),
        ("width", raw.width.as_ref().map(Spanned::span)),
        ("height", raw.height.as_ref().map(Spanned::span)),
    ];
    for (name, span) in given {
        if let Some(span) = span.filter(|_| !known.contains(&name)) {
            let what = format!("a screen of kind \"{}\" has no `{name}`", raw.kind.get_ref());
            return Err(Fault::at(
                span,
                what,
                format!("take the line out, or use one of {}", known.join(", ")),
            ));
        }
    }
    Ok(())
}

fn turn(given: Option<&Spanned<u16>>, known: &[u16]) -> Result<Turn, Fault> {
    let Some(given) = given else { return Ok(Turn::Deg0) };
    match given.get_ref() {
        degrees if !known.contains(degrees) => {
            let known: Vec<String> = known.iter().map(u16::to_string).collect();
            let remedy = format!("write one of {}, clockwise in degrees", known.join(", "));
            Err(Fault::at(given.span(), "this screen cannot be turned so", remedy))
        }
        90 => Ok(Turn::Deg90),
        180 => Ok(Turn::Deg180),
        270 => Ok(Turn::Deg270),
        _ => Ok(Turn::Deg0),
    }
}

/// `/dev/spidev0.1`: bus and chip select.
fn spi(path: &str) -> Option<(u8, u8)> {
    let (bus, select) = path.strip_prefix("/dev/spidev")?.split_once('.')?;
    let (bus, select) = (bus.parse().ok()?, select.parse().ok()?);
    (bus <= 6 && select <= 2).then_some((bus, select))
}

fn pin(given: &Spanned<u8>) -> Result<u8, Fault> {
    if PINS.contains(given.get_ref()) {
        return Ok(*given.get_ref());
    }
    let remedy = "write the GPIO number, 0 to 27, not the place on the header; `pinout` shows both";
    Err(Fault::at(given.span(), "the header has no such GPIO", remedy))
}
