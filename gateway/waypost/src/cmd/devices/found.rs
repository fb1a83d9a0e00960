//! Something that is plugged in, and what it was taken for.

use serde::Serialize;

/// What a device is to a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A barcode scanner.
    Scanner,
    /// A radio that hears seals.
    Seal,
    /// A satellite receiver.
    Gnss,
    /// Pins for lamps, buzzer, buttons.
    Board,
    /// A screen, or the bus on which one may be.
    Screen,
    /// A printer.
    Printer,
    /// It cannot be told from here.
    Unknown,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it was taken for.
    pub kind: Kind,
    /// What it calls itself, or is called.
    pub what: String,
    /// Where it is.
    pub at: String,
    /// By what it was taken for that.
    pub evidence: String,
    /// It stands in the configuration that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<bool>,
    /// What stands in its way, or what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// For a device that is told by USB's class.
    #[serde(skip)]
    pub usb: Option<Usb>,
    /// Lines for the configuration; empty where it is not known what it is.
    pub toml: String,
}

/// What tells one device on USB from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usb {
    /// Bus and ports, as 1-1.2.
    pub port: String,
    /// Vendor and product, four hexadecimal digits each.
    pub ids: (String, String),
    /// Its serial number.
    pub serial: Option<String>,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Scanner => "barcode scanner",
            Self::Seal => "radio for seals",
            Self::Gnss => "satellite receiver",
            Self::Board => "pins for a board",
            Self::Screen => "screen",
            Self::Printer => "printer",
            Self::Unknown => "not known",
        }
    }
}

/// A text as a TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
