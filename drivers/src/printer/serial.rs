//! A printer on a serial line, or on USB as one.

use std::{
    io::{self, Read as _, Write as _},
    path::Path,
    time::Duration,
};

use tokio_serial::SerialPort;

use super::link::{Link, ended, waited};
use crate::port::PortConfig;

/// Opens the line: eight data bits, no parity, one stop bit.
///
/// # Errors
/// The system's own.
pub fn open(config: &PortConfig) -> io::Result<Serial> {
    // Whoever plays the printer on a pseudo-terminal holds this end too.
    let shared = std::fs::canonicalize(&config.path)?.starts_with(Path::new("/dev/pts"));
    let builder = tokio_serial::new(config.path.to_string_lossy(), config.baud).exclusive(!shared);
    Ok(Serial { port: builder.open().map_err(io::Error::from)? })
}

/// A line to a printer.
pub struct Serial {
    port: Box<dyn SerialPort>,
}

impl Link for Serial {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        self.port.set_timeout(wait)?;
        waited(self.port.write(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.port.set_timeout(wait)?;
        match self.port.read(buffer) {
            // A device that was unplugged reads nothing, at once.
            Ok(0) if !buffer.is_empty() => Err(ended()),
            other => waited(other),
        }
    }
}
