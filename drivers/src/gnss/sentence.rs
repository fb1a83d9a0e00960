//! From a stream of bytes to whole sentences: `$`, talker and kind, fields, `*`, two hex digits (NMEA 0183 §5.3).
//!
//! Lines from receivers carry more than sentences: binary messages, NULs at power-up, halves of two sentences joined by
//! an overrun. A sentence is taken only if it is printable ASCII from its `$` to its checksum and the checksum holds;
//! `$` or `!` inside one means that its end is missing and another begins. Nothing here waits for the line's end, and
//! nothing is copied but what a chunk of bytes cuts in two.

use super::refusal::Refusal;

/// Longest sentence that is read. The standard says 82, receivers with fine positions send a little over 100.
pub const SENTENCE_BYTES_MAX: usize = 200;
/// Fields that are looked at; a position sentence has 15 at most.
const FIELDS_MAX: usize = 20;

/// The kinds of sentence that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Recommended minimum: position, speed, course, time and date.
    Rmc,
    /// Fix data: position, quality, satellites, dilution.
    Gga,
    /// Latitude and longitude.
    Gll,
    /// Fix data of several systems.
    Gns,
    /// Time and date with its century; no position.
    Zda,
    /// Satellites in use and their dilution; neither position nor time.
    Gsa,
}

impl Kind {
    /// Whether sentences of this kind carry a position.
    pub fn is_position(self) -> bool {
        !matches!(self, Self::Zda | Self::Gsa)
    }

    /// The three letters in the sentence.
    pub fn letters(self) -> &'static str {
        match self {
            Self::Rmc => "RMC",
            Self::Gga => "GGA",
            Self::Gll => "GLL",
            Self::Gns => "GNS",
            Self::Zda => "ZDA",
            Self::Gsa => "GSA",
        }
    }

    fn of(letters: &[u8]) -> Option<Self> {
        Some(match letters {
            b"RMC" => Self::Rmc,
            b"GGA" => Self::Gga,
            b"GLL" => Self::Gll,
            b"GNS" => Self::Gns,
            b"ZDA" => Self::Zda,
            b"GSA" => Self::Gsa,
            _ => return None,
        })
    }
}

/// A whole sentence whose checksum held, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence<'a> {
    text: &'a str,
}

impl<'a> Sentence<'a> {
    /// From `$` to the checksum; of a part, as far as it came. At most [`SENTENCE_BYTES_MAX`] bytes of printable ASCII.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Its kind whatever the talker, or `None` for others. Talkers that begin with `P` are makers' own sentences, where
    /// `$PGRMC` is a configuration and not a position.
    pub fn kind(&self) -> Option<Kind> {
        let [b'$', first, second, letters @ ..] = self.text.as_bytes() else { return None };
        let is_talker = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if *first == b'P' || !is_talker(first) || !is_talker(second) {
            return None;
        }
        let (letters, rest) = letters.split_at_checked(3)?;
        matches!(rest.first(), None | Some(b',' | b'*')).then(|| Kind::of(letters)).flatten()
    }

    /// Whether it begins as every sentence does, of any kind and maker: noise rarely does.
    pub fn has_header(&self) -> bool {
        let header = self.text.split([',', '*']).next().unwrap_or_default();
        let letters = header.strip_prefix('$').unwrap_or_default();
        (4..=8).contains(&letters.len())
            && letters.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && self.text.as_bytes().get(header.len()) == Some(&b',')
    }

    /// Its fields.
    pub fn fields(&self) -> Fields<'a> {
        let body = self.text.split('*').next().unwrap_or_default();
        let mut fields = Fields { list: [""; FIELDS_MAX], count: 0 };
        let mut rest = body.split_once(',').map(|(_, fields)| fields);
        while let Some(text) = rest {
            let comma = text.bytes().position(|byte| byte == b',');
            let (field, behind) = match comma.and_then(|at| text.split_at_checked(at)) {
                Some((field, behind)) => (field, behind.get(1..)),
                None => (text, None),
            };
            if let Some(place) = fields.list.get_mut(fields.count) {
                *place = field;
            }
            fields.count += 1;
            rest = behind;
        }
        fields
    }
}

