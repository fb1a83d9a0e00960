//! A scanner behind a USB serial adapter of the virtual machine, named by udev.

use serde_json::json;

use crate::{host::Host, sysfs, trying::Trying};

const BY_ID: &str = "/dev/serial/by-id";
const SERIAL: &str = "WPSER1";

/// Puts the adapter in; gives the name that udev makes.
pub fn plug(host: &Host) -> String {
    let device = json!({ "driver": "usb-serial", "id": "scanner", "chardev": "scanner", "serial": SERIAL, "bus": "usb.0" });
    host.machine("device_add", device);
    sysfs::appears(BY_ID, SERIAL).to_str().unwrap().to_owned()
}

/// Pulls it out.
pub fn unplug(host: &Host) {
    host.machine("device_del", json!({ "id": "scanner" }));
    sysfs::vanishes(BY_ID, SERIAL);
}

pub fn show(host: &Host) {
    let path = plug(host);
    let listed = &sysfs::devices();
    assert!(listed.iter().any(|one| one["at"] == path.as_str()), "{listed:?}");
    let port = format!("port={path}");
    let mut trying = Trying::start("scanner", &[&port, "baud=115200"]);
    trying.until_up();
    host.serial(b"T-00000001\r\n");
    assert_eq!(trying.next_code()["scan"]["id"], "T-00000001");

    for round in 2..=4 {
        // In the middle of a code.
        host.serial(b"T-0000");
        unplug(host);
        let reason = trying.until_away();
        assert!(!reason.is_empty());
        assert_eq!(plug(host), path, "the name stays");
        trying.until_up();
        host.serial(format!("T-0000000{round}\r\n").as_bytes());
        let code = trying.next_code();
        assert_eq!(code["scan"]["id"], format!("T-0000000{round}"), "{code}");
    }
    // Half a code after which nothing comes is told, and takes nothing from the next.
    host.serial(b"T-0000");
    trying.until("half a code is told", |line| line["unreadable"].is_string());
    host.serial(b"T-00000009\r\n");
    assert_eq!(trying.next_code()["scan"]["id"], "T-00000009");
    trying.stop();
    unplug(host);
    host.note("serial", &format!("named {path}"));
}
