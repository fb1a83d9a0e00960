//! Label kinds by configured patterns: which plain text is a tube, a seal, a badge.
//!
//! A pattern describes a whole label, character by character:
//!
//! | Written | Stands for |
//! |---|---|
//! | `#` | one digit |
//! | `@` | one letter |
//! | `?` | one letter or digit |
//! | `*` | one letter, digit or hyphen |
//! | a letter, digit, `-`, `_`, `.`, `/` or `:` | itself |
//! | `{n}` after any of these | exactly n of it, 1 to 64 |
//! | `{n,m}` | n to m of it, 0 ≤ n ≤ m |
//!
//! `T-#{8}` is `T-00001234`. Letters are compared in upper case. Two kinds may not share a label, and no pattern may
//! match what has the form of an identity card number: a number keyed into the wrong place would be recorded as a label.
//! Both are decided exactly, when the patterns are read.

use serde::{Deserialize, Serialize};

/// Characters of the longest label.
pub const LABEL_LEN_MAX: usize = 64;
/// The most patterns of all kinds together.
pub const PATTERNS_MAX: usize = 32;

/// What a label is stuck on, or what a printed code asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// A specimen tube.
    Tube,
    /// A returnable box.
    Box,
    /// A seal.
    Seal,
    /// A staff badge: a credential.
    Badge,
    /// A vehicle.
    Vehicle,
    /// A site.
    Site,
    /// A booking of a person who comes to be tested.
    Booking,
    /// A command to the station, printed on its card: `CMD-CLOSE-BOX`.
    Command,
}

/// The patterns of a site, checked.
#[derive(Debug, Clone)]
pub struct LabelKinds {
    patterns: Vec<(LabelKind, Pattern)>,
}

/// What is wrong with the patterns. Each names the pattern as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A character that is no part of the language, or a repetition that is not `{n}` or `{n,m}`.
    #[error(
        "pattern `{pattern}`: character {at} is not understood; use # @ ? * {{n}} {{n,m}}, capitals, digits and -_./:"
    )]
    Syntax {
        /// The pattern.
        pattern: String,
        /// Which character, from 1.
        at: usize,
    },
    /// It matches the empty text.
    #[error("pattern `{pattern}` matches an empty label")]
    Empty {
        /// The pattern.
        pattern: String,
    },
    /// It matches labels of more than [`LABEL_LEN_MAX`] characters.
    #[error("pattern `{pattern}` matches labels of more than {LABEL_LEN_MAX} characters")]
    TooLong {
        /// The pattern.
        pattern: String,
    },
    /// It matches what has the form of an identity card number.
    #[error("pattern `{pattern}` matches identity card numbers; give its labels a prefix such as `T-`")]
    MatchesHkid {
        /// The pattern.
        pattern: String,
    },
    /// Two kinds share a label.
    #[error("patterns `{pattern}` and `{other}` match the same label, of two kinds")]
    Ambiguous {
        /// One pattern.
        pattern: String,
        /// The other.
        other: String,
    },
    /// More than [`PATTERNS_MAX`].
    #[error("more than {PATTERNS_MAX} patterns")]
    TooMany,
}

impl LabelKinds {
    /// Reads and checks the patterns of a site.
    ///
    /// # Errors
    /// [`PatternError`] for the first pattern that is wrong.
    pub fn new<'a>(patterns: impl IntoIterator<Item = (LabelKind, &'a str)>) -> Result<Self, PatternError> {
        let mut kinds: Vec<(LabelKind, Pattern)> = Vec::new();
        for (kind, text) in patterns {
            let pattern = Pattern::new(text)?;
            let shared = kinds.iter().find(|(other, own)| *other != kind && own.meets(&pattern));
            if let Some((_, other)) = shared {
                return Err(PatternError::Ambiguous { pattern: text.to_owned(), other: other.text.clone() });
            }
            if kinds.len() == PATTERNS_MAX {
                return Err(PatternError::TooMany);
            }
            kinds.push((kind, pattern));
        }
        Ok(Self { patterns: kinds })
    }

    /// The kind of a label, or `None` where no pattern matches the whole of it.
    pub fn kind(&self, label: &str) -> Option<LabelKind> {
        self.patterns.iter().find(|(_, pattern)| pattern.matches(label)).map(|(kind, _)| *kind)
    }

    /// The patterns as they are written.
    pub fn patterns(&self) -> impl Iterator<Item = (LabelKind, &str)> {
        self.patterns.iter().map(|(kind, pattern)| (*kind, pattern.text.as_str()))
    }
}

