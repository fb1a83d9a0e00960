//! Events from a controller, read from their bytes.

use super::super::address::Address;
use super::{ControllerError, Opcode};

/// An event from the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command was carried out, or refused (Command Complete §7.7.14, Command Status §7.7.15).
    Answer {
        /// Which command.
        opcode: Opcode,
        /// How it went: the return parameters behind the status, at most 251 bytes.
        result: Result<Vec<u8>, ControllerError>,
    },
    /// Advertisements that were heard (LE Advertising Report §7.7.65.2, LE Extended Advertising Report §7.7.65.13).
    Reports(Vec<Report>),
    /// The controller's own hardware failed (§7.7.16); it must be reset.
    HardwareError(u8),
    /// Any other event, by its code.
    Other(u8),
}

/// One advertisement, or a piece of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who sent it.
    pub address: Address,
    /// How strong it was, in dBm; nothing where the controller does not know.
    pub rssi: Option<i8>,
    /// The AD structures.
    pub data: Vec<u8>,
    /// Which of the sender's advertising sets it is of, 0 to 15; legacy advertisements are of none.
    pub set: Option<u8>,
    /// An answer to a scan request, which only an active scan brings.
    pub response: bool,
    /// Whether this is all.
    pub rest: Rest,
}

/// What comes behind a report's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: this is all, or the last piece.
    Nothing,
    /// More, in another report.
    Follows,
    /// More, which the controller did not catch.
    Lost,
}

/// Bytes that no controller sends as this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an event that a Bluetooth controller sends")]
pub struct Malformed;

const COMMAND_COMPLETE: u8 = 0x0E;
const COMMAND_STATUS: u8 = 0x0F;
const HARDWARE_ERROR: u8 = 0x10;
const LE_META: u8 = 0x3E;
const VENDOR: u8 = 0xFF;
/// The highest event code that the standard gives.
const CODE_MAX: u8 = 0x61;
const ADVERTISING_REPORT: u8 = 0x02;
const EXTENDED_ADVERTISING_REPORT: u8 = 0x0D;
/// A controller that does not know the strength says this.
const RSSI_UNKNOWN: i8 = 127;
/// Most reports in one event of either sort.
const REPORTS_MAX: u8 = 0x19;
/// The type of a legacy report that is a scan response.
const SCAN_RESPONSE: u8 = 0x04;
/// The bit of an extended report's type that says the same.
const EXTENDED_SCAN_RESPONSE: u8 = 0x08;
/// Legacy data has at most 31 bytes.
const LEGACY_DATA_MAX: u8 = 31;
/// Advertising sets are numbered to here; 0xFF stands for none.
const SET_MAX: u8 = 0x0F;

/// Whether the standard knows an event of this code: what a packet's head must pass before its length is believed.
#[must_use]
pub fn is_event_code(code: u8) -> bool {
    (1..=CODE_MAX).contains(&code) || code == VENDOR
}

/// Reads an event: its code and its parameters.
///
/// # Errors
///
/// [`Malformed`] where an event that is read here does not have its own length; then the bytes were no event.
pub fn read_event(code: u8, parameters: &[u8]) -> Result<Event, Malformed> {
    match (code, parameters) {
        (COMMAND_COMPLETE, [_, low, high, returned @ ..]) => Ok(answer([*low, *high], returned)),
        (COMMAND_STATUS, [status, _, low, high]) => Ok(answer([*low, *high], &[*status])),
        (HARDWARE_ERROR, [code]) => Ok(Event::HardwareError(*code)),
        (LE_META, [ADVERTISING_REPORT, count, rest @ ..]) => reports(*count, rest, legacy_report),
        (LE_META, [EXTENDED_ADVERTISING_REPORT, count, rest @ ..]) => reports(*count, rest, extended_report),
        (COMMAND_COMPLETE | COMMAND_STATUS | HARDWARE_ERROR, _) => Err(Malformed),
        (LE_META, [] | [0] | [ADVERTISING_REPORT | EXTENDED_ADVERTISING_REPORT]) => Err(Malformed),
        _ => Ok(Event::Other(code)),
    }
}

fn answer(opcode: [u8; 2], returned: &[u8]) -> Event {
    let result = match returned.split_first() {
        // A command without return parameters has no status; the answer itself says that it was carried out.
        None => Ok(Vec::new()),
        Some((0, returned)) => Ok(returned.to_vec()),
        Some((&code, _)) => Err(ControllerError { code }),
    };
    Event::Answer { opcode: Opcode(u16::from_le_bytes(opcode)), result }
}

/// A report, and the bytes behind it.
type First<'a> = Option<(Report, &'a [u8])>;

fn reports(count: u8, mut rest: &[u8], one: fn(&[u8]) -> First<'_>) -> Result<Event, Malformed> {
    if !(1..=REPORTS_MAX).contains(&count) {
        return Err(Malformed);
    }
    let mut reports = Vec::new();
    for _ in 0..count {
        let (report, behind) = one(rest).ok_or(Malformed)?;
        reports.push(report);
        rest = behind;
    }
    if rest.is_empty() { Ok(Event::Reports(reports)) } else { Err(Malformed) }
}

/// Type, address type, address, length, data, strength. (The standard's arrays have one element of each per report, but
/// every controller interleaves them, and every host reads them so.)
fn legacy_report(bytes: &[u8]) -> First<'_> {
    let ([event_type, _, address @ .., len], rest) = bytes.split_first_chunk::<9>()?;
    let (data, rest) = rest.split_at_checked(usize::from(*len))?;
    let (&rssi, rest) = rest.split_first()?;
    (*event_type <= SCAN_RESPONSE && *len <= LEGACY_DATA_MAX).then_some(())?;
    let report = Report {
        address: Address::from_air(*address),
        rssi: strength(rssi),
        data: data.to_vec(),
        set: None,
        response: *event_type == SCAN_RESPONSE,
        rest: Rest::Nothing,
    };
    Some((report, rest))
}

/// Type (2), address type, address, two PHYs, set, power, strength, interval (2), direct address (7), length, data.
fn extended_report(bytes: &[u8]) -> First<'_> {
    let (head, rest) = bytes.split_first_chunk::<24>()?;
    let [kind, _, _, a, b, c, d, e, f, _, _, set, _, rssi, .., len] = *head;
    let (data, rest) = rest.split_at_checked(usize::from(len))?;
    let report = Report {
        address: Address::from_air([a, b, c, d, e, f]),
        rssi: strength(rssi),
        data: data.to_vec(),
        set: (set <= SET_MAX).then_some(set),
        response: kind & EXTENDED_SCAN_RESPONSE != 0,
        // Bits 5 and 6: complete, more to come, or cut off.
        rest: match (kind >> 5) & 0b11 {
            0b00 => Rest::Nothing,
            0b01 => Rest::Follows,
            _ => Rest::Lost,
        },
    };
    Some((report, rest))
}

fn strength(rssi: u8) -> Option<i8> {
    Some(rssi.cast_signed()).filter(|rssi| *rssi != RSSI_UNKNOWN)
}
