//! The kernel's HCI socket: how it is opened, read and written, and what its errors mean.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use super::adapter::{Adapter, Channel};
use super::hci_sys;

/// An adapter that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Does not block.
    pub socket: OwnedFd,
    /// With whom.
    pub sharing: Sharing,
}

/// Who uses an open adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// We alone.
    Alone,
    /// Other programs too.
    Shared,
}

/// One packet; 0 bytes: the other end is gone.
pub async fn read(socket: &AsyncFd<OwnedFd>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = socket.readable().await?;
        match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buffer)?)) {
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(result) => return result,
            // Not ready after all.
            Err(_) => {}
        }
    }
}

/// A packet is taken whole or not at all.
pub async fn write(socket: &AsyncFd<OwnedFd>, packet: &[u8]) -> io::Result<()> {
    loop {
        let mut ready = socket.writable().await?;
        match ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), packet)?)) {
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(result) => return result.map(drop),
            Err(_) => {}
        }
    }
}

/// Opens it. Switching it on may load its firmware, which takes seconds.
pub fn open(adapter: Adapter, channel: Channel, renew: bool) -> io::Result<Opened> {
    match channel {
        Channel::User => open_user(adapter),
        Channel::Raw => open_raw(adapter, renew),
        // In use by others, or ours by the rights of the raw channel alone.
        Channel::Auto => match open_user(adapter) {
            Err(error) if is_any_of(&error, &[Errno::BUSY, Errno::USERS, Errno::PERM, Errno::ACCESS]) => {
                open_raw(adapter, renew)
            }
            other => other,
        },
    }
}

fn open_user(adapter: Adapter) -> io::Result<Opened> {
    Ok(Opened { socket: hci_sys::open_user(adapter.0)?, sharing: Sharing::Alone })
}

fn open_raw(adapter: Adapter, renew: bool) -> io::Result<Opened> {
    let socket = hci_sys::open_raw(adapter.0)?;
    if renew {
        // Without the right to do it the adapter stays as it is, and its scan is started anew.
        let _ = hci_sys::power(&socket, adapter.0, false);
    }
    match hci_sys::power(&socket, adapter.0, true) {
        // It is on already, or somebody else must switch it on: then commands fail with "is down".
        Err(error) if !is_any_of(&error, &[Errno::ALREADY, Errno::PERM]) => Err(error),
        _ => Ok(Opened { socket, sharing: Sharing::Shared }),
    }
}

fn is_any_of(error: &io::Error, errors: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|error| errors.contains(&error))
}

/// What an error of the kernel means here, and what to do.
pub fn explained(error: &io::Error, adapter: Adapter) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT) => {
            // The second is what a sandbox that forbids a family of sockets looks like.
            format!("{adapter}: this machine's kernel has no Bluetooth, or the service may not use it")
        }
        Some(Errno::NODEV) => format!("{adapter} is not there"),
        Some(Errno::PERM | Errno::ACCESS) => {
            format!("{adapter}: not permitted; the service needs CAP_NET_RAW and CAP_NET_ADMIN")
        }
        Some(Errno::BUSY | Errno::USERS) => {
            // Linux says this for ever of an adapter that did not answer when it was plugged in.
            format!(
                "{adapter} is in use by another program, or did not start; switch it off there and plug it in anew, or \
                 use channel \"raw\""
            )
        }
        Some(Errno::RFKILL) => format!("{adapter} is switched off by rfkill"),
        Some(Errno::NETDOWN) => format!("{adapter} is down"),
        Some(Errno::PIPE) => format!("{adapter} was taken away"),
        _ => format!("{adapter}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_errors_are_said_in_words() {
        for (error, said) in [
            (
                Errno::AFNOSUPPORT,
                "hci0: this machine's kernel has no Bluetooth, or the service may not use it",
            ),
            (Errno::NODEV, "hci0 is not there"),
            (Errno::PERM, "hci0: not permitted; the service needs CAP_NET_RAW and CAP_NET_ADMIN"),
            (Errno::RFKILL, "hci0 is switched off by rfkill"),
            (Errno::NETDOWN, "hci0 is down"),
            (Errno::PIPE, "hci0 was taken away"),
        ] {
            assert_eq!(explained(&error.into(), Adapter(0)), said);
        }
    }
}
