//! The kernel's HCI socket, or one to the process that holds it, opened again whenever the adapter goes away.
//!
//! Each read is one packet, in the same form as on a serial line. Opening switches an adapter on and may load its
//! firmware, so it happens on a thread for blocking work.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::adapter::{Adapter, Channel};
use super::h4::PACKET_MAX;
use super::hci_sys;
use super::kernel::{self, Opened, Sharing};
use super::line::Line;
use super::relay;
use crate::port::{PortEvent, RETRY_MAX, RETRY_MIN, WRITE_TIMEOUT, WriteError};

/// An open that takes longer is told; it is waited for all the same, never started twice.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);

/// How an adapter is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the kernel's own socket.
    Kernel(Adapter, Channel),
    /// Through the process that holds it, and listens at this path.
    Relay(PathBuf),
}

impl Way {
    fn open(&self, renew: bool) -> io::Result<Opened> {
        match self {
            Self::Kernel(adapter, channel) => kernel::open(*adapter, *channel, renew),
            Self::Relay(path) => relay::open(path, renew),
        }
    }

    fn explained(&self, error: &io::Error) -> String {
        match self {
            Self::Kernel(adapter, _) => kernel::explained(error, *adapter),
            Self::Relay(path) => relay::why(error, path),
        }
    }

    /// What is lost when it ends.
    fn name(&self) -> String {
        match self {
            Self::Kernel(adapter, _) => adapter.to_string(),
            Self::Relay(path) => path.display().to_string(),
        }
    }
}

/// A line to an adapter that the kernel knows.
pub struct HciSocket {
    way: Way,
    state: State,
    /// One packet. Longer ones, which carry no events, are cut off.
    buffer: [u8; PACKET_MAX],
    pause: Duration,
    /// Switch the adapter off and on when it is opened next.
    renew: bool,
    /// The reason last told, so that an adapter which stays away is told once.
    told: Option<String>,
}

enum State {
    Waiting { until: Instant },
    Opening(JoinHandle<io::Result<Opened>>),
    Open(AsyncFd<OwnedFd>, Sharing),
    Broken(String),
}

enum Outcome {
    Up,
    Down(String),
    Read(usize),
}

impl HciSocket {
    /// A line to this adapter. It is opened by the first [`Line::next`].
    pub fn new(way: Way) -> Self {
        Self {
            way,
            state: State::Waiting { until: Instant::now() },
            buffer: [0; PACKET_MAX],
            pause: RETRY_MIN,
            renew: false,
            told: None,
        }
    }

    async fn advance(&mut self) -> Outcome {
        loop {
            let failure = match &mut self.state {
                State::Waiting { until } => {
                    sleep_until(*until).await;
                    let (way, renew) = (self.way.clone(), std::mem::take(&mut self.renew));
                    self.state = State::Opening(tokio::task::spawn_blocking(move || way.open(renew)));
                    continue;
                }
                State::Opening(opening) => match timeout(OPEN_TIMEOUT, opening).await {
                    Ok(Ok(opened)) => {
                        match opened.and_then(|it| Ok((hci_sys::register(it.socket)?, it.sharing))) {
                            Ok((socket, sharing)) => {
                                self.state = State::Open(socket, sharing);
                                self.told = None;
                                return Outcome::Up;
                            }
                            Err(error) => self.way.explained(&error),
                        }
                    }
                    Ok(Err(_)) => "opening it failed".to_owned(),
                    Err(_) => match self.news(format!("{} takes long to be opened", self.way.name())) {
                        Some(reason) => return Outcome::Down(reason),
                        None => continue,
                    },
                },
                State::Open(socket, _) => match kernel::read(socket, &mut self.buffer).await {
                    Ok(0) => self.way.explained(&Errno::PIPE.into()),
                    Ok(length) => {
                        self.pause = RETRY_MIN;
                        return Outcome::Read(length);
                    }
                    Err(error) => self.way.explained(&error),
                },
                State::Broken(reason) => std::mem::take(reason),
            };
            self.state = State::Waiting { until: Instant::now() + self.pause };
            self.pause = (self.pause * 2).min(RETRY_MAX);
            if let Some(reason) = self.news(failure) {
                return Outcome::Down(reason);
            }
        }
    }

