//! `[[scanner]]`: barcode scanners.

use std::{collections::BTreeMap, ops::Range, path::Path};

use serde::Deserialize;
use toml::Spanned;
use waypost_drivers::port::PortConfig;
use waypost_drivers::scanner::{
    CodeIds, Ending, Framing, HidPosScanner, KeyboardScanner, SerialScanner, SsiScanner,
    aim::{CODE_ID_BYTES_MAX, is_aim, is_code_id},
    assembler::SUFFIX_BYTES_MAX,
    keyboard::Typing,
};

use super::{Fault, port};

/// Bits a second where not given.
const BAUD: u32 = 9_600;
/// Speeds that scanners have.
const BAUDS: std::ops::RangeInclusive<u32> = 9_600..=115_200;
/// The key that scanners press with Ctrl for a group separator, where none is given.
const CONTROL_BRACKET: &str = "ctrl-]";

/// A barcode scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner {
    /// What the panel calls it when it is missing.
    pub name: String,
    /// How it is connected.
    pub link: ScannerLink,
}

/// How a scanner is connected, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannerLink {
    /// On a serial line, or on USB as one: text with a suffix.
    Serial(SerialScanner),
    /// On a serial line in packets of Zebra's Simple Serial Interface.
    Ssi(SsiScanner),
    /// On USB in HID point-of-sale mode.
    HidPos(HidPosScanner),
    /// On USB as a keyboard.
    Keyboard(KeyboardScanner),
}

/// A section as it is written.
#[derive(Deserialize)]
pub struct RawScanner {
    name: Option<String>,
    #[serde(default)]
    kind: Kind,
    port: Option<Spanned<String>>,
    baud: Option<Spanned<u32>>,
    suffix: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    code_ids: Option<Spanned<BTreeMap<String, String>>>,
    usb_serial: Option<Spanned<String>>,
    usb_port: Option<Spanned<String>>,
    separator_key: Option<Spanned<String>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Serial,
    Ssi,
    HidPos,
    Keyboard,
}

/// All scanners, checked.
pub fn scanners(raw: Vec<Spanned<RawScanner>>) -> Result<Vec<Scanner>, Fault> {
    let mut checked: Vec<Scanner> = Vec::new();
    for (raw, number) in raw.into_iter().zip(1..) {
        let section = raw.span();
        let scanner = scanner(raw, number)?;
        let same = |one: &Scanner| one.link.is_perhaps_the_same(&scanner.link);
        if let Some(other) = checked.iter().find(|one| same(one)) {
            let what = format!("\"{}\" may be the same device as \"{}\"", scanner.name, other.name);
            let remedy = "give each its own port, or its own usb_serial or usb_port";
            return Err(Fault::at(section, what, remedy));
        }
        checked.push(scanner);
    }
    Ok(checked)
}

impl ScannerLink {
    /// Two sections that lead to one device would take it from each other.
    fn is_perhaps_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::HidPos(one), Self::HidPos(other)) => {
                let differ = |one: &Option<String>, other: &Option<String>| matches!((one, other), (Some(one), Some(other)) if one != other);
                !differ(&one.serial, &other.serial) && !differ(&one.usb_port, &other.usb_port)
            }
            (Self::HidPos(_), _) | (_, Self::HidPos(_)) => false,
            (one, other) => one.path() == other.path(),
        }
    }

    /// Where it is; none for one that is found on the bus.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Serial(serial) => Some(&serial.port.path),
            Self::Ssi(ssi) => Some(&ssi.port.path),
            Self::Keyboard(keyboard) => Some(&keyboard.path),
            Self::HidPos(_) => None,
        }
    }
}

