//! A scanner on an emulated USB: umockdev answers the gateway's real libusb for the kernel.
//!
//! umockdev shows the device in /sys and /dev and plays a recording of its traffic, in the format of the kernel's usbmon
//! (link type 220). Here the recording is a pipe that the test writes while it is played, so that a code comes when the
//! test scans it. A read of the pipe that waits makes the gateway's call into the kernel wait, as a slow device would.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};
use waypost_integration_tests::{program, wait};

/// Where the device is in sysfs.
const SYSFS: &str = "/devices/pci0000:00/0000:00:14.0/usb1/1-2";
const BUS: u16 = 1;
const DEVICE: u8 = 3;
const ENDPOINT_IN: u8 = 0x81;
/// Types of transfer, as usbmon writes them.
const INTERRUPT: u8 = 1;
const CONTROL: u8 = 2;
/// Status of a transfer that was submitted: "in progress".
const EINPROGRESS: i32 = 115;

/// The report that Access-IS, Honeywell and Zebra share, as their descriptors say it: id 2, byte count, three identifier
/// bytes, 56 of data, one of the vendor's, one reserved, the continuation bit.
const REPORT_DESCRIPTOR: &[u8] = &[
    0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00,
    0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09,
    0xfd, 0x95, 0x03, 0x81, 0x02, 0x09, 0xfe, 0x95, 0x38, 0x82, 0x02, 0x01, 0x06, 0x66, 0xff, 0x09, 0x04,
    0x95, 0x01, 0x81, 0x02, 0x09, 0x05, 0x81, 0x02, 0x05, 0x8c, 0x09, 0xff, 0x25, 0x01, 0x75, 0x01, 0x95,
    0x01, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03, 0xc0, 0xc0,
];

/// The scanner, and the bus that it is on.
pub struct UsbScanner {
    recording: File,
    launcher: PathBuf,
    pid: PathBuf,
    transfers: u64,
}

impl UsbScanner {
    /// A scanner with the serial number `WP-0001`, with all that umockdev needs in `dir`.
    pub fn plug_in(dir: &Path) -> Self {
        let (device, pipe) = (dir.join("bus.umockdev"), dir.join("traffic.pcap"));
        let (launcher, pid) = (dir.join("waypost-on-usb"), dir.join("waypost.pid"));
        std::fs::write(&device, description()).unwrap();
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        // Open for both, so that neither end waits for the other.
        let recording = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let script = format!(
            "#!/bin/sh\nexec umockdev-run -d {} -p /sys{SYSFS}={} -- sh -c 'echo $$ >{}; exec {} \"$@\"' waypost \"$@\"\n",
            device.display(),
            pipe.display(),
            pid.display(),
            program::waypost().display()
        );
        std::fs::write(&launcher, script).unwrap();
        let mut executable = Command::new("chmod");
        assert!(executable.arg("755").arg(&launcher).status().unwrap().success());
        let mut scanner = Self { recording, launcher, pid, transfers: 0 };
        // The beginning of the file (version 2.4, usbmon's link type), and what the scanner answers when it is asked
        // what its reports are like.
        let header: [u32; 6] = [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 65_535, 220];
        scanner.write(&header.map(u32::to_le_bytes).concat());
        let length = u16::try_from(REPORT_DESCRIPTOR.len()).unwrap().to_le_bytes();
        let setup = [0x81, 6, 0, 0x22, 0, 0, length[0], length[1]];
        scanner.transfer(CONTROL, 0x80, Some(setup), REPORT_DESCRIPTOR);
        scanner
    }

    /// What starts the gateway on this bus.
    pub fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// Scans a code: reports of at most `piece` bytes, each but the last saying that more follows.
    pub fn scan(&mut self, symbology: &[u8; 3], code: &[u8], piece: usize) {
        let pieces: Vec<&[u8]> = code.chunks(piece).collect();
        for (n, data) in pieces.iter().enumerate() {
            let mut report = [0; 64];
            report[0] = 2;
            report[1] = u8::try_from(data.len()).unwrap();
            report[2..5].copy_from_slice(symbology);
            report[5..5 + data.len()].copy_from_slice(data);
            report[63] = u8::from(n + 1 < pieces.len());
            self.transfer(INTERRUPT, ENDPOINT_IN, None, &report);
        }
    }

