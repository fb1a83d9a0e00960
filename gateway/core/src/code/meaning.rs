//! From a scanned or keyed text to what it means.
//!
//! In this order: an identity card number, a GS1 code, a donation number, a label by the site's patterns. So a number
//! keyed into the wrong place is never taken for a label, and neither is one that is keyed wrongly.

use std::fmt;

use super::{
    aim::{self, Family, Symbology},
    badge::Badge,
    fold::fold,
    gs1::{self, Elements, Grai, Gs1Error, Sscc},
    hkid::{Hkid, HkidError},
    isbt::{self, IsbtError},
    label::{LabelKind, LabelKinds},
};

/// Characters of the longest text that is looked at.
pub const TEXT_LEN_MAX: usize = 512;

/// What a text means. Ids of labels are in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A specimen tube: its label, `(01)…(21)…` of a GS1 code, or a donation number.
    Tube(String),
    /// A returnable box: its label, or the whole value of AI 8003.
    Box(String),
    /// A seal.
    Seal(String),
    /// A staff badge.
    Badge(Badge),
    /// A vehicle.
    Vehicle(String),
    /// A site.
    Site(String),
    /// A booking.
    Booking(String),
    /// A command to the station.
    Command(String),
    /// A consignment: the 18 digits of AI 00.
    Consignment(String),
    /// An identity card number with a right check digit.
    Hkid(Hkid),
    /// A GS1 code that names neither tube nor box nor consignment, or more than one of them.
    Gs1(Elements),
    /// Nothing that is known.
    Refused(Reason),
}

/// Why a text means nothing. No part of the text stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nothing but space.
    #[error("nothing was read")]
    Empty,
    /// More than [`TEXT_LEN_MAX`] characters.
    #[error("longer than {TEXT_LEN_MAX} characters")]
    TooLong,
    /// It looks like an identity card number, and its check digit is wrong.
    #[error("it looks like an identity card number with a wrong check digit")]
    WrongCheckDigit,
    /// An identity card number without its check digit.
    #[error("it looks like an identity card number without the check digit in brackets")]
    MissingCheckDigit,
    /// It says that it is a GS1 code, and is none.
    #[error("not a right GS1 code: {0}")]
    Gs1(#[from] Gs1Error),
    /// It says that it is an ISBT 128 code, and is no donation number.
    #[error("not a right ISBT 128 code: {0}")]
    Isbt(#[from] IsbtError),
    /// No known code.
    #[error("no known code: {0}")]
    Unknown(Shape),
}

/// What may be said of a text that is no known code: how many characters of which sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Characters in all, at most [`TEXT_LEN_MAX`].
    pub length: u16,
    /// Letters of any script.
    pub letters: u16,
    /// Digits of any script.
    pub digits: u16,
}