/// The fields of a sentence.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    list: [&'a str; FIELDS_MAX],
    count: usize,
}

impl<'a> Fields<'a> {
    /// The field at `index`, counted from 1 as the standard does; empty if it was not sent.
    pub fn get(&self, index: usize) -> &'a str {
        index.checked_sub(1).and_then(|at| self.list.get(at)).copied().unwrap_or_default()
    }

    /// How many fields stand behind the kind.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// Cuts a stream of bytes into sentences. Holds at most [`SENTENCE_BYTES_MAX`] bytes.
#[derive(Debug, Default)]
pub struct Framer {
    /// The sentence so far, from its `$`; empty between sentences.
    part: String,
    /// Bytes that are still to come behind the part's `*`; none before it.
    digits_left: Option<usize>,
}

impl Framer {
    /// Reads `bytes` and hands each sentence to `found` as soon as its checksum is complete; what turns out to be no
    /// whole sentence too, with the reason.
    pub fn push(&mut self, bytes: &[u8], found: &mut impl FnMut(Sentence<'_>, Result<(), Refusal>)) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.part.is_empty() {
                let Some(begin) = rest.iter().position(|byte| *byte == b'$') else { return };
                self.part.push('$');
                rest = rest.get(begin + 1..).unwrap_or_default();
                continue;
            }
            let run = self.take_run(rest);
            if run > 0 {
                if self.digits_left == Some(0) {
                    let verdict = verify(&self.part);
                    self.give(verdict, found);
                }
                rest = rest.get(run..).unwrap_or_default();
                continue;
            }
            match byte {
                b'$' => {
                    self.give(Err(Refusal::Spliced), found);
                    self.part.push('$');
                }
                b'!' => self.give(Err(Refusal::Spliced), found),
                b'\r' | b'\n' => self.give(Err(Refusal::NoChecksum), found),
                b' '..=b'~' => self.give(Err(Refusal::TooLong), found),
                _ => self.give(Err(Refusal::Garbled), found),
            }
            rest = rest.get(1..).unwrap_or_default();
        }
    }

    /// The stream ended, or the device went away: a part that is held is no sentence.
    pub fn finish(&mut self, found: &mut impl FnMut(Sentence<'_>, Result<(), Refusal>)) {
        if !self.part.is_empty() {
            self.give(Err(Refusal::NoChecksum), found);
        }
    }

    /// Adds to the part what can belong to it from the beginning of `bytes`: up to its `*`, or its two digits. Returns
    /// how many bytes that was.
    fn take_run(&mut self, bytes: &[u8]) -> usize {
        let room = SENTENCE_BYTES_MAX - self.part.len();
        let most = self.digits_left.unwrap_or(room).min(room);
        let mut run = bytes.iter().take(most).take_while(|byte| is_inside(**byte)).count();
        if self.digits_left.is_none()
            && let Some(star) = bytes.iter().take(run).position(|byte| *byte == b'*')
        {
            run = star + 1;
            self.digits_left = Some(DIGITS);
        } else if let Some(left) = &mut self.digits_left {
            *left -= run;
        }
        // All of it is ASCII.
        self.part.push_str(bytes.get(..run).and_then(|run| str::from_utf8(run).ok()).unwrap_or_default());
        run
    }

    fn give(
        &mut self,
        verdict: Result<(), Refusal>,
        found: &mut impl FnMut(Sentence<'_>, Result<(), Refusal>),
    ) {
        found(Sentence { text: &self.part }, verdict);
        self.part.clear();
        self.digits_left = None;
    }
}

/// Hex digits of a checksum.
const DIGITS: usize = 2;

/// Whether a byte can stand inside a sentence.
fn is_inside(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'$' && byte != b'!'
}

/// Whether the checksum of a part with both its digits holds.
fn verify(part: &str) -> Result<(), Refusal> {
    let Some((body, digits)) = part.strip_prefix('$').and_then(|part| part.split_once('*')) else {
        return Err(Refusal::NoChecksum);
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::NoChecksum);
    }
    match u8::from_str_radix(digits, 16) {
        Ok(told) if told == checksum(body) => Ok(()),
        Ok(_) => Err(Refusal::WrongChecksum),
        Err(_) => Err(Refusal::NoChecksum),
    }
}

