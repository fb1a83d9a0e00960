//! From a whole sentence to a position, or to the reason why there is none.
//!
//! The numbers of a position are read by the `nmea` crate. It knows nothing of void or made-up positions, and it turns
//! whole sentences away for a part that does not matter here, so each sentence is gated first and handed over without:
//!
//! - the date: an impossible one (`2208-1`, after a week rollover) would cost the position;
//! - the nav-status of NMEA 4.1, which receivers set to `V` beside status `A`;
//! - the mode of a GLL, which the crate demands and NMEA 2.0 lacks, and the modes of a GNS beyond the second system;
//! - the tail of a GGA, and lengths above 102 bytes.
//!
//! It also reads `nan`, signs and exponents as numbers, so the shape of each field is checked here.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use nmea::ParseResult;

use super::fix::{NavStatus, Quality};
use super::refusal::Refusal;
use super::sentence::{Fields, Kind, SENTENCE_BYTES_MAX, checksum};

/// Metres a second in a knot (1,852 m an hour, exactly).
const MPS_PER_KNOT: f64 = 1852.0 / 3600.0;
/// Receivers for civil use stop at this speed.
const KNOTS_MAX: f64 = 1000.0;
/// Digits that are read behind a decimal point: finer than any receiver measures.
const FRACTION_DIGITS_MAX: usize = 12;

/// What one sentence says.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres a second.
    pub speed_mps: Option<f64>,
    /// Degrees from true north.
    pub course_deg: Option<f64>,
    /// UTC.
    pub time: Option<Time>,
    /// What stands in the date's place.
    pub date: DateSent,
    /// How it was found.
    pub quality: Quality,
    /// Horizontal dilution of precision.
    pub hdop: Option<f64>,
    /// Satellites in use.
    pub satellites: Option<u8>,
    /// The receiver's own verdict on its safety.
    pub nav_status: Option<NavStatus>,
}

/// The date of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSent {
    /// This kind has none.
    No,
    /// Empty or impossible.
    Bad,
    /// As sent.
    Is(Date),
}

/// Reads a position from the fields of a sentence of `kind`.
///
/// # Errors
/// The first reason why it is none.
pub fn read(kind: Kind, fields: &Fields<'_>) -> Result<Position, Refusal> {
    let layout = Layout::of(kind).ok_or(Refusal::Missing)?;
    if !layout.fields.contains(&fields.count()) {
        return Err(Refusal::Impossible("number of fields"));
    }
    let quality = quality(kind, fields)?;
    let place = [0, 1, 2, 3].map(|step| fields.get(layout.place + step));
    check_place(place)?;
    let time = time(fields.get(layout.time))?;
    let motion = [7, 8].map(|index| if kind == Kind::Rmc { fields.get(index) } else { "" });
    check_motion(motion)?;
    let [satellites, hdop] =
        layout.trust.map_or(["", ""], |index| [fields.get(index), fields.get(index + 1)]);
    let numbers = numbers(kind, place, motion, if is_number(hdop) { hdop } else { "" })?;
    Ok(Position {
        lat: numbers.lat,
        lon: numbers.lon,
        speed_mps: numbers.knots.map(|knots| thousandths(knots * MPS_PER_KNOT)),
        course_deg: numbers.course.map(thousandths),
        time,
        date: if kind == Kind::Rmc { date(fields.get(9)) } else { DateSent::No },
        quality,
        hdop: numbers.hdop.map(thousandths),
        satellites: satellites.parse().ok(),
        nav_status: if matches!(kind, Kind::Rmc | Kind::Gns) { NavStatus::of(fields.get(13)) } else { None },
    })
}

/// The UTC time and date of a ZDA sentence, as sent.
pub fn read_zda(fields: &Fields<'_>) -> Option<(Date, Time)> {
    let time = time(fields.get(1)).ok()??;
    let [day, month] = [2, 3].map(|index| fields.get(index).parse::<i8>().ok());
    let year = fields.get(4);
    // Two digits would be year 20 of our era.
    let year = if year.len() == 4 { year.parse::<i16>().ok()? } else { return None };
    Some((Date::new(year, month?, day?).ok()?, time))
}

/// The time of day of a position sentence, if it can be read.
pub fn time_of_day(kind: Kind, fields: &Fields<'_>) -> Option<Time> {
    time(fields.get(Layout::of(kind)?.time)).ok()?
}

/// Where the fields of a kind stand.
struct Layout {
    /// From the oldest version of the standard that is still met to NMEA 4.1, and one more where receivers add one.
    fields: RangeInclusive<usize>,
    /// Latitude, N or S, longitude, E or W.
    place: usize,
    time: usize,
    /// Satellites in use, then horizontal dilution.
    trust: Option<usize>,
}

