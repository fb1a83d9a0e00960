//! What carries HCI packets to a controller and back: a serial line, or the kernel's socket.

use std::future::Future;

use crate::port::{Port, PortEvent, WriteError};

/// A line to a controller, opened again whenever it goes away.
pub trait Line: Send {
    /// Each [`PortEvent::Bytes`] is one whole packet; on a serial line packets are cut anywhere.
    const PACKETS: bool;

    /// The controller, as it is open now, is used by other programs too.
    fn is_shared(&self) -> bool;

    /// The next event, as of [`Port::next`]: without an end, and it may be dropped at any time.
    fn next(&mut self) -> impl Future<Output = PortEvent<'_>> + Send;

    /// Writes one packet.
    ///
    /// # Errors
    /// After an error the line closes, and [`Line::next`] says `Down`.
    fn write(&mut self, packet: &[u8]) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Closes the line and opens it anew. Only a line that does not open then says `Down`.
    fn reopen(&mut self);
}

impl Line for Port {
    const PACKETS: bool = false;

    fn is_shared(&self) -> bool {
        false
    }

    async fn next(&mut self) -> PortEvent<'_> {
        Self::next(self).await
    }

    async fn write(&mut self, packet: &[u8]) -> Result<(), WriteError> {
        Self::write(self, packet).await
    }

    fn reopen(&mut self) {
        Self::reopen(self);
    }
}
