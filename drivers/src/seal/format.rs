//! Which format a frame is in, and the one door to all of them.
//!
//! BTHome v2 is the only one that can be encrypted, and so the only one whose "closed" is worth anything. The others
//! may raise an alarm and never clear one: whoever owns a radio can send them. [`super::watch`] sees to that.

use super::ad::{self, MANUFACTURER_DATA, SERVICE_DATA_16};
use super::address::Address;
use super::crypto::{SealKey, UUID_ON_AIR};
use super::frame::{Format, Refusal, SealFrame};
use super::{bthome, eddystone, ela, ibeacon, minew, teltonika};

/// Service data of UUID 0xFEAA as it stands on the air.
const EDDYSTONE: [u8; 2] = [0xAA, 0xFE];
/// Service data of UUID 0xFFE1, where Minew's devices send what does not fit into manufacturer data.
const MINEW_SERVICE: [u8; 2] = [0xE1, 0xFF];
/// Companies as they stand on the air (Assigned Numbers §7.1).
const ELA: [u8; 2] = [0x57, 0x07];
const MINEW: [u8; 2] = [0x39, 0x06];
const TELTONIKA: [u8; 2] = [0x9A, 0x08];
const APPLE: [u8; 2] = [0x4C, 0x00];

/// The frames in an advertisement's data, each with its format, in order. What is in no format known here is left out.
pub fn find(data: &[u8]) -> impl Iterator<Item = (Format, &[u8])> {
    ad::structures(data).filter_map(|(kind, value)| {
        let (owner, frame) = value.split_first_chunk::<2>()?;
        Some(match (kind, *owner) {
            (SERVICE_DATA_16, UUID_ON_AIR) => (Format::Bthome, frame),
            (SERVICE_DATA_16, EDDYSTONE) => (Format::Eddystone, frame),
            (SERVICE_DATA_16, MINEW_SERVICE) | (MANUFACTURER_DATA, MINEW) => (Format::Minew, frame),
            (MANUFACTURER_DATA, ELA) => (Format::Ela, frame),
            (MANUFACTURER_DATA, TELTONIKA) => (Format::Teltonika, frame),
            // Apple's telephones send other things under the same company.
            (MANUFACTURER_DATA, APPLE) if ibeacon::looks_like(frame) => (Format::Ibeacon, frame),
            _ => return None,
        })
    })
}

/// The format of a frame that comes without its advertisement, by its first bytes and its length.
///
/// What has the head of a BTHome frame of version 2 is one, except where it is too short to say anything and ELA's
/// blocks fill it: their movement (0x42) and angle (0x56) look like a frame with its address inside.
#[must_use]
pub fn guess(frame: &[u8]) -> Format {
    match (frame, frame.len()) {
        ([0xA4 | 0xCA, _, ..], _) => Format::Minew,
        ([0x20, 0x00 | 0x01, ..], eddystone::TLM_LEN | eddystone::TLM_ENCRYPTED_LEN) => Format::Eddystone,
        ([0x02, 0x15, ..], ibeacon::LEN) => Format::Ibeacon,
        _ if teltonika::looks_like(frame) => Format::Teltonika,
        ([head, ..], len)
            if (!bthome::is_head(*head) || len <= bthome::SILENT_LEN) && ela::looks_like(frame) =>
        {
            Format::Ela
        }
        _ => Format::Bthome,
    }
}

/// Reads one frame of this format, without what stands before it in the advertisement (UUID or company), received
/// from `address`.
///
/// # Errors
///
/// As [`bthome::read`]; for the others [`Refusal::TooShort`], [`Refusal::BadLength`], [`Refusal::BadVersion`],
/// [`Refusal::UnknownFrame`] and [`Refusal::KeyNeeded`], and [`Refusal::Downgrade`] where there is a key. Any bytes
/// may be given.
pub fn read(
    format: Format,
    frame: &[u8],
    address: Address,
    key: Option<&SealKey>,
) -> Result<SealFrame, Refusal> {
    if format == Format::Bthome {
        return bthome::read(frame, address, key);
    }
    if key.is_some() {
        return Err(Refusal::Downgrade);
    }
    match format {
        Format::Ela => ela::read(frame, address),
        Format::Minew => minew::read(frame, address),
        Format::Teltonika => teltonika::read(frame, address),
        Format::Eddystone => eddystone::read(frame, address),
        Format::Ibeacon | Format::Bthome => ibeacon::read(frame, address),
    }
}

/// Whose frame it is: the address that stands in it, else the one on the air.
///
/// # Errors
///
/// As [`read`].
pub fn address_of(format: Format, frame: &[u8], on_air: Address) -> Result<Address, Refusal> {
    match format {
        Format::Bthome => bthome::address_of(frame, on_air),
        Format::Minew => minew::read(frame, on_air).map(|frame| frame.address),
        Format::Ela | Format::Teltonika | Format::Eddystone | Format::Ibeacon => Ok(on_air),
    }
}
