//! The values in a frame: objects read by [`super::object`]'s table.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::object::{self, Kind};

/// One object of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The object's identifier in its format.
    pub id: u8,
    /// What it is, in the reference parser's words.
    pub name: &'static str,
    /// What it says.
    pub value: Value,
}

/// What an object says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(i64),
    /// A number with decimal places, in the unit that the object's table names.
    Decimal(f64),
    /// Yes or no.
    Flag(bool),
    /// A press of a button.
    Press(&'static str),
    /// A turn of a knob, by so many steps.
    Turn(&'static str, u8),
    /// A point in time, as the seal's clock has it.
    Time(Timestamp),
    /// Text.
    Text(String),
    /// Bytes without a meaning here.
    Raw(Vec<u8>),
}

/// What is odd about a frame that was read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Warning {
    /// Identifiers should ascend.
    #[error("object 0x{0:02x} stands behind one with a higher identifier")]
    Descending(u8),
    /// Its length is not known, so what follows is not read.
    #[error("object 0x{0:02x} is not known; what follows it is not read")]
    UnknownObject(u8),
    /// The frame ends within it.
    #[error("object 0x{0:02x} is cut off")]
    CutOff(u8),
    /// Text or raw bytes of length 0.
    #[error("object 0x{0:02x} is empty")]
    Empty(u8),
    /// Text that is not UTF-8, a press that does not exist.
    #[error("object 0x{0:02x} has a value without a meaning")]
    Meaningless(u8),
    /// More bytes than the frame's head names.
    #[error("{0} bytes behind the last value are not read")]
    Behind(usize),
}

/// The objects of one frame in its order. In JSON a map from name to value; a name that stands there more than once
/// is numbered (`temperature_1`, `temperature_2`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measurements(Vec<Measurement>);

impl Measurements {
    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Measurement> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, measurement: Measurement) {
        self.0.push(measurement);
    }
}

impl Value {
    /// The value as a whole number from 0 to 4,294,967,295.
    #[must_use]
    pub fn whole(&self) -> Option<u32> {
        match self {
            Self::Whole(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// Reads objects until they end, or one is not known, or one is cut off. What was read before that is kept.
///
/// Bounded by the bytes given: each turn takes at least one.
#[must_use]
pub fn read(mut objects: &[u8]) -> (Measurements, Vec<Warning>) {
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    let mut highest = 0;
    while let Some((&id, rest)) = objects.split_first() {
        let Some((name, kind)) = object::lookup(id) else {
            warnings.push(Warning::UnknownObject(id));
            break;
        };
        if id < highest {
            warnings.push(Warning::Descending(id));
        }
        highest = id;
        let Some((bytes, rest)) = split_value(kind, rest) else {
            warnings.push(Warning::CutOff(id));
            break;
        };
        objects = rest;
        if bytes.is_empty() {
            warnings.push(Warning::Empty(id));
            continue;
        }
        match value_of(kind, bytes) {
            Ok(Some(value)) => found.push(Measurement { id, name, value }),
            Ok(None) => {}
            Err(Meaningless) => warnings.push(Warning::Meaningless(id)),
        }
    }
    (Measurements(found), warnings)
}

fn split_value(kind: Kind, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    match kind.fixed_len() {
        Some(len) => rest.split_at_checked(len),
        None => {
            let (&len, rest) = rest.split_first()?;
            rest.split_at_checked(usize::from(len))
        }
    }
}

struct Meaningless;

/// The value, or nothing where the object says that nothing happened.
fn value_of(kind: Kind, bytes: &[u8]) -> Result<Option<Value>, Meaningless> {
    let first = bytes.first().copied().unwrap_or_default();
    Ok(Some(match kind {
        Kind::Number { signed, factor, decimals, .. } => {
            let scaled = number(bytes, signed) * factor;
            match decimals {
                0 => Value::Whole(scaled),
                // At most 32 bits and a small factor: exact in an f64, so that 2506 hundredths print as 25.06.
                _ => Value::Decimal(scaled as f64 / 10_f64.powi(i32::from(decimals))),
            }
        }
        Kind::Flag => Value::Flag(first != 0),
        Kind::Button => match press(first)? {
            Some(name) => Value::Press(name),
            None => return Ok(None),
        },
        Kind::Dimmer => match first {
            0x00 => return Ok(None),
            0x01 => Value::Turn("rotate_left", bytes.get(1).copied().unwrap_or_default()),
            0x02 => Value::Turn("rotate_right", bytes.get(1).copied().unwrap_or_default()),
            _ => return Err(Meaningless),
        },
        Kind::Timestamp => {
            Value::Time(Timestamp::from_second(number(bytes, false)).map_err(|_| Meaningless)?)
        }
        Kind::Text => Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| Meaningless)?),
        Kind::Raw => Value::Raw(bytes.to_vec()),
    }))
}

fn press(code: u8) -> Result<Option<&'static str>, Meaningless> {
    Ok(Some(match code {
        0x00 => return Ok(None),
        0x01 => "press",
        0x02 => "double_press",
        0x03 => "triple_press",
        0x04 => "long_press",
        0x05 => "long_double_press",
        0x06 => "long_triple_press",
        0x80 => "hold_press",
        _ => return Err(Meaningless),
    }))
}

/// At most 4 bytes, least significant first.
fn number(bytes: &[u8], signed: bool) -> i64 {
    let unsigned = bytes.iter().rev().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    if signed && negative { unsigned - (1 << (8 * bytes.len())) } else { unsigned }
}

impl Serialize for Measurements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (place, one) in self.0.iter().enumerate() {
            let same = self.iter().filter(|other| other.name == one.name).count();
            if same == 1 {
                map.serialize_entry(one.name, &one.value)?;
            } else {
                let number = self.iter().take(place + 1).filter(|other| other.name == one.name).count();
                map.serialize_entry(&format!("{}_{number}", one.name), &one.value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(number) => serializer.serialize_i64(*number),
            Self::Decimal(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Press(name) => serializer.serialize_str(name),
            Self::Turn(name, steps) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("event", name)?;
                map.serialize_entry("steps", steps)?;
                map.end()
            }
            Self::Time(time) => serializer.collect_str(time),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Raw(bytes) => serializer.serialize_str(&super::hex::encode(bytes)),
        }
    }
}
