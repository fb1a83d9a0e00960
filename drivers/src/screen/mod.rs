//! Screens: what was drawn goes to a device, and of it only what changed.
//!
//! A picture ([`Frame`]) is compared with the one that the device shows ([`changed`]); the rectangles that differ are
//! sent by the device's [`Target`], one file a device. After an error, or when a screen is opened again, the device is
//! taken to show nothing, and the whole picture goes out. [`run`] is the thread on which all of that blocks.

mod config;
mod diff;
mod frame;
mod framebuffer;
pub mod png;
mod run;
mod slot;
mod ssd1306;
mod tft;

pub use config::{Colours, ScreenConfig, SpiWiring, TftModel, Turn};
pub use diff::{AREAS_MAX, Area, changed};
pub use frame::{COLOURS, Frame, Paint, Palette, SIDE_MAX};
pub use framebuffer::Framebuffer;
pub use run::{HANG_MAX, INTERVAL_MIN, RENEW_EVERY, RETRY_MAX, RETRY_MIN, ScreenEvent, run};
pub use slot::Slot;
pub use ssd1306::Ssd1306Screen;
pub use tft::{CHUNK_BYTES, TftScreen};

use std::{io, path::PathBuf};

use crate::header::PinError;

/// A device that shows dots.
pub trait Target: Send {
    /// Width and height, in dots, as the picture is drawn.
    fn size(&self) -> (u32, u32);

    /// Sends these rectangles of the picture; gives how many bytes that took, addressing included.
    ///
    /// # Errors
    /// The device did not take them; what it shows now is unknown.
    fn send(&mut self, frame: &Frame, areas: &[Area]) -> Result<u64, ScreenError>;
}

/// Why a screen shows nothing new.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// A file or device node cannot be opened or written.
    #[error("{path}: {doing} failed")]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file of the kernel's says nothing that can be used.
    #[error("{path}: {what}")]
    Geometry {
        /// Which file.
        path: PathBuf,
        /// What it says instead.
        what: String,
    },
    /// The bus cannot be opened.
    #[error("{bus} cannot be opened: {why}; is it enabled in the firmware's configuration?")]
    Bus {
        /// Which bus.
        bus: String,
        /// The system's words.
        why: String,
    },
    /// A pin cannot be had.
    #[error("GPIO {pin} cannot be used")]
    Pin {
        /// Its number, as Broadcom counts.
        pin: u8,
        /// Why not.
        #[source]
        source: PinError,
    },
    /// The device does not take what it is sent.
    #[error("the {device} does not answer: {why}")]
    Silent {
        /// What it is.
        device: &'static str,
        /// The bus's words.
        why: String,
    },
    /// The picture cannot be written as a PNG.
    #[error("the picture cannot be written as a PNG")]
    Png(#[from] ::png::EncodingError),
}

/// What a picture took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Rectangles.
    pub areas: usize,
    /// Bytes, addressing included.
    pub bytes: u64,
}

/// A screen, and what it shows.
pub struct Screen {
    target: Box<dyn Target>,
    /// None: unknown, so the next picture goes out whole.
    shown: Option<Frame>,
}

impl Screen {
    /// Opens the device; it may block for half a second while a controller wakes.
    ///
    /// # Errors
    /// It is not there, or does not answer.
    pub fn open(config: &ScreenConfig) -> Result<Self, ScreenError> {
        Ok(Self::new(match config {
            ScreenConfig::Ssd1306 { bus, address, turn } => Box::new(ssd1306::open(*bus, *address, *turn)?),
            ScreenConfig::Tft(wiring) => tft::open(wiring)?,
            ScreenConfig::Framebuffer { device, sys, turn } => {
                Box::new(Framebuffer::open(device, sys, *turn)?)
            }
            ScreenConfig::Png { path, width, height } => {
                Box::new(png::PngFile::new(path.clone(), *width, *height))
            }
        }))
    }

    /// A screen of which nothing is known yet.
    pub fn new(target: Box<dyn Target>) -> Self {
        Self { target, shown: None }
    }

    /// Width and height, in dots.
    pub fn size(&self) -> (u32, u32) {
        self.target.size()
    }

    /// Shows a picture: sends what differs from the one before. It blocks for as long as the bus takes.
    ///
    /// # Errors
    /// The device did not take it; the next picture goes out whole.
    pub fn show(&mut self, frame: Frame) -> Result<Sent, ScreenError> {
        // Forgotten until all of it is there: half a picture is not one to compare with.
        let areas = changed(self.shown.take().as_ref(), &frame);
        let bytes = if areas.is_empty() { 0 } else { self.target.send(&frame, &areas)? };
        self.shown = Some(frame);
        Ok(Sent { areas: areas.len(), bytes })
    }
}
