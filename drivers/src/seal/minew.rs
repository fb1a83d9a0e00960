//! Minew's door sensor S4 and its Connect V3 frames.
//!
//! Manufacturer data of company 0x0639. The S4 sends the state of its magnet and of the switch under its back
//! (frame A4 01, 15 bytes) and who it is (A4 00, 18 bytes). A Connect V3 tag sends blocks (CA 03): 03 acceleration,
//! 21 battery, 22 tamper; and who it is (CA 00, 24 bytes). An address in a frame stands least significant byte first.
//! Source: names and vectors of reelyactive's advlib-ble-manufacturers, `minew.js`.
//!
//! Nothing here is authenticated.

use super::address::Address;
use super::frame::{Format, Refusal, SealFrame, SealState};
use super::measure::{Measurement, Value, Warning};

const S4: u8 = 0xA4;
const V3: u8 = 0xCA;
const STATIC: u8 = 0x00;
const S4_DOOR: u8 = 0x01;
const V3_BLOCKS: u8 = 0x03;
const S4_STATIC_LEN: usize = 18;
const S4_DOOR_LEN: usize = 15;
const V3_STATIC_LEN: usize = 24;
/// What stands behind the blocks of a V3 frame and says nothing here.
const V3_TAIL_LEN: usize = 4;
const ACCELERATION: u8 = 0x03;
const BATTERY: u8 = 0x21;
const TAMPER: u8 = 0x22;

/// Reads manufacturer data of company 0x0639, from the frame's type on.
///
/// # Errors
///
/// [`Refusal::TooShort`], [`Refusal::BadLength`] and [`Refusal::UnknownFrame`].
pub fn read(data: &[u8], on_air: Address) -> Result<SealFrame, Refusal> {
    let [family, kind, ..] = *data else { return Err(Refusal::TooShort) };
    match (family, kind) {
        (S4, S4_DOOR) => door(exactly::<S4_DOOR_LEN>(data)?),
        (S4, STATIC) => Ok(s4_static(exactly::<S4_STATIC_LEN>(data)?)),
        (V3, STATIC) => Ok(v3_static(exactly::<V3_STATIC_LEN>(data)?)),
        (V3, V3_BLOCKS) => blocks(data, on_air),
        _ => Err(Refusal::UnknownFrame),
    }
}

fn exactly<const LEN: usize>(data: &[u8]) -> Result<&[u8; LEN], Refusal> {
    data.try_into().map_err(|_| if data.len() < LEN { Refusal::TooShort } else { Refusal::BadLength })
}

/// Battery, magnet, back, alarm just now, FF, address, two bytes without a meaning here.
fn door(data: &[u8; S4_DOOR_LEN]) -> Result<SealFrame, Refusal> {
    let [_, _, battery, magnet, back, now, _, a, b, c, d, e, f, _, _] = *data;
    let mut frame = named([a, b, c, d, e, f]);
    frame.worsen(if magnet == 0 { SealState::Closed } else { SealState::Open });
    if back != 0 {
        frame.worsen(SealState::Tampered);
    }
    frame.battery_percent = Some(battery);
    say(&mut frame, "battery", Value::Whole(battery.into()));
    say(&mut frame, "opening", Value::Flag(magnet != 0));
    say(&mut frame, "tamper", Value::Flag(back != 0));
    say(&mut frame, "triggered", Value::Flag(now != 0));
    Ok(frame)
}

fn s4_static(data: &[u8; S4_STATIC_LEN]) -> SealFrame {
    let [_, _, major, minor, patch, h0, h1, _, _, _, a, b, c, d, e, f, _, _] = *data;
    let mut frame = named([a, b, c, d, e, f]);
    say(&mut frame, "firmware", Value::Text(format!("{major}.{minor}.{patch}")));
    say(&mut frame, "hardware", Value::Whole(u16::from_be_bytes([h0, h1]).into()));
    frame
}

/// Address, battery, firmware in bits 14–13, 12–7 and 6–0.
fn v3_static(data: &[u8; V3_STATIC_LEN]) -> SealFrame {
    let [_, _, a, b, c, d, e, f, battery, v0, v1, ..] = *data;
    let version = u16::from_be_bytes([v0, v1]);
    let mut frame = named([a, b, c, d, e, f]);
    frame.battery_percent = Some(battery);
    say(&mut frame, "battery", Value::Whole(battery.into()));
    let (major, minor, patch) = (version >> 13 & 0x3, version >> 7 & 0x3F, version & 0x7F);
    say(&mut frame, "firmware", Value::Text(format!("{major}.{minor}.{patch}")));
    frame
}

fn blocks(data: &[u8], on_air: Address) -> Result<SealFrame, Refusal> {
    let mut rest = data
        .get(2..)
        .and_then(|rest| rest.len().checked_sub(V3_TAIL_LEN).and_then(|len| rest.get(..len)))
        .ok_or(Refusal::TooShort)?;
    let mut frame = SealFrame::plain(Format::Minew, on_air);
    while let Some((&kind, behind)) = rest.split_first() {
        rest = match (kind, behind) {
            (ACCELERATION, [x0, x1, y0, y1, z0, z1, behind @ ..]) => {
                say(&mut frame, "acceleration_x", fixed_8_8([*x0, *x1]));
                say(&mut frame, "acceleration_y", fixed_8_8([*y0, *y1]));
                say(&mut frame, "acceleration_z", fixed_8_8([*z0, *z1]));
                behind
            }
            (BATTERY, [percent, behind @ ..]) => {
                say(&mut frame, "battery", Value::Whole((*percent).into()));
                frame.battery_percent = Some(*percent);
                behind
            }
            // A switch that is not pressed does not say that anything is closed.
            (TAMPER, [tamper, behind @ ..]) => {
                say(&mut frame, "tamper", Value::Flag(*tamper != 0));
                if *tamper != 0 {
                    frame.worsen(SealState::Tampered);
                }
                behind
            }
            (ACCELERATION | BATTERY | TAMPER, _) => {
                frame.warnings.push(Warning::CutOff(kind));
                break;
            }
            _ => {
                frame.warnings.push(Warning::UnknownObject(kind));
                break;
            }
        };
    }
    Ok(frame)
}

fn named(address: [u8; 6]) -> SealFrame {
    SealFrame::plain(Format::Minew, Address::from_air(address))
}

fn say(frame: &mut SealFrame, name: &'static str, value: Value) {
    frame.measurements.push(Measurement { id: 0, name, value });
}

/// Two's complement with 8 bits behind the point, most significant byte first.
fn fixed_8_8(bytes: [u8; 2]) -> Value {
    Value::Decimal(f64::from(i16::from_be_bytes(bytes)) / 256.0)
}