    fn news(&mut self, reason: String) -> Option<String> {
        if self.told.as_ref() == Some(&reason) {
            return None;
        }
        self.told = Some(reason.clone());
        Some(reason)
    }
}

impl Line for HciSocket {
    const PACKETS: bool = true;

    fn is_shared(&self) -> bool {
        matches!(self.state, State::Open(_, Sharing::Shared))
    }

    async fn next(&mut self) -> PortEvent<'_> {
        match self.advance().await {
            Outcome::Up => PortEvent::Up,
            Outcome::Down(reason) => PortEvent::Down(reason),
            Outcome::Read(length) => PortEvent::Bytes(self.buffer.get(..length).unwrap_or_default()),
        }
    }

    async fn write(&mut self, packet: &[u8]) -> Result<(), WriteError> {
        let State::Open(socket, _) = &self.state else { return Err(WriteError::Closed) };
        let error = match timeout(WRITE_TIMEOUT, kernel::write(socket, packet)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => WriteError::Io(error),
            Err(_) => WriteError::TimedOut,
        };
        self.state = State::Broken(match &error {
            WriteError::Io(source) => self.way.explained(source),
            _ => error.to_string(),
        });
        Err(error)
    }

    fn reopen(&mut self) {
        self.renew = true;
        self.state = State::Waiting { until: Instant::now() };
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A socket whose other end plays the kernel.
    fn socket() -> (HciSocket, UnixDatagram) {
        let (ours, kernels) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut socket = HciSocket::new(Way::Kernel(Adapter(0), Channel::Raw));
        socket.state = State::Open(hci_sys::register(OwnedFd::from(ours)).unwrap(), Sharing::Shared);
        (socket, kernels)
    }

    #[tokio::test]
    async fn each_packet_is_read_and_written_whole() {
        let (mut socket, kernel) = socket();
        for packet in
            [&[0x04, 0x0E, 0x04, 0x01, 0x03, 0x0C, 0x00][..], &[0x04, 0x10, 0x01, 0x42], &[0x55; 300]]
        {
            kernel.send(packet).unwrap();
        }
        assert_eq!(socket.next().await, PortEvent::Bytes(&[0x04, 0x0E, 0x04, 0x01, 0x03, 0x0C, 0x00]));
        assert_eq!(socket.next().await, PortEvent::Bytes(&[0x04, 0x10, 0x01, 0x42]));
        assert_eq!(socket.next().await, PortEvent::Bytes(&[0x55; PACKET_MAX]), "what is too long is cut off");
        socket.write(&[0x01, 0x03, 0x0C, 0x00]).await.unwrap();
        let mut got = [0; 16];
        assert_eq!(kernel.recv(&mut got).unwrap(), 4);
        assert_eq!(&got[..4], [0x01, 0x03, 0x0C, 0x00]);
    }

    #[tokio::test]
    async fn a_socket_that_fails_is_down_and_is_opened_anew() {
        let (mut socket, kernel) = socket();
        drop(kernel);
        assert!(matches!(socket.write(&[0x01, 0x03, 0x0C, 0x00]).await, Err(WriteError::Io(_))));
        assert!(matches!(socket.next().await, PortEvent::Down(_)));
        assert!(matches!(socket.write(&[0x01]).await, Err(WriteError::Closed)));
        assert!(matches!(socket.state, State::Waiting { .. }));
    }

    #[tokio::test]
    async fn an_adapter_that_is_not_there_is_down_by_name_and_told_once() {
        for channel in [Channel::Auto, Channel::Raw, Channel::User] {
            let mut socket = HciSocket::new(Way::Kernel(Adapter(60_000), channel));
            let PortEvent::Down(reason) = socket.next().await else { panic!() };
            assert!(reason.starts_with("hci60000"), "{reason}");
            assert!(
                ["kernel has no Bluetooth", "is not there", "not permitted"]
                    .iter()
                    .any(|end| reason.contains(end)),
                "{reason}"
            );
            timeout(Duration::from_millis(300), socket.next()).await.unwrap_err();
        }
    }
}
