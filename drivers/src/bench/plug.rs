//! A device's cable: a link with a stable name, as udev makes under `/dev/serial/by-id`, to the pseudo-terminal of the
//! moment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use super::pty::Pty;

/// Why a virtual device did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Its cable is out.
    #[error("the device is unplugged")]
    Unplugged,
    /// The gateway does not read, and the kernel's buffer is full; what did not fit is lost, as on a real line.
    #[error("the line is full: the gateway does not read")]
    LineFull,
    /// More seals in range of one radio, or more foreign frames waiting, than the bench takes.
    #[error("more than {0} at once")]
    TooMany(usize),
    /// The system's own error.
    #[error("the pseudo-terminal or its link failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BenchError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::LineFull,
            _ => Self::Io(error),
        }
    }
}

/// A cable that can be pulled and put back.
#[derive(Debug)]
pub struct Plug {
    link: PathBuf,
    pty: Mutex<Option<Arc<Pty>>>,
}

impl Plug {
    /// A cable that is plugged in, as `dir/name`; the directory is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn new(dir: &Path, name: &str) -> Result<Self, BenchError> {
        fs::create_dir_all(dir)?;
        let plug = Self { link: dir.join(name), pty: Mutex::new(None) };
        plug.plug()?;
        Ok(plug)
    }

    /// The path that the gateway's configuration names. It stays the same.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.link
    }

    /// Puts the cable in: a new pseudo-terminal behind the same path. Nothing happens if it is in.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn plug(&self) -> Result<(), BenchError> {
        let mut held = self.pty.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        let pty = Pty::open()?;
        remove_link(&self.link)?;
        std::os::unix::fs::symlink(pty.path(), &self.link)?;
        *held = Some(Arc::new(pty));
        Ok(())
    }

    /// Pulls the cable: the path is gone, and a gateway that has it open reads its end.
    pub fn unplug(&self) {
        let mut held = self.pty.lock().unwrap_or_else(PoisonError::into_inner);
        if held.take().is_some() {
            // The link's directory may be gone already, at the bench's own end.
            let _ = remove_link(&self.link);
        }
    }

    /// The cable is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.pty.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The pseudo-terminal of the moment. Who keeps it keeps the line up, so it is not kept.
    ///
    /// # Errors
    ///
    /// [`BenchError::Unplugged`].
    pub fn pty(&self) -> Result<Arc<Pty>, BenchError> {
        self.pty.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(BenchError::Unplugged)
    }

    /// Sends bytes to the gateway without waiting.
    ///
    /// # Errors
    ///
    /// [`BenchError::Unplugged`], [`BenchError::LineFull`], [`BenchError::Io`].
    pub fn send(&self, bytes: &[u8]) -> Result<(), BenchError> {
        Ok(self.pty()?.send(bytes)?)
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        self.unplug();
    }
}

/// Only a link is ever removed, in case a name was given where something else stands.
fn remove_link(link: &Path) -> io::Result<()> {
    match fs::symlink_metadata(link) {
        Ok(there) if there.is_symlink() => fs::remove_file(link),
        _ => Ok(()),
    }
}
