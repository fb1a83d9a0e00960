//! The objects of BTHome v2: what each identifier means, how long it is and in which unit it counts.
//!
//! Source: bthome.io, "Format", and the reference parser (Bluetooth-Devices/bthome-ble), whose names are used. Where
//! that has one name for two things in one frame (power in watts and power present, mass in two units), ours are two.

use Kind::{Button, Dimmer, Flag, Raw, Text, Timestamp};

/// How the bytes of an object are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, least significant byte first; the value is `number * factor / 10^decimals`.
    Number {
        /// Length in bytes, 1 to 4.
        len: usize,
        /// Two's complement.
        signed: bool,
        /// Whole part of the factor.
        factor: i64,
        /// Decimal places of the factor.
        decimals: u8,
    },
    /// One byte, 0 or not 0.
    Flag,
    /// One byte: which press.
    Button,
    /// Two bytes: direction, then steps.
    Dimmer,
    /// Four bytes: seconds since 1970.
    Timestamp,
    /// A length, then so many bytes of UTF-8.
    Text,
    /// A length, then so many bytes.
    Raw,
}

impl Kind {
    /// Length of the value in bytes; nothing where the frame itself says it.
    #[must_use]
    pub fn fixed_len(self) -> Option<usize> {
        match self {
            Self::Number { len, .. } => Some(len),
            Flag | Button => Some(1),
            Dimmer => Some(2),
            Timestamp => Some(4),
            Text | Raw => None,
        }
    }
}

/// Identifiers that say something about a seal.
pub mod id {
    /// Counts frames, 0 to 255 and again.
    pub const PACKET_ID: u8 = 0x00;
    /// Charge in percent.
    pub const BATTERY: u8 = 0x01;
    /// Count of openings, one byte.
    pub const COUNT_U8: u8 = 0x09;
    /// Opening: 1 is open.
    pub const OPENING: u8 = 0x11;
    /// Door: 1 is open.
    pub const DOOR: u8 = 0x1A;
    /// Garage door: 1 is open.
    pub const GARAGE_DOOR: u8 = 0x1B;
    /// Tamper: 1 is tampered with.
    pub const TAMPER: u8 = 0x2B;
    /// Window: 1 is open.
    pub const WINDOW: u8 = 0x2D;
    /// Count of openings, two bytes.
    pub const COUNT_U16: u8 = 0x3D;
    /// Count of openings, four bytes.
    pub const COUNT_U32: u8 = 0x3E;
}

