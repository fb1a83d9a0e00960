//! A printer on USB, by its printer class (interface class 7, Universal Serial Bus Device Class Definition for Printing
//! Devices 1.1): bulk out for data, bulk in for answers, GET_PORT_STATUS for what it says where it speaks no language.

use std::{fmt, io, str::FromStr, time::Duration};

use rusb::{Context, Device, DeviceHandle, Direction, TransferType, UsbContext as _};

use super::link::Link;

/// Interface class of printers.
const CLASS: u8 = 7;
/// Subclass: printers.
const SUBCLASS: u8 = 1;
/// Protocols with a way back: bidirectional, IEEE 1284.4.
const PROTOCOLS: [u8; 2] = [2, 3];
/// Class request, device to host, of an interface.
const CLASS_IN: u8 = 0xA1;
const GET_PORT_STATUS: u8 = 1;
/// Longest time for a control request.
const CONTROL_MAX: Duration = Duration::from_secs(1);
/// Most bytes in one transfer.
const TRANSFER_MAX: usize = 16 * 1024;
/// Bytes of one read: a whole packet of a high-speed device, so that none overflows.
const PACKET: usize = 512;

/// Which printer: `vid:pid` in hex, and its serial number where there are two of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbId {
    /// Vendor.
    pub vendor: u16,
    /// Product.
    pub product: u16,
    /// Serial number as the device says it.
    pub serial: Option<String>,
}

/// A text that names no USB device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a USB device is named as vid:pid or vid:pid:serial, with four hexadecimal digits each")]
pub struct BadUsbId;

impl FromStr for UsbId {
    type Err = BadUsbId;

    fn from_str(text: &str) -> Result<Self, BadUsbId> {
        let mut parts = text.splitn(3, ':');
        let mut number = || {
            let part = parts.next().filter(|part| part.len() == 4 && !part.starts_with('+'));
            part.and_then(|part| u16::from_str_radix(part, 16).ok()).ok_or(BadUsbId)
        };
        let (vendor, product) = (number()?, number()?);
        match parts.next() {
            Some("") => Err(BadUsbId),
            serial => Ok(Self { vendor, product, serial: serial.map(str::to_owned) }),
        }
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04x}:{:04x}", self.vendor, self.product)?;
        match &self.serial {
            Some(serial) => write!(out, ":{serial}"),
            None => Ok(()),
        }
    }
}

/// One interface setting of a device, as far as a printer is told by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The interface's number.
    pub interface: u8,
    /// The alternate setting's number.
    pub setting: u8,
    /// Class, subclass and protocol.
    pub class: [u8; 3],
    /// Addresses of its bulk endpoints; the highest bit says: in.
    pub bulk: Vec<u8>,
}

/// How data goes to a printer and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pipes {
    /// The interface.
    pub interface: u8,
    /// Its alternate setting.
    pub setting: u8,
    /// Endpoint to the printer.
    pub out: u8,
    /// Endpoint from the printer; none of a printer that only listens.
    pub back: Option<u8>,
}

/// The setting to use: a printer's, with a way back where there is one.
pub fn choose(settings: &[Setting]) -> Option<Pipes> {
    const IN: u8 = 0x80;
    let printers = settings.iter().filter(|one| matches!(one.class, [CLASS, SUBCLASS, _]));
    let pipes = printers.filter_map(|one| {
        let out = one.bulk.iter().copied().find(|endpoint| endpoint & IN == 0)?;
        let [.., protocol] = one.class;
        let back = one
            .bulk
            .iter()
            .copied()
            .find(|endpoint| endpoint & IN != 0)
            .filter(|_| PROTOCOLS.contains(&protocol));
        // IEEE 1284.4 wraps what is sent in packets of its own; plain bytes go by the other protocols.
        Some((protocol != 3, Pipes { interface: one.interface, setting: one.setting, out, back }))
    });
    pipes.max_by_key(|(plain, pipes)| (*plain, pipes.back.is_some())).map(|(_, pipes)| pipes)
}

