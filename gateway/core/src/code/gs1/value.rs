//! The value of an application identifier: parts, their characters, lengths and checks.

use super::{check, date};

/// The form of a value.
pub(super) struct Form {
    pub parts: &'static [Part],
    /// Of a length that readers know, so that no separator need follow.
    pub fixed: bool,
}

impl Form {
    /// Length of a value of fixed form, in characters.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.max).sum()
    }

    /// Whether a value has this form.
    pub fn verify(&self, value: &str) -> Result<(), Fault> {
        let mut rest = value;
        for part in self.parts {
            if rest.is_empty() && part.optional {
                return Ok(());
            }
            let (own, after) = rest.split_at_checked(part.max.min(rest.len())).ok_or(Fault::Character)?;
            part.verify(own)?;
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(Fault::Length) }
    }
}

/// One part of a value.
pub(super) struct Part {
    chars: Chars,
    min: usize,
    max: usize,
    check: Check,
    optional: bool,
}

#[derive(Clone, Copy)]
enum Chars {
    Digits,
    Cset82,
    Cset39,
}

/// What else must hold of a part.
#[derive(Clone, Copy)]
pub(super) enum Check {
    Any,
    Digit,
    Pair,
    Zero,
    NotZero,
    NoLeadingZero,
    ZeroOrOne,
    Date,
    /// Day 00 is the last of the month.
    DateOrMonth,
    Time,
    /// 9999 says that no time is given.
    TimeOrNone,
    Hour,
    MinutesMaybeSeconds,
    Hyphen,
    Latitude,
    Longitude,
    PieceOfTotal,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too short, too long or empty.
    #[error("wrong length")]
    Length,
    /// A character that may not stand there.
    #[error("a character that is not allowed")]
    Character,
    /// The check digit or check pair is wrong.
    #[error("wrong check digit")]
    CheckDigit,
    /// No day of the calendar or no time of the day.
    #[error("no date or time")]
    Date,
    /// Outside what the identifier allows.
    #[error("value not allowed")]
    Range,
}

/// Exactly so many digits.
pub(super) const fn n(len: usize) -> Part {
    Part { chars: Chars::Digits, min: len, max: len, check: Check::Any, optional: false }
}

/// One digit to so many.
pub(super) const fn n_to(max: usize) -> Part {
    Part { min: 1, ..n(max) }
}

/// Exactly so many characters of CSET 82.
pub(super) const fn x(len: usize) -> Part {
    Part { chars: Chars::Cset82, ..n(len) }
}

/// One character of CSET 82 to so many.
pub(super) const fn x_to(max: usize) -> Part {
    Part { min: 1, ..x(max) }
}

/// One character of CSET 39 to so many.
pub(super) const fn y_to(max: usize) -> Part {
    Part { chars: Chars::Cset39, min: 1, ..n(max) }
}

impl Part {
    pub const fn check(self, check: Check) -> Self {
        Self { check, ..self }
    }

    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    fn verify(&self, value: &str) -> Result<(), Fault> {
        let allowed = match self.chars {
            Chars::Digits => value.bytes().all(|c| c.is_ascii_digit()),
            Chars::Cset82 => check::is_cset_82(value),
            Chars::Cset39 => check::is_cset_39(value),
        };
        if !allowed {
            return Err(Fault::Character);
        }
        if !(self.min..=self.max).contains(&value.len()) {
            return Err(Fault::Length);
        }
        self.check.verify(value)
    }
}

impl Check {
    fn verify(self, value: &str) -> Result<(), Fault> {
        let (right, fault) = match self {
            Self::Any => (true, Fault::Range),
            Self::Digit => (check::is_right(value), Fault::CheckDigit),
            Self::Pair => (check::is_right_pair(value), Fault::CheckDigit),
            Self::Zero => (value.bytes().all(|c| c == b'0'), Fault::Range),
            Self::NotZero => (value.bytes().any(|c| c != b'0'), Fault::Range),
            Self::NoLeadingZero => (value == "0" || !value.starts_with('0'), Fault::Range),
            Self::ZeroOrOne => (matches!(value, "0" | "1"), Fault::Range),
            Self::Date => (date::is_date(value, false), Fault::Date),
            Self::DateOrMonth => (date::is_date(value, true), Fault::Date),
            Self::Time => (date::is_time(value), Fault::Date),
            Self::TimeOrNone => (value == "9999" || date::is_time(value), Fault::Date),
            Self::Hour => (value < "24", Fault::Date),
            Self::MinutesMaybeSeconds => (is_minutes_maybe_seconds(value), Fault::Date),
            Self::Hyphen => (value == "-", Fault::Character),
            // Ten-millionths of a degree from the South Pole, from the antimeridian. Digits only, so text orders them.
            Self::Latitude => (value <= "1800000000", Fault::Range),
            Self::Longitude => (value <= "3600000000", Fault::Range),
            Self::PieceOfTotal => (is_piece_of_total(value), Fault::Range),
        };
        if right { Ok(()) } else { Err(fault) }
    }
}

fn is_minutes_maybe_seconds(value: &str) -> bool {
    matches!(value.len(), 2 | 4) && value.as_bytes().chunks(2).all(|two| two < b"60".as_slice())
}

fn is_piece_of_total(value: &str) -> bool {
    value.split_at_checked(2).is_some_and(|(piece, total)| "00" < piece && piece <= total)
}
