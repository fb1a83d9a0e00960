//! Label and receipt printers: from a picture to paper, and from what the printer says to what is wrong with it.
//!
//! A printer is reached over the network, a serial line or USB, and speaks ZPL (labels) or ESC/POS (receipts). Everything
//! is printed as a picture, so that a test can read back what comes out
//! (`docs/decisions/0001-labels-are-drawn-here.md`). Each printer has a thread of its own; nobody waits for it.

pub mod barcode;
pub mod bitmap;
pub mod escpos;
pub mod link;
mod serial;
mod session;
pub mod status;
pub mod tcp;
pub mod usb;
mod worker;
pub mod zpl;

use crate::port::PortConfig;

pub use bitmap::Bitmap;
pub use status::{Status, Trouble};
pub use usb::UsbId;
pub use worker::{JOBS_MAX, Job, Printer, PrinterConfig, PrinterEvent, QueueFull};

/// What a printer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// ZPL II: label printers.
    Zpl,
    /// ESC/POS: receipt printers.
    EscPos,
}

/// Where a printer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `host:port` on the network.
    Tcp(String),
    /// A serial line, or USB as one.
    Serial(PortConfig),
    /// USB's printer class.
    Usb(UsbId),
}
