//! A virtual tag: one of the formats that have no encryption, as an advertisement's data.

use crate::seal::{Address, Format};

const FLAGS: u8 = 0x01;
const SERVICE_DATA_16: u8 = 0x16;
const MANUFACTURER_DATA: u8 = 0xFF;
/// Millivolts of a battery that is neither new nor empty.
const MILLIVOLTS: u16 = 2_988;

/// A tag on a box, without a key.
#[derive(Debug, Clone)]
pub struct VirtualTag {
    /// Its address.
    pub mac: Address,
    /// What it sends.
    pub format: Format,
    /// How often it was opened; formats that count send it.
    pub event_count: u16,
    /// Charge in percent, where the format says it so.
    pub battery_percent: u8,
    /// Since its start, in tenths of a second; Eddystone telemetry sends it.
    pub uptime_tenths_s: u32,
    opened: bool,
    tampered: bool,
}

impl VirtualTag {
    /// A closed tag that was never opened and has just been started.
    #[must_use]
    pub fn new(mac: Address, format: Format) -> Self {
        Self {
            mac,
            format,
            event_count: 0,
            battery_percent: 99,
            uptime_tenths_s: 0,
            opened: false,
            tampered: false,
        }
    }

    /// Opens it; the count of openings rises if it was closed.
    pub fn open(&mut self) {
        if !self.opened {
            self.event_count = self.event_count.saturating_add(1);
        }
        self.opened = true;
    }

    /// Closes it. That it was tampered with stays.
    pub fn close(&mut self) {
        self.opened = false;
    }

    /// Takes its back off.
    pub fn tamper(&mut self) {
        self.tampered = true;
    }

    /// What is on the air: flags, then service data or manufacturer data.
    #[must_use]
    pub fn advertisement(&self) -> Vec<u8> {
        let opened = u8::from(self.opened);
        let tampered = u8::from(self.tampered);
        let [millivolts_high, millivolts_low] = MILLIVOLTS.to_be_bytes();
        let (kind, owner, frame) = match self.format {
            Format::Bthome => {
                let [low, high] = self.event_count.to_le_bytes();
                let battery = self.battery_percent;
                let frame = vec![0x40, 0x01, battery, 0x11, opened, 0x2B, tampered, 0x3D, low, high];
                (SERVICE_DATA_16, 0xFCD2_u16, frame)
            }
            Format::Ela => {
                let [low, high] = (self.event_count << 1 | u16::from(!self.opened)).to_le_bytes();
                (MANUFACTURER_DATA, 0x0757, vec![0x32, low, high])
            }
            Format::Minew => {
                let head = [0xA4, 0x01, self.battery_percent, opened, tampered, opened, 0xFF];
                (MANUFACTURER_DATA, 0x0639, [&head[..], &self.mac.to_air(), &[0, 0]].concat())
            }
            Format::Teltonika => {
                let field = u8::from(!self.opened) << 3;
                (MANUFACTURER_DATA, 0x089A, vec![0x01, 0b1000_0100 | field, 98])
            }
            Format::Eddystone => {
                let head = [0x20, 0x00, millivolts_high, millivolts_low, 0x80, 0x00];
                let uptime = self.uptime_tenths_s.to_be_bytes();
                // It advertises ten times a second, so both counts are the same.
                (SERVICE_DATA_16, 0xFEAA, [&head[..], &uptime, &uptime].concat())
            }
            Format::Ibeacon => {
                let identity = [0xA5; 16];
                (MANUFACTURER_DATA, 0x004C, [&[0x02, 0x15], &identity[..], &[0, 1, 0, 2, 0xC5]].concat())
            }
        };
        let structure = [&[kind], &owner.to_le_bytes()[..], &frame].concat();
        // None of these is longer than an advertisement.
        let len = u8::try_from(structure.len()).unwrap_or_default();
        [&[2, FLAGS, 0x04, len], structure.as_slice()].concat()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]
mod tests {
    use super::*;
    use crate::seal::{SealState, format};

    const MAC: Address = Address([0xAC, 0x23, 0x31, 0x23, 0x45, 0x67]);

    #[test]
    fn what_is_done_to_a_tag_stands_in_its_next_advertisement() {
        for (name, says_open, says_tampered) in [
            (Format::Bthome, true, true),
            (Format::Ela, true, false),
            (Format::Minew, true, true),
            (Format::Teltonika, true, false),
            (Format::Eddystone, false, false),
            (Format::Ibeacon, false, false),
        ] {
            let mut tag = VirtualTag::new(MAC, name);
            let state = |tag: &VirtualTag| {
                let data = tag.advertisement();
                let frames: Vec<_> = format::find(&data).collect();
                let [(found, frame)] = frames[..] else { panic!("{name:?}: {data:02x?}") };
                assert_eq!(found, name);
                format::read(found, frame, MAC, None).unwrap().state
            };
            let or_unknown = |says, state| if says { state } else { SealState::Unknown };
            assert_eq!(state(&tag), or_unknown(says_open, SealState::Closed), "{name:?}");
            tag.open();
            assert_eq!(state(&tag), or_unknown(says_open, SealState::Open), "{name:?}");
            tag.close();
            assert_eq!(state(&tag), or_unknown(says_open, SealState::Closed), "{name:?}");
            tag.tamper();
            let after = or_unknown(says_open, SealState::Closed);
            assert_eq!(state(&tag), if says_tampered { SealState::Tampered } else { after }, "{name:?}");
        }
    }
}