/// Name and kind of an object; nothing for an identifier that is not known, whose length is then not known either.
#[must_use]
pub fn lookup(id: u8) -> Option<(&'static str, Kind)> {
    Some(match id {
        0x00 => ("packet_id", unsigned(1, 1, 0)),
        0x01 => ("battery", unsigned(1, 1, 0)),
        0x02 => ("temperature", signed(2, 1, 2)),
        0x03 => ("humidity", unsigned(2, 1, 2)),
        0x04 => ("pressure", unsigned(3, 1, 2)),
        0x05 => ("illuminance", unsigned(3, 1, 2)),
        0x06 => ("mass_kg", unsigned(2, 1, 2)),
        0x07 => ("mass_lb", unsigned(2, 1, 2)),
        0x08 => ("dew_point", signed(2, 1, 2)),
        0x09 => ("count", unsigned(1, 1, 0)),
        0x0A => ("energy", unsigned(3, 1, 3)),
        0x0B => ("power", unsigned(3, 1, 2)),
        0x0C => ("voltage", unsigned(2, 1, 3)),
        0x0D => ("pm25", unsigned(2, 1, 0)),
        0x0E => ("pm10", unsigned(2, 1, 0)),
        0x0F => ("generic", Flag),
        0x10 => ("power_on", Flag),
        0x11 => ("opening", Flag),
        0x12 => ("carbon_dioxide", unsigned(2, 1, 0)),
        0x13 => ("volatile_organic_compounds", unsigned(2, 1, 0)),
        0x14 => ("moisture", unsigned(2, 1, 2)),
        0x15 => ("battery_low", Flag),
        0x16 => ("battery_charging", Flag),
        0x17 => ("carbon_monoxide", Flag),
        0x18 => ("cold", Flag),
        0x19 => ("connectivity", Flag),
        0x1A => ("door", Flag),
        0x1B => ("garage_door", Flag),
        0x1C => ("gas_detected", Flag),
        0x1D => ("heat", Flag),
        0x1E => ("light", Flag),
        0x1F => ("lock", Flag),
        0x20 => ("moisture_detected", Flag),
        0x21 => ("motion", Flag),
        0x22 => ("moving", Flag),
        0x23 => ("occupancy", Flag),
        0x24 => ("plug", Flag),
        0x25 => ("presence", Flag),
        0x26 => ("problem", Flag),
        0x27 => ("running", Flag),
        0x28 => ("safety", Flag),
        0x29 => ("smoke", Flag),
        0x2A => ("sound", Flag),
        0x2B => ("tamper", Flag),
        0x2C => ("vibration", Flag),
        0x2D => ("window", Flag),
        0x2E => ("humidity", unsigned(1, 1, 0)),
        0x2F => ("moisture", unsigned(1, 1, 0)),
        0x3A => ("button", Button),
        0x3C => ("dimmer", Dimmer),
        0x3D => ("count", unsigned(2, 1, 0)),
        0x3E => ("count", unsigned(4, 1, 0)),
        0x3F => ("rotation", signed(2, 1, 1)),
        0x40 => ("distance_mm", unsigned(2, 1, 0)),
        0x41 => ("distance_m", unsigned(2, 1, 1)),
        0x42 => ("duration", unsigned(3, 1, 3)),
        0x43 => ("current", unsigned(2, 1, 3)),
        0x44 => ("speed", unsigned(2, 1, 2)),
        0x45 => ("temperature", signed(2, 1, 1)),
        0x46 => ("uv_index", unsigned(1, 1, 1)),
        0x47 => ("volume_l", unsigned(2, 1, 1)),
        0x48 => ("volume_ml", unsigned(2, 1, 0)),
        0x49 => ("volume_flow_rate", unsigned(2, 1, 3)),
        0x4A => ("voltage", unsigned(2, 1, 1)),
        0x4B => ("gas", unsigned(3, 1, 3)),
        0x4C => ("gas", unsigned(4, 1, 3)),
        0x4D => ("energy", unsigned(4, 1, 3)),
        0x4E => ("volume_l", unsigned(4, 1, 3)),
        0x4F => ("water", unsigned(4, 1, 3)),
        0x50 => ("timestamp", Timestamp),
        0x51 => ("acceleration", unsigned(2, 1, 3)),
        0x52 => ("gyroscope", unsigned(2, 1, 3)),
        0x53 => ("text", Text),
        0x54 => ("raw", Raw),
        0x55 => ("volume_storage", unsigned(4, 1, 3)),
        0x56 => ("conductivity", unsigned(2, 1, 0)),
        0x57 => ("temperature", signed(1, 1, 0)),
        0x58 => ("temperature", signed(1, 35, 2)),
        0x59 => ("count", signed(1, 1, 0)),
        0x5A => ("count", signed(2, 1, 0)),
        0x5B => ("count", signed(4, 1, 0)),
        0x5C => ("power", signed(4, 1, 2)),
        0x5D => ("current", signed(2, 1, 3)),
        0x5E => ("direction", unsigned(2, 1, 2)),
        0x5F => ("precipitation", unsigned(2, 1, 1)),
        0x60 => ("channel", unsigned(1, 1, 0)),
        0x61 => ("rotational_speed", unsigned(2, 1, 0)),
        0x62 => ("speed", signed(4, 1, 6)),
        0x63 => ("acceleration", signed(4, 1, 6)),
        0x64 => ("light_level", unsigned(1, 1, 0)),
        _ => return None,
    })
}

const fn unsigned(len: usize, factor: i64, decimals: u8) -> Kind {
    Kind::Number { len, signed: false, factor, decimals }
}

const fn signed(len: usize, factor: i64, decimals: u8) -> Kind {
    Kind::Number { len, signed: true, factor, decimals }
}
