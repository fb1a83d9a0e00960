//! A scanner in HID point-of-sale mode on a live USB bus, through the real libusb.

use serde_json::json;

use crate::{
    gadget::{Gadget, Names, Reports},
    host::Host,
    sysfs,
    trying::Trying,
};

pub const NAMES: Names =
    Names { port: 0, ids: (0x1209, 0x0001), product: "Point of sale scanner", serial: "WPPOS1" };

/// The report that Access-IS, Honeywell and Zebra share, as their descriptors say it: id 2, byte count, three identifier
/// bytes, 56 of data, one of the vendor's, one reserved, the continuation bit.
const DESCRIPTOR: &[u8] = &[
    0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00,
    0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02, 0x05, 0x8c, 0x09, 0xfb, 0x09, 0xfc, 0x09,
    0xfd, 0x95, 0x03, 0x81, 0x02, 0x09, 0xfe, 0x95, 0x38, 0x82, 0x02, 0x01, 0x06, 0x66, 0xff, 0x09, 0x04,
    0x95, 0x01, 0x81, 0x02, 0x09, 0x05, 0x81, 0x02, 0x05, 0x8c, 0x09, 0xff, 0x25, 0x01, 0x75, 0x01, 0x95,
    0x01, 0x81, 0x02, 0x95, 0x07, 0x81, 0x03, 0xc0, 0xc0,
];
const DATA_BYTES: usize = 56;

/// The gadget, not plugged in.
pub fn gadget() -> Gadget {
    Gadget::hid(NAMES, false, 64, DESCRIPTOR)
}

/// Scans a code, in as many reports as it needs.
pub fn scan(reports: &mut Reports, symbology: [u8; 3], code: &[u8]) {
    let pieces: Vec<&[u8]> = code.chunks(DATA_BYTES).collect();
    for (n, data) in pieces.iter().enumerate() {
        send(reports, symbology, data, n + 1 < pieces.len());
    }
}

fn send(reports: &mut Reports, symbology: [u8; 3], data: &[u8], continues: bool) {
    let mut report = [0; 64];
    report[0] = 2;
    report[1] = u8::try_from(data.len()).unwrap();
    report[2..5].copy_from_slice(&symbology);
    report[5..5 + data.len()].copy_from_slice(data);
    report[63] = u8::from(continues);
    reports.send(&report);
}

pub fn show(host: &Host) {
    let scanner = gadget();
    let mut reports = scanner.plug_for_reports();
    let device = sysfs::usb_device(NAMES.serial);
    sysfs::driven_by(&device, "usbhid");
    let listed = sysfs::listed(NAMES.serial);
    assert_eq!(listed["kind"], "scanner", "{listed}");
    assert!(listed["evidence"].as_str().unwrap().contains("0x8C"), "{listed}");
    let settings = ["kind=hid_pos", "usb_serial=WPPOS1"];

    // Taken from the kernel's driver, read, and handed back.
    let mut trying = Trying::start("scanner", &settings);
    trying.until_up();
    sysfs::driven_by(&device, "usbfs");
    scan(&mut reports, *b"]C0", b"T-00000001");
    let code = trying.next_code();
    assert_eq!((&code["scan"]["id"], &code["scan"]["symbology"]), (&json!("T-00000001"), &json!("]C0")));

    // A group separator between two elements, and a code of three reports, of which the seam lies within an element.
    scan(&mut reports, *b"]d2", b"010950600013435210ABC123\x1d21SER1");
    let code = trying.next_code();
    let elements = json!([
        { "ai": "01", "value": "09506000134352" }, { "ai": "10", "value": "ABC123" }, { "ai": "21", "value": "SER1" },
    ]);
    assert_eq!(code["scan"]["elements"], elements, "{code}");
    let long = [
        b"010950600013435210".as_slice(),
        &[b'L'; 20],
        b"\x1d21",
        &[b'S'; 20],
        b"\x1d240",
        &[b'X'; 30],
        b"\x1d91END",
    ]
    .concat();
    scan(&mut reports, *b"]d2", &long);
    let code = trying.next_code();
    assert_eq!(code["scan"]["length"], long.len(), "{code}");
    assert_eq!(code["scan"]["elements"][4], json!({ "ai": "91", "value": "END" }), "{code}");

    // It is still listed while a program has it, as the gateway has it all day.
    let listed = sysfs::listed(NAMES.serial);
    assert_eq!(listed["kind"], "scanner", "{listed}");

    // Unplugged in the middle of a code, and plugged in again: nothing of the first half is left.
    send(&mut reports, *b"]C0", &[b'9'; DATA_BYTES], true);
    drop(reports);
    scanner.unplug();
    let reason = trying.until_away();
    assert!(reason.contains("unplugged"), "{reason}");
    let mut reports = scanner.plug_for_reports();
    trying.until_up();
    scan(&mut reports, *b"]C0", b"T-00000002");
    let code = trying.next_code();
    assert_eq!(code["scan"]["id"], "T-00000002", "{code}");

    let device = sysfs::usb_device(NAMES.serial);
    sysfs::driven_by(&device, "usbfs");
    trying.stop();
    sysfs::driven_by(&device, "usbhid");

    // A gateway that is killed hands nothing back; the next one finds the scanner all the same.
    let mut killed = Trying::start("scanner", &settings);
    killed.until_up();
    killed.kill();
    let mut trying = Trying::start("scanner", &settings);
    trying.until_up();
    scan(&mut reports, *b"]C0", b"T-00000003");
    let code = trying.next_code();
    assert_eq!(code["scan"]["id"], "T-00000003", "{code}");
    trying.stop();
    sysfs::driven_by(&device, "usbhid");
    host.note("hid_pos", "taken from usbhid and handed back, also after a kill");
}
