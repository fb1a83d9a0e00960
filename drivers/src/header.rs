//! The header of a Raspberry Pi: its pins, one by one, through the kernel's GPIO character device.
//!
//! Whoever may open the chip's file may use its pins: no capability is needed, and no access to memory. The kernel gives
//! a pin to one program at a time, and takes it back when that program ends, however it ends. What becomes of an output
//! then is the kernel's choice: see `docs/decisions/0001-a-hatch-is-safe-by-its-wiring.md` beside this crate.

use std::{io, ops::Not, path::PathBuf};

use embedded_hal::digital::{self, ErrorKind, ErrorType, OutputPin};
use gpiocdev::{
    Request,
    chip::{self, Chip},
    line::{Bias, Value},
    request::Builder,
};

/// The pins are BCM numbers 0 to this. The chip's lines have the same numbers.
pub const PIN_MAX: u8 = 27;
/// The labels of the chips behind a header: of a Pi 3 and older ones, of a Pi 4, of a Pi 5. The number in a chip's path
/// says nothing: it changes from kernel to kernel.
pub const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];
/// What the kernel tells others who ask which program has a pin.
const CONSUMER: &str = "waypost";

/// A level on a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Ground.
    #[default]
    Low,
    /// 3.3 V.
    High,
}

impl Level {
    /// High where this is true.
    pub fn high_if(is: bool) -> Self {
        if is { Self::High } else { Self::Low }
    }
}

impl Not for Level {
    type Output = Self;

    fn not(self) -> Self {
        Self::high_if(self == Self::Low)
    }
}

impl From<Level> for Value {
    fn from(level: Level) -> Self {
        Self::from(level == Level::High)
    }
}

/// Why a pin cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The machine has no such chip.
    #[error("no chip here has a Raspberry Pi's pins; is this one?")]
    NoHeader,
    /// The machine has a chip that may be the one.
    #[error("{chip} cannot be opened; it is for the group waypost")]
    Closed {
        /// Its file.
        chip: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kernel gives a pin to one at a time.
    #[error("it is taken by {by}")]
    Taken {
        /// Who has it, in the kernel's words.
        by: String,
    },
    /// The kernel does not do what it was asked.
    #[error("the kernel refuses")]
    Refused(#[source] io::Error),
}

impl digital::Error for PinError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// The chip behind the header.
#[derive(Debug)]
pub struct Header {
    chip: Chip,
}

impl Header {
    /// Looks for it among the machine's chips.
    ///
    /// # Errors
    /// There is none, or this user may not open it.
    pub fn find() -> Result<Self, PinError> {
        let closed = |chip: PathBuf| |error| PinError::Closed { chip, source: cause(error) };
        let mut first_closed = None;
        for path in chip::chips().map_err(closed("/dev".into()))? {
            match Chip::from_path(&path).and_then(|chip| Ok((chip.info()?, chip))) {
                Ok((info, chip)) if is_header(&info.label, info.num_lines) => return Ok(Self { chip }),
                Ok(_) => {}
                Err(error) => first_closed = first_closed.or(Some(closed(path)(error))),
            }
        }
        Err(first_closed.unwrap_or(PinError::NoHeader))
    }

    /// Takes a pin as an output. It stands at this level from the first moment on.
    ///
    /// # Errors
    /// Somebody has it, or the kernel refuses.
    pub fn output(&self, pin: u8, level: Level) -> Result<Output, PinError> {
        let asked = &mut Request::builder();
        // The chip's driver sets the level before it makes the pin an output.
        let request = self.take(pin, asked.with_line(pin.into()).as_output(level.into()))?;
        Ok(Output { request, level })
    }

    /// Takes a pin as an input. It is pulled up: high while nothing is connected.
    ///
    /// # Errors
    /// Somebody has it, or the kernel refuses.
    pub fn input(&self, pin: u8) -> Result<Input, PinError> {
        let asked = &mut Request::builder();
        let request = self.take(pin, asked.with_line(pin.into()).as_input().with_bias(Bias::PullUp))?;
        Ok(Input { request })
    }

    fn take(&self, pin: u8, asked: &mut Builder) -> Result<Request, PinError> {
        asked.on_chip(self.chip.path()).with_consumer(CONSUMER).request().map_err(|error| {
            match self.chip.line_info(pin.into()) {
                Ok(line) if line.used && line.consumer.is_empty() => {
                    PinError::Taken { by: "a driver of the kernel".to_owned() }
                }
                Ok(line) if line.used => PinError::Taken { by: line.consumer },
                _ => PinError::Refused(cause(error)),
            }
        })
    }
}

/// A pin that is driven.
#[derive(Debug)]
pub struct Output {
    request: Request,
    /// What it stands at, so that the kernel is called only where something changes.
    level: Level,
}

impl Output {
    /// Puts a level on it.
    ///
    /// # Errors
    /// The chip is gone.
    pub fn set(&mut self, level: Level) -> Result<(), PinError> {
        if level != self.level {
            self.request.set_lone_value(level.into()).map_err(|error| PinError::Refused(cause(error)))?;
            self.level = level;
        }
        Ok(())
    }
}

impl ErrorType for Output {
    type Error = PinError;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.set(Level::Low)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.set(Level::High)
    }
}

/// A pin that is read.
#[derive(Debug)]
pub struct Input {
    request: Request,
}

impl Input {
    /// The level on it at this moment.
    ///
    /// # Errors
    /// The chip is gone.
    pub fn level(&self) -> Result<Level, PinError> {
        let value = self.request.lone_value().map_err(|error| PinError::Refused(cause(error)))?;
        Ok(Level::high_if(value == Value::Active))
    }
}

/// Whether a chip is the one behind the header, which has all its pins.
fn is_header(label: &str, lines: u32) -> bool {
    LABELS.contains(&label) && lines > u32::from(PIN_MAX)
}

/// What the system said. An error of a failed call has that in its own text too, and it is to be told once.
fn cause(error: gpiocdev::Error) -> io::Error {
    match error {
        gpiocdev::Error::Uapi(_, why) => io::Error::other(why),
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_known_by_its_chips_label_and_has_all_pins() {
        for (label, lines, is) in [
            ("pinctrl-bcm2835", 54, true),
            ("pinctrl-bcm2711", 58, true),
            ("pinctrl-rp1", 54, true),
            ("raspberrypi-exp-gpio", 8, false),
            ("pinctrl-bcm2835", 27, false),
            ("brcmvirt-gpio", 2, false),
            ("INT34C5:00", 463, false),
        ] {
            assert_eq!(is_header(label, lines), is, "{label}, {lines} lines");
        }
    }
}
