//! Finding scanners on the USB: by the usage page in an interface's report descriptor, never by a list of vendors.
//!
//! The kernel's HID driver has read the descriptor already and shows it in sysfs, so a device that is no scanner is not
//! touched. Only an interface that no kernel driver holds is asked itself.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle, Direction, TransferType, UsbContext as _};

use super::descriptor::{self, DESCRIPTOR_BYTES_MAX, Description};

/// USB class of human interface devices.
const CLASS_HID: u8 = 3;
/// Subclass of keyboards and mice that a BIOS can use. A scanner in point-of-sale mode is none.
const SUBCLASS_BOOT: u8 = 1;
/// Type of a HID descriptor, and of a report descriptor (USB HID 1.11, clause 7.1).
const TYPE_HID: u8 = 0x21;
const TYPE_REPORT: u8 = 0x22;
/// Standard request to an interface, to be answered by the device.
const REQUEST_TYPE_INTERFACE_IN: u8 = 0x81;
const GET_DESCRIPTOR: u8 = 6;
/// How long a device may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Where the kernel shows its USB devices.
pub(super) const SYSFS_DEVICES: &str = "/sys/bus/usb/devices";
/// Longest serial number or product name that is read, in bytes.
const NAME_BYTES_MAX: u64 = 256;
/// HID devices of one interface that are looked at; there is one.
const HID_ENTRIES_MAX: usize = 16;

/// A scanner on the USB that can be opened.
#[derive(Debug)]
pub struct Found {
    /// What and where it is.
    pub identity: Identity,
    pub(super) device: Device<Context>,
    pub(super) interface: u8,
    pub(super) endpoint: u8,
    pub(super) packet_bytes: usize,
    pub(super) description: Description,
}

/// What tells one device from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Bus and ports, as the kernel names it: `1-1.2`. The same for whatever is plugged in there.
    pub usb_port: String,
    /// Its serial number, if it has one: the same wherever it is plugged in.
    pub serial: Option<String>,
    /// What it calls itself.
    pub product: Option<String>,
    /// Vendor and product number.
    pub ids: (u16, u16),
}

/// An interface that may be a scanner's.
struct Candidate {
    interface: u8,
    endpoint: u8,
    packet_bytes: usize,
    /// Bytes of its report descriptor, as its HID descriptor says.
    descriptor_bytes: usize,
}

/// All scanners that are plugged in, by port.
///
/// # Errors
/// The bus cannot be listed.
pub fn find(context: &Context) -> rusb::Result<Vec<Found>> {
    let mut found: Vec<Found> = context.devices()?.iter().filter_map(scanner).collect();
    found.sort_by(|one, other| one.identity.usb_port.cmp(&other.identity.usb_port));
    Ok(found)
}

/// The device, if it is a scanner. One that cannot be asked is none.
fn scanner(device: Device<Context>) -> Option<Found> {
    let ids = device.device_descriptor().map(|descriptor| (descriptor.vendor_id(), descriptor.product_id()));
    let usb_port = port_name(&device)?;
    let sysfs = Path::new(SYSFS_DEVICES).join(&usb_port);
    let (candidate, description) = candidates(&device).into_iter().find_map(|candidate| {
        let description = description(&device, &usb_port, &candidate)?;
        description.is_scanner.then_some((candidate, description))
    })?;
    let identity = Identity {
        serial: attribute(&sysfs.join("serial")),
        product: attribute(&sysfs.join("product")),
        usb_port,
        ids: ids.ok()?,
    };
    let Candidate { interface, endpoint, packet_bytes, .. } = candidate;
    Some(Found { identity, device, interface, endpoint, packet_bytes, description })
}

fn port_name(device: &Device<Context>) -> Option<String> {
    let ports: Vec<String> = device.port_numbers().ok()?.iter().map(u8::to_string).collect();
    // A hub at the root has no port, and is no scanner.
    (!ports.is_empty()).then(|| format!("{}-{}", device.bus_number(), ports.join(".")))
}