/// Opens the printer and takes its interface from the kernel's own driver, which gets it back at the end.
///
/// # Errors
/// It is not there, is no printer, or another program has it.
pub fn open(id: &UsbId) -> io::Result<Usb> {
    let context = Context::new().map_err(failed)?;
    for device in context.devices().map_err(failed)?.iter() {
        let Ok(about) = device.device_descriptor() else { continue };
        if (about.vendor_id(), about.product_id()) != (id.vendor, id.product) {
            continue;
        }
        let Ok(handle) = device.open() else {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the printer may not be opened"));
        };
        let serial = handle.read_serial_number_string_ascii(&about).ok();
        if id.serial.is_some() && id.serial != serial {
            continue;
        }
        let no_printer = || io::Error::new(io::ErrorKind::Unsupported, "this USB device is no printer");
        let pipes = choose(&settings(&device)).ok_or_else(no_printer)?;
        // Where the kernel has no driver for it, there is nothing to take.
        let _ = handle.set_auto_detach_kernel_driver(true);
        handle.claim_interface(pipes.interface).map_err(failed)?;
        if pipes.setting != 0 {
            handle.set_alternate_setting(pipes.interface, pipes.setting).map_err(failed)?;
        }
        return Ok(Usb { handle, pipes });
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the printer is not plugged in"))
}

fn settings(device: &Device<Context>) -> Vec<Setting> {
    let Ok(config) = device.active_config_descriptor() else { return Vec::new() };
    let all = config.interfaces().flat_map(|interface| interface.descriptors().collect::<Vec<_>>());
    all.map(|one| Setting {
        interface: one.interface_number(),
        setting: one.setting_number(),
        class: [one.class_code(), one.sub_class_code(), one.protocol_code()],
        bulk: one
            .endpoint_descriptors()
            .filter(|endpoint| endpoint.transfer_type() == TransferType::Bulk)
            .map(|endpoint| match endpoint.direction() {
                Direction::In => endpoint.address() | 0x80,
                Direction::Out => endpoint.address() & 0x7F,
            })
            .collect(),
    })
    .collect()
}

/// A printer on USB.
pub struct Usb {
    handle: DeviceHandle<Context>,
    pipes: Pipes,
}

impl Link for Usb {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        let bytes = bytes.get(..TRANSFER_MAX).unwrap_or(bytes);
        none_in_time(self.handle.write_bulk(self.pipes.out, bytes, wait))
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        let Some(back) = self.pipes.back else { return Ok(0) };
        let mut packet = [0; PACKET];
        let length = none_in_time(self.handle.read_bulk(back, &mut packet, wait))?;
        for (place, byte) in buffer.iter_mut().zip(packet.iter().take(length)) {
            *place = *byte;
        }
        Ok(length.min(buffer.len()))
    }

    fn port_status(&mut self) -> io::Result<Option<u8>> {
        let mut status = [0];
        let (setting, interface) = (u16::from(self.pipes.setting), u16::from(self.pipes.interface));
        let index = interface << 8 | setting;
        match self.handle.read_control(CLASS_IN, GET_PORT_STATUS, 0, index, &mut status, CONTROL_MAX) {
            Ok(1) => Ok(status.first().copied()),
            Ok(_) | Err(rusb::Error::Pipe | rusb::Error::Timeout) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// An answer within the time, or none.
fn none_in_time(result: rusb::Result<usize>) -> io::Result<usize> {
    match result {
        Err(rusb::Error::Timeout | rusb::Error::Interrupted) => Ok(0),
        other => other.map_err(failed),
    }
}

fn failed(error: rusb::Error) -> io::Error {
    match error {
        rusb::Error::NoDevice => io::Error::new(io::ErrorKind::NotFound, "the printer was unplugged"),
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(setting: u8, class: [u8; 3], bulk: &[u8]) -> Setting {
        Setting { interface: 0, setting, class, bulk: bulk.to_vec() }
    }

    #[test]
    fn a_printer_is_told_by_its_class_and_one_with_a_way_back_is_taken() {
        let one_way = setting(0, [7, 1, 1], &[0x01]);
        let both_ways = setting(1, [7, 1, 2], &[0x82, 0x01]);
        let packets = setting(2, [7, 1, 3], &[0x01, 0x82]);
        let pipes = |setting, back| Some(Pipes { interface: 0, setting, out: 1, back });
        assert_eq!(choose(&[one_way.clone(), both_ways.clone(), packets.clone()]), pipes(1, Some(0x82)));
        assert_eq!(choose(&[packets, both_ways]), pipes(1, Some(0x82)));
        assert_eq!(choose(&[one_way]), pipes(0, None));
        assert_eq!(choose(&[setting(0, [3, 1, 2], &[0x01, 0x82]), setting(0, [7, 1, 2], &[0x82])]), None);
    }

    #[test]
    fn a_device_is_named_by_vendor_product_and_serial() {
        let id: UsbId = "04b8:0202:X4A:1".parse().unwrap();
        assert_eq!((id.vendor, id.product, id.serial.as_deref()), (0x04B8, 0x0202, Some("X4A:1")));
        assert_eq!(id.to_string(), "04b8:0202:X4A:1");
        assert_eq!("0A5F:0166".parse::<UsbId>().unwrap().to_string(), "0a5f:0166");
        for text in ["", "04b8", "04b8:", "4b8:0202", "04b8:0202:", "+4b8:0202", "04bg:0202"] {
            assert_eq!(text.parse::<UsbId>(), Err(BadUsbId), "{text:?}");
        }
    }
}
