//! What a host and a Bluetooth controller say to each other: the commands that start a scan, and the events that answer
//! them or bring advertisements. Bluetooth Core 5.4, Vol 4, Part E; the sections stand at the items.

mod capabilities;
mod command;
mod error;
mod event;

pub use capabilities::{Capabilities, ScanKind};
pub use command::{Command, Opcode};
pub use error::ControllerError;
pub use event::{Event, Malformed, Report, Rest, is_event_code, read_event};

/// Packet type of a command on a serial line (Vol 4, Part A, §2).
pub const H4_COMMAND: u8 = 0x01;
/// Packet type of an event on a serial line.
pub const H4_EVENT: u8 = 0x04;
