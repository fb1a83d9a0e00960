//! From bytes to fixes and refusals, with the date that belongs to them.
//!
//! Only RMC and ZDA carry a date. It holds for the sentences that follow, until another comes, an impossible one takes
//! its place, or the time of day has passed midnight: a fix of which the day is in doubt has none. Dates are never
//! changed.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::dilution::{self, Dilution};
use super::fix::Fix;
use super::position::{self, DateSent, Position};
use super::refusal::Refusal;
use super::sentence::{Framer, Kind, Sentence};

/// Times of day that lie further apart are of two days.
const SAME_DAY_S: f64 = 12.0 * 3600.0;

/// What one position sentence came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// A position that the receiver vouches for.
    Fix(Fix),
    /// No position.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The sentence, as far as it came.
        sentence: String,
        /// Its time of day in seconds, if the sentence was whole and had one.
        time_of_day_s: Option<f64>,
    },
}

/// What one sentence says that matters to a receiver that is listened to live.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Where it is, or why there is no position.
    Position(Decoded),
    /// How good its positions are at this moment.
    Dilution(Dilution),
}

/// Decodes one receiver's stream.
#[derive(Debug, Default)]
pub struct Decoder {
    framer: Framer,
    day: Day,
    sentences: u64,
}

impl Decoder {
    /// Reads `bytes`, cut anywhere, and hands over what each position sentence came to.
    pub fn push(&mut self, bytes: &[u8], found: &mut impl FnMut(Decoded)) {
        self.listen(bytes, &mut positions(found));
    }

    /// As [`Self::push`], with what else a joined fix is made of.
    pub fn listen(&mut self, bytes: &[u8], said: &mut impl FnMut(Said)) {
        let Self { framer, day, sentences } = self;
        framer.push(bytes, &mut |sentence, whole| {
            *sentences += u64::from(whole.is_ok() && sentence.has_header());
            day.decode(&sentence, whole, said);
        });
    }

    /// The stream ended: what is held is no sentence, and the date is forgotten.
    pub fn finish(&mut self, found: &mut impl FnMut(Decoded)) {
        let Self { framer, day, .. } = self;
        framer.finish(&mut |sentence, whole| day.decode(&sentence, whole, &mut positions(found)));
        *day = Day::default();
    }

    /// Whole sentences of any kind so far.
    pub fn sentences(&self) -> u64 {
        self.sentences
    }
}

fn positions(found: &mut impl FnMut(Decoded)) -> impl FnMut(Said) {
    |said| {
        if let Said::Position(decoded) = said {
            found(decoded);
        }
    }
}

/// The last date sent, and at which second of its day.
#[derive(Debug, Default)]
struct Day {
    known: Option<(Date, f64)>,
}

impl Day {
    fn decode(&mut self, sentence: &Sentence<'_>, whole: Result<(), Refusal>, said: &mut impl FnMut(Said)) {
        let Some(kind) = sentence.kind() else { return };
        let fields = sentence.fields();
        match kind {
            Kind::Zda => {
                if let (Ok(()), Some((date, time))) = (whole, position::read_zda(&fields)) {
                    self.known = Some((date, second_of_day(time)));
                }
            }
            Kind::Gsa => {
                if let (Ok(()), Some(dilution)) = (whole, dilution::read(&fields)) {
                    said(Said::Dilution(dilution));
                }
            }
            _ => said(Said::Position(match whole.and_then(|()| position::read(kind, &fields)) {
                Ok(position) => Decoded::Fix(self.date(&position)),
                Err(refusal) => Decoded::Refused {
                    refusal,
                    sentence: sentence.text().to_owned(),
                    time_of_day_s: whole
                        .ok()
                        .and_then(|()| position::time_of_day(kind, &fields))
                        .map(second_of_day),
                },
            })),
        }
    }

