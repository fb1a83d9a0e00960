//! What a configuration names, and what of it is not plugged in.

use std::path::Path;

use serde::Serialize;
use waypost_drivers::{printer::Place, screen::ScreenConfig, seal::Source};
use waypost_edge::config::{BoardKind, Config, ScannerLink};

use super::{
    Root,
    found::{Found, Kind},
};

/// Something that is configured and not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What the configuration calls it.
    pub what: String,
    /// Where it should be.
    pub at: String,
    /// What to do.
    pub remedy: String,
}

/// Marks what is configured, and gives what is missing.
pub fn compare(config: &Config, root: &Root, devices: &mut [Found]) -> Vec<Missing> {
    for found in devices.iter_mut() {
        found.configured = Some(false);
    }
    let mut missing = Vec::new();
    for scanner in &config.scanners {
        match (&scanner.link, scanner.link.path()) {
            (_, Some(path)) => file(&scanner.name, path, Kind::Scanner, root, devices, &mut missing),
            (ScannerLink::HidPos(wanted), None) => {
                let there = mark(devices, |found| {
                    let Some(usb) = &found.usb else { return false };
                    found.kind == Kind::Scanner
                        && wanted.usb_port.as_ref().is_none_or(|wanted| *wanted == usb.port)
                        && (wanted.serial.is_none() || wanted.serial == usb.serial)
                });
                let at = match (&wanted.serial, &wanted.usb_port) {
                    (Some(serial), _) => format!("USB, serial number {serial}"),
                    (None, Some(port)) => format!("USB {port}"),
                    (None, None) => "USB, in HID POS mode".to_owned(),
                };
                note(there, &scanner.name, &at, Kind::Scanner, devices, &mut missing);
            }
            _ => {}
        }
    }
    if let Some(reader) = &config.seal_reader {
        match &reader.source {
            Source::Serial(port) => file("seal reader", &port.path, Kind::Seal, root, devices, &mut missing),
            Source::Adapter(adapter, _) => {
                let name = adapter.to_string();
                let there = mark(devices, |found| found.at == name);
                note(there, "seal reader", &name, Kind::Seal, devices, &mut missing);
            }
            // Which adapter it is, whoever holds the radio knows.
            Source::Relay(path) => file("seal reader", path, Kind::Seal, root, devices, &mut missing),
        }
    }
    // What gpsd has plugged in is gpsd's to say.
    if let Some(line) = config.receiver.as_ref().and_then(|receiver| receiver.line.as_ref()) {
        file("receiver", &line.path, Kind::Gnss, root, devices, &mut missing);
    }
    for printer in &config.printers {
        match &printer.driver.place {
            // Whether somebody answers there is not for the kernel's lists to say.
            Place::Tcp(_) => {}
            Place::Serial(port) => {
                file(&printer.name, &port.path, Kind::Printer, root, devices, &mut missing);
            }
            Place::Usb(id) => {
                let there = mark(devices, |found| {
                    let Some(usb) = &found.usb else { return false };
                    found.kind == Kind::Printer
                        && usb.ids == (format!("{:04x}", id.vendor), format!("{:04x}", id.product))
                        && (id.serial.is_none() || id.serial == usb.serial)
                });
                let at = format!("USB {id}");
                note(there, &printer.name, &at, Kind::Printer, devices, &mut missing);
            }
        }
    }
    for screen in &config.screens {
        let path = match &screen.device {
            ScreenConfig::Ssd1306 { bus, .. } => format!("/dev/i2c-{bus}").into(),
            ScreenConfig::Tft(wiring) => format!("/dev/spidev{}.{}", wiring.bus, wiring.select).into(),
            ScreenConfig::Framebuffer { device, .. } => device.clone(),
            ScreenConfig::Png { .. } => continue,
        };
        file(&screen.name, &path, Kind::Screen, root, devices, &mut missing);
    }
    if let Some(board) = &config.board
        && matches!(board.kind, BoardKind::Pins(_))
    {
        let there = mark(devices, |found| found.kind == Kind::Board);
        note(there, "board", "the pins of a Raspberry Pi", Kind::Board, devices, &mut missing);
    }
    missing
}

/// A device at a path: configured under this name or under another one of the same file.
fn file(what: &str, path: &Path, kind: Kind, root: &Root, devices: &mut [Found], missing: &mut Vec<Missing>) {
    let real = root.real(path);
    mark(devices, |found| Path::new(&found.at) == path || (real.is_some() && root.real(&found.at) == real));
    // A port that is no list's, a pseudo-terminal for instance, is there all the same.
    note(real.is_some(), what, &path.display().to_string(), kind, devices, missing);
}

/// Marks what fits as configured. Whether there was any.
fn mark(devices: &mut [Found], fits: impl Fn(&Found) -> bool) -> bool {
    let mut any = false;
    for found in devices.iter_mut().filter(|found| fits(found)) {
        found.configured = Some(true);
        any = true;
    }
    any
}

fn note(there: bool, what: &str, at: &str, kind: Kind, devices: &[Found], missing: &mut Vec<Missing>) {
    if there {
        return;
    }
    let other = devices.iter().find(|found| found.kind == kind && found.configured == Some(false));
    let remedy = match other {
        Some(found) => format!("is it {} at {}? Then correct the configuration", found.what, found.at),
        None => "plug it in; if it is, look at its cable and its light".to_owned(),
    };
    missing.push(Missing { what: what.to_owned(), at: at.to_owned(), remedy });
}
