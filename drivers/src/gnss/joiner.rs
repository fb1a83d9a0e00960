//! One fix a moment: receivers tell about it in several sentences.
//!
//! RMC has speed and date, GGA and GNS have dilution and satellites, GSA has both where those are missing, and each
//! satellite system may speak with a talker of its own. Sentences of the same time of day are joined; GSA has no time
//! and belongs to the moment that is being told, or to the next where none is.

use super::decoder::{Decoded, Said};
use super::dilution::Dilution;
use super::fix::Fix;
use super::refusal::Refusal;

/// Times of day of one moment differ by less than this: some receivers round one sentence and cut the other.
const SAME_MOMENT_S: f64 = 0.05;

/// What a moment came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// Where the receiver was.
    Fix(Fix),
    /// It did not know.
    NoFix,
}

/// Joins the sentences of one moment.
#[derive(Debug, Default)]
pub struct Joiner {
    burst: Option<Burst>,
    /// What was said of the satellites between two moments.
    ahead: Option<Dilution>,
}

#[derive(Debug)]
struct Burst {
    time_of_day_s: Option<f64>,
    fix: Option<Fix>,
    /// A sentence of this moment calls the position simulated, estimated or set by hand: another that calls it valid
    /// (an RMC before NMEA 2.3 has no mode) is not believed.
    made_up: bool,
    dilution: Option<Dilution>,
}

impl Joiner {
    /// Whether no moment is being told.
    pub fn is_empty(&self) -> bool {
        self.burst.is_none()
    }

    /// Adds a sentence; gives the moment before it if that is now complete.
    pub fn push(&mut self, said: Said) -> Option<Joined> {
        let (time_of_day_s, word) = match said {
            Said::Dilution(dilution) => {
                let place = self.burst.as_mut().map_or(&mut self.ahead, |burst| &mut burst.dilution);
                *place = Some(place.map_or(dilution, |known| known.and(dilution)));
                return None;
            }
            Said::Position(Decoded::Fix(fix)) => (fix.time_of_day_s, Ok(fix)),
            Said::Position(Decoded::Refused { refusal, time_of_day_s, .. }) => (time_of_day_s, Err(refusal)),
        };
        if let Err(refusal) = word
            && !speaks_of_position(refusal)
        {
            return None;
        }
        let ended = match &self.burst {
            Some(burst) if !burst.belongs(time_of_day_s, word.is_ok()) => self.flush(),
            _ => None,
        };
        let ahead = &mut self.ahead;
        let burst = self.burst.get_or_insert_with(|| Burst {
            time_of_day_s,
            fix: None,
            made_up: false,
            dilution: ahead.take(),
        });
        match word {
            Ok(fix) => {
                burst.fix = Some(match burst.fix.take() {
                    Some(first) => join(first, &fix),
                    None => fix,
                });
            }
            Err(refusal) => burst.made_up |= refusal.is_made_up(),
        }
        ended
    }

    /// Ends the moment that is being told, if one is.
    pub fn flush(&mut self) -> Option<Joined> {
        self.ahead = None;
        let Burst { fix, made_up, dilution, .. } = self.burst.take()?;
        let void = made_up || dilution.is_some_and(|dilution| !dilution.fixed);
        let Some(mut fix) = fix.filter(|_| !void) else { return Some(Joined::NoFix) };
        if let Some(dilution) = dilution {
            fix.hdop = fix.hdop.or(dilution.hdop);
            fix.satellites = fix.satellites.or((dilution.satellites > 0).then_some(dilution.satellites));
        }
        Some(Joined::Fix(fix))
    }
}

impl Burst {
    /// Whether a sentence of this time tells of the same moment. A position without a time (an old GLL) does.
    fn belongs(&self, time_of_day_s: Option<f64>, is_fix: bool) -> bool {
        match (self.time_of_day_s, time_of_day_s) {
            (Some(one), Some(two)) => (one - two).abs() < SAME_MOMENT_S,
            (None, None) => !is_fix,
            (Some(_), None) => is_fix && self.fix.is_some(),
            (None, Some(_)) => false,
        }
    }
}

/// Whether a refusal is the receiver's word on its position, and not a damaged sentence.
fn speaks_of_position(refusal: Refusal) -> bool {
    refusal.is_made_up()
        || matches!(refusal, Refusal::Void | Refusal::Doubtful | Refusal::Missing | Refusal::Zero)
}

/// The first sentence's position, with what only the second has.
fn join(first: Fix, second: &Fix) -> Fix {
    Fix {
        speed_mps: first.speed_mps.or(second.speed_mps),
        course_deg: first.course_deg.or(second.course_deg),
        time: first.time.or(second.time),
        quality: first.quality.max(second.quality),
        hdop: first.hdop.or(second.hdop),
        satellites: first.satellites.max(second.satellites),
        nav_status: first.nav_status.max(second.nav_status),
        ..first
    }
}

