//! Teltonika's EYE sensors (BTSMP1): a magnet, movement, angle, temperature and humidity.
//!
//! Manufacturer data of company 0x089A: version 1, a byte of flags, then the values that the flags name, most
//! significant byte first. Bits: 0 temperature, 1 humidity, 2 there is a magnet sensor, 3 it feels a field, 4
//! movement, 5 angle, 6 battery low, 7 voltage. Source: wiki.teltonika-gps.com, "EYE SENSOR / BTSMP1".
//!
//! Nothing here is authenticated, and a magnet of somebody else feels like the box's own.

use super::address::Address;
use super::frame::{Format, Refusal, SealFrame, SealState};
use super::measure::{Measurement, Value, Warning};

const VERSION: u8 = 0x01;
const TEMPERATURE: u8 = 1 << 0;
const HUMIDITY: u8 = 1 << 1;
const MAGNET: u8 = 1 << 2;
const FIELD: u8 = 1 << 3;
const MOVEMENT: u8 = 1 << 4;
const ANGLE: u8 = 1 << 5;
const BATTERY_LOW: u8 = 1 << 6;
const VOLTAGE: u8 = 1 << 7;

/// Reads manufacturer data of company 0x089A, from the version on.
///
/// # Errors
///
/// [`Refusal::TooShort`] and [`Refusal::BadVersion`]. Bytes behind the last value are a warning.
pub fn read(data: &[u8], address: Address) -> Result<SealFrame, Refusal> {
    let [version, flags, rest @ ..] = data else { return Err(Refusal::TooShort) };
    if *version != VERSION {
        return Err(Refusal::BadVersion);
    }
    let flags = *flags;
    let mut values = Values { rest };
    let mut frame = SealFrame::plain(Format::Teltonika, address);
    let mut say = |id: u8, name, value| frame.measurements.push(Measurement { id, name, value });
    if flags & TEMPERATURE != 0 {
        say(TEMPERATURE, "temperature", Value::Decimal(f64::from(values.i16()?) / 100.0));
    }
    if flags & HUMIDITY != 0 {
        say(HUMIDITY, "humidity", Value::Whole(values.u8()?.into()));
    }
    let magnet = (flags & MAGNET != 0).then_some(flags & FIELD != 0);
    if let Some(field) = magnet {
        say(MAGNET, "opening", Value::Flag(!field));
    }
    if flags & MOVEMENT != 0 {
        let both = values.i16()?.cast_unsigned();
        say(MOVEMENT, "moving", Value::Flag(both & 0x8000 != 0));
        say(MOVEMENT, "movement_count", Value::Whole((both & 0x7FFF).into()));
    }
    if flags & ANGLE != 0 {
        say(ANGLE, "pitch", Value::Whole(values.u8()?.cast_signed().into()));
        say(ANGLE, "roll", Value::Whole(values.i16()?.into()));
    }
    say(BATTERY_LOW, "battery_low", Value::Flag(flags & BATTERY_LOW != 0));
    if flags & VOLTAGE != 0 {
        say(VOLTAGE, "voltage", Value::Decimal((2_000.0 + 10.0 * f64::from(values.u8()?)) / 1_000.0));
    }
    match magnet {
        Some(true) => frame.worsen(SealState::Closed),
        Some(false) => frame.worsen(SealState::Open),
        None => {}
    }
    if !values.rest.is_empty() {
        frame.warnings.push(Warning::Behind(values.rest.len()));
    }
    Ok(frame)
}

/// Version 1 and exactly the values that its flags name.
pub(super) fn looks_like(data: &[u8]) -> bool {
    let [VERSION, flags, rest @ ..] = data else { return false };
    let lens = [(TEMPERATURE, 2), (HUMIDITY, 1), (MOVEMENT, 2), (ANGLE, 3), (VOLTAGE, 1)];
    let len: usize = lens.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, len)| len).sum();
    rest.len() == len
}

struct Values<'a> {
    rest: &'a [u8],
}

impl Values<'_> {
    fn u8(&mut self) -> Result<u8, Refusal> {
        let (&value, rest) = self.rest.split_first().ok_or(Refusal::TooShort)?;
        self.rest = rest;
        Ok(value)
    }

    fn i16(&mut self) -> Result<i16, Refusal> {
        let (value, rest) = self.rest.split_first_chunk::<2>().ok_or(Refusal::TooShort)?;
        self.rest = rest;
        Ok(i16::from_be_bytes(*value))
    }
}