impl Layout {
    fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Rmc => Self { fields: 11..=13, place: 3, time: 1, trust: None },
            Kind::Gga => Self { fields: 11..=15, place: 2, time: 1, trust: Some(7) },
            Kind::Gll => Self { fields: 6..=7, place: 1, time: 5, trust: None },
            Kind::Gns => Self { fields: 12..=13, place: 2, time: 1, trust: Some(7) },
            Kind::Zda | Kind::Gsa => return None,
        })
    }
}

fn quality(kind: Kind, fields: &Fields<'_>) -> Result<Quality, Refusal> {
    match kind {
        Kind::Rmc => status(fields.get(2), fields.get(12)),
        Kind::Gll => status(fields.get(6), fields.get(7)),
        Kind::Gns => modes(fields.get(6)),
        Kind::Gga => match fields.get(6) {
            "" | "0" => Err(Refusal::Void),
            // 3 is the precise service: satellites alone.
            "1" | "3" => Ok(Quality::Gnss),
            "2" => Ok(Quality::Dgnss),
            "4" | "5" => Ok(Quality::Rtk),
            "6" => Err(Refusal::Estimated),
            "7" => Err(Refusal::Manual),
            "8" => Err(Refusal::Simulated),
            _ => Err(Refusal::Impossible("quality")),
        },
        Kind::Zda | Kind::Gsa => Err(Refusal::Missing),
    }
}

/// Status and mode of an RMC or GLL. A mode that says what is wrong goes before the status that only says that it is.
fn status(status: &str, mode: &str) -> Result<Quality, Refusal> {
    let quality = match mode {
        "" => Ok(Quality::Unknown),
        _ => modes(mode),
    };
    match (status, quality) {
        ("A" | "D", quality) => quality,
        ("V" | "", Err(refusal)) if refusal.is_made_up() => Err(refusal),
        ("V" | "", _) => Err(Refusal::Void),
        _ => Err(Refusal::Impossible("status")),
    }
}

/// One letter a satellite system: the best of them counts, one that makes the position up spoils it.
fn modes(letters: &str) -> Result<Quality, Refusal> {
    let mut best = Err(Refusal::Void);
    for letter in letters.chars() {
        let quality = match letter {
            'A' | 'P' => Quality::Gnss,
            'D' => Quality::Dgnss,
            'R' | 'F' => Quality::Rtk,
            'N' => continue,
            'C' | 'U' => return Err(Refusal::Doubtful),
            'E' => return Err(Refusal::Estimated),
            'M' => return Err(Refusal::Manual),
            'S' => return Err(Refusal::Simulated),
            _ => return Err(Refusal::Impossible("mode")),
        };
        best = Ok(best.map_or(quality, |known: Quality| known.max(quality)));
    }
    best
}

fn check_place(place: [&str; 4]) -> Result<(), Refusal> {
    let [lat, north, lon, east] = place;
    if place == [""; 4] {
        return Err(Refusal::Missing);
    }
    if !is_angle(lat, 2) || !matches!(north, "N" | "S") {
        return Err(Refusal::Impossible("latitude"));
    }
    if !is_angle(lon, 3) || !matches!(east, "E" | "W") {
        return Err(Refusal::Impossible("longitude"));
    }
    Ok(())
}

fn check_motion(motion: [&str; 2]) -> Result<(), Refusal> {
    match motion.map(|field| field.is_empty() || is_number(field)) {
        [false, _] => Err(Refusal::Impossible("speed")),
        [_, false] => Err(Refusal::Impossible("course")),
        _ => Ok(()),
    }
}

/// `hhmmss`, with a fraction or without. A leap second has a position and no time of day.
fn time(field: &str) -> Result<Option<Time>, Refusal> {
    if field.is_empty() {
        return Ok(None);
    }
    let impossible = || Refusal::Impossible("time");
    let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
    if whole.len() != 6 || !is_digits(whole) || fraction.len() > FRACTION_DIGITS_MAX || !is_digits(fraction) {
        return Err(impossible());
    }
    let [hour, minute, second] = [0, 2, 4].map(|at| pair(whole, at));
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = nanos.parse().map_err(|_| impossible())?;
    if second == Some(60) && minute == Some(59) {
        return Ok(None);
    }
    let time = hour
        .zip(minute)
        .zip(second)
        .and_then(|((hour, minute), second)| Time::new(hour, minute, second, nanos).ok());
    time.map(Some).ok_or_else(impossible)
}

