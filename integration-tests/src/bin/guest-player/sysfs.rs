//! What the kernel and udev show, and what `waypost devices` makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use waypost_integration_tests::{
    program,
    wait::{PATIENT, until},
};

/// Waits for the first file in a folder whose name contains this.
pub fn appears(folder: &str, part: &str) -> PathBuf {
    until(&format!("{folder} has something with {part:?}"), PATIENT, || found(folder, part))
}

/// Waits until none is there any more.
pub fn vanishes(folder: &str, part: &str) {
    until(&format!("{folder} has nothing with {part:?}"), PATIENT, || {
        found(folder, part).is_none().then_some(())
    });
}

fn found(folder: &str, part: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains(part))
}

/// The USB device with this serial number, in the kernel's list.
pub fn usb_device(serial: &str) -> PathBuf {
    until(&format!("a USB device {serial}"), PATIENT, || {
        let entries = fs::read_dir("/sys/bus/usb/devices").ok()?.flatten();
        let mut devices = entries.map(|entry| entry.path());
        devices.find(|path| fs::read_to_string(path.join("serial")).is_ok_and(|its| its.trim() == serial))
    })
}

/// The kernel's driver of a USB device's first interface; none where it has none.
pub fn driver(device: &Path) -> Option<String> {
    let port = device.file_name().unwrap().to_str().unwrap();
    let link = fs::read_link(device.join(format!("{port}:1.0/driver"))).ok()?;
    Some(link.file_name().unwrap().to_str().unwrap().to_owned())
}

/// Waits until that is this one.
pub fn driven_by(device: &Path, name: &str) {
    until(&format!("{} is driven by {name}", device.display()), PATIENT, || {
        (driver(device).as_deref() == Some(name)).then_some(())
    });
}

/// What `waypost devices --json` lists.
pub fn devices() -> Vec<Value> {
    let output = Command::new(program::waypost()).args(["devices", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    listed["devices"].as_array().unwrap().clone()
}

/// The one whose lines for the configuration contain this.
pub fn listed(part: &str) -> Value {
    let all = devices();
    let one = all.iter().find(|one| one["toml"].as_str().unwrap().contains(part));
    one.unwrap_or_else(|| panic!("no device with {part:?}: {all:?}")).clone()
}