impl Shape {
    /// The shape of a text.
    pub fn of(text: &str) -> Self {
        text.chars().take(TEXT_LEN_MAX).fold(Self::default(), |shape, c| Self {
            length: shape.length + 1,
            letters: shape.letters + u16::from(c.is_alphabetic()),
            digits: shape.digits + u16::from(c.is_numeric() && !c.is_alphabetic()),
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, letters, digits } = *self;
        write!(
            f,
            "{length} characters: {letters} letters, {digits} digits, {} others",
            length - letters - digits
        )
    }
}

/// Says what a text means. `symbology` is what the scanner said apart from the text; where it is `None`, an AIM identifier
/// at the front of the text is taken off.
pub fn read(text: &str, symbology: Option<Symbology>, labels: &LabelKinds) -> Meaning {
    if text.len() > TEXT_LEN_MAX && text.chars().nth(TEXT_LEN_MAX).is_some() {
        return Meaning::Refused(Reason::TooLong);
    }
    let folded = fold(text);
    let (symbology, data) = match symbology {
        None => aim::split(folded.trim()),
        some => (some, folded.trim()),
    };
    let data = data.trim();
    let hkid = Hkid::parse(data);
    match hkid {
        Ok(number) => return Meaning::Hkid(number),
        Err(HkidError::WrongCheckDigit) => return Meaning::Refused(Reason::WrongCheckDigit),
        Err(HkidError::Shape | HkidError::MissingCheckDigit) => {}
    }
    if let Some(result) = gs1::recognise(data, symbology) {
        return result.map_or_else(|error| Meaning::Refused(error.into()), of_elements);
    }
    if data.is_empty() {
        return Meaning::Refused(Reason::Empty);
    }
    if symbology.is_some_and(|symbology| symbology.family() == Family::Isbt128) {
        return match isbt::donation_number(data) {
            Ok(din) => Meaning::Tube(din.to_owned()),
            Err(error) => Meaning::Refused(error.into()),
        };
    }
    match labels.kind(data) {
        Some(kind) => of_label(kind, data),
        None if hkid == Err(HkidError::MissingCheckDigit) => Meaning::Refused(Reason::MissingCheckDigit),
        None => Meaning::Refused(Reason::Unknown(Shape::of(data))),
    }
}

/// The elements of a GS1 code, whatever it means; `None` of a text that is no right GS1 code. For those who show codes;
/// stations ask [`read`].
pub fn elements(text: &str) -> Option<Elements> {
    if text.len() > TEXT_LEN_MAX && text.chars().nth(TEXT_LEN_MAX).is_some() {
        return None;
    }
    let folded = fold(text);
    let (symbology, data) = aim::split(folded.trim());
    gs1::recognise(data.trim(), symbology)?.ok()
}

fn of_label(kind: LabelKind, label: &str) -> Meaning {
    match kind {
        LabelKind::Badge => Meaning::Badge(Badge::new(label)),
        LabelKind::Tube => Meaning::Tube(label.to_ascii_uppercase()),
        LabelKind::Box => Meaning::Box(label.to_ascii_uppercase()),
        LabelKind::Seal => Meaning::Seal(label.to_ascii_uppercase()),
        LabelKind::Vehicle => Meaning::Vehicle(label.to_ascii_uppercase()),
        LabelKind::Site => Meaning::Site(label.to_ascii_uppercase()),
        LabelKind::Booking => Meaning::Booking(label.to_ascii_uppercase()),
        LabelKind::Command => Meaning::Command(label.to_ascii_uppercase()),
    }
}

fn of_elements(elements: Elements) -> Meaning {
    let tube = elements.get("01").zip(elements.get("21"));
    match (Grai::of(&elements), Sscc::of(&elements), tube) {
        (Some(grai), None, None) => Meaning::Box(grai.to_string()),
        (None, Some(sscc), None) => Meaning::Consignment(sscc.to_string()),
        (None, None, Some((gtin, serial))) => {
            Meaning::Tube(format!("(01){gtin}(21){}", serial.replace('(', "\\(")))
        }
        _ => Meaning::Gs1(elements),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meaning(text: &str) -> Meaning {
        read(text, None, &LabelKinds::default())
    }

    #[test]
    fn each_kind_of_code_is_told_apart() {
        for (text, expected) in [
            ("T-00001234", Meaning::Tube("T-00001234".into())),
            (" ]C0t-00001234\r\n", Meaning::Tube("T-00001234".into())),
            ("Ｔ－０００01234", Meaning::Tube("T-00001234".into())),
            ("(01)12345678901231(21)A7", Meaning::Tube("(01)12345678901231(21)A7".into())),
            ("]d2011234567890123121A(7", Meaning::Tube("(01)12345678901231(21)A\\(7".into())),
            ("]C4=G12349865432177", Meaning::Tube("G123498654321".into())),
            ("B-0001", Meaning::Box("B-0001".into())),
            ("]C1800302112345678900ABC", Meaning::Box("02112345678900ABC".into())),
            ("(00)376104250021234569", Meaning::Consignment("376104250021234569".into())),
            ("S-12ab34", Meaning::Seal("S-12AB34".into())),
            ("V-007", Meaning::Vehicle("V-007".into())),
            ("SITE-TC-1", Meaning::Site("SITE-TC-1".into())),
            ("BK-7K3M2Q", Meaning::Booking("BK-7K3M2Q".into())),
            ("CMD-CLOSE-BOX", Meaning::Command("CMD-CLOSE-BOX".into())),
            ("STAFF-0123456789abcdef", Meaning::Badge(Badge::new("STAFF-0123456789ABCDEF"))),
            ("A123456(3)", Meaning::Hkid(Hkid::parse("A1234563").unwrap())),
            ("]Q1Ａ１２３４５６（３）", Meaning::Hkid(Hkid::parse("A1234563").unwrap())),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
        assert!(matches!(meaning("^800302112345678900"), Meaning::Gs1(_)), "a type of box is no box");
        assert!(matches!(meaning("(00)376104250021234569(8003)02112345678900A"), Meaning::Gs1(_)));
        assert!(matches!(meaning("]E06291041500213"), Meaning::Gs1(_)));
    }

    #[test]
    fn what_the_scanner_said_apart_counts_as_if_it_stood_before_the_text() {
        let labels = LabelKinds::default();
        let symbology = "]C1".parse().ok();
        assert_eq!(
            read("800302112345678900ABC", symbology, &labels),
            Meaning::Box("02112345678900ABC".into())
        );
        assert_eq!(read("", symbology, &labels), Meaning::Refused(Gs1Error::Empty.into()));
    }

    #[test]
    fn what_looks_like_an_identity_card_number_is_never_a_label() {
        let labels =
            LabelKinds::new([(LabelKind::Vehicle, "@@#{6}"), (LabelKind::Seal, "@{1}#{6}Z")]).unwrap();
        assert_eq!(read("A123456(4)", None, &labels), Meaning::Refused(Reason::WrongCheckDigit));
        assert_eq!(read("A1234564", None, &labels), Meaning::Refused(Reason::WrongCheckDigit));
        assert_eq!(read("A123456", None, &labels), Meaning::Refused(Reason::MissingCheckDigit));
        assert_eq!(read("AB123456", None, &labels), Meaning::Vehicle("AB123456".into()));
        assert_eq!(read("a123456z", None, &labels), Meaning::Seal("A123456Z".into()));
    }

    #[test]
    fn a_refusal_says_length_and_shape_and_nothing_of_the_text() {
        assert_eq!(meaning("  \r\n"), Meaning::Refused(Reason::Empty));
        assert_eq!(meaning("]C0"), Meaning::Refused(Reason::Empty));
        assert_eq!(meaning("]C4G123498654321"), Meaning::Refused(IsbtError::Form.into()));
        assert_eq!(meaning("(01)1"), meaning("^011"));
        let Meaning::Refused(reason) = meaning("陳大文 Secret-77!") else { panic!() };
        assert_eq!(reason.to_string(), "no known code: 14 characters: 9 letters, 2 digits, 3 others");
        assert_eq!(meaning(&"7".repeat(TEXT_LEN_MAX + 1)), Meaning::Refused(Reason::TooLong));
        assert!(matches!(meaning(&"字".repeat(TEXT_LEN_MAX)), Meaning::Refused(Reason::Unknown(_))));
        assert_eq!(meaning("991234"), Meaning::Refused(Reason::Unknown(Shape::of("991234"))));
    }

    #[test]
    fn secrets_are_not_printed_with_a_meaning() {
        let text = format!("{:?} {:?}", meaning("A123456(3)"), meaning("STAFF-0123456789ABCDEF"));
        assert_eq!(text, "Hkid(Hkid(A123****)) Badge(Badge(22 characters))");
    }

    proptest! {
        #[test]
        fn any_text_has_a_meaning(text in any::<String>(), identifier in "(\\][A-Za-z][0-9])?") {
            let text = identifier + &text;
            let _ = (meaning(&text), elements(&text));
        }

        #[test]
        fn anything_like_a_code_has_a_meaning(
            text in "(\\][CEQdez][0-4])?[\\^\\x1d(]?(00|01|10|17|21|3100|7003|8003|99|=)[0-9A-Z()\\\\\\^\\x1dÄ０（]{0,40}"
        ) {
            let _ = (meaning(&text), elements(&text));
        }

        #[test]
        fn elements_are_read_back_from_each_form(
            text in "\\^(10|21|99)[0-9A-Za-z(/-]{1,20}(\\^(240|8004|90)[0-9A-Za-z()]{1,20})?"
        ) {
            let read_once = elements(&text).unwrap();
            let scanned = format!("]C1{}", read_once.scanned());
            for keyed in [read_once.careted(), read_once.bracketed(), scanned] {
                let read_back = elements(&keyed);
                prop_assert_eq!(read_back.as_ref(), Some(&read_once));
            }
        }

        #[test]
        fn a_right_number_is_read_and_never_printed(
            prefix in "[A-Z]{1,2}", digits in "[0-9]{6}", open in "[(（ \\[]?", wrong in any::<bool>()
        ) {
            let body = format!("{prefix}{digits}");
            let check = super::super::hkid::check_digit(&body).unwrap();
            let keyed = if wrong { if check == '0' { 'A' } else { '0' } } else { check };
            let read = meaning(&format!("{body}{open}{keyed}"));
            let shown = format!("{read:?}");
            prop_assert!(!shown.contains(&digits));
            match read {
                Meaning::Hkid(number) => prop_assert!(!wrong && number.number().as_str() == body),
                other => prop_assert!(wrong && other == Meaning::Refused(Reason::WrongCheckDigit)),
            }
        }
    }
}