/// The labels of a fresh installation.
pub const DEFAULT_PATTERNS: [(LabelKind, &str); 8] = [
    (LabelKind::Tube, "T-#{8}"),
    (LabelKind::Box, "B-#{4,8}"),
    (LabelKind::Seal, "S-?{4,8}"),
    (LabelKind::Badge, "STAFF-?{16,40}"),
    (LabelKind::Vehicle, "V-#{3}"),
    (LabelKind::Site, "SITE-*{1,24}"),
    (LabelKind::Booking, "BK-?{6,12}"),
    (LabelKind::Command, "CMD-*{2,24}"),
];

impl Default for LabelKinds {
    /// [`DEFAULT_PATTERNS`], which a test holds to be right.
    fn default() -> Self {
        Self::new(DEFAULT_PATTERNS).unwrap_or(Self { patterns: Vec::new() })
    }
}

/// A pattern as a row of places, each for one character. A repetition is written out, so that the places reached after
/// a text are bits of one word: bit n says that the first n places are behind it.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    class: Class,
    optional: bool,
}

/// A set of characters, all of them ASCII and none a lower-case letter: bit n stands for the character of code n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Class(u128);

impl Class {
    const DIGIT: Self = Self::range(b'0', b'9');
    const LETTER: Self = Self::range(b'A', b'Z');
    const LETTER_OR_DIGIT: Self = Self(Self::DIGIT.0 | Self::LETTER.0);
    const ANY: Self = Self(Self::LETTER_OR_DIGIT.0 | Self::range(b'-', b'-').0);
    const CHECK_DIGIT: Self = Self(Self::DIGIT.0 | Self::range(b'A', b'A').0);

    const fn range(first: u8, last: u8) -> Self {
        Self((1 << (last + 1)) - (1 << first))
    }

