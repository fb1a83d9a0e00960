//! A printer on the network: raw bytes to a port, 9100 by custom.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::link::{Link, ended, waited};

/// The custom port.
pub const PORT: u16 = 9100;
/// Longest time to connect to one address.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Connects to `host:port`.
///
/// # Errors
/// The system's own, of the last address that was tried.
pub fn open(address: &str) -> io::Result<Tcp> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "no address has this name");
    for address in address.to_socket_addrs()?.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                // A status question is a few bytes and waits for its answer.
                stream.set_nodelay(true)?;
                return Ok(Tcp { stream });
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A connection to a printer.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
}

impl Link for Tcp {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(wait))?;
        waited(self.stream.write(bytes))
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(wait))?;
        match self.stream.read(buffer) {
            Ok(0) if !buffer.is_empty() => Err(ended()),
            other => waited(other),
        }
    }
}
