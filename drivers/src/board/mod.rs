//! The board beside a counter: lamps, a buzzer, two buttons, a hatch and a lid switch.
//!
//! [`Board`] is what one is made of: levels that are written and levels that are read. [`pins`] has them on a Raspberry
//! Pi's pins, [`memory`] has them in memory, for tests and for a page that draws them. [`driver`] plays [`pattern`]s on
//! any of them and tells presses, which [`button`] has freed of bouncing.
//!
//! A hatch falls to its safe level by wiring when the process dies, not by code: some kernels make the pin an input then,
//! others leave the level on it. See `docs/decisions/0001-a-hatch-is-safe-by-its-wiring.md` beside this crate.

pub mod button;
pub mod driver;
pub mod memory;
pub mod pattern;
pub mod pins;

use std::time::Duration;

pub use driver::{BoardEvent, Show, run, start};
pub use memory::MemoryBoard;
pub use pattern::{Lamps, Signal};
pub use pins::{Pins, PinsBoard};

use crate::header::PinError;

/// What stands on a board's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize)]
pub struct Outputs {
    /// The lamps that are lit.
    pub lamps: Lamps,
    /// The buzzer sounds.
    pub buzzer: bool,
    /// The hatch is released; else it is at its safe level.
    pub hatch: bool,
    /// What is being played: for boards that can tell it in words.
    pub signal: Signal,
}

/// What a board's inputs say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Inputs {
    /// The yes button is held down.
    pub yes: bool,
    /// The no button is held down.
    pub no: bool,
    /// The lid stands open; none where there is no switch.
    pub lid_open: Option<bool>,
}

/// A button of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    /// Yes, and next.
    Yes,
    /// No, and undo.
    No,
}

/// Why a board cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The system gives no access to the pins.
    #[error("the pins of this machine cannot be used")]
    Pins(#[source] PinError),
    /// One pin cannot be had.
    #[error("pin BCM {pin} ({what}) cannot be used")]
    Pin {
        /// Its number.
        pin: u8,
        /// What is connected to it, by its name in the configuration.
        what: &'static str,
        /// Why.
        #[source]
        source: PinError,
    },
    /// A board in memory was taken away.
    #[error("{0}")]
    Away(String),
}

/// A board. What is called here runs on a thread of its own and may wait for the hardware, shortly.
pub trait Board: Send {
    /// Takes the hardware, every output at rest and the hatch at its safe level from the first moment on.
    ///
    /// # Errors
    /// It is not there, or is not ours to use. It is tried again later.
    fn open(&mut self) -> Result<(), BoardError>;

    /// Puts levels on the outputs.
    ///
    /// # Errors
    /// It went away: it is opened again.
    fn write(&mut self, outputs: &Outputs) -> Result<(), BoardError>;

    /// Reads the inputs, as they are at this moment.
    ///
    /// # Errors
    /// It went away: it is opened again.
    fn read(&mut self) -> Result<Inputs, BoardError>;

    /// How often the inputs are to be read; none where the board has none.
    fn poll_every(&self) -> Option<Duration>;
}
