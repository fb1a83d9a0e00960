//! What a line of gpsd's says.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use tokio::time::Instant;

use super::super::fix::{Fix, Quality};
use super::super::joiner::Joined;

/// What was said of the satellites holds for so long.
const SKY_HOLDS: Duration = Duration::from_secs(5);
/// A receiver that gave no fix for so long no longer keeps the others from being heard.
const HOLDS_THE_FLOOR: Duration = Duration::from_secs(5);

/// What a line means for the receiver.
#[derive(Debug, PartialEq)]
pub enum Report {
    /// gpsd has one.
    Receiver,
    /// gpsd has none, or lost the only one.
    NoReceiver,
    /// Where the receiver is, or that it does not know.
    Joined(Joined),
}

/// The part of gpsd_json(5) that matters here. What is not there, or of another type, is not known.
#[derive(Deserialize)]
struct Line {
    class: String,
    device: Option<String>,
    devices: Option<Vec<Device>>,
    path: Option<String>,
    activated: Option<serde_json::Value>,
    mode: Option<u8>,
    status: Option<u8>,
    time: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    speed: Option<f64>,
    track: Option<f64>,
    hdop: Option<f64>,
    #[serde(rename = "uSat")]
    satellites_used: Option<u8>,
    satellites: Option<Vec<Satellite>>,
}

#[derive(Deserialize)]
struct Device {
    #[serde(rename = "path")]
    _path: String,
}

#[derive(Deserialize)]
struct Satellite {
    #[serde(default)]
    used: bool,
}

/// Reads lines, and remembers what later ones rest on.
#[derive(Debug, Default)]
pub struct Reports {
    sky: Option<Sky>,
    /// The receiver that is listened to, and when it knew where it is.
    speaker: Option<(Option<String>, Instant)>,
}

#[derive(Debug)]
struct Sky {
    device: Option<String>,
    hdop: Option<f64>,
    satellites: Option<u8>,
    at: Instant,
}

impl Reports {
    /// Reads a line that came at `now`; none where it says nothing on receiver and position, or cannot be read.
    pub fn read(&mut self, line: &[u8], now: Instant) -> Option<Report> {
        let line: Line = serde_json::from_slice(line).ok()?;
        match line.class.as_str() {
            "DEVICES" => {
                let any = line.devices.is_some_and(|devices| !devices.is_empty());
                Some(if any { Report::Receiver } else { Report::NoReceiver })
            }
            "DEVICE" => {
                line.path?;
                // An end is told with 0, a beginning with the time.
                let gone = line.activated.is_some_and(|activated| activated.as_f64() == Some(0.0));
                Some(if gone { Report::NoReceiver } else { Report::Receiver })
            }
            "SKY" => {
                let counted = line.satellites.map(|list| {
                    u8::try_from(list.iter().filter(|satellite| satellite.used).count()).unwrap_or(u8::MAX)
                });
                if line.hdop.is_some() || counted.is_some() || line.satellites_used.is_some() {
                    let satellites = line.satellites_used.or(counted);
                    self.sky = Some(Sky { device: line.device, hdop: line.hdop, satellites, at: now });
                }
                None
            }
            "TPV" => self.position(line, now).map(Report::Joined),
            _ => None,
        }
    }

    fn position(&mut self, line: Line, now: Instant) -> Option<Joined> {
        if let Some((speaker, spoke)) = &self.speaker
            && *speaker != line.device
            && now < *spoke + HOLDS_THE_FLOOR
        {
            return None;
        }
        let Some(mut fix) = fix(&line) else { return Some(Joined::NoFix) };
        if let Some(sky) = &self.sky
            && sky.device == line.device
            && now < sky.at + SKY_HOLDS
        {
            (fix.hdop, fix.satellites) = (sky.hdop, sky.satellites);
        }
        self.speaker = Some((line.device, now));
        Some(Joined::Fix(fix))
    }
}

/// The position of a `TPV`, if it is one that satellites gave.
fn fix(line: &Line) -> Option<Fix> {
    // 2 is a fix in two dimensions, 3 in three.
    if !matches!(line.mode, Some(2 | 3)) {
        return None;
    }
    let quality = match line.status {
        // Left out for a fix from satellites alone; 6 is one with dead reckoning beside, 9 the precise service.
        None | Some(1 | 6 | 9) => Quality::Gnss,
        Some(2) => Quality::Dgnss,
        Some(3 | 4) => Quality::Rtk,
        // 0 is unknown, 5 dead reckoning alone, 7 a place that was surveyed in, 8 simulated.
        Some(0) => Quality::Unknown,
        Some(_) => return None,
    };
    let (lat, lon) = (line.lat?, line.lon?);
    if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) || (lat == 0.0 && lon == 0.0) {
        return None;
    }
    let time: Option<Timestamp> = line.time.as_deref().and_then(|time| time.parse().ok());
    Some(Fix {
        speed_mps: line.speed.filter(|speed| (0.0..600.0).contains(speed)),
        course_deg: line.track.filter(|course| (0.0..=360.0).contains(course)),
        time,
        time_of_day_s: time.map(second_of_day),
        quality,
        ..Fix::at(lat, lon)
    })
}

