//! A virtual satellite receiver on a serial line: NMEA 0183 sentences of a position, or a recording as it is.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::plug::{BenchError, Plug};

/// Knots in a metre a second: 3600 / 1852.
const KNOTS_PER_MPS: f64 = 3600.0 / 1852.0;
/// Minutes are sent with five decimal places: 2 cm.
const MINUTE_PARTS: f64 = 100_000.0;

/// Where the virtual van is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VirtualFix {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lon: f64,
    /// The time that the satellites give.
    pub time: Timestamp,
    /// Speed over ground in metres a second.
    pub speed_mps: f64,
    /// Course over ground in degrees, 0 to 360.
    pub course_deg: f64,
}

/// A receiver that says what it is told.
#[derive(Debug)]
pub struct VirtualReceiver {
    plug: Plug,
}

impl VirtualReceiver {
    /// A receiver that is plugged in at `dir/name`. Needs a Tokio runtime with its I/O driver, as [`Self::plug`] does.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn new(dir: &Path, name: &str) -> Result<Self, BenchError> {
        Ok(Self { plug: Plug::new(dir, name)? })
    }

    /// The path for the gateway's configuration.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.plug.path()
    }

    /// Sends the sentences of one second: GGA (ten satellites, HDOP 0.9) and RMC.
    ///
    /// # Errors
    ///
    /// [`BenchError::Unplugged`], [`BenchError::LineFull`], [`BenchError::Io`].
    pub fn send_fix(&self, fix: &VirtualFix) -> Result<(), BenchError> {
        self.plug.send(sentences(fix).as_bytes())
    }

    /// Sends the sentences of a second without a position: a tunnel, a garage.
    ///
    /// # Errors
    ///
    /// As [`Self::send_fix`].
    pub fn send_no_fix(&self, time: Timestamp) -> Result<(), BenchError> {
        let (clock, date) = time_and_date(time);
        let gga = sentence(&format!("GNGGA,{clock},,,,,0,00,99.9,,M,,M,,"));
        let rmc = sentence(&format!("GNRMC,{clock},V,,,,,,,{date},,,N"));
        self.plug.send((gga + &rmc).as_bytes())
    }

    /// Sends bytes as they are, such as a piece of a recording.
    ///
    /// # Errors
    ///
    /// As [`Self::send_fix`].
    pub fn send_raw(&self, bytes: &[u8]) -> Result<(), BenchError> {
        self.plug.send(bytes)
    }

    /// Sends bytes at a speed in bits a second, as a serial line carries them: where the gateway listens at another one,
    /// noise arrives.
    ///
    /// # Errors
    ///
    /// As [`Self::send_fix`].
    pub fn send_at(&self, baud: u32, bytes: &[u8]) -> Result<(), BenchError> {
        let line = self.plug.pty()?;
        if line.baud()? == baud {
            return Ok(line.send(bytes)?);
        }
        let noise: Vec<u8> = bytes.iter().map(|byte| byte.rotate_left(3) ^ 0x93).collect();
        Ok(line.send(&noise)?)
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.plug.unplug();
    }

    /// Puts the cable back.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn plug(&self) -> Result<(), BenchError> {
        self.plug.plug()
    }

    /// The cable is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.plug.is_plugged()
    }
}

/// GGA and RMC of a fix, each with its checksum and `\r\n`.
#[must_use]
pub fn sentences(fix: &VirtualFix) -> String {
    let (clock, date) = time_and_date(fix.time);
    let place = format!("{},{}", angle(fix.lat, 2, ['N', 'S']), angle(fix.lon, 3, ['E', 'W']));
    let knots = fix.speed_mps * KNOTS_PER_MPS;
    let gga = sentence(&format!("GNGGA,{clock},{place},1,10,0.9,20.0,M,-2.4,M,,"));
    let rmc = sentence(&format!("GNRMC,{clock},A,{place},{knots:.3},{:.2},{date},,,A", fix.course_deg));
    gga + &rmc
}

fn time_and_date(time: Timestamp) -> (String, String) {
    let utc = time.to_zoned(TimeZone::UTC);
    let hundredths = utc.subsec_nanosecond() / 10_000_000;
    (format!("{}.{hundredths:02}", utc.strftime("%H%M%S")), utc.strftime("%d%m%y").to_string())
}

/// Degrees and minutes, then the hemisphere. Rounded before it is split, so that no minute is 60.
fn angle(degrees: f64, width: usize, [positive, negative]: [char; 2]) -> String {
    let parts = (degrees.abs() * 60.0 * MINUTE_PARTS).round();
    let whole = (parts / (60.0 * MINUTE_PARTS)).floor();
    let minutes = (parts - whole * 60.0 * MINUTE_PARTS) / MINUTE_PARTS;
    let side = if degrees < 0.0 { negative } else { positive };
    format!("{whole:0width$.0}{minutes:08.5},{side}")
}

fn sentence(body: &str) -> String {
    let checksum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{checksum:02X}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_two_sentences_with_checksums() {
        let fix = VirtualFix {
            lat: 22.302_711,
            lon: -114.177_216,
            time: "2020-09-03T00:01:02.345Z".parse().unwrap(),
            speed_mps: 10.0,
            course_deg: 84.4,
        };
        assert_eq!(
            sentences(&fix),
            "$GNGGA,000102.34,2218.16266,N,11410.63296,W,1,10,0.9,20.0,M,-2.4,M,,*44\r\n\
             $GNRMC,000102.34,A,2218.16266,N,11410.63296,W,19.438,84.40,030920,,,A*60\r\n"
        );
    }

    #[test]
    fn no_minute_is_sixty() {
        assert_eq!(angle(22.999_999_99, 2, ['N', 'S']), "2300.00000,N");
        assert_eq!(angle(-0.5, 3, ['E', 'W']), "00030.00000,W");
        assert_eq!(angle(114.0, 3, ['E', 'W']), "11400.00000,E");
    }

    #[test]
    fn the_checksum_is_that_of_a_known_sentence() {
        // From the NMEA 0183 documentation's own example.
        assert_eq!(
            sentence("GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"),
            "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
        );
    }
}
