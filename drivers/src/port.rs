//! A serial port that comes back.
//!
//! A scanner, a radio or a receiver on a cable is unplugged, loses power, or is not there yet when the gateway starts.
//! None of that is an error of the program: [`Port`] says that the device is away and why, and tries again for as long
//! as it takes, at the stable path that the configuration names (`/dev/serial/by-id/…`, or a pseudo-terminal).
//!
//! Memory is bounded by one chunk: a device that floods waits in the kernel's buffer, which drops what it cannot hold.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialStream};

/// Most bytes that one [`PortEvent::Bytes`] carries.
pub const CHUNK_BYTES: usize = 4096;
/// The first pause before a port is opened again. It doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(50);
/// The longest pause before a port is opened again: how long an operator waits at most after plugging a device in.
pub const RETRY_MAX: Duration = Duration::from_secs(2);
/// A device that takes no bytes for this long is treated as gone.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// An open that takes longer is reported as [`PortEvent::Down`]; it is waited for all the same, never started twice.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Pseudo-terminals live here.
const PSEUDO_TERMINALS: &str = "/dev/pts";

/// Where a port is and how fast it speaks. Eight data bits, no parity, one stop bit, no flow control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortConfig {
    /// A path that stays the same when the device is plugged in again.
    pub path: PathBuf,
    /// Bits a second. USB devices that are no real serial line, and pseudo-terminals, ignore it.
    pub baud: u32,
}

/// What happened at a port.
#[derive(Debug, PartialEq, Eq)]
pub enum PortEvent<'a> {
    /// It was opened: commands to the device are sent anew now, and half-read messages are forgotten.
    Up,
    /// It is away, with the reason in words. Said once for each reason, not once for each try.
    Down(String),
    /// Bytes from the device, at least one and at most [`CHUNK_BYTES`].
    Bytes(&'a [u8]),
}

/// Why bytes did not reach the device.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no device at the moment; [`Port::next`] tells when there is.
    #[error("the port is not open")]
    Closed,
    /// It took no bytes within [`WRITE_TIMEOUT`]. The port is opened anew.
    #[error("the device takes no bytes")]
    TimedOut,
    /// The system's own error. The port is opened anew.
    #[error("writing to the port failed")]
    Io(#[source] io::Error),
}

/// A serial port, opened again whenever it goes away.
pub struct Port {
    config: PortConfig,
    state: State,
    buffer: Box<[u8]>,
    pause: Duration,
    /// The reason last reported, so that a device which stays away is reported once.
    reported: Option<String>,
}

enum State {
    Waiting {
        until: Instant,
    },
    Opening(JoinHandle<tokio_serial::Result<SerialStream>>),
    Open(SerialStream),
    /// A write failed: the next event is the news of it.
    Broken(String),
}

enum Outcome {
    Up,
    Down(String),
    Read(usize),
}

impl Port {
    /// A port at `config`. It is opened by the first [`Port::next`], so a missing device is an event like any other.
    pub fn open(config: PortConfig) -> Self {
        Self {
            config,
            state: State::Waiting { until: Instant::now() },
            buffer: vec![0; CHUNK_BYTES].into_boxed_slice(),
            pause: RETRY_MIN,
            reported: None,
        }
    }

