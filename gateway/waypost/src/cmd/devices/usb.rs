//! What a USB device says of itself, by the kernel's files.

use std::path::{Path, PathBuf};

use waypost_drivers::scanner::hid::descriptor;

use super::{
    Root,
    found::{Found, Kind, Usb, quoted},
};

/// The kernel's list.
const DEVICES: &str = "/sys/bus/usb/devices";
/// Steps up from a port to its USB device.
const STEPS_MAX: usize = 8;
/// Classes of interfaces, USB's own numbers.
const CLASS_HID: &str = "03";
const CLASS_PRINTER: &str = "07";
/// Subclass of HID devices that are no keyboards and mice for a BIOS.
const SUBCLASS_NONE: &str = "00";
/// The kernel's name for a program that has an interface.
const DRIVER_OF_PROGRAMS: &str = "usbfs";

/// A USB device's names and numbers.
#[derive(Debug, Default)]
pub struct Names {
    /// Vendor and product, four hexadecimal digits each.
    pub ids: (String, String),
    /// Maker and product in one line.
    pub what: String,
    /// Its serial number.
    pub serial: Option<String>,
}

impl Names {
    /// Reads them from the device's folder.
    fn read(root: &Root, folder: &Path) -> Option<Self> {
        let ids = (root.text(folder.join("idVendor"))?, root.text(folder.join("idProduct"))?);
        let names = ["manufacturer", "product"].map(|name| root.text(folder.join(name)));
        let what = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let what = if what.is_empty() { format!("USB {}:{}", ids.0, ids.1) } else { what };
        Some(Self { ids, what, serial: root.text(folder.join("serial")) })
    }

    /// With the port at which it is.
    fn on(&self, port: &str) -> Usb {
        Usb { port: port.to_owned(), ids: self.ids.clone(), serial: self.serial.clone() }
    }

    /// Those of the USB device that a device hangs on; none where it hangs on none.
    pub fn above(root: &Root, device: impl AsRef<Path>) -> Option<Self> {
        let mut folder = root.real(device)?;
        for _ in 0..STEPS_MAX {
            if let Some(names) = Self::read(root, &folder) {
                return Some(names);
            }
            folder = folder.parent()?.to_owned();
        }
        None
    }
}

/// Scanners and printers that are told by their USB class.
pub fn find(root: &Root) -> Vec<Found> {
    let mut found: Vec<Found> = root
        .names(DEVICES)
        .into_iter()
        // Interfaces are named as 1-1.2:1.0.
        .filter(|name| name.contains(':'))
        .filter_map(|name| interface(root, &name))
        .collect();
    // A device with two such interfaces is one device.
    found.dedup_by(|one, other| one.at == other.at);
    found
}

fn interface(root: &Root, name: &str) -> Option<Found> {
    let folder = Path::new(DEVICES).join(name);
    let usb_port = name.split(':').next()?;
    let names = Names::read(root, &Path::new(DEVICES).join(usb_port))?;
    match root.text(folder.join("bInterfaceClass"))?.as_str() {
        CLASS_HID => point_of_sale(root, &folder, usb_port, &names),
        CLASS_PRINTER => Some(printer(usb_port, &names)),
        _ => None,
    }
}

/// A scanner in HID point-of-sale mode, by its report descriptor.
fn point_of_sale(root: &Root, folder: &Path, usb_port: &str, names: &Names) -> Option<Found> {
    let entries: Vec<String> = root.names(folder);
    let mut descriptors = entries.iter().filter_map(|entry| {
        let descriptor: PathBuf = folder.join(entry).join("report_descriptor");
        root.bytes(descriptor)
    });
    let is_scanner = descriptors
        .clone()
        .any(|bytes| descriptor::parse(&bytes).is_ok_and(|description| description.is_scanner));
    let (evidence, remark) = if is_scanner {
        ("usage page 0x8C (bar code scanner) in its report descriptor", None)
    } else if descriptors.next().is_none() && is_taken(root, folder) {
        // The kernel shows what its own driver has read, and forgets it with the driver.
        let remark = "stop the gateway to see whether it is a scanner; it is, if the gateway reads it";
        (
            "a HID device, no keyboard and no mouse, that a program has taken from the kernel's driver, as a gateway \
             that runs takes its scanner",
            Some(remark.to_owned()),
        )
    } else {
        return None;
    };
    let which = match &names.serial {
        Some(serial) => format!("usb_serial = {}", quoted(serial)),
        None => format!("usb_port = {}", quoted(usb_port)),
    };
    Some(Found {
        usb: Some(names.on(usb_port)),
        kind: Kind::Scanner,
        what: names.what.clone(),
        at: format!("USB {usb_port}"),
        evidence: evidence.to_owned(),
        configured: None,
        remark,
        toml: format!("[[scanner]]\nname = {}\nkind = \"hid_pos\"\n{which}\n", quoted(&names.what)),
    })
}

/// Whether a program has the interface for itself, or had it and was killed: then no driver of the kernel's is there.
fn is_taken(root: &Root, folder: &Path) -> bool {
    let boots = root.text(folder.join("bInterfaceSubClass")).as_deref() != Some(SUBCLASS_NONE);
    let driver = root.real(folder.join("driver"));
    !boots && driver.is_none_or(|driver| driver.ends_with(DRIVER_OF_PROGRAMS))
}

fn printer(usb_port: &str, names: &Names) -> Found {
    let (vendor, product) = &names.ids;
    let id = match &names.serial {
        Some(serial) => format!("{vendor}:{product}:{serial}"),
        None => format!("{vendor}:{product}"),
    };
    Found {
        usb: Some(names.on(usb_port)),
        kind: Kind::Printer,
        what: names.what.clone(),
        at: format!("USB {usb_port}"),
        evidence: "USB's printer class (7)".to_owned(),
        configured: None,
        remark: Some("a label printer speaks zpl, a receipt printer escpos".to_owned()),
        toml: format!("[[printer]]\nname = {}\nusb = {}\nkind = \"zpl\"\n", quoted(&names.what), quoted(&id)),
    }
}
