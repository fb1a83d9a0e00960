//! A pseudo-terminal: the bench holds one end and plays the device, the gateway opens the other by its path.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, QueueSelector};
use tokio::io::unix::AsyncFd;

/// A pseudo-terminal in raw mode, without echo.
///
/// The bench keeps a handle on the gateway's end too, so that a gateway that is killed and started again finds the
/// terminal as it was. Both handles are closed in child processes: otherwise a gateway that the bench started would hold
/// its own device, and unplugging it would go unnoticed. Dropping this hangs up.
#[derive(Debug)]
pub struct Pty {
    master: AsyncFd<OwnedFd>,
    slave: OwnedFd,
    path: PathBuf,
}

impl Pty {
    /// A new pseudo-terminal. Needs a Tokio runtime with its I/O driver.
    ///
    /// # Errors
    ///
    /// The system's own, such as too many open files.
    pub fn open() -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
        let slave = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let mut settings = rustix::termios::tcgetattr(&slave)?;
        settings.make_raw();
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &settings)?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        Ok(Self { master: register(master)?, slave, path })
    }

    /// The gateway's end, such as `/dev/pts/7`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The speed that the gateway set its end to, in bits a second. Nothing on this line depends on it.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn baud(&self) -> io::Result<u32> {
        Ok(rustix::termios::tcgetattr(&self.slave)?.output_speed())
    }

    /// Sends bytes to the gateway, without waiting.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when the gateway does not read and the kernel's buffer (a few KiB) is full; then a
    /// part may have been sent, as with a real line.
    pub fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = rustix::io::write(self.master.get_ref(), bytes)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits for bytes from the gateway. May be dropped at any time without losing any.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.master.readable().await?;
            if let Ok(result) = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buffer)?)) {
                return result;
            }
        }
    }

    /// Drops what was sent and not read yet: a device that is reset has nothing more to say.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn forget_unread(&self) -> io::Result<()> {
        Ok(rustix::termios::tcflush(&self.slave, QueueSelector::IFlush)?)
    }
}

#[allow(
    unsafe_code,
    reason = "Tokio takes a descriptor on the promise that it stays open while it is registered"
)]
fn register(master: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open until it is dropped; the `AsyncFd` owns it, and nothing here replaces or closes it.
    Ok(unsafe { AsyncFd::register(master) }?)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn open(path: &Path) -> tokio_serial::SerialStream {
        let port = tokio_serial::new(path.to_string_lossy(), 9_600).exclusive(false);
        tokio_serial::SerialStream::open(&port).unwrap()
    }

    #[tokio::test]
    async fn bytes_pass_unchanged_and_a_gateway_that_dies_may_open_it_again() {
        let pty = Pty::open().unwrap();
        for _ in 0..3 {
            let mut port = open(pty.path());
            let all: Vec<u8> = (0..=255).collect();
            pty.send(&all).unwrap();
            let mut got = vec![0; 256];
            port.read_exact(&mut got).await.unwrap();
            assert_eq!(got, all);
            port.write_all(b"\x03\r\n\x04").await.unwrap();
            let mut answer = [0; 16];
            let mut len = 0;
            while len < 4 {
                len += pty.read(&mut answer[len..]).await.unwrap();
            }
            assert_eq!(&answer[..len], b"\x03\r\n\x04", "no echo, nothing translated");
        }
    }

    #[tokio::test]
    async fn a_gateway_that_does_not_read_never_blocks_the_device() {
        let pty = Pty::open().unwrap();
        let error = (0..1_000).find_map(|_| pty.send(&[0x55; 1_024]).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        pty.forget_unread().unwrap();
    }

    #[tokio::test]
    async fn dropping_it_hangs_up() {
        let pty = Pty::open().unwrap();
        let mut port = open(pty.path());
        drop(pty);
        let ended = port.read(&mut [0; 1]).await;
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
}