    /// The next event. It never ends, and may be dropped at any time (as in `select!`) without losing bytes.
    ///
    /// Needs a tokio runtime with its time and I/O drivers.
    pub async fn next(&mut self) -> PortEvent<'_> {
        match self.advance().await {
            Outcome::Up => PortEvent::Up,
            Outcome::Down(reason) => PortEvent::Down(reason),
            Outcome::Read(length) => PortEvent::Bytes(self.buffer.get(..length).unwrap_or_default()),
        }
    }

    /// Goes on at another speed, in bits a second. What came at the old one is dropped; the next event is `Up` once the
    /// line is set, or `Down`. A port that is away takes it when it is opened next.
    pub fn set_baud(&mut self, baud: u32) {
        self.config.baud = baud;
        let waiting = State::Waiting { until: Instant::now() };
        self.state = match std::mem::replace(&mut self.state, waiting) {
            // An adapter may be slow to take it, as when it is opened.
            State::Open(mut stream) => State::Opening(tokio::task::spawn_blocking(move || {
                stream.set_baud_rate(baud)?;
                stream.clear(ClearBuffer::Input)?;
                Ok(stream)
            })),
            other => other,
        };
    }

    /// Writes all of `bytes`, within [`WRITE_TIMEOUT`].
    ///
    /// # Errors
    /// After an error the port closes, as part of a message may have been sent; [`Port::next`] then says `Down`.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let State::Open(stream) = &mut self.state else { return Err(WriteError::Closed) };
        let error = match timeout(WRITE_TIMEOUT, stream.write_all(bytes)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => WriteError::Io(error),
            Err(_) => WriteError::TimedOut,
        };
        forget_unsent(stream);
        self.state = State::Broken(match &error {
            WriteError::Io(source) => format!("{error}: {source}"),
            _ => error.to_string(),
        });
        Err(error)
    }

    /// Closes the port and opens it anew. Only a port that does not open then says [`PortEvent::Down`].
    pub fn reopen(&mut self) {
        if let State::Open(stream) = &self.state {
            forget_unsent(stream);
        }
        if !matches!(self.state, State::Opening(_)) {
            self.state = State::Waiting { until: Instant::now() };
        }
    }

    async fn advance(&mut self) -> Outcome {
        loop {
            let failure = match &mut self.state {
                State::Waiting { until } => {
                    sleep_until(*until).await;
                    let config = self.config.clone();
                    // Setting up a USB adapter can wait for the device, so it happens on a thread for blocking work.
                    self.state = State::Opening(tokio::task::spawn_blocking(move || open(&config)));
                    continue;
                }
                State::Opening(opening) => match timeout(OPEN_TIMEOUT, opening).await {
                    Ok(Ok(Ok(stream))) => {
                        self.state = State::Open(stream);
                        self.reported = None;
                        return Outcome::Up;
                    }
                    Ok(Ok(Err(error))) => error.to_string(),
                    Ok(Err(_)) => "opening it failed".to_owned(),
                    Err(_) => match self.news("the device does not answer while it is opened".to_owned()) {
                        Some(reason) => return Outcome::Down(reason),
                        None => continue,
                    },
                },
                State::Open(stream) => match stream.read(&mut self.buffer).await {
                    // A device that was unplugged reads nothing for ever.
                    Ok(0) => "it was unplugged".to_owned(),
                    Ok(length) => {
                        self.pause = RETRY_MIN;
                        return Outcome::Read(length);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        forget_unsent(stream);
                        error.to_string()
                    }
                },
                State::Broken(reason) => std::mem::take(reason),
            };
            self.state = State::Waiting { until: Instant::now() + self.pause };
            // Only bytes that arrive make the pause short again: a device that opens and dies at once is not hammered.
            self.pause = (self.pause * 2).min(RETRY_MAX);
            if let Some(reason) = self.news(failure) {
                return Outcome::Down(reason);
            }
        }
    }

    fn news(&mut self, reason: String) -> Option<String> {
        if self.reported.as_ref() == Some(&reason) {
            return None;
        }
        self.reported = Some(reason.clone());
        Some(reason)
    }
}

/// A serial line that closes with unsent bytes may wait for them for half a minute in the kernel.
fn forget_unsent(stream: &SerialStream) {
    // A device that is gone cannot do this either, and then there is nothing to wait for.
    let _ = stream.clear(ClearBuffer::Output);
}

fn open(config: &PortConfig) -> tokio_serial::Result<SerialStream> {
    let real = std::fs::canonicalize(&config.path)?;
    let mut builder = tokio_serial::new(config.path.to_string_lossy(), config.baud);
    if is_pseudo_terminal(&real) {
        // The program that plays the device may hold this end too.
        builder = builder.exclusive(false);
    }
    SerialStream::open(&builder)
}