#[cfg(test)]
mod tests {
    use super::super::decoder::Decoder;
    use super::super::fix::{NavStatus, Quality};
    use super::super::sentence::checksum;
    use super::*;

    /// All that comes of `text`, the last moment flushed.
    fn joined(text: &str) -> Vec<Joined> {
        let mut decoder = Decoder::default();
        let mut joiner = Joiner::default();
        let mut out = Vec::new();
        decoder.listen(text.as_bytes(), &mut |said| out.extend(joiner.push(said)));
        out.extend(joiner.flush());
        out
    }

    fn sum(body: &str) -> String {
        format!("${body}*{:02X}\r\n", checksum(body))
    }

    #[test]
    fn sentences_of_one_moment_are_one_fix() {
        let text = sum("GPGGA,135654.00,5543.0328,N,03724.7197,E,2,07,1.1,100,M,,M,,")
            + &sum("GPRMC,135654.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,,A")
            + &sum("GPGLL,5543.0328,N,03724.7197,E,135655.00,A,A");
        let out = joined(&text);
        let [Joined::Fix(first), Joined::Fix(second)] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!((first.hdop, first.satellites, first.speed_mps), (Some(1.1), Some(7), Some(5.144)));
        assert_eq!(first.quality, Quality::Dgnss);
        assert_eq!(first.time.unwrap().to_string(), "2009-12-05T13:56:54Z");
        assert_eq!(second.speed_mps, None);
    }

    #[test]
    fn mixed_talkers_and_satellites_of_one_moment_are_one_fix() {
        let second = |second: u32| {
            sum(&format!("GNRMC,1356{second}.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,,A,C"))
                + &sum(&format!("GPGNS,1356{second}.00,5543.0328,N,03724.7197,E,A,04,,100,,,,V"))
                + &sum(&format!("GLGNS,1356{second},5543.0328,N,03724.7197,E,A,05,,100,,,,S"))
                + &sum("GNGSA,A,3,01,02,03,04,,,,,,,,,1.9,1.2,1.5,1")
                + &sum("GNGSA,A,3,65,66,67,68,69,,,,,,,,1.9,1.2,1.5,2")
                + &sum(&format!("GNGLL,5543.0328,N,03724.7197,E,1356{second}.01,A,A"))
        };
        let out = joined(&(second(54) + &second(55)));
        let [Joined::Fix(first), Joined::Fix(last)] = out.as_slice() else { panic!("{out:?}") };
        for fix in [first, last] {
            assert_eq!((fix.hdop, fix.satellites, fix.speed_mps), (Some(1.2), Some(5), Some(5.144)));
            assert_eq!(fix.nav_status, Some(NavStatus::Caution), "the worse of what was said");
        }
    }

    #[test]
    fn satellites_that_are_told_before_the_position_belong_to_it() {
        let text = sum("GPGSA,A,3,01,02,03,,,,,,,,,,9.9,8.2,1.5")
            + &sum("GPRMC,135654.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,,A");
        let out = joined(&text);
        let [Joined::Fix(fix)] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!((fix.hdop, fix.satellites), (Some(8.2), Some(3)));
    }

    #[test]
    fn a_moment_that_one_sentence_calls_simulated_or_unfixed_has_no_fix() {
        let rmc = sum("GPRMC,135654.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,");
        let gga = sum("GPGGA,135654.00,5543.0328,N,03724.7197,E,8,07,1.1,100,M,,M,,");
        assert_eq!(joined(&(rmc.clone() + &gga)), [Joined::NoFix]);
        assert_eq!(joined(&(rmc.clone() + &sum("GPGSA,A,1,,,,,,,,,,,,,,,"))), [Joined::NoFix]);
        let one_of_two = sum("GPGSA,A,3,01,02,03,04,,,,,,,,,1.9,1.2,1.5") + &sum("GLGSA,A,1,,,,,,,,,,,,,,,");
        assert!(matches!(joined(&(rmc + &one_of_two)).as_slice(), [Joined::Fix(_)]));
    }

    #[test]
    fn a_void_system_beside_a_valid_one_spoils_nothing() {
        let text = sum("GLRMC,135654.00,V,,,,,,,051209,,,N")
            + &sum("GNRMC,135654.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,,A");
        assert!(matches!(joined(&text).as_slice(), [Joined::Fix(_)]));
    }

    #[test]
    fn a_damaged_sentence_is_no_word_on_the_position() {
        assert_eq!(joined("$GPRMC,135654.00,A,5543.0328,N,03724.7197,E,10.00,129.5,051209,,*00\r\n"), []);
        assert_eq!(joined("$GPRMC,,V,,,,,,,,,,N*53\r\n"), [Joined::NoFix]);
    }
}
