//! ELA Innovation's Blue tags: magnetic contact (MAG), digital input (DI), movement (MOV), temperature and battery.
//!
//! Manufacturer data of company 0x0757: blocks of a type byte and a value, least significant byte first. Contacts
//! and movements carry their state in bit 0 (1 is contact, or movement) and a count of events in the upper 15 bits.
//! Sources: docs.elainnovation.com, "BLE Frame Specifications"; names and vectors of reelyactive's
//! advlib-ble-manufacturers, `elainnovation.js`.
//!
//! Nothing here is authenticated.

use super::address::Address;
use super::frame::{Format, Refusal, SealFrame, SealState};
use super::measure::{Measurement, Value, Warning};

const IDENTITY: u8 = 0x06;
const TEMPERATURE: u8 = 0x12;
const HUMIDITY: u8 = 0x21;
const MAG: u8 = 0x32;
const MOV: u8 = 0x42;
const ANG: u8 = 0x56;
const DI: u8 = 0x62;
const PIR: u8 = 0x92;
const TOUCH: u8 = 0xB2;
const BATTERY_PERCENT: u8 = 0xF1;
const BATTERY_MILLIVOLTS: u8 = 0xF2;

/// Reads manufacturer data of company 0x0757, from the first block's type on.
///
/// # Errors
///
/// [`Refusal::TooShort`] where the first block is not whole, [`Refusal::UnknownFrame`] where its type is not known.
/// What is wrong with a later block is a warning.
pub fn read(mut data: &[u8], address: Address) -> Result<SealFrame, Refusal> {
    let mut frame = SealFrame::plain(Format::Ela, address);
    let mut first = true;
    while let Some((&kind, rest)) = data.split_first() {
        let Some(len) = len_of(kind) else {
            refuse_first(first, Refusal::UnknownFrame)?;
            frame.warnings.push(Warning::UnknownObject(kind));
            break;
        };
        let Some((value, rest)) = rest.split_at_checked(len) else {
            refuse_first(first, Refusal::TooShort)?;
            frame.warnings.push(Warning::CutOff(kind));
            break;
        };
        block(&mut frame, kind, value);
        (data, first) = (rest, false);
    }
    if first { Err(Refusal::TooShort) } else { Ok(frame) }
}

/// Whole blocks and nothing behind them.
pub(super) fn looks_like(mut data: &[u8]) -> bool {
    let any = !data.is_empty();
    while let Some((&kind, rest)) = data.split_first() {
        let Some(behind) = len_of(kind).and_then(|len| rest.get(len..)) else { return false };
        data = behind;
    }
    any
}

fn refuse_first(first: bool, refusal: Refusal) -> Result<(), Refusal> {
    if first { Err(refusal) } else { Ok(()) }
}

/// Length of a block's value in bytes.
fn len_of(kind: u8) -> Option<usize> {
    Some(match kind {
        IDENTITY | ANG => 6,
        HUMIDITY | BATTERY_PERCENT => 1,
        TEMPERATURE | MAG | MOV | DI | PIR | TOUCH | BATTERY_MILLIVOLTS => 2,
        _ => return None,
    })
}

fn block(frame: &mut SealFrame, kind: u8, value: &[u8]) {
    let mut say = |name, value| frame.measurements.push(Measurement { id: kind, name, value });
    match (kind, value) {
        (IDENTITY, id) => say("identity", Value::Raw(id.to_vec())),
        (TEMPERATURE, [a, b]) => say("temperature", hundredths(i16::from_le_bytes([*a, *b]))),
        (HUMIDITY, [percent]) => say("humidity", Value::Whole((*percent).into())),
        (MAG | DI, [a, b]) => {
            let (contact, count) = state_and_count([*a, *b]);
            say("opening", Value::Flag(!contact));
            say("count", Value::Whole(count.into()));
            frame.event_count = Some(count);
            frame.worsen(if contact { SealState::Closed } else { SealState::Open });
        }
        (MOV | PIR | TOUCH, [a, b]) => {
            let (state, count) = state_and_count([*a, *b]);
            let (name, count_name) = match kind {
                MOV => ("moving", "movement_count"),
                PIR => ("motion", "motion_count"),
                _ => ("touch", "touch_count"),
            };
            say(name, Value::Flag(state));
            say(count_name, Value::Whole(count.into()));
        }
        (ANG, [x0, x1, y0, y1, z0, z1]) => {
            say("acceleration_x", thousandths(i16::from_le_bytes([*x0, *x1])));
            say("acceleration_y", thousandths(i16::from_le_bytes([*y0, *y1])));
            say("acceleration_z", thousandths(i16::from_le_bytes([*z0, *z1])));
        }
        (BATTERY_PERCENT, [percent]) => {
            say("battery", Value::Whole((*percent).into()));
            frame.battery_percent = Some(*percent);
        }
        (BATTERY_MILLIVOLTS, [a, b]) => {
            say("voltage", Value::Decimal(f64::from(u16::from_le_bytes([*a, *b])) / 1_000.0));
        }
        _ => {}
    }
}

fn state_and_count(bytes: [u8; 2]) -> (bool, u32) {
    let both = u32::from(u16::from_le_bytes(bytes));
    (both & 1 == 1, both >> 1)
}

fn hundredths(number: i16) -> Value {
    Value::Decimal(f64::from(number) / 100.0)
}

fn thousandths(number: i16) -> Value {
    Value::Decimal(f64::from(number) / 1_000.0)
}
