//! A service manager as systemd is to a gateway: a socket that is notified, and a watchdog.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::wait::SOON;

/// Listens to one process.
pub struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    patience: Duration,
}

impl Manager {
    /// One whose watchdog ends what has not fed it for `patience`. Its socket is made in `dir`.
    pub fn new(dir: &Path, patience: Duration) -> Self {
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { socket, path, patience }
    }

    /// What a process that it starts finds in its environment.
    pub fn environment(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", self.patience.as_micros().to_string());
    }

    /// The next message with this in it; what came before is passed over.
    pub fn wait_for(&self, part: &str) -> String {
        loop {
            match self.next(SOON) {
                Some(told) if told.contains(part) => return told,
                Some(_) => {}
                None => panic!("not told within {} s: {part}", SOON.as_secs()),
            }
        }
    }

    /// Waits until the watchdog would bite: for as long as its patience nothing has fed it. Gives what was told last.
    pub fn wait_until_it_bites(&self) -> String {
        let mut last = String::new();
        let mut fed = std::time::Instant::now();
        let began = fed;
        loop {
            let left = self.patience.saturating_sub(fed.elapsed());
            if left.is_zero() {
                return last;
            }
            assert!(began.elapsed() < 4 * SOON, "the watchdog is fed all the time; the last was {last}");
            if let Some(told) = self.next(left) {
                if told.contains("WATCHDOG=1") {
                    fed = std::time::Instant::now();
                }
                last = told;
            }
        }
    }

    fn next(&self, patience: Duration) -> Option<String> {
        let mut buffer = [0; 4096];
        self.socket.set_read_timeout(Some(patience)).unwrap();
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                Some(String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }
}