/// Whether a path is the same device's after it was plugged in again: not a name that the kernel gives in the order of
/// plugging in, such as `/dev/ttyUSB0` or `/dev/input/event3`.
pub fn is_named_stably(path: &Path) -> bool {
    const COUNTED: [&str; 3] = ["/dev/ttyUSB", "/dev/ttyACM", "/dev/input/event"];
    !COUNTED.iter().any(|start| path.to_string_lossy().starts_with(start))
}

fn is_pseudo_terminal(real: &Path) -> bool {
    real.starts_with(PSEUDO_TERMINALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device at a path that stays the same, as udev's links do.
    struct Device {
        line: SerialStream,
        /// Held, or a terminal that nobody has open yet would read as gone.
        _slave: SerialStream,
    }

    impl Device {
        fn plug_in(path: &Path) -> Self {
            let (line, slave) = SerialStream::pair().unwrap();
            let _ = std::fs::remove_file(path);
            std::os::unix::fs::symlink(slave.name().unwrap(), path).unwrap();
            Self { line, _slave: slave }
        }
    }

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("waypost-port-{}-{name}", std::process::id()))
    }

    async fn up(port: &mut Port) {
        timeout(Duration::from_secs(10), async { while port.next().await != PortEvent::Up {} })
            .await
            .unwrap();
    }

    #[test]
    fn a_name_that_counts_devices_is_not_stable() {
        for path in ["/dev/ttyUSB0", "/dev/ttyACM1", "/dev/input/event3"] {
            assert!(!is_named_stably(Path::new(path)), "{path}");
        }
        // The last is the Raspberry Pi's own line.
        for path in ["/dev/serial/by-id/usb-x", "/dev/input/by-id/usb-x-event-kbd", "/dev/serial0"] {
            assert!(is_named_stably(Path::new(path)), "{path}");
        }
    }

    #[tokio::test]
    async fn a_port_comes_back_when_its_device_does() {
        let path = path("back");
        let mut port = Port::open(PortConfig { path: path.clone(), baud: 9600 });
        assert!(matches!(port.next().await, PortEvent::Down(_)), "a missing device is reported");
        for _ in 0..3 {
            let mut device = Device::plug_in(&path);
            up(&mut port).await;
            device.line.write_all(b"hello").await.unwrap();
            assert_eq!(port.next().await, PortEvent::Bytes(b"hello"));
            port.write(b"reset").await.unwrap();
            let mut got = [0; 5];
            device.line.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"reset");
            drop(device);
            assert!(matches!(port.next().await, PortEvent::Down(_)));
            assert!(matches!(port.write(b"x").await, Err(WriteError::Closed)));
        }
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn a_device_that_takes_nothing_is_gone_after_the_time_out() {
        let path = path("deaf");
        let _device = Device::plug_in(&path);
        let mut port = Port::open(PortConfig { path: path.clone(), baud: 9600 });
        up(&mut port).await;
        assert!(matches!(port.write(&[0x55; 1 << 20]).await, Err(WriteError::TimedOut)));
        assert!(matches!(port.next().await, PortEvent::Down(_)));
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn a_flood_comes_in_chunks_and_loses_nothing_that_the_kernel_held() {
        let path = path("flood");
        let mut device = Device::plug_in(&path);
        let mut port = Port::open(PortConfig { path: path.clone(), baud: 115_200 });
        up(&mut port).await;
        const TOTAL: usize = 1 << 20;
        let writer = tokio::spawn(async move {
            device.line.write_all(&vec![b'x'; TOTAL]).await.unwrap();
            device
        });
        let mut seen = 0;
        while seen < TOTAL {
            match port.next().await {
                PortEvent::Bytes(bytes) => {
                    assert!(bytes.len() <= CHUNK_BYTES);
                    seen += bytes.len();
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, TOTAL);
        writer.await.unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