fn candidates(device: &Device<Context>) -> Vec<Candidate> {
    let Ok(config) = device.active_config_descriptor() else { return Vec::new() };
    let mut candidates = Vec::new();
    for descriptor in config.interfaces().flat_map(|interface| interface.descriptors()) {
        let is_hid = descriptor.class_code() == CLASS_HID && descriptor.sub_class_code() != SUBCLASS_BOOT;
        let input = descriptor.endpoint_descriptors().find(|endpoint| {
            endpoint.transfer_type() == TransferType::Interrupt && endpoint.direction() == Direction::In
        });
        let Some(input) = input.filter(|_| is_hid && descriptor.setting_number() == 0) else { continue };
        candidates.push(Candidate {
            interface: descriptor.interface_number(),
            endpoint: input.address(),
            packet_bytes: usize::from(input.max_packet_size()),
            descriptor_bytes: report_descriptor_bytes(descriptor.extra()).unwrap_or(DESCRIPTOR_BYTES_MAX),
        });
    }
    candidates
}

/// The length of the report descriptor from the class descriptor that follows the interface's.
fn report_descriptor_bytes(mut extra: &[u8]) -> Option<usize> {
    loop {
        let length = usize::from(*extra.first()?);
        match extra.get(..length)? {
            [_, TYPE_HID, _, _, _, _, TYPE_REPORT, low, high, ..] => {
                return Some(usize::from(u16::from_le_bytes([*low, *high])));
            }
            [] => return None,
            _ => extra = extra.get(length..)?,
        }
    }
}

fn description(device: &Device<Context>, usb_port: &str, candidate: &Candidate) -> Option<Description> {
    let bytes = from_kernel(usb_port, candidate.interface).or_else(|| ask(device, candidate))?;
    match descriptor::parse(&bytes) {
        Ok(description) => Some(description),
        Err(error) => {
            tracing::debug!(usb_port, %error, "a report descriptor cannot be used");
            None
        }
    }
}

/// The descriptor as the kernel's HID driver has read it.
fn from_kernel(usb_port: &str, interface: u8) -> Option<Vec<u8>> {
    // The kernel names interfaces by configuration and number; scanners have one configuration.
    let folder: PathBuf = Path::new(SYSFS_DEVICES).join(format!("{usb_port}:1.{interface}"));
    let entries = fs::read_dir(folder).ok()?.take(HID_ENTRIES_MAX);
    let file = entries.flatten().find_map(|entry| File::open(entry.path().join("report_descriptor")).ok())?;
    let mut bytes = Vec::new();
    let most = u64::try_from(DESCRIPTOR_BYTES_MAX).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

/// Asks an interface that no kernel driver holds; one that is held is left alone.
fn ask(device: &Device<Context>, candidate: &Candidate) -> Option<Vec<u8>> {
    let handle = device.open().ok()?;
    if handle.kernel_driver_active(candidate.interface).unwrap_or(false) {
        return None;
    }
    handle.claim_interface(candidate.interface).ok()?;
    let bytes = report_descriptor(&handle, candidate);
    // The handle closes behind this, which gives it free as well.
    let _ = handle.release_interface(candidate.interface);
    bytes.ok()
}

fn report_descriptor(handle: &DeviceHandle<Context>, candidate: &Candidate) -> rusb::Result<Vec<u8>> {
    let mut bytes = vec![0; candidate.descriptor_bytes.min(DESCRIPTOR_BYTES_MAX)];
    let length = handle.read_control(
        REQUEST_TYPE_INTERFACE_IN,
        GET_DESCRIPTOR,
        u16::from_be_bytes([TYPE_REPORT, 0]),
        u16::from(candidate.interface),
        &mut bytes,
        ANSWER_WITHIN,
    )?;
    bytes.truncate(length);
    Ok(bytes)
}

fn attribute(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(NAME_BYTES_MAX).read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_report_descriptor_stands_in_the_class_descriptor() {
        let hid = [9, 0x21, 0x11, 0x01, 0, 1, 0x22, 0x62, 0x01];
        assert_eq!(report_descriptor_bytes(&hid), Some(0x162));
        assert_eq!(report_descriptor_bytes(&[&[3, 0x24, 0][..], &hid].concat()), Some(0x162));
        for broken in [&[][..], &[0, 0x21], &[9, 0x21, 0x11], &[2, 0x24, 0], &hid[..8]] {
            assert_eq!(report_descriptor_bytes(broken), None, "{broken:?}");
        }
    }
}
