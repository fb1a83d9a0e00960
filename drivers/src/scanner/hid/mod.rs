//! A scanner on USB in HID point-of-sale mode: reports of decoded data, with the symbology and group separators kept.
//!
//! Reports are laid out as the device's own descriptor says, else as the quirk table has it, and joined over the
//! continuation flag.

pub mod descriptor;
pub mod driver;
pub mod find;
pub mod joiner;
pub mod layout;

pub use driver::{HidPosScanner, list, run};
pub use find::Identity;
