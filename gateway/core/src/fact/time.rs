//! Wall time as a remark: what the clock said, and how far it can be believed.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with exactly three decimals.
///
/// Order is by a record's number alone; nothing is sorted or refused by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct WallTime(pub i64);

/// A text that is no RFC 3339 time between the years -9999 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time: {0}")]
pub struct BadTime(String);

impl WallTime {
    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This time, later by so many milliseconds (earlier if negative); stays at the ends of the range.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// As a timestamp of the calendar library; a time out of its range becomes 1970.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The civil day (`2020-09-03`) that this is at a place of that time zone.
    pub fn day(self, zone: &TimeZone) -> String {
        zone.to_datetime(self.timestamp()).date().to_string()
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}", self.timestamp())
    }
}

impl FromStr for WallTime {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        let time: Timestamp = text.parse().map_err(|_| BadTime(text.chars().take(40).collect()))?;
        Ok(Self(time.as_millisecond()))
    }
}

impl TryFrom<String> for WallTime {
    type Error = BadTime;
    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> String {
        time.to_string()
    }
}

/// How a gateway knows its wall time, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockQuality {
    /// The machine woke without a clock: 1970, or the last time it saved.
    #[default]
    Unset,
    /// A battery clock that nothing has confirmed since the start.
    Rtc,
    /// Confirmed over the network, or by the hub's signed time.
    Ntp,
    /// Confirmed by a satellite receiver.
    Gnss,
}

/// What the clock says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since this boot; never runs backwards.
    pub up_ms: u64,
    /// Wall time.
    pub at: WallTime,
    /// How far the wall time can be believed.
    pub clock: ClockQuality,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_written_with_three_decimals() {
        let time: WallTime = "2020-09-03T00:01:02.345Z".parse().unwrap();
        assert_eq!(time.to_string(), "2020-09-03T00:01:02.345Z");
        assert_eq!(
            "2020-09-03T00:01:02Z".parse::<WallTime>().unwrap().to_string(),
            "2020-09-03T00:01:02.000Z"
        );
        assert!("yesterday".parse::<WallTime>().is_err());
    }
}
