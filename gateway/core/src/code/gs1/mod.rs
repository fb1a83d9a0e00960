//! GS1 codes: element strings, and the keys of boxes and consignments.
//!
//! An element string is application identifiers and their values, one after the other. A value of open length ends at
//! a GS (1D), which stands for the FNC1 of the bar code. It comes in five ways, which [`recognise`] tells apart:
//!
//! - scanned with an AIM identifier that says GS1 (`]C1`, `]d2`, `]Q3`, `]e0`),
//! - scanned without one, with a GS in it or before it,
//! - keyed with `^` for each FNC1, the first one too: `^0112345678901231`,
//! - keyed as it is printed, identifiers in brackets: `(01)12345678901231(10)AB`, where `\(` is a bracket in a value,
//! - a retail bar code (`]E0`, `]E4`), whose digits are AI 01 padded to 14.

pub mod check;
mod date;
mod error;
mod key;
mod table;
mod value;

pub use date::full_year;
pub use error::{Ai, Fault, Gs1Error};
pub use key::{Grai, Sscc};

use std::ops::Range;

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::aim::{Family, Symbology};
use table::{EXCLUSIVE, ai_len, form};

/// Separates values: the FNC1 of a bar code, as readers send it.
pub const GS: char = '\u{1D}';
/// Stands for FNC1 where a code is keyed.
pub const CARET: char = '^';
/// The most elements that a code holds.
pub const ELEMENTS_MAX: usize = 32;

/// The elements of a GS1 code, each with a value that its identifier allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements {
    /// Identifiers and values without separators.
    data: String,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    ai: Ai,
    digits: Range<usize>,
    value: Range<usize>,
}

/// One application identifier and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Element<'a> {
    /// The identifier: two to four digits.
    pub ai: &'a str,
    /// Its value.
    pub value: &'a str,
}

impl Elements {
    /// The elements in the order of the code.
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        self.spans.iter().map(|span| Element {
            ai: self.data.get(span.digits.clone()).unwrap_or_default(),
            value: self.data.get(span.value.clone()).unwrap_or_default(),
        })
    }

    /// The value of an identifier, if it is there.
    pub fn get(&self, ai: &str) -> Option<&str> {
        self.iter().find(|element| element.ai == ai).map(|element| element.value)
    }

    /// As it is printed below a bar code: `(01)12345678901231(10)AB`. [`recognise`] reads it back.
    pub fn bracketed(&self) -> String {
        let mut text = String::with_capacity(self.data.len() + 2 * self.spans.len());
        for Element { ai, value } in self.iter() {
            text.push('(');
            text.push_str(ai);
            text.push(')');
            text.push_str(&value.replace('(', "\\("));
        }
        text
    }

    /// As it is keyed, with `^` for each FNC1: `^0112345678901231^10AB`.
    pub fn careted(&self) -> String {
        format!("{CARET}{}", self.separated(CARET))
    }

    /// As it is drawn after the first FNC1 of a bar code, with a GS for each further one.
    pub fn scanned(&self) -> String {
        self.separated(GS)
    }

    fn separated(&self, separator: char) -> String {
        let mut text = String::with_capacity(self.data.len() + self.spans.len() + 1);
        let mut fixed = true;
        for (span, Element { ai, value }) in self.spans.iter().zip(self.iter()) {
            if !fixed {
                text.push(separator);
            }
            text.push_str(ai);
            text.push_str(value);
            fixed = form(span.ai.0).is_some_and(|form| form.fixed);
        }
        text
    }

    fn with_capacity(len: usize) -> Self {
        Self { data: String::with_capacity(len), spans: Vec::with_capacity(4) }
    }

    /// Takes one more element, whose value is checked here.
    fn push(&mut self, ai: Ai, digits: &str, value: &str) -> Result<(), Gs1Error> {
        let form = form(ai.0).ok_or(Gs1Error::NoSuchAi)?;
        form.verify(value).map_err(|fault| Gs1Error::Value { ai, fault })?;
        for other in &self.spans {
            if other.ai == ai && self.data.get(other.value.clone()) != Some(value) {
                return Err(Gs1Error::Repeated(ai));
            }
            if EXCLUSIVE.contains(&(other.ai.0, ai.0)) || EXCLUSIVE.contains(&(ai.0, other.ai.0)) {
                return Err(Gs1Error::Exclusive(other.ai, ai));
            }
        }
        if self.spans.len() == ELEMENTS_MAX {
            return Err(Gs1Error::TooMany);
        }
        let start = self.data.len();
        self.data.push_str(digits);
        self.data.push_str(value);
        let middle = start + digits.len();
        self.spans.push(Span { ai, digits: start..middle, value: middle..self.data.len() });
        Ok(())
    }

    fn or_empty(self) -> Result<Self, Gs1Error> {
        if self.spans.is_empty() { Err(Gs1Error::Empty) } else { Ok(self) }
    }
}

