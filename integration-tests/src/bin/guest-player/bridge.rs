//! Bytes carried between the kernel's edge and the bench's virtual devices.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    net::TcpStream,
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
};
use waypost_integration_tests::wait::{SOON, until};

/// Longest HCI packet, with its type.
const PACKET_MAX: usize = 2048;
/// How long a bridge waits until it looks whether it is to end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// What the kernel's virtual controller takes as "make one", and how it answers.
const VENDOR_PACKET: u8 = 0xFF;
/// Type of an event packet.
const EVENT: u8 = 0x04;

/// A Bluetooth adapter of the kernel's (`/dev/vhci`), behind which the bench's radio sits. Dropped, it is taken away.
pub struct Adapter {
    ending: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Adapter {
    /// Puts it in, with the radio at this path.
    pub fn plug(radio: &Path) -> Self {
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let (mut kernel, radio) = (open(Path::new("/dev/vhci")), open(radio));
        kernel.write_all(&[VENDOR_PACKET, 0]).unwrap();
        let ending = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ending);
        let thread = Some(thread::spawn(move || carry(kernel, radio, &flag)));
        Self { ending, thread }
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn carry(mut kernel: File, mut radio: File, ending: &AtomicBool) {
    let mut buffer = [0; PACKET_MAX];
    let mut events = Vec::new();
    while !ending.load(Ordering::Relaxed) {
        let (kernel_fd, radio_fd) = (kernel.as_fd(), radio.as_fd());
        let mut ready = [PollFd::new(&kernel_fd, PollFlags::IN), PollFd::new(&radio_fd, PollFlags::IN)];
        poll(&mut ready, Some(&LOOK)).unwrap();
        let [from_kernel, from_radio] = ready.map(|fd| fd.revents().contains(PollFlags::IN));
        if from_kernel {
            let length = kernel.read(&mut buffer).unwrap();
            // Its answer to the first packet is none for the radio.
            if buffer[0] != VENDOR_PACKET {
                radio.write_all(&buffer[..length]).unwrap();
            }
        }
        if from_radio {
            let length = radio.read(&mut buffer).unwrap();
            events.extend_from_slice(&buffer[..length]);
            while let [EVENT, _, length, ..] = events[..] {
                let packet = 3 + usize::from(length);
                if events.len() < packet {
                    break;
                }
                // An adapter that is down takes none.
                let _ = kernel.write(&events[..packet]);
                events.drain(..packet);
            }
            assert!(
                events.first().is_none_or(|&first| first == EVENT),
                "the bench's radio sends events only"
            );
        }
    }
}

/// Carries what the host prints to a printer on the network of this machine, and its answers back, for as long as the
/// process runs.
pub fn printer(gadget: &Path, address: &str) {
    let mut paper = TcpStream::connect(address).unwrap();
    // The kernel's gadget takes nothing while somebody waits to read from it, so nobody does.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut port = until("the gadget's port opens", SOON, || {
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(gadget).ok()
    });
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let (port_fd, paper_fd) = (port.as_fd(), paper.as_fd());
            let mut ready = [PollFd::new(&port_fd, PollFlags::IN), PollFd::new(&paper_fd, PollFlags::IN)];
            poll(&mut ready, Some(&LOOK)).unwrap();
            let [from_host, from_paper] = ready.map(|fd| fd.revents().contains(PollFlags::IN));
            // A gadget whose cable is out reads and writes errors, and goes on when it is plugged in again.
            if from_host && let Ok(length @ 1..) = port.read(&mut buffer) {
                paper.write_all(&buffer[..length]).unwrap();
            }
            if from_paper {
                let length = paper.read(&mut buffer).unwrap();
                let _ = port.write(&buffer[..length]);
            }
        }
    });
}