/// The checksum of what stands between `$` and `*`: all bytes, exclusive or.
pub(crate) fn checksum(body: &str) -> u8 {
    body.bytes().fold(0, |sum, byte| sum ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Vec<(String, Result<(), Refusal>)> {
        let mut framer = Framer::default();
        let mut out = Vec::new();
        let mut found = |sentence: Sentence<'_>, verdict: Result<(), Refusal>| {
            out.push((sentence.text().to_owned(), verdict))
        };
        framer.push(bytes, &mut found);
        framer.finish(&mut found);
        out
    }

    #[test]
    fn a_sentence_is_found_between_garbage() {
        let found = frame(b"\0\0\xff,A*12$GPRMC,,V,,,,,,,,,,N*53\0\x80binary\r\n");
        assert_eq!(found, [("$GPRMC,,V,,,,,,,,,,N*53".to_owned(), Ok(()))]);
    }

    #[test]
    fn a_dollar_inside_starts_anew() {
        let found = frame(b"$GPGGA,0003$GPRMC,,V,,,,,,,,,,N*53");
        assert_eq!(
            found,
            [
                ("$GPGGA,0003".to_owned(), Err(Refusal::Spliced)),
                ("$GPRMC,,V,,,,,,,,,,N*53".to_owned(), Ok(()))
            ]
        );
    }

    #[test]
    fn a_sentence_without_or_with_a_wrong_checksum_is_refused() {
        for (text, refusal) in [
            ("$GPRMC,,V,,,,,,,,,,N\r\n", Refusal::NoChecksum),
            ("$GPRMC,,V,,,,,,,,,,N*5\r\n", Refusal::NoChecksum),
            ("$GPRMC,,V,,,,,,,,,,N*5", Refusal::NoChecksum),
            ("$GPRMC,,V,,,,,,,,,,N*XY\r\n", Refusal::NoChecksum),
            ("$GPRMC,,V,,,,,,,,,,N*54\r\n", Refusal::WrongChecksum),
            ("$GPRMC,,V,,,\0,,,,,,,N*53\r\n", Refusal::Garbled),
        ] {
            assert_eq!(frame(text.as_bytes()).first().unwrap().1, Err(refusal), "{text}");
        }
    }

    #[test]
    fn a_sentence_without_end_costs_bounded_memory() {
        let mut long = b"$GPRMC,".to_vec();
        long.resize(100_000, b'1');
        let found = frame(&long);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0.len(), SENTENCE_BYTES_MAX);
        assert_eq!(found[0].1, Err(Refusal::TooLong));
    }

    #[test]
    fn makers_own_sentences_are_no_positions() {
        let kind = |text: &str| Sentence { text }.kind();
        assert_eq!(kind("$PGRMC,A,218.8,100"), None);
        assert_eq!(kind("$GBRMC,1"), Some(Kind::Rmc));
        assert_eq!(kind("$GNGNS"), Some(Kind::Gns));
        assert_eq!(kind("$GNGNSX,"), None);
        assert_eq!(kind("$GN"), None);
    }

    #[test]
    fn noise_has_no_header_of_a_sentence() {
        let has = |text: &str| Sentence { text }.has_header();
        assert!(has("$GPGSV,1,1,00*79") && has("$PMTK001,604,3*32") && has("$PUBX,00*33"));
        assert!(!has("$*00") && !has("$GPRMC*4B") && !has("$gprmc,*00") && !has("$A,*6D"));
    }

    #[test]
    fn a_sentence_of_bytes_that_come_one_by_one_is_the_same() {
        let bytes = b"\0$GPGGA,0003$GPRMC,,V,,,,,,,,,,N*53\r\n$GPRMC,*5$GPRMC,,V,,,,,,,,,,N*5!";
        let mut framer = Framer::default();
        let mut out = Vec::new();
        for byte in bytes {
            framer.push(&[*byte], &mut |sentence, verdict| out.push((sentence.text().to_owned(), verdict)));
        }
        assert_eq!(out, frame(bytes));
        assert_eq!(out.len(), 4);
    }
}