    fn of(c: u8) -> Option<Self> {
        c.is_ascii().then(|| Self(1 << c.to_ascii_uppercase()))
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, PatternError> {
        let syntax = |at: usize| PatternError::Syntax { pattern: text.to_owned(), at: at + 1 };
        let mut places: Vec<Place> = Vec::new();
        let mut rest = text.char_indices().enumerate();
        while let Some((nth, (at, c))) = rest.next() {
            let class = match c {
                '#' => Class::DIGIT,
                '@' => Class::LETTER,
                '?' => Class::LETTER_OR_DIGIT,
                '*' => Class::ANY,
                'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '/' | ':' => Class(1 << u32::from(c)),
                _ => return Err(syntax(nth)),
            };
            let after = text.get(at + 1..).unwrap_or_default();
            let (min, max) = match after.strip_prefix('{') {
                None => (1, 1),
                Some(counts) => {
                    let (counts, _) = counts.split_once('}').ok_or_else(|| syntax(nth + 1))?;
                    let read = repetition(counts).ok_or_else(|| syntax(nth + 1))?;
                    rest.nth(counts.len() + 1);
                    read
                }
            };
            if places.len() + max > LABEL_LEN_MAX {
                return Err(PatternError::TooLong { pattern: text.to_owned() });
            }
            places.extend((0..max).map(|n| Place { class, optional: n >= min }));
        }
        let pattern = Self { text: text.to_owned(), places };
        if pattern.is_end(pattern.start()) {
            return Err(PatternError::Empty { pattern: pattern.text });
        }
        if pattern.meets_hkid() {
            return Err(PatternError::MatchesHkid { pattern: pattern.text });
        }
        Ok(pattern)
    }

    fn matches(&self, label: &str) -> bool {
        let mut reached = self.start();
        for c in label.bytes() {
            let Some(class) = Class::of(c) else { return false };
            reached = self.step(reached, class);
            if reached == 0 {
                return false;
            }
        }
        self.is_end(reached)
    }

    fn start(&self) -> u128 {
        self.skip(1)
    }

    fn is_end(&self, reached: u128) -> bool {
        reached >> self.places.len() & 1 == 1
    }

    /// Places reached after one more character, any of the class.
    fn step(&self, reached: u128, class: Class) -> u128 {
        let next = self.places.iter().enumerate().filter(|(_, place)| place.class.meets(class));
        self.skip(next.fold(0, |next, (n, _)| next | (reached >> n & 1) << (n + 1)))
    }

    /// Adds what is reached by leaving optional places out.
    fn skip(&self, reached: u128) -> u128 {
        let optional = self.places.iter().enumerate().filter(|(_, place)| place.optional);
        optional.fold(reached, |reached, (n, _)| reached | (reached >> n & 1) << (n + 1))
    }

    /// Whether it matches one or two letters, six digits and a digit or A. Whether the check digit is right is not
    /// asked: a mistyped number is one too.
    fn meets_hkid(&self) -> bool {
        [1, 2].into_iter().any(|letters| {
            let form = [Class::LETTER; 2].into_iter().take(letters);
            let form = form.chain([Class::DIGIT; 6]).chain([Class::CHECK_DIGIT]);
            self.is_end(form.fold(self.start(), |reached, class| self.step(reached, class)))
        })
    }

    /// Whether some text matches both: what this one has reached is carried along the places of the other.
    fn meets(&self, other: &Self) -> bool {
        let reached = other.places.iter().fold(self.start(), |reached, place| {
            self.step(reached, place.class) | if place.optional { reached } else { 0 }
        });
        self.is_end(reached)
    }
}

/// `n` or `n,m` of a repetition, as least and most.
fn repetition(counts: &str) -> Option<(usize, usize)> {
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    let (min, max) = match counts.split_once(',') {
        Some((min, max)) => (number(min)?, number(max)?),
        None => (number(counts)?, number(counts)?),
    };
    (min <= max && (1..=LABEL_LEN_MAX).contains(&max)).then_some((min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(patterns: &[(LabelKind, &str)]) -> Result<LabelKinds, PatternError> {
        LabelKinds::new(patterns.iter().copied())
    }

    #[test]
    fn the_labels_of_a_fresh_installation_are_told_apart() {
        let kinds = kinds(&DEFAULT_PATTERNS).unwrap();
        assert_eq!(LabelKinds::default().patterns().count(), DEFAULT_PATTERNS.len());
        for (label, kind) in [
            ("T-00001234", Some(LabelKind::Tube)),
            ("t-00001234", Some(LabelKind::Tube)),
            ("T-0000123", None),
            ("T-000012345", None),
            ("T-0000123A", None),
            ("B-0001", Some(LabelKind::Box)),
            ("S-12AB", Some(LabelKind::Seal)),
            ("S-123456789", None),
            ("STAFF-0123456789ABCDEF", Some(LabelKind::Badge)),
            ("STAFF-012345", None),
            ("V-001", Some(LabelKind::Vehicle)),
            ("SITE-TC-1", Some(LabelKind::Site)),
            ("BK-ABC123", Some(LabelKind::Booking)),
            ("CMD-CLOSE-BOX", Some(LabelKind::Command)),
            ("CMD-", None),
            ("", None),
            ("é", None),
            ("T-0000123\u{664}", None),
        ] {
            assert_eq!(kinds.kind(label), kind, "{label}");
        }
    }

    #[test]
    fn each_part_of_the_language_matches_what_it_says() {
        for (pattern, yes, no) in [
            ("#", &["0", "9"][..], &["A", "-", "", "00"][..]),
            ("@", &["A", "z"], &["1", "-"]),
            ("?", &["A", "1"], &["-", "_"]),
            ("*", &["A", "1", "-"], &["_", " "]),
            ("A-_./:9", &["A-_./:9", "a-_./:9"], &["A-_./:", "A-_./:99"]),
            ("T{3}", &["TTT"], &["TT", "TTTT"]),
            ("T-#{0,2}", &["T-", "T-1", "T-12"], &["T", "T-123"]),
            ("*{1,10}-#", &["A-1", "--1", "A-B-2"], &["-1", "A-", "ABCDEFGHIJK-1"]),
            ("?{0,3}#{2}@{0,1}", &["12", "A12", "12345", "123A"], &["1", "AB", "ABC1A"]),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            for label in yes {
                assert!(pattern.matches(label), "{pattern:?} {label}");
            }
            for label in no {
                assert!(!pattern.matches(label), "{pattern:?} {label}");
            }
        }
    }

    #[test]
    fn a_pattern_that_matches_an_identity_card_number_is_an_error() {
        for pattern in [
            "@#{7}",
            "@@#{7}",
            "?{8}",
            "?{9}",
            "*{1,20}",
            "@{1,3}#{6,8}",
            "A1234563",
            "A1234564",
            "AB123456A",
            "?#{6}A",
            "@{2}#{6}?",
            "X{0,1}@#{6}*",
            "*{0,5}123456*{0,5}",
            "@##{0,5}######{0,1}#",
        ] {
            let error = kinds(&[(LabelKind::Tube, pattern)]).unwrap_err();
            assert_eq!(error, PatternError::MatchesHkid { pattern: pattern.to_owned() }, "{pattern}");
        }
        for pattern in [
            "T-#{8}", "@#{6}", "@#{8}", "@@@#{7}", "#{8}", "?{7}", "?{10,12}", "@@#{6}B", "*-*{8}",
            "@#{6}-#", "#@#{7}",
        ] {
            assert!(kinds(&[(LabelKind::Tube, pattern)]).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn two_kinds_may_not_share_a_label() {
        for (one, other) in [("T-#{8}", "*{10}"), ("A?{0,3}", "?{1,3}B"), ("A", "A"), ("X#{0,4}Y", "X1{2}@")]
        {
            let error = kinds(&[(LabelKind::Tube, one), (LabelKind::Box, other)]).unwrap_err();
            let (pattern, other) = (other.to_owned(), one.to_owned());
            assert_eq!(error, PatternError::Ambiguous { pattern, other });
        }
        assert!(kinds(&[(LabelKind::Tube, "A"), (LabelKind::Tube, "?")]).is_ok());
        assert!(kinds(&[(LabelKind::Tube, "A?{0,3}"), (LabelKind::Box, "#?{1,3}")]).is_ok());
        assert!(kinds(&[(LabelKind::Tube, "X#{1,4}Y"), (LabelKind::Box, "X#{1,4}Z")]).is_ok());
    }

    #[test]
    fn a_pattern_of_another_language_is_an_error_that_names_the_place() {
        for (pattern, at) in [
            ("t-#", 1),
            ("T-[0-9]", 3),
            ("T {2}", 2),
            ("{2}", 1),
            ("#{", 2),
            ("#{}", 2),
            ("#{0}", 2),
            ("#{3,2}", 2),
            ("#{65}", 2),
            ("#{1,2,3}", 2),
            ("#{+1}", 2),
            ("#{é}", 2),
            ("#{2}{2}", 5),
            ("Té", 2),
            ("T-(#)", 3),
        ] {
            let error = kinds(&[(LabelKind::Tube, pattern)]).unwrap_err();
            assert_eq!(error, PatternError::Syntax { pattern: pattern.to_owned(), at }, "{pattern}");
        }
        for pattern in ["", "#{0,4}"] {
            assert!(matches!(Pattern::new(pattern), Err(PatternError::Empty { .. })), "{pattern}");
        }
        assert!(matches!(Pattern::new("#{64}A"), Err(PatternError::TooLong { .. })));
        let many = vec![(LabelKind::Tube, "T"); PATTERNS_MAX + 1];
        assert_eq!(kinds(&many).unwrap_err(), PatternError::TooMany);
    }
}
