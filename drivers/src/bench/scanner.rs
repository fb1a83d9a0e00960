//! A virtual barcode scanner on a serial line.

use std::path::Path;

use super::plug::{BenchError, Plug};

/// A scanner that sends what it reads, followed by a carriage return.
#[derive(Debug)]
pub struct VirtualScanner {
    plug: Plug,
}

impl VirtualScanner {
    /// A scanner that is plugged in at `dir/name`. Needs a Tokio runtime with its I/O driver, as [`Self::plug`] does.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn new(dir: &Path, name: &str) -> Result<Self, BenchError> {
        Ok(Self { plug: Plug::new(dir, name)? })
    }

    /// The path for the gateway's configuration.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.plug.path()
    }

    /// Scans a code: sends its text and a carriage return.
    ///
    /// # Errors
    ///
    /// [`BenchError::Unplugged`], [`BenchError::LineFull`], [`BenchError::Io`].
    pub fn scan(&self, text: &str) -> Result<(), BenchError> {
        self.plug.send(&[text.as_bytes(), b"\r"].concat())
    }

    /// Sends bytes as they are: half a code, noise, another terminator.
    ///
    /// # Errors
    ///
    /// As [`Self::scan`].
    pub fn send_raw(&self, bytes: &[u8]) -> Result<(), BenchError> {
        self.plug.send(bytes)
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.plug.unplug();
    }

    /// Puts the cable back.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn plug(&self) -> Result<(), BenchError> {
        self.plug.plug()
    }

    /// The cable is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.plug.is_plugged()
    }
}
