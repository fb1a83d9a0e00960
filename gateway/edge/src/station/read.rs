//! From a text to a reading that a station understands, or to the panel that says why not.

use sha2::{Digest, Sha256};
use waypost_core::{
    code::{self, LabelKinds, Meaning, Reason, aim::Symbology, claim::Document, pin::Pin},
    fact::id::{BookingId, BoxId, SealId, SiteId, TubeId},
    wire::enrolment::Code,
};

use super::{
    command::{COMMAND, Command, DAY, QUANTITY},
    pin_entry::Presented,
    screen::Screen,
    step::Scanned,
};
use crate::panel::Message;

/// A text that was understood.
#[derive(Debug, PartialEq)]
pub enum Read {
    /// A badge.
    Badge(Presented),
    /// Digits, while a PIN is waited for; none where they cannot be one.
    Pin(Option<Pin>),
    /// Anything else.
    Scanned(Scanned),
    /// Nothing that is known. No part of the text is shown or kept.
    Refused(Screen),
}

/// Reads a text. `document` names the kind of document that a page says the text is the number of.
pub fn read(text: &str, symbology: Option<Symbology>, document: Option<&str>, labels: &LabelKinds) -> Read {
    if let Some(command) = keyed_command(text) {
        return command;
    }
    let meaning = code::read(text, symbology, labels);
    match (document.filter(|kind| *kind != "hk"), meaning) {
        (_, Meaning::Badge(badge)) => {
            Read::Badge(Presented { hash: hex(&Sha256::digest(badge.expose().as_bytes())), badge })
        }
        (_, Meaning::Command(_)) => refused("scan-unknown-command", "next-choose-command"),
        (Some(kind), _) => match Document::other(kind, text) {
            Ok(document) => Read::Scanned(Scanned::Document(document)),
            Err(_) => refused("scan-bad-document", "next-key-again"),
        },
        (None, meaning) => of_meaning(meaning),
    }
}

/// Reads a text while a PIN is waited for: nothing but digits is one, or a wrong try at one; it means nothing else.
pub fn read_pin(text: &str) -> Option<Read> {
    let digits = text.trim();
    let is_pin = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_pin.then(|| Read::Pin(Pin::new(digits).ok()))
}

/// Reads a hub's code for enrolment; none where the text is anything else. The screen says what is wrong with one.
pub fn read_enrolment(text: &str) -> Option<Result<Code, Screen>> {
    let (_, data) = code::aim::split(text.trim());
    Code::begins(data).then(|| {
        Code::parse(data)
            .map_err(|_| Screen::no(Message::new("enrol-bad-code")).line(Message::new("next-enrol-code")))
    })
}

/// Commands, quantities and days, which no label pattern has to know.
fn keyed_command(text: &str) -> Option<Read> {
    let (_, data) = code::aim::split(text.trim());
    let code = data.trim().to_ascii_uppercase();
    if !code.is_ascii() || ![COMMAND, QUANTITY, DAY].iter().any(|start| code.starts_with(start)) {
        return None;
    }
    Some(match Command::read(&code) {
        Some(command) => Read::Scanned(Scanned::Command(command)),
        None => refused("scan-unknown-command", "next-choose-command"),
    })
}

fn of_meaning(meaning: Meaning) -> Read {
    let scanned = match meaning {
        Meaning::Tube(id) => TubeId::new(id).map(Scanned::Tube),
        Meaning::Box(id) => BoxId::new(id).map(Scanned::Box),
        Meaning::Seal(id) => SealId::new(id).map(Scanned::Seal),
        Meaning::Vehicle(id) | Meaning::Site(id) => SiteId::new(id).map(Scanned::Place),
        Meaning::Booking(id) => BookingId::new(id).map(Scanned::Booking),
        Meaning::Hkid(number) => Ok(Scanned::Document(Document::hkid(number))),
        Meaning::Consignment(_) | Meaning::Gs1(_) => return refused("scan-no-use", "next-scan-other"),
        Meaning::Refused(reason) => return why_not(reason),
        Meaning::Badge(_) | Meaning::Command(_) => {
            return refused("scan-unknown-command", "next-choose-command");
        }
    };
    match scanned {
        Ok(scanned) => Read::Scanned(scanned),
        Err(_) => refused("scan-too-long", "next-scan-again"),
    }
}

fn why_not(reason: Reason) -> Read {
    match reason {
        Reason::Empty => refused("scan-empty", "next-scan-again"),
        Reason::TooLong => refused("scan-too-long", "next-scan-again"),
        Reason::WrongCheckDigit => refused("scan-wrong-check-digit", "next-key-again"),
        Reason::MissingCheckDigit => refused("scan-missing-check-digit", "next-key-check-digit"),
        Reason::Gs1(_) | Reason::Isbt(_) => refused("scan-damaged-code", "next-scan-again"),
        Reason::Unknown(shape) => {
            let screen = Screen::no(Message::new("scan-unknown"));
            let shape = Message::new("line-shape").number("length", shape.length);
            Read::Refused(screen.line(shape).line(Message::new("next-scan-other")))
        }
    }
}

/// A code of which only a part arrived, or which no character set explains.
pub fn unreadable() -> Screen {
    Screen::no(Message::new("scan-half")).line(Message::new("next-scan-again"))
}

fn refused(main: &'static str, next: &'static str) -> Read {
    Read::Refused(Screen::no(Message::new(main)).line(Message::new(next)))
}

fn hex(bytes: &[u8]) -> String {
    waypost_drivers::seal::hex::encode(bytes)
}