    fn date(&mut self, position: &Position) -> Fix {
        let second = position.time.map(second_of_day);
        match position.date {
            DateSent::Is(date) => self.known = second.map(|second| (date, second)),
            DateSent::Bad => self.known = None,
            DateSent::No => {}
        }
        let time = self.known.zip(second).zip(position.time).and_then(|(((date, since), second), time)| {
            ((second - since).abs() < SAME_DAY_S).then(|| timestamp(date, time)).flatten()
        });
        Fix {
            lat: position.lat,
            lon: position.lon,
            speed_mps: position.speed_mps,
            course_deg: position.course_deg,
            time,
            time_of_day_s: second,
            quality: position.quality,
            hdop: position.hdop,
            satellites: position.satellites,
            nav_status: position.nav_status,
        }
    }
}

fn timestamp(date: Date, time: Time) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()
}

fn second_of_day(time: Time) -> f64 {
    let whole = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
    f64::from(whole) + f64::from(time.subsec_nanosecond()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gnss::Quality;
    use crate::gnss::sentence::checksum;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Decoded> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        decoder.push(bytes, &mut |decoded| out.push(decoded));
        decoder.finish(&mut |decoded| out.push(decoded));
        out
    }

    fn fix(text: &str) -> Fix {
        match decode(text.as_bytes()).as_slice() {
            [Decoded::Fix(fix)] => fix.clone(),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn refusal(text: &str) -> Refusal {
        match decode(text.as_bytes()).as_slice() {
            [Decoded::Refused { refusal, .. }] => *refusal,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn sum(body: &str) -> String {
        format!("${body}*{:02X}\r\n", checksum(body))
    }

    fn time(text: &str) -> Option<String> {
        fix(text).time.map(|time| time.to_string())
    }

    #[test]
    fn an_impossible_date_loses_the_date_and_keeps_the_position() {
        let fix = fix("$GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,2208-1,,,A*73");
        assert!((fix.lat - 48.483_341_667).abs() < 1e-9 && (fix.lon - 0.366_691_667).abs() < 1e-9);
        assert_eq!((fix.time, fix.time_of_day_s), (None, Some(151.099)));
        assert_eq!((fix.speed_mps, fix.course_deg), (Some(0.077), Some(212.28)));
        assert_eq!(fix.quality, Quality::Gnss);
    }

    #[test]
    fn a_rolled_over_date_is_passed_on_as_sent() {
        let sent = "$GPRMC,000231.42,A,4829.0005,N,00022.0016,E,0.16,212.28,220899,,,A*59";
        assert_eq!(time(sent).unwrap(), "1999-08-22T00:02:31.42Z");
    }

    #[test]
    fn void_and_spliced_sentences_are_no_fix() {
        for (text, why) in [
            ("$GPRMC,235948.00,V,0000.0000,N,00000.0000,E,,,161206,,,N*45", Refusal::Void),
            ("$GPRMC,,V,,,,,,,,,,N*53", Refusal::Void),
            ("$GPRMC,000344.03,A,4808.9992,N,4,02.3*05", Refusal::WrongChecksum),
            ("$GNRMC,053229.438,V,,,,,,,020315,,,N*56", Refusal::Void),
        ] {
            assert_eq!(refusal(text), why, "{text}");
        }
    }

    #[test]
    fn a_standing_receiver_has_no_course() {
        let fix = fix("$GNRMC,171926.00,A,4404.14063,N,12118.85478,W,0.117,,180315,,,A*76");
        assert_eq!((fix.speed_mps, fix.course_deg), (Some(0.06), None));
        assert!((fix.lon + 121.314_246_333).abs() < 1e-9);
    }

    #[test]
    fn other_talkers_old_versions_and_the_nav_status_are_read() {
        let glonass = fix("$GLRMC,135654.997,A,5543.0328,N,03724.7197,E,00.00,129.5,051209,,,A*71");
        assert_eq!((glonass.speed_mps, glonass.course_deg), (Some(0.0), Some(129.5)));
        let old = fix("$GPRMC,200619.30,A,5313.2228,N,00634.4228,E,00.0,000.0,200506,00,W*59");
        assert_eq!(old.quality, Quality::Unknown);
        assert_eq!(old.time.unwrap().to_string(), "2006-05-20T20:06:19.3Z");
        let nav = fix("$GNRMC,055234.000,A,4739.71890,N,12219.58362,W,0.00,286.35,050826,,,A,V*13");
        assert_eq!(nav.time.unwrap().to_string(), "2026-08-05T05:52:34Z");
    }

    #[test]
    fn made_up_and_impossible_positions_are_refused() {
        let rmc =
            |mode: &str| sum(&format!("GPRMC,120000,A,2218.0000,N,11412.0000,E,1.0,90.0,010920,,,{mode}"));
        let gga =
            |quality: &str| sum(&format!("GPGGA,120000,2218.0000,N,11412.0000,E,{quality},08,1.0,5,M,,M,,"));
        let gns = |modes: &str| sum(&format!("GNGNS,120000,2218.0000,N,11412.0000,E,{modes},08,1.0,5,,,,V"));
        let gll = |place: &str, tail: &str| sum(&format!("GPGLL,{place},120000,{tail}"));
        let here = "2218.0000,N,11412.0000,E";
        for (text, why) in [
            (rmc("S"), Refusal::Simulated),
            (rmc("E"), Refusal::Estimated),
            (rmc("M"), Refusal::Manual),
            (rmc("N"), Refusal::Void),
            (rmc("U"), Refusal::Doubtful),
            (rmc("X"), Refusal::Impossible("mode")),
            (gga("0"), Refusal::Void),
            (gga(""), Refusal::Void),
            (gga("6"), Refusal::Estimated),
            (gga("7"), Refusal::Manual),
            (gga("8"), Refusal::Simulated),
            (gga("23"), Refusal::Impossible("quality")),
            (gns("NNNN"), Refusal::Void),
            (gns("AE"), Refusal::Estimated),
            (gns("SS"), Refusal::Simulated),
            (gll(here, "V"), Refusal::Void),
            (gll(here, "A,E"), Refusal::Estimated),
            (gll(",,,", "A,A"), Refusal::Missing),
            (gll("0000.0000,N,00000.0000,W", "A,A"), Refusal::Zero),
            (gll("9000.0001,N,11412.0000,E", "A,A"), Refusal::Impossible("latitude")),
            (gll("2260.0000,N,11412.0000,E", "A,A"), Refusal::Impossible("latitude")),
            (gll("22-8.0000,N,11412.0000,E", "A,A"), Refusal::Impossible("latitude")),
            (gll("22nan,N,11412.0000,E", "A,A"), Refusal::Impossible("latitude")),
            (gll("2218.0000,X,11412.0000,E", "A,A"), Refusal::Impossible("latitude")),
            (gll("2218.0000,N,18000.1000,E", "A,A"), Refusal::Impossible("longitude")),
            (gll("2218.0000,N,1141.2,E", "A,A"), Refusal::Impossible("longitude")),
            (sum("GPGLL,2218.0000,N,11412.0000,E,250000,A,A"), Refusal::Impossible("time")),
            (
                sum("GPRMC,120000,A,2218.0000,N,11412.0000,E,1e3,90.0,010920,,,A"),
                Refusal::Impossible("speed"),
            ),
            (
                sum("GPRMC,120000,A,2218.0000,N,11412.0000,E,1.0,361,010920,,,A"),
                Refusal::Impossible("course"),
            ),
            (sum("GPRMC,120000,A,2218.0000,N"), Refusal::Impossible("number of fields")),
            (gll(here, "A,A,GPRMC,120000"), Refusal::Impossible("number of fields")),
        ] {
            assert_eq!(refusal(&text), why, "{text}");
        }
    }

    #[test]
    fn the_quality_is_the_best_that_the_sentence_tells() {
        let gga =
            |quality: &str| sum(&format!("GPGGA,120000,2218.0000,N,11412.0000,E,{quality},08,1.2,5,M,,M,,"));
        let gns = |modes: &str| sum(&format!("GNGNS,120000,2218.0000,N,11412.0000,E,{modes},,,5,,,,"));
        for (text, quality) in [
            (gga("1"), Quality::Gnss),
            (gga("2"), Quality::Dgnss),
            (gga("3"), Quality::Gnss),
            (gga("4"), Quality::Rtk),
            (gga("5"), Quality::Rtk),
            (gns("AAAAN"), Quality::Gnss),
            (gns("NDD"), Quality::Dgnss),
            (gns("ARF"), Quality::Rtk),
            (sum("GPGLL,2218.0000,N,11412.0000,E,120000,A,D"), Quality::Dgnss),
            (sum("GPGLL,2218.0000,N,11412.0000,E,120000,A"), Quality::Unknown),
        ] {
            assert_eq!(fix(&text).quality, quality, "{text}");
        }
        assert_eq!((fix(&gga("1")).hdop, fix(&gga("1")).satellites), (Some(1.2), Some(8)));
        assert_eq!((fix(&gns("A")).hdop, fix(&gns("A")).satellites), (None, None));
    }

    #[test]
    fn a_date_holds_for_what_follows_until_midnight_or_a_bad_one() {
        let gll = |time: &str| sum(&format!("GPGLL,2218.0000,N,11412.0000,E,{time},A,A"));
        let rmc =
            |time: &str, date: &str| sum(&format!("GPRMC,{time},A,2218.0000,N,11412.0000,E,,,{date},,,A"));
        let stream = [
            gll("235957"),
            sum("GPZDA,235957.00,31,08,2020,00,00"),
            gll("235958"),
            gll("000001"),
            rmc("000002", "010920"),
            gll("000002"),
            rmc("000003", "310299"),
            gll("000003"),
        ];
        let times: Vec<_> = decode(stream.concat().as_bytes())
            .iter()
            .map(|decoded| match decoded {
                Decoded::Fix(fix) => fix.time.map(|time| time.to_string()).unwrap_or_default(),
                refused @ Decoded::Refused { .. } => panic!("{refused:?}"),
            })
            .collect();
        let second = "2020-09-01T00:00:02Z";
        assert_eq!(times, ["", "2020-08-31T23:59:58Z", "", second, second, "", ""]);
    }

    #[test]
    fn a_void_sentence_sets_no_date() {
        let stream = "$GPRMC,235948.00,V,0000.0000,N,00000.0000,E,,,161206,,,N*45\r\n".to_owned()
            + &sum("GPGLL,2218.0000,N,11412.0000,E,235949,A,A");
        assert!(matches!(decode(stream.as_bytes()).last(), Some(Decoded::Fix(Fix { time: None, .. }))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_give_zero(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            for decoded in decode(&bytes) {
                prop_assert!(!matches!(decoded, Decoded::Fix(_)), "two hundred random bytes are no sentence");
            }
        }

        #[test]
        fn no_fields_under_a_right_checksum_panic_or_give_what_cannot_be(
            kind in prop::sample::select(&["RMC", "GGA", "GLL", "GNS", "ZDA"][..]),
            fields in prop::collection::vec(
                prop_oneof![
                    "[ -#%-)+-~]{0,12}",
                    "[0-9]{4,6}(\\.[0-9]{0,12})?",
                    prop::sample::select(&["A", "N", "E", "W", "S", "V", "D", "1", "", "0000.0", "00000.0"][..])
                        .prop_map(str::to_owned),
                ],
                0..16,
            ),
        ) {
            for decoded in decode(sum(&format!("GN{kind},{}", fields.join(","))).as_bytes()) {
                if let Decoded::Fix(fix) = decoded {
                    prop_assert!(fix.lat.abs() <= 90.0 && fix.lon.abs() <= 180.0);
                    prop_assert!(fix.lat != 0.0 || fix.lon != 0.0);
                    prop_assert!(fix.time_of_day_s.is_none_or(|second| (0.0..86_400.0).contains(&second)));
                }
            }
        }
    }
}
