//! The virtual bench: devices that speak the same bytes as the real ones, over pseudo-terminals, so that the
//! demonstration and the tests use the real drivers.
//!
//! Each device has a cable with a stable path (a link in a directory, as udev makes under `/dev/serial/by-id`). A gateway
//! that is killed finds the device as it was; `unplug` takes path and line away, `plug` brings a new line behind the same
//! path. Devices are made, and plugged in again, within a Tokio runtime that has its I/O and time drivers.

mod plug;
pub mod printer;
mod pty;
pub mod radio;
pub mod receiver;
pub mod scanner;
pub mod seal;
pub mod tag;

pub use plug::{BenchError, Plug};
pub use printer::{Paper, VirtualPrinter};
pub use pty::Pty;
pub use radio::{RadioModel, Stall, VirtualRadio};
pub use receiver::{VirtualFix, VirtualReceiver};
pub use scanner::VirtualScanner;
pub use seal::{SharedSeal, VirtualSeal};
pub use tag::VirtualTag;
