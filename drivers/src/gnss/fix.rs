//! A position, as far as a receiver vouches for it.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Where a receiver was, on the WGS 84 datum. What it did not send is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fix {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180. Never 0 together with `lat`.
    pub lon: f64,
    /// Speed over ground in metres a second, to a millimetre.
    pub speed_mps: Option<f64>,
    /// Course over ground in degrees from true north, 0 to 360. Receivers leave it out when they stand.
    pub course_deg: Option<f64>,
    /// The receiver's own date and time; `None` if it sent no date, or an impossible one. May be 1,024 weeks off.
    #[serde(serialize_with = "rfc3339")]
    pub time: Option<Timestamp>,
    /// Seconds since midnight UTC, 0 to below 86,400: sent with every kind of sentence and free of the rollover.
    pub time_of_day_s: Option<f64>,
    /// How the position was found.
    pub quality: Quality,
    /// Horizontal dilution of precision, about 1 in the open. Not part of the decoder's output.
    #[serde(skip)]
    pub hdop: Option<f64>,
    /// Satellites in use. Some receivers count no further than 12. Not part of the decoder's output.
    #[serde(skip)]
    pub satellites: Option<u8>,
    /// The receiver's own verdict on the position's safety (NMEA 4.1). Not part of the decoder's output.
    #[serde(skip)]
    pub nav_status: Option<NavStatus>,
}

/// What a receiver says of its position's safety: the nav-status of NMEA 4.1 (IEC 61108). Equipment that does not judge
/// itself sends `V`, which says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NavStatus {
    /// Within the accuracy that was asked for.
    Safe,
    /// Nothing guards against a false position.
    Caution,
    /// Worse than the accuracy that was asked for.
    Unsafe,
}

impl NavStatus {
    /// What a nav-status field says.
    pub(crate) fn of(field: &str) -> Option<Self> {
        match field {
            "S" => Some(Self::Safe),
            "C" => Some(Self::Caution),
            "U" => Some(Self::Unsafe),
            _ => None,
        }
    }
}

fn rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

/// How a position was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// The sentence does not tell (NMEA before 2.3).
    Unknown,
    /// From satellites alone.
    Gnss,
    /// With differential corrections.
    Dgnss,
    /// With carrier phase corrections, fixed or floating.
    Rtk,
}

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Fix {
    /// A place of which nothing else is known.
    pub fn at(lat: f64, lon: f64) -> Self {
        Self {
            lat,
            lon,
            speed_mps: None,
            course_deg: None,
            time: None,
            time_of_day_s: None,
            quality: Quality::Unknown,
            hdop: None,
            satellites: None,
            nav_status: None,
        }
    }

    /// Distance over ground to `other` in metres, on a sphere: off by 0.6 % at most.
    pub fn distance_m(&self, other: &Self) -> f64 {
        let (east, north) = self.offset_m(other);
        if east.hypot(north) < 10_000.0 {
            return east.hypot(north);
        }
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = (b - a) / 2.0;
        let half_lon = (other.lon - self.lon).to_radians() / 2.0;
        let chord = half_lat.sin().powi(2) + a.cos() * b.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_M * chord.clamp(0.0, 1.0).sqrt().asin()
    }

    /// `other` seen from here in metres east and north, on a plane: for distances of a few kilometres.
    pub(crate) fn offset_m(&self, other: &Self) -> (f64, f64) {
        let mut lon = other.lon - self.lon;
        // The short way round the date line.
        if lon > 180.0 {
            lon -= 360.0;
        } else if lon < -180.0 {
            lon += 360.0;
        }
        let middle = ((self.lat + other.lat) / 2.0).to_radians();
        (
            lon.to_radians() * middle.cos() * EARTH_RADIUS_M,
            (other.lat - self.lat).to_radians() * EARTH_RADIUS_M,
        )
    }
}