/// `ddmmyy`. NMEA 0183 is of 1983, so lower years are of this century.
fn date(field: &str) -> DateSent {
    if field.len() != 6 || !is_digits(field) {
        return DateSent::Bad;
    }
    let [day, month, year] = [0, 2, 4].map(|at| pair(field, at));
    let date = day.zip(month).zip(year).and_then(|((day, month), year)| {
        let century = if year >= 83 { 1900 } else { 2000 };
        Date::new(century + i16::from(year), month, day).ok()
    });
    date.map_or(DateSent::Bad, DateSent::Is)
}

struct Numbers {
    lat: f64,
    lon: f64,
    knots: Option<f64>,
    course: Option<f64>,
    hdop: Option<f64>,
}

/// Has the crate read the fields that passed the gates, in a sentence of the plainest form.
fn numbers(kind: Kind, place: [&str; 4], motion: [&str; 2], hdop: &str) -> Result<Numbers, Refusal> {
    let plain = match kind {
        Kind::Rmc => {
            let [speed, course] = motion;
            plain("$GPRMC,,A,", &place, &[",", speed, ",", course, ",,,"])
        }
        Kind::Gga => plain("$GPGGA,,", &place, &[",1,00,", hdop, ",,M,,M,,"]),
        Kind::Gll => plain("$GPGLL,", &place, &[",,A,A"]),
        Kind::Gns => plain("$GPGNS,,", &place, &[",A,0,", hdop, ",,,,"]),
        Kind::Zda | Kind::Gsa => return Err(Refusal::Missing),
    };
    let (lat, lon, knots, course, hdop) = match nmea::parse_str(&plain) {
        Ok(ParseResult::RMC(data)) => (data.lat, data.lon, data.speed_over_ground, data.true_course, None),
        Ok(ParseResult::GGA(data)) => (data.latitude, data.longitude, None, None, data.hdop),
        Ok(ParseResult::GLL(data)) => (data.latitude, data.longitude, None, None, None),
        Ok(ParseResult::GNS(data)) => (data.lat, data.lon, None, None, data.hdop),
        _ => return Err(Refusal::Impossible("fields")),
    };
    let (Some(lat), Some(lon)) = (lat.map(billionths), lon.map(billionths)) else {
        return Err(Refusal::Missing);
    };
    let [knots, course, hdop] = [knots, course, hdop].map(|number| number.map(f64::from));
    if !(-90.0..=90.0).contains(&lat) {
        return Err(Refusal::Impossible("latitude"));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err(Refusal::Impossible("longitude"));
    }
    if lat == 0.0 && lon == 0.0 {
        return Err(Refusal::Zero);
    }
    if knots.is_some_and(|knots| !(0.0..=KNOTS_MAX).contains(&knots)) {
        return Err(Refusal::Impossible("speed"));
    }
    if course.is_some_and(|course| !(0.0..=360.0).contains(&course)) {
        return Err(Refusal::Impossible("course"));
    }
    Ok(Numbers { lat, lon, knots, course, hdop })
}

/// A sentence of `head`, the place and `tail`, with its checksum.
fn plain(head: &str, place: &[&str; 4], tail: &[&str]) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let [lat, north, lon, east] = place;
    let mut text = String::with_capacity(SENTENCE_BYTES_MAX);
    text.push_str(head);
    for part in [lat, ",", north, ",", lon, ",", east].iter().chain(tail) {
        text.push_str(part);
    }
    let sum = checksum(text.get(1..).unwrap_or_default());
    text.push('*');
    text.extend([sum >> 4, sum & 15].iter().filter_map(|digit| HEX.get(usize::from(*digit))));
    text
}

/// Degrees of `digits` digits, two digits of minutes below 60, and a fraction.
fn is_angle(field: &str, digits: usize) -> bool {
    let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
    whole.len() == digits + 2
        && is_digits(whole)
        && is_digits(fraction)
        && fraction.len() <= FRACTION_DIGITS_MAX
        && pair(whole, digits).is_some_and(|minutes| minutes < 60)
}

/// Digits with at most one point among them: no sign, no exponent, no word.
fn is_number(field: &str) -> bool {
    let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
    let digits = whole.len() + fraction.len();
    is_digits(whole) && is_digits(fraction) && (1..=2 * FRACTION_DIGITS_MAX).contains(&digits)
}

/// A plain number, to the third decimal.
pub(super) fn number(field: &str) -> Option<f64> {
    if is_number(field) { field.parse().ok().map(thousandths) } else { None }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The two-digit number at `at`.
fn pair(digits: &str, at: usize) -> Option<i8> {
    digits.get(at..at + 2)?.parse().ok()
}

/// A billionth of a degree is a tenth of a millimetre: what lies behind it comes from dividing by 60.
fn billionths(degrees: f64) -> f64 {
    (degrees * 1e9).round() / 1e9
}

/// The crate's single precision has seven digits: what lies behind the third decimal is noise.
fn thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
