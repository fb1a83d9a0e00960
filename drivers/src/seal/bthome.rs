//! BTHome v2, the seals' format: the service data of UUID 0xFCD2, plain or encrypted.
//!
//! A frame is a byte of device information (bit 0 encrypted, bit 1 the address follows, bit 2 sent on events only,
//! bits 5 to 7 the version), then objects: an identifier and a value, least significant byte first. When encrypted, the
//! objects are cipher text, and a counter of 4 bytes and a tag of 4 bytes follow. Source: bthome.io and the reference
//! parser (Bluetooth-Devices/bthome-ble).
//!
//! Here one frame is read by itself. Whether it is new, repeated or replayed is [`super::watch`]'s to say.

use super::address::Address;
use super::crypto::{SealKey, TAG_LEN};
use super::frame::{Format, Refusal, SealFrame, SealState};
use super::measure::{self, Measurements, Value};
use super::object::id;

const ENCRYPTED: u8 = 0b0000_0001;
const ADDRESS_INCLUDED: u8 = 0b0000_0010;
const EVENTS_ONLY: u8 = 0b0000_0100;
const VERSION_SHIFT: u8 = 5;
const VERSION: u8 = 2;
const COUNTER_LEN: usize = 4;
/// Device information and an address inside, and so no object.
pub(super) const SILENT_LEN: usize = 7;
/// One object, the counter and the tag: less cannot say anything.
const SEALED_LEN_MIN: usize = 2 + COUNTER_LEN + TAG_LEN;

/// Reads one frame: service data of UUID 0xFCD2 from the device information byte on, received from `address`.
///
/// # Errors
///
/// [`Refusal::TooShort`], [`Refusal::BadVersion`], [`Refusal::KeyNeeded`], [`Refusal::Downgrade`] and
/// [`Refusal::BadTag`]; never another. Any bytes may be given.
pub fn read(service_data: &[u8], address: Address, key: Option<&SealKey>) -> Result<SealFrame, Refusal> {
    let envelope = Envelope::open(service_data, address)?;
    match (envelope.encrypted(), key) {
        (false, None) => Ok(envelope.frame(None, envelope.body)),
        (false, Some(_)) => Err(Refusal::Downgrade),
        (true, None) => Err(Refusal::KeyNeeded),
        (true, Some(key)) => {
            let (counter, sealed) = envelope.sealed()?;
            let objects = key
                .decrypt(envelope.address, envelope.info, counter, &sealed)
                .map_err(|_| Refusal::BadTag)?;
            Ok(envelope.frame(Some(counter), &objects))
        }
    }
}

/// Whose frame it is: the address that stands in it, else the one on the air.
///
/// # Errors
///
/// [`Refusal::TooShort`] and [`Refusal::BadVersion`].
pub fn address_of(service_data: &[u8], on_air: Address) -> Result<Address, Refusal> {
    Envelope::open(service_data, on_air).map(|envelope| envelope.address)
}

/// Device information of the version that is read here.
pub(super) fn is_head(info: u8) -> bool {
    info >> VERSION_SHIFT == VERSION
}

/// A frame whose head is read and whose body is not.
struct Envelope<'a> {
    info: u8,
    address: Address,
    body: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn open(service_data: &'a [u8], on_air: Address) -> Result<Self, Refusal> {
        let (&info, rest) = service_data.split_first().ok_or(Refusal::TooShort)?;
        if !is_head(info) {
            return Err(Refusal::BadVersion);
        }
        if info & ADDRESS_INCLUDED == 0 {
            return Ok(Self { info, address: on_air, body: rest });
        }
        let (address, body) = rest.split_first_chunk().ok_or(Refusal::TooShort)?;
        Ok(Self { info, address: Address::from_air(*address), body })
    }

    fn encrypted(&self) -> bool {
        self.info & ENCRYPTED != 0
    }

    /// The counter, and cipher text with its tag, without the counter that stands between them.
    fn sealed(&self) -> Result<(u32, Vec<u8>), Refusal> {
        if self.body.len() < SEALED_LEN_MIN {
            return Err(Refusal::TooShort);
        }
        let (rest, tag) = self.body.split_last_chunk::<TAG_LEN>().ok_or(Refusal::TooShort)?;
        let (cipher_text, counter) = rest.split_last_chunk::<COUNTER_LEN>().ok_or(Refusal::TooShort)?;
        Ok((u32::from_le_bytes(*counter), [cipher_text, tag].concat()))
    }

    fn frame(&self, counter: Option<u32>, objects: &[u8]) -> SealFrame {
        let (measurements, warnings) = measure::read(objects);
        SealFrame {
            address: self.address,
            authentic: counter.is_some(),
            state: state_of(&measurements),
            counter,
            event_count: measurements
                .iter()
                .filter(|m| matches!(m.id, id::COUNT_U8 | id::COUNT_U16 | id::COUNT_U32))
                .filter_map(|m| m.value.whole())
                .next_back(),
            battery_percent: byte(&measurements, id::BATTERY),
            packet_id: byte(&measurements, id::PACKET_ID),
            format: Format::Bthome,
            uptime: None,
            events_only: self.info & EVENTS_ONLY != 0,
            measurements,
            warnings,
        }
    }
}

/// Tampered before open before closed. Tamper that is not set does not make a frame say "closed".
fn state_of(measurements: &Measurements) -> SealState {
    let flags = |wanted: &[u8]| {
        measurements
            .iter()
            .filter(|m| wanted.contains(&m.id))
            .map(|m| m.value == Value::Flag(true))
            .reduce(|one, other| one || other)
    };
    if flags(&[id::TAMPER]) == Some(true) {
        return SealState::Tampered;
    }
    match flags(&[id::OPENING, id::DOOR, id::GARAGE_DOOR, id::WINDOW]) {
        Some(true) => SealState::Open,
        Some(false) => SealState::Closed,
        None => SealState::Unknown,
    }
}

fn byte(measurements: &Measurements, id: u8) -> Option<u8> {
    let value = measurements.iter().find(|m| m.id == id)?.value.whole()?;
    u8::try_from(value).ok()
}
