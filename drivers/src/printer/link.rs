//! The wire to a printer, as a printer's thread uses it: every call ends within its time-out.

use std::{io, time::Duration};

/// Bytes to and from a printer. An error ends the link; it is opened anew.
pub trait Link: Send {
    /// Sends the first bytes of `bytes`, as many as are taken within `wait`; 0 where none were.
    ///
    /// # Errors
    /// The link is broken.
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize>;

    /// Receives what there is; 0 where nothing came within `wait`.
    ///
    /// # Errors
    /// The link is broken, or the printer closed it.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;

    /// The port's own status, where the wire has one: USB's GET_PORT_STATUS.
    ///
    /// # Errors
    /// The link is broken.
    fn port_status(&mut self) -> io::Result<Option<u8>> {
        Ok(None)
    }
}

/// Time that ran out is no error of a link.
pub(super) fn waited(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ) =>
        {
            Ok(0)
        }
        other => other,
    }
}

/// A wire that reads nothing although there was something to read has ended.
pub(super) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the printer closed the line")
}