impl Serialize for Elements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.spans.len()))?;
        for element in self.iter() {
            list.serialize_element(&element)?;
        }
        list.end()
    }
}

/// Reads a text, without its AIM identifier, as a GS1 code. `None` where nothing says that it is one.
pub fn recognise(text: &str, symbology: Option<Symbology>) -> Option<Result<Elements, Gs1Error>> {
    match symbology.map(Symbology::family) {
        Some(Family::Ean13 | Family::Ean8) => return Some(retail(text)),
        Some(_) if symbology.is_some_and(Symbology::is_gs1) => {
            return Some(data(text.strip_prefix(GS).unwrap_or(text), &[GS]));
        }
        _ => {}
    }
    if let Some(rest) = text.strip_prefix([CARET, GS]) {
        Some(data(rest, &[CARET, GS]))
    } else if text.strip_prefix('(').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        Some(bracketed(text))
    } else if text.contains(GS) {
        Some(data(text, &[GS]))
    } else {
        None
    }
}

/// Reads identifiers and values that follow each other.
fn data(text: &str, separators: &[char]) -> Result<Elements, Gs1Error> {
    let mut elements = Elements::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (ai, digits, after) = identifier(rest)?;
        let form = form(ai.0).ok_or(Gs1Error::NoSuchAi)?;
        let end = after.find(separators).unwrap_or(after.len());
        let len = if form.fixed { form.len().min(end) } else { end };
        let (value, after) =
            after.split_at_checked(len).ok_or(Gs1Error::Value { ai, fault: Fault::Character })?;
        elements.push(ai, digits, value)?;
        // One is tolerated where none is needed, also at the end.
        rest = after.strip_prefix(separators).unwrap_or(after);
    }
    elements.or_empty()
}

/// Takes a known identifier off the front.
fn identifier(text: &str) -> Result<(Ai, &str, &str), Gs1Error> {
    let known = || {
        let len = ai_len(number(text.get(..2)?)?)?;
        let (digits, after) = text.split_at_checked(len)?;
        Some((Ai(number(digits)?), digits, after))
    };
    known().ok_or(Gs1Error::NoSuchAi)
}

/// Reads identifiers in brackets.
fn bracketed(text: &str) -> Result<Elements, Gs1Error> {
    let mut elements = Elements::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or(Gs1Error::NoSuchAi)?;
        let (ai, whole, _) = identifier(digits)?;
        if whole != digits {
            return Err(Gs1Error::NoSuchAi);
        }
        let end = value_end(after);
        let (value, after) = after.split_at_checked(end).ok_or(Gs1Error::Empty)?;
        if value.contains("\\(") {
            elements.push(ai, digits, &value.replace("\\(", "("))?;
        } else {
            elements.push(ai, digits, value)?;
        }
        rest = after;
    }
    elements.or_empty()
}

/// Where the next bracket opens that is not part of the value.
fn value_end(text: &str) -> usize {
    text.match_indices('(')
        .map(|(at, _)| at)
        .find(|&at| !text.get(..at).is_some_and(|before| before.ends_with('\\')))
        .unwrap_or(text.len())
}

/// Digits of an EAN-13, UPC-A or EAN-8, with or without an add-on of two or five, as AI 01.
fn retail(text: &str) -> Result<Elements, Gs1Error> {
    let digits = match text.len() {
        8 | 12 | 13 => Some(text),
        15 | 18 => text.get(..13),
        0 => return Err(Gs1Error::Empty),
        _ => None,
    };
    let digits = digits.filter(|_| text.bytes().all(|c| c.is_ascii_digit())).ok_or(Gs1Error::Retail)?;
    let mut elements = Elements::with_capacity(16);
    elements.push(Ai(1), "01", &format!("{digits:0>14}"))?;
    Ok(elements)
}

fn number(digits: &str) -> Option<u16> {
    if digits.bytes().all(|c| c.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
