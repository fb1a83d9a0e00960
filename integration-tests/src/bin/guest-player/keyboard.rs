//! A scanner that plays a keyboard, on a live USB bus: read through the kernel's input layer.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use waypost_integration_tests::wait::{SOON, pause, until};

use crate::{
    gadget::{Gadget, Names, Reports},
    host::Host,
    sysfs,
    trying::Trying,
};

pub const NAMES: Names =
    Names { port: 1, ids: (0x05e0, 0x1200), product: "Symbol Bar Code Scanner", serial: "WPKBD1" };

/// A boot keyboard's (Device Class Definition for HID 1.11, appendix E.6).
const DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
    0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x03, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08,
    0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x03, 0x95, 0x06, 0x75, 0x08, 0x15,
    0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0,
];
/// Between two keys of a scanner, and of a person.
const SCANNER_GAP_MS: u64 = 2;
const PERSON_GAP_MS: u64 = 150;
/// By when a report that was fetched has come through the kernel.
const BUS_MS: u64 = 300;

/// The gadget, not plugged in.
pub fn gadget() -> Gadget {
    Gadget::hid(NAMES, true, 8, DESCRIPTOR)
}

/// Types a line, each key pressed and let go.
pub fn type_line(reports: &mut Reports, line: &str, gap_ms: u64) {
    for character in line.chars().chain(['\n']) {
        let (shift, key) = key(character);
        reports.send(&[shift, 0, key, 0, 0, 0, 0, 0]);
        reports.send(&[0; 8]);
        pause(gap_ms);
    }
}

/// As a scanner does it.
pub fn scan(reports: &mut Reports, code: &str) {
    type_line(reports, code, SCANNER_GAP_MS);
}

/// Left shift, and the key's number (HID Usage Tables, page 7).
fn key(character: char) -> (u8, u8) {
    const LEFT_SHIFT: u8 = 2;
    let offset = |from: char| u8::try_from(u32::from(character) - u32::from(from)).unwrap();
    match character {
        'A'..='Z' => (LEFT_SHIFT, 0x04 + offset('A')),
        '1'..='9' => (0, 0x1e + offset('1')),
        '0' => (0, 0x27),
        '-' => (0, 0x2d),
        '\n' => (0, 0x28),
        other => panic!("no key for {other:?}"),
    }
}

pub fn show(host: &Host) {
    let scanner = gadget();
    let mut reports = scanner.plug_for_reports();
    let path = sysfs::appears("/dev/input/by-id", "WPKBD1-event-kbd");
    let listed = sysfs::listed(path.to_str().unwrap());
    assert_eq!(listed["kind"], "scanner", "{listed}");
    let port = format!("port={}", path.display());

    // Another program reads the same keyboard, and so does whatever sits at the machine's own console.
    let mut others = Others::open(&path);
    scan(&mut reports, "T-00000001");
    assert!(others.hear(), "keystrokes reach other programs as long as the scanner is not taken");

    let mut trying = Trying::start("scanner", &["kind=keyboard", &port]);
    trying.until_up();
    others.forget();
    scan(&mut reports, "T-00000002");
    let code = trying.next_code();
    assert_eq!(code["scan"]["id"], "T-00000002", "{code}");
    type_line(&mut reports, "T-00000003", PERSON_GAP_MS);
    let code = trying.next_code();
    assert_eq!(code["typed"]["id"], "T-00000003", "{code}");
    assert!(!others.hear(), "a keystroke reached another program");

    // Unplugged in the middle of a code, and plugged in again.
    for character in ['T', '-', '0', '0'] {
        let (shift, key) = key(character);
        reports.send(&[shift, 0, key, 0, 0, 0, 0, 0]);
        reports.send(&[0; 8]);
    }
    drop(reports);
    scanner.unplug();
    let reason = trying.until_away();
    assert!(reason.contains("unplugged"), "{reason}");
    sysfs::vanishes("/dev/input/by-id", "WPKBD1");
    let mut reports = scanner.plug_for_reports();
    trying.until_up();
    let mut others = Others::open(&sysfs::appears("/dev/input/by-id", "WPKBD1-event-kbd"));
    others.forget();
    scan(&mut reports, "T-00000004");
    let code = trying.next_code();
    assert_eq!(code["scan"]["id"], "T-00000004", "{code}");
    assert!(!others.hear(), "a keystroke reached another program after the scanner came back");

    trying.stop();
    scan(&mut reports, "T-00000005");
    until("keystrokes reach other programs again", SOON, || others.hear().then_some(()));
    host.note("keyboard", "scanned and typed told apart; taken, let go, unplugged and back");
}

/// Programs that keystrokes must not reach: a reader of the event device, and the kernel's own console.
struct Others {
    reader: File,
    console: File,
}

impl Others {
    fn open(path: &Path) -> Self {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
            until(&format!("{} opens", path.display()), SOON, || {
                options.read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()
            })
        };
        Self { reader: open(path), console: open(Path::new("/dev/tty1")) }
    }

    /// Whether either got anything since it was asked last; both must, or neither.
    fn hear(&mut self) -> bool {
        // What the kernel hands on, it hands on at once; the wait is for the bus.
        pause(BUS_MS);
        let heard = [&mut self.reader, &mut self.console].map(drain);
        assert_eq!(heard[0], heard[1], "reader and console heard different things");
        heard[0]
    }

    fn forget(&mut self) {
        self.hear();
    }
}

fn drain(file: &mut File) -> bool {
    let mut buffer = [0; 4096];
    let mut heard = false;
    while matches!(file.read(&mut buffer), Ok(1..)) {
        heard = true;
    }
    heard
}