/// One scanner; `number` counts them from 1.
fn scanner(raw: Spanned<RawScanner>, number: usize) -> Result<Scanner, Fault> {
    let section = raw.span();
    let mut raw = raw.into_inner();
    let link = match raw.kind {
        Kind::Serial => {
            let port = line(&mut raw, section)?;
            ScannerLink::Serial(SerialScanner { port, framing: framing(&mut raw)? })
        }
        Kind::Ssi => ScannerLink::Ssi(SsiScanner::new(line(&mut raw, section)?)),
        Kind::HidPos => ScannerLink::HidPos(HidPosScanner {
            serial: raw.usb_serial.take().map(|serial| named(serial, "usb_serial")).transpose()?,
            usb_port: raw.usb_port.take().map(usb_port).transpose()?,
            ..HidPosScanner::default()
        }),
        Kind::Keyboard => {
            let path = path(raw.port.take(), section, "/dev/input/by-id/…-event-kbd")?;
            let typing = typing(&mut raw)?;
            ScannerLink::Keyboard(KeyboardScanner { typing, ..KeyboardScanner::new(path.get_ref().into()) })
        }
    };
    nothing_left(&raw)?;
    Ok(Scanner { name: raw.name.unwrap_or_else(|| format!("scanner {number}")), link })
}

/// What is left in the section when its kind has taken its keys does nothing: a mistake.
fn nothing_left(raw: &RawScanner) -> Result<(), Fault> {
    let left = [
        ("port", raw.port.as_ref().map(Spanned::span)),
        ("baud", raw.baud.as_ref().map(Spanned::span)),
        ("suffix", raw.suffix.as_ref().map(Spanned::span)),
        ("prefix", raw.prefix.as_ref().map(Spanned::span)),
        ("code_ids", raw.code_ids.as_ref().map(Spanned::span)),
        ("usb_serial", raw.usb_serial.as_ref().map(Spanned::span)),
        ("usb_port", raw.usb_port.as_ref().map(Spanned::span)),
        ("separator_key", raw.separator_key.as_ref().map(Spanned::span)),
    ];
    match left.into_iter().find_map(|(name, span)| Some((name, span?))) {
        None => Ok(()),
        Some((name, span)) => {
            let what = format!("`{name}` does nothing for a scanner of this kind");
            Err(Fault::at(span, what, "take the line out, or write the scanner's kind as it is connected"))
        }
    }
}

/// A serial line at a speed that scanners have.
fn line(raw: &mut RawScanner, section: Range<usize>) -> Result<PortConfig, Fault> {
    let path = path(raw.port.take(), section, "/dev/serial/by-id/…")?;
    let baud = raw.baud.take();
    if let Some(wrong) = baud.as_ref().filter(|baud| !BAUDS.contains(baud.get_ref())) {
        let what =
            format!("no serial line of a scanner has this speed: {} to {}", BAUDS.start(), BAUDS.end());
        return Err(Fault::at(wrong.span(), what, "use the scanner's own, such as 9600 or 115200"));
    }
    port(&path, baud.as_ref(), BAUD)
}

/// The device's path, which this kind needs.
fn path(
    given: Option<Spanned<String>>,
    section: Range<usize>,
    example: &str,
) -> Result<Spanned<String>, Fault> {
    let remedy =
        || format!("add the device's port by a path that stays the same, such as port = \"{example}\"");
    match given {
        None => Err(Fault::at(section, "missing key `port`", remedy())),
        Some(path) if path.get_ref().trim().is_empty() => {
            Err(Fault::at(path.span(), "the port is empty", remedy()))
        }
        Some(path) => Ok(path),
    }
}

fn named(text: Spanned<String>, key: &str) -> Result<String, Fault> {
    if text.get_ref().trim().is_empty() {
        let what = format!("{key} is empty");
        return Err(Fault::at(
            text.span(),
            what,
            "`waypost devices` shows what is plugged in; or take it out",
        ));
    }
    Ok(text.into_inner())
}

/// Bus and ports as the kernel names them.
fn usb_port(text: Spanned<String>) -> Result<String, Fault> {
    let well_formed = text.get_ref().split_once('-').is_some_and(|(bus, ports)| {
        let number = |part: &str| part.parse::<u8>().is_ok();
        number(bus) && ports.split('.').all(number)
    });
    if well_formed {
        return Ok(text.into_inner());
    }
    let what = "this is no place on the USB";
    Err(Fault::at(text.span(), what, "write bus and ports as the kernel does, such as \"1-1.2\""))
}

