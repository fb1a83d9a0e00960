//! The system calls behind the kernel's HCI socket, for which no safe library stands.

#![allow(
    unsafe_code,
    reason = "the address and the filter of an HCI socket, and the switch of an adapter, are known to no safe library"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use tokio::io::unix::AsyncFd;

/// `struct sockaddr_hci` of the kernel's `hci_sock.h`.
#[repr(C)]
struct SockaddrHci {
    family: libc::sa_family_t,
    adapter: libc::c_ushort,
    channel: libc::c_ushort,
}

/// `struct hci_ufilter` of the same: which packets a raw socket gets.
#[repr(C)]
struct Filter {
    types: u32,
    events: [u32; 2],
    opcode: u16,
}

const BTPROTO_HCI: libc::c_int = 1;
const CHANNEL_RAW: libc::c_ushort = 0;
const CHANNEL_USER: libc::c_ushort = 1;
const SOL_HCI: libc::c_int = 0;
const HCI_FILTER: libc::c_int = 2;
/// `_IOW('H', 201, int)` and `_IOW('H', 202, int)`, as on every machine that this is built for.
const HCIDEVUP: libc::c_ulong = 0x4004_48C9;
const HCIDEVDOWN: libc::c_ulong = 0x4004_48CA;

/// A socket of the adapter's user channel: it is ours alone.
pub fn open_user(adapter: u16) -> io::Result<OwnedFd> {
    let socket = socket()?;
    bind(&socket, adapter, CHANNEL_USER)?;
    Ok(socket)
}

/// A socket of the adapter's raw channel, which gets nothing but answers, advertising reports and hardware errors.
pub fn open_raw(adapter: u16) -> io::Result<OwnedFd> {
    let socket = socket()?;
    bind(&socket, adapter, CHANNEL_RAW)?;
    // Packet type 4, events; Command Complete 0x0E, Command Status 0x0F, Hardware Error 0x10, LE Meta 0x3E.
    let filter = Filter {
        types: 1 << 4,
        events: [(1 << 0x0E) | (1 << 0x0F) | (1 << 0x10), 1 << (0x3E - 32)],
        opcode: 0,
    };
    // SAFETY: the descriptor is open, and pointer and length are those of a filter that lives through the call.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            SOL_HCI,
            HCI_FILTER,
            (&raw const filter).cast(),
            size_of::<Filter>() as libc::socklen_t,
        )
    })?;
    Ok(socket)
}

/// Switches the adapter on or off. `socket` is of a raw channel.
pub fn power(socket: &OwnedFd, adapter: u16, on: bool) -> io::Result<()> {
    let request = if on { HCIDEVUP } else { HCIDEVDOWN };
    // SAFETY: the descriptor is open; both requests take a number, not a pointer.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), request as _, libc::c_ulong::from(adapter)) })?;
    Ok(())
}

/// Hands a socket that does not block to the runtime.
pub fn register(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open until it is dropped; the `AsyncFd` owns it, and nothing here replaces or closes it.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

fn socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: three numbers.
    let socket: RawFd = checked(unsafe { libc::socket(libc::AF_BLUETOOTH, kind, BTPROTO_HCI) })?;
    // SAFETY: the descriptor is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

fn bind(socket: &OwnedFd, adapter: u16, channel: libc::c_ushort) -> io::Result<()> {
    let address = SockaddrHci { family: libc::AF_BLUETOOTH as libc::sa_family_t, adapter, channel };
    // SAFETY: the descriptor is open, and pointer and length are those of an address that lives through the call.
    checked(unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<SockaddrHci>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