    /// SIGTERM for the gateway itself; umockdev ends with it, and with its status.
    pub fn terminate(&self) {
        let id = wait::until("the gateway has a number", wait::SOON, || {
            std::fs::read_to_string(&self.pid).ok()?.trim().parse().ok()
        });
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    }

    /// A transfer as usbmon notes it: submitted, and completed with this data.
    fn transfer(&mut self, kind: u8, endpoint: u8, setup: Option<[u8; 8]>, data: &[u8]) {
        self.transfers += 1;
        let submitted = self.event(b'S', kind, endpoint, setup, data.len(), &[]);
        let completed = self.event(b'C', kind, endpoint, None, data.len(), data);
        self.write(&[submitted, completed].concat());
    }

    /// usbmon's header of 64 bytes (Documentation/usb/usbmon.rst, `struct mon_bin_hdr`) and the data, as a record of a
    /// pcap file.
    fn event(
        &self,
        event: u8,
        kind: u8,
        endpoint: u8,
        setup: Option<[u8; 8]>,
        length: usize,
        data: &[u8],
    ) -> Vec<u8> {
        let seconds = 1_600_000_000 + i64::try_from(self.transfers).unwrap();
        let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let status = if event == b'S' { -EINPROGRESS } else { 0 };
        let mut header = Vec::new();
        header.extend(self.transfers.to_le_bytes());
        header.extend([event, kind, endpoint, DEVICE]);
        header.extend(BUS.to_le_bytes());
        // A flag of zero says that setup or data is there.
        header.push(if setup.is_some() { 0 } else { b'-' });
        header.push(if data.is_empty() { b'<' } else { 0 });
        header.extend(seconds.to_le_bytes());
        header.extend([0; 4]);
        header.extend(status.to_le_bytes());
        header.extend(size(length));
        header.extend(size(data.len()));
        header.extend(setup.unwrap_or_default());
        header.extend([0; 16]);
        assert_eq!(header.len(), 64);
        header.extend(data);
        let length = size(header.len());
        let second = u32::try_from(seconds).unwrap().to_le_bytes();
        [&second[..], &[0; 4], &length, &length, &header].concat()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.recording.write_all(bytes).unwrap();
    }
}

/// The bus as umockdev-record would describe it: a root hub, and the scanner at its second port.
fn description() -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let length = u8::try_from(REPORT_DESCRIPTOR.len()).unwrap();
    let scanner = [
        // Device; configuration of 34 bytes; interface of class HID; its HID descriptor; an interrupt endpoint.
        &[18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x00, 0x01, 1, 2, 3, 1][..],
        &[9, 2, 34, 0, 1, 1, 0, 0xa0, 50],
        &[9, 4, 0, 0, 1, 3, 0, 0, 0],
        &[9, 0x21, 0x11, 0x01, 0, 1, 0x22, length, 0],
        &[7, 5, ENDPOINT_IN, 3, 64, 0, 10],
    ]
    .concat();
    let hub = [
        &[18, 1, 0, 2, 9, 0, 1, 64, 0x6b, 0x1d, 0x02, 0x00, 0x00, 0x05, 3, 2, 1, 1][..],
        &[9, 2, 25, 0, 1, 1, 0, 0xe0, 0],
        &[9, 4, 0, 0, 1, 9, 0, 0, 0],
        &[7, 5, 0x81, 3, 4, 0, 12],
    ]
    .concat();
    let device = |path: &str, number: u8, speed: u16, descriptors: &[u8], more: &str| {
        let hex = hex(descriptors);
        format!(
            "P: {path}\nN: bus/usb/001/{number:03}={hex}\nE: DEVNAME=/dev/bus/usb/001/{number:03}\n\
             E: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\nE: BUSNUM=001\nE: DEVNUM={number:03}\nE: MAJOR=189\n\
             E: MINOR={}\nA: bConfigurationValue=1\\n\nA: busnum=1\\n\nA: devnum={number}\\n\nA: speed={speed}\\n\n\
             {more}H: descriptors={hex}\n\n",
            number - 1
        )
    };
    let (bus, _) = SYSFS.rsplit_once('/').unwrap();
    let names = "A: serial=WP-0001\\n\nA: product=Emulated scanner\\n\nA: devpath=2\\n\n";
    device(SYSFS, DEVICE, 12, &scanner, names) + &device(bus, 1, 480, &hub, "")
}
