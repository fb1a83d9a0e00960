//! A radio that is held by a process of its own, and handed over a Unix socket.
//!
//! The kernel's HCI socket needs rights over the whole network of the machine. [`serve`] takes them alone: it holds the
//! adapter and passes packets on, so that the process that reads them needs none. The socket is of the kind that keeps
//! packets apart (`SOCK_SEQPACKET`), each in the form of a serial line (H4). Whoever connects says first `OPEN` or, to
//! have the adapter switched off and on, `RENEW`; the answer is `ALONE` or `SHARED`, or `FAILED` with the reason
//! in words and the end. The adapter is open as long as somebody is connected, and one at a time is: who comes then waits.
//!
//! Only commands that start a scan go through, and only events come back: who takes the reader over can neither connect
//! to other devices nor write a controller's firmware.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recv, send, socket_with, sockopt,
};
use tokio::io::unix::AsyncFd;

use super::adapter::{Adapter, Channel};
use super::h4::PACKET_MAX;
use super::hci::{H4_COMMAND, H4_EVENT};
use super::hci_sys;
use super::kernel::{self, Opened, Sharing};

/// Types that no controller uses stand before what the two processes say to each other.
const SAID: u8 = 0xF0;
/// Open the adapter.
const OPEN: [u8; 2] = [SAID, 0];
/// Open it, and switch it off and on before.
const RENEW: [u8; 2] = [SAID, 1];
/// It is open, for the connected alone.
const ALONE: [u8; 2] = [SAID, 2];
/// It is open, beside other programs.
const SHARED: [u8; 2] = [SAID, 3];
/// It is not open; the reason follows as text.
const FAILED: [u8; 2] = [SAID, 4];
/// Who connects and then says nothing is let go after this.
const HELLO_MAX: Duration = Duration::from_secs(2);
/// How long a connected reader waits for the adapter: opening one may load its firmware.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Readers that wait for the one before; there is one.
const WAITING_MAX: i32 = 1;
/// After an accept that failed, as with no descriptor left.
const PAUSE: Duration = Duration::from_millis(200);

/// A command that a scan needs: of the groups Controller and Baseband (3), Informational (4) and LE Controller (8), and
/// of the last not those that make connections (Vol 4, Part E, §7.8.12 and §7.8.66, Create Connection).
fn is_allowed(packet: &[u8]) -> bool {
    let [H4_COMMAND, low, high, _, ..] = packet else { return false };
    let opcode = u16::from_le_bytes([*low, *high]);
    let (group, command) = (opcode >> 10, opcode & 0x03FF);
    matches!(group, 0x03 | 0x04) || (group == 0x08 && !matches!(command, 0x0D | 0x43))
}

/// A socket that listens at this path. What an earlier process left there is taken away.
///
/// # Errors
/// The path cannot be used.
pub fn listen_at(path: &Path) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, WAITING_MAX)?;
    Ok(socket)
}

/// Holds the adapter for one reader after the other, until it is dropped. Needs a Tokio runtime with its I/O and time.
///
/// # Errors
/// `listening` is no socket that listens.
pub async fn serve(listening: OwnedFd, adapter: Adapter, channel: Channel) -> io::Result<()> {
    serve_with(
        listening,
        move |renew| kernel::open(adapter, channel, renew),
        move |error| kernel::explained(error, adapter),
    )
    .await
}