fn second_of_day(time: Timestamp) -> f64 {
    let time = time.to_zoned(TimeZone::UTC).time();
    let whole = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
    f64::from(whole) + f64::from(time.subsec_nanosecond()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<Option<Report>> {
        let mut reports = Reports::default();
        let now = Instant::now();
        lines.iter().map(|line| reports.read(line.as_bytes(), now)).collect()
    }

    #[test]
    fn a_position_has_the_dilution_of_its_own_sky() {
        // Lines of gpsd 3.22, shortened.
        let out = read(&[
            r#"{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}"#,
            r#"{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/pts/2","driver":"u-blox"}]}"#,
            r#"{"class":"SKY","device":"/dev/pts/2","hdop":0.93,"nSat":3,"uSat":2,"satellites":[{"PRN":5,"used":true},{"PRN":7,"used":true},{"PRN":9,"used":false}]}"#,
            r#"{"class":"TPV","device":"/dev/pts/2","mode":3,"time":"2015-03-18T17:19:26.000Z","lat":44.069,"lon":-121.314,"speed":0.06,"track":12.5}"#,
            r#"{"class":"TPV","device":"/dev/pts/2","mode":1}"#,
        ]);
        assert_eq!(out.first().unwrap(), &None);
        assert_eq!(out.get(1).unwrap(), &Some(Report::Receiver));
        let Some(Some(Report::Joined(Joined::Fix(fix)))) = out.get(3) else { panic!("{out:?}") };
        assert_eq!((fix.lat, fix.lon, fix.hdop, fix.satellites), (44.069, -121.314, Some(0.93), Some(2)));
        assert_eq!((fix.time_of_day_s, fix.quality), (Some(62_366.0), Quality::Gnss));
        assert_eq!(out.get(4).unwrap(), &Some(Report::Joined(Joined::NoFix)));
    }

    #[test]
    fn what_is_simulated_reckoned_impossible_or_zero_is_no_fix() {
        for tail in [
            r#""mode":3,"status":8,"lat":1.0,"lon":1.0"#,
            r#""mode":3,"status":5,"lat":1.0,"lon":1.0"#,
            r#""mode":3,"status":7,"lat":1.0,"lon":1.0"#,
            r#""mode":3,"lat":0.0,"lon":0.0"#,
            r#""mode":3,"lat":91.0,"lon":0.0"#,
            r#""mode":3,"lat":1.0"#,
            r#""mode":1,"lat":1.0,"lon":1.0"#,
            r#""lat":1.0,"lon":1.0"#,
        ] {
            let out = read(&[&format!("{{\"class\":\"TPV\",{tail}}}")]);
            assert_eq!(out, [Some(Report::Joined(Joined::NoFix))], "{tail}");
        }
        for line in ["", "{", "[]", "null", "{\"class\":7}", "{\"class\":\"TPV\",\"mode\":\"3\"}", "\u{fffd}"]
        {
            assert_eq!(read(&[line]), [None], "{line}");
        }
    }

    #[test]
    fn a_second_receiver_is_heard_only_when_the_first_fell_silent() {
        let mut reports = Reports::default();
        let begin = Instant::now();
        let mut heard = |device: &str, seconds: u64| {
            let line =
                format!("{{\"class\":\"TPV\",\"device\":\"{device}\",\"mode\":2,\"lat\":1.0,\"lon\":1.0}}");
            reports.read(line.as_bytes(), begin + Duration::from_secs(seconds)).is_some()
        };
        assert!(heard("a", 0) && !heard("b", 1) && heard("a", 2) && !heard("b", 6) && heard("b", 7));
        assert!(!heard("a", 8));
    }

    #[test]
    fn a_receiver_that_gpsd_lost_is_gone() {
        let out = read(&[
            r#"{"class":"DEVICES","devices":[]}"#,
            r#"{"class":"DEVICE","path":"/dev/ttyACM0","activated":"2026-11-23T10:00:00.000Z"}"#,
            r#"{"class":"DEVICE","path":"/dev/ttyACM0","activated":0}"#,
        ]);
        assert_eq!(out, [Some(Report::NoReceiver), Some(Report::Receiver), Some(Report::NoReceiver)]);
    }
}
