//! iBeacon: it says who it is and nothing else, so it serves for presence.
//!
//! Manufacturer data of company 0x004C: 02 15, a UUID of 16 bytes, major and minor (most significant byte first), and
//! the strength at one metre in dBm. Source: Apple, "Proximity Beacon Specification", R1.

use super::address::Address;
use super::frame::{Format, Refusal, SealFrame};
use super::measure::{Measurement, Value};

/// Length from `02 15` on, in bytes.
pub const LEN: usize = 23;
const TYPE: u8 = 0x02;
const REST_LEN: u8 = 0x15;

/// Reads manufacturer data of company 0x004C, from `02 15` on.
///
/// # Errors
///
/// [`Refusal::TooShort`], [`Refusal::BadLength`] and [`Refusal::UnknownFrame`].
pub fn read(data: &[u8], address: Address) -> Result<SealFrame, Refusal> {
    let Some(value) = data.strip_prefix(&[TYPE, REST_LEN]) else {
        return Err(if data.len() < 2 { Refusal::TooShort } else { Refusal::UnknownFrame });
    };
    let (uuid, value) = value.split_first_chunk::<16>().ok_or(Refusal::TooShort)?;
    let [major0, major1, minor0, minor1, power] = *value else {
        return Err(if data.len() < LEN { Refusal::TooShort } else { Refusal::BadLength });
    };
    let mut frame = SealFrame::plain(Format::Ibeacon, address);
    let mut say = |name, value| frame.measurements.push(Measurement { id: TYPE, name, value });
    say("uuid", Value::Raw(uuid.to_vec()));
    say("major", Value::Whole(u16::from_be_bytes([major0, major1]).into()));
    say("minor", Value::Whole(u16::from_be_bytes([minor0, minor1]).into()));
    say("power_at_1_m", Value::Whole(power.cast_signed().into()));
    Ok(frame)
}

/// It begins as one, and is none of the other things that Apple's devices send.
pub(super) fn looks_like(data: &[u8]) -> bool {
    data.starts_with(&[TYPE, REST_LEN])
}