async fn serve_with(
    listening: OwnedFd,
    open: impl Fn(bool) -> io::Result<Opened> + Clone + Send + 'static,
    explained: impl Fn(&io::Error) -> String,
) -> io::Result<()> {
    let listening = hci_sys::register(listening)?;
    loop {
        let reader = match accept(&listening).await {
            Ok(reader) => hci_sys::register(reader)?,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a reader cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        tracing::info!("a reader came");
        match hold(&reader, open.clone()).await {
            Ok(()) => tracing::info!("the reader went"),
            Err(error) => {
                let reason = explained(&error);
                tracing::warn!(reason, "the radio is away");
                let mut answer = FAILED.to_vec();
                answer.extend(reason.bytes().take(PACKET_MAX - FAILED.len()));
                // Who went away needs no reason.
                let _ = kernel::write(&reader, &answer).await;
            }
        }
    }
}

/// Holds the adapter until the reader goes, or the adapter does.
async fn hold(
    reader: &AsyncFd<OwnedFd>,
    open: impl FnOnce(bool) -> io::Result<Opened> + Send + 'static,
) -> io::Result<()> {
    let mut buffer = [0; PACKET_MAX];
    let said = tokio::time::timeout(HELLO_MAX, kernel::read(reader, &mut buffer)).await;
    let renew = match said {
        Ok(Ok(length)) if buffer.get(..length) == Some(&OPEN) => false,
        Ok(Ok(length)) if buffer.get(..length) == Some(&RENEW) => true,
        _ => return Ok(()),
    };
    let opened = tokio::task::spawn_blocking(move || open(renew)).await.map_err(io::Error::other)??;
    let controller = hci_sys::register(opened.socket)?;
    let answer = if opened.sharing == Sharing::Alone { ALONE } else { SHARED };
    if kernel::write(reader, &answer).await.is_err() {
        return Ok(());
    }
    let mut from_controller = [0; PACKET_MAX];
    loop {
        tokio::select! {
            said = kernel::read(reader, &mut buffer) => match said {
                // A reader that was killed is one that went.
                Ok(0) | Err(_) => return Ok(()),
                Ok(length) => match buffer.get(..length) {
                    Some(packet) if is_allowed(packet) => kernel::write(&controller, packet).await?,
                    _ => tracing::warn!(length, "a packet was held back: no command of a scan"),
                },
            },
            heard = kernel::read(&controller, &mut from_controller) => match heard? {
                0 => return Err(Errno::PIPE.into()),
                length => {
                    let packet = from_controller.get(..length).unwrap_or_default();
                    if packet.first() == Some(&H4_EVENT) && pass_on(reader, packet).is_err() {
                        return Ok(());
                    }
                }
            },
        }
    }
}

/// Gives the reader a packet; one for which it has no room is lost, as on the air.
fn pass_on(reader: &AsyncFd<OwnedFd>, packet: &[u8]) -> io::Result<()> {
    match send(reader.get_ref(), packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(_) | Err(Errno::AGAIN | Errno::NOBUFS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn accept(listening: &AsyncFd<OwnedFd>) -> io::Result<OwnedFd> {
    loop {
        let mut ready = listening.readable().await?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match ready.try_io(|socket| Ok(accept_with(socket.get_ref(), flags)?)) {
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(result) => return result,
            // Not ready after all.
            Err(_) => {}
        }
    }
}

/// Connects to the process that holds the radio, and has it open the adapter. Blocks for at most `ANSWER_MAX`.
pub fn open(path: &Path, renew: bool) -> io::Result<Opened> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    for direction in [sockopt::Timeout::Recv, sockopt::Timeout::Send] {
        sockopt::set_socket_timeout(&socket, direction, Some(ANSWER_MAX))?;
    }
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    send(&socket, if renew { &RENEW } else { &OPEN }, SendFlags::NOSIGNAL)?;
    let mut buffer = [0; PACKET_MAX];
    let (length, _) = recv(&socket, &mut buffer, RecvFlags::empty())?;
    let answer = buffer.get(..length).unwrap_or_default();
    let sharing = match answer {
        _ if answer == ALONE => Sharing::Alone,
        _ if answer == SHARED => Sharing::Shared,
        [SAID, 4, reason @ ..] => return Err(io::Error::other(String::from_utf8_lossy(reason).into_owned())),
        [] => return Err(io::Error::other("the process that holds the radio let go")),
        _ => return Err(io::Error::other("what listens there is no radio")),
    };
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(Opened { socket, sharing })
}

/// What an error of the way to that process means, and what to do.
pub fn why(error: &io::Error, path: &Path) -> String {
    let path = path.display();
    match Errno::from_io_error(error) {
        Some(Errno::NOENT) => format!("{path} is not there; does waypost-radio@.service run?"),
        Some(Errno::CONNREFUSED | Errno::CONNRESET | Errno::PIPE) => {
            format!("{path}: the process that holds the radio has ended")
        }
        Some(Errno::PERM | Errno::ACCESS) => format!("{path}: not permitted; its group must be the reader's"),
        Some(Errno::AGAIN) => format!("{path}: the process that holds the radio does not answer"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rustix::net::socketpair;
    use tokio::sync::mpsc;

    use super::super::hex;
    use super::super::reader::{self, ReaderConfig, SealEvent, Source};
    use super::*;

    const REPORT: &str = "043e320d01010000a5808fe6485401010000ce000000000000000000180201041416d2fc415942906920750802e8030000ad89b592";
    /// An event that comes back when a command has come through: Command Complete with success.
    fn complete(command: &[u8]) -> Vec<u8> {
        let mut event = vec![H4_EVENT, 0x0E, 4, 1];
        event.extend(&command[1..3]);
        event.push(0);
        match command[1..3] {
            [0x02, 0x10] => hex::decode("040e44010210002000800300c000000000e4000000a822000000000000040000f7ffff7f00000030f0f9ff01008004002000000000000000000000000000000000000000000000").unwrap(),
            [0x03, 0x20] => hex::decode("040e0c01032000ff79010000000000").unwrap(),
            _ => event,
        }
    }

    /// A relay at a path, before a controller of the test that answers and reports one seal for each scan that starts.
    struct Relay {
        dir: tempfile::TempDir,
        written: Arc<Mutex<Vec<Vec<u8>>>>,
        opened: mpsc::Receiver<(bool, Arc<OwnedFd>)>,
    }

    impl Relay {
        fn start() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let listening = listen_at(&dir.path().join("hci0.sock")).unwrap();
            let written = Arc::<Mutex<Vec<Vec<u8>>>>::default();
            let (out, opened) = mpsc::channel(8);
            let heard = Arc::clone(&written);
            let open = move |renew| {
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let (ours, controllers) =
                    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
                let controllers = Arc::new(controllers);
                let _ = out.try_send((renew, Arc::clone(&controllers)));
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || play(&controllers, &heard));
                Ok(Opened { socket: ours, sharing: Sharing::Alone })
            };
            tokio::spawn(serve_with(listening, open, ToString::to_string));
            Self { dir, written, opened }
        }

        fn source(&self) -> Source {
            Source::Relay(self.dir.path().join("hci0.sock"))
        }
    }

    /// The controller: answers each command, and reports once a scan is enabled.
    fn play(controller: &OwnedFd, heard: &Mutex<Vec<Vec<u8>>>) {
        rustix::io::ioctl_fionbio(controller, false).unwrap();
        let mut buffer = [0; PACKET_MAX];
        while let Ok((length @ 1.., _)) = recv(controller, &mut buffer, RecvFlags::empty()) {
            let command = buffer[..length].to_vec();
            let _ = send(controller, &complete(&command), SendFlags::NOSIGNAL);
            let enables = command.starts_with(&[0x01, 0x42, 0x20, 0x06, 0x01]);
            heard.lock().unwrap().push(command);
            if enables {
                // What no reader is for, before what is.
                let _ = send(controller, &[0x02, 0x01, 0x00, 0x00, 0x00], SendFlags::NOSIGNAL);
                let _ = send(controller, &hex::decode(REPORT).unwrap(), SendFlags::NOSIGNAL);
            }
        }
    }

    #[tokio::test]
    async fn a_seal_is_heard_through_the_process_that_holds_the_radio() {
        let relay = Relay::start();
        let (out, mut events) = mpsc::channel(8);
        let reading = tokio::spawn(reader::run(ReaderConfig::of(relay.source()), out));
        assert_eq!(events.recv().await, Some(SealEvent::Up));
        let Some(SealEvent::Advertisement { address, rssi, .. }) = events.recv().await else { panic!() };
        assert_eq!((address.to_string().as_str(), rssi), ("54:48:E6:8F:80:A5", Some(-50)));
        assert!(relay.written.lock().unwrap().iter().all(|packet| is_allowed(packet)));
        reading.abort();
    }

    #[tokio::test]
    async fn an_adapter_that_goes_is_told_and_opened_anew_with_the_next_connection() {
        let mut relay = Relay::start();
        let (out, mut events) = mpsc::channel(8);
        tokio::spawn(reader::run(ReaderConfig::of(relay.source()), out));
        for _ in 0..2 {
            assert_eq!(events.recv().await, Some(SealEvent::Up));
            assert!(matches!(events.recv().await, Some(SealEvent::Advertisement { .. })));
            let (renew, controller) = relay.opened.recv().await.unwrap();
            assert!(!renew, "nothing was wrong with the adapter");
            rustix::net::shutdown(&controller, rustix::net::Shutdown::Both).unwrap();
            let Some(SealEvent::Down(reason)) = events.recv().await else { panic!() };
            assert!(!reason.is_empty());
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_opened_is_down_by_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hci0.sock");
        let listening = listen_at(&path).unwrap();
        tokio::spawn(serve(listening, Adapter(60_000), Channel::Raw));
        let (out, mut events) = mpsc::channel(8);
        tokio::spawn(reader::run(ReaderConfig::of(Source::Relay(path)), out));
        let Some(SealEvent::Down(reason)) = events.recv().await else { panic!() };
        assert!(reason.starts_with("hci60000"), "{reason}");
    }

    #[tokio::test]
    async fn a_relay_that_is_not_there_is_down_by_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let (out, mut events) = mpsc::channel(8);
        tokio::spawn(reader::run(ReaderConfig::of(Source::Relay(dir.path().join("none.sock"))), out));
        let Some(SealEvent::Down(reason)) = events.recv().await else { panic!() };
        assert!(reason.ends_with("is not there; does waypost-radio@.service run?"), "{reason}");
    }

    #[test]
    fn only_commands_of_a_scan_go_through() {
        for (packet, allowed) in [
            ("01030c00", true),             // Reset
            ("01021000", true),             // Read Local Supported Commands
            ("01422006010000000000", true), // LE Set Extended Scan Enable
            ("010d2019", false),            // LE Create Connection
            ("0143201a", false),            // LE Extended Create Connection
            ("0105040d", false),            // Create Connection
            ("014cfc00", false),            // a vendor's: write memory
            ("0200000000", false),          // data
            ("01030c", false),              // cut off
            ("", false),
        ] {
            assert_eq!(is_allowed(&hex::decode(packet).unwrap()), allowed, "{packet}");
        }
    }
}