fn typing(raw: &mut RawScanner) -> Result<Typing, Fault> {
    Ok(Typing {
        prefix: raw.prefix.take().map(Spanned::into_inner).unwrap_or_default(),
        code_ids: raw.code_ids.take().map(code_ids).transpose()?.unwrap_or_default(),
        separator_key: raw.separator_key.take().map(separator_key).transpose()?.flatten(),
        tab_ends: raw.suffix.take().map(tab_ends).transpose()?.unwrap_or_default(),
    })
}

fn separator_key(key: Spanned<String>) -> Result<Option<u8>, Fault> {
    let text = key.get_ref().to_ascii_lowercase();
    if text == CONTROL_BRACKET {
        return Ok(None);
    }
    match text.strip_prefix('f').and_then(|number| number.parse().ok()) {
        Some(number @ 1..=12) => Ok(Some(number)),
        _ => {
            let remedy = format!("write \"{CONTROL_BRACKET}\", or \"f1\" to \"f12\"");
            Err(Fault::at(key.span(), "no scanner sends a group separator so", remedy))
        }
    }
}

/// A keyboard's line ends with Enter; some scanners send Tab.
fn tab_ends(suffix: Spanned<String>) -> Result<bool, Fault> {
    match suffix.get_ref().as_str() {
        "any" | "cr" => Ok(false),
        "\t" => Ok(true),
        _ => {
            let remedy = "write \"cr\" for Enter, or \"\\t\" where the scanner sends Tab";
            Err(Fault::at(suffix.span(), "no key of a keyboard ends a code so", remedy))
        }
    }
}

fn framing(raw: &mut RawScanner) -> Result<Framing, Fault> {
    Ok(Framing {
        ending: raw.suffix.take().map(ending).transpose()?.unwrap_or_default(),
        prefix: raw.prefix.take().map(|prefix| prefix.into_inner().into_bytes()).unwrap_or_default(),
        code_ids: raw.code_ids.take().map(code_ids).transpose()?.unwrap_or_default(),
        ..Framing::default()
    })
}

fn ending(suffix: Spanned<String>) -> Result<Ending, Fault> {
    let remedy = "write \"any\", \"cr\", \"lf\", \"crlf\", or the text itself, such as \"\\t\"";
    Ok(match suffix.get_ref().as_str() {
        "any" => Ending::Any,
        "cr" => Ending::Cr,
        "lf" => Ending::Lf,
        "crlf" => Ending::CrLf,
        text if text.is_empty() || text.len() > SUFFIX_BYTES_MAX => {
            let what = format!("a suffix is 1 to {SUFFIX_BYTES_MAX} bytes");
            return Err(Fault::at(suffix.span(), what, remedy));
        }
        // Letters and digits alone stand in codes, and are a name that was mistyped more likely than a suffix.
        text if text.chars().all(char::is_alphanumeric) => {
            return Err(Fault::at(suffix.span(), "no suffix has this name", remedy));
        }
        text => Ending::Text(text.as_bytes().to_vec()),
    })
}

fn code_ids(table: Spanned<BTreeMap<String, String>>) -> Result<CodeIds, Fault> {
    for (letters, aim) in table.get_ref() {
        let what = if !is_code_id(letters) {
            format!("\"{letters}\" is not 1 to {CODE_ID_BYTES_MAX} visible ASCII characters")
        } else if !is_aim(aim) {
            format!("\"{aim}\" is no AIM identifier")
        } else {
            continue;
        };
        let remedy = "write the vendor's letters and what they mean, such as { A = \"]E0\", K = \"]C1\" }";
        return Err(Fault::at(table.span(), what, remedy));
    }
    Ok(CodeIds::new(table.into_inner()))
}
