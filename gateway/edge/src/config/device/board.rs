//! `[board]`: lamps, buzzer, buttons, hatch and lid switch.

use std::{ops::Range, time::Duration};

use serde::Deserialize;
use toml::Spanned;
use waypost_drivers::{
    board::Pins,
    header::{Level, PIN_MAX},
    screen::ScreenConfig,
};

use super::{Fault, screen::Screen};
use crate::config::bound::within;

/// For how many milliseconds the hatch is released where not given.
const RELAY_MS: u64 = 3_000;

/// The board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// What it is made of.
    pub kind: BoardKind,
    /// For how long a verdict that gives something away releases the hatch, 0.1 to 60 seconds; none: no hatch.
    pub hatch: Option<Duration>,
}

/// What a board is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardKind {
    /// Pins of a Raspberry Pi.
    Pins(Pins),
    /// Nothing: the panel's page draws it and takes its buttons.
    Page,
}

/// The section as it is written.
#[derive(Deserialize)]
pub struct RawBoard {
    #[serde(default)]
    kind: RawKind,
    red: Option<Spanned<i64>>,
    green: Option<Spanned<i64>>,
    amber: Option<Spanned<i64>>,
    buzzer: Option<Spanned<i64>>,
    yes: Option<Spanned<i64>>,
    no: Option<Spanned<i64>>,
    relay: Option<Spanned<i64>>,
    relay_safe: Option<Spanned<Level>>,
    relay_ms: Option<Spanned<u64>>,
    lid: Option<Spanned<i64>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    // Configurations in the field may still name the crate that drove the pins before.
    #[serde(alias = "rppal")]
    #[default]
    Pins,
    Page,
}

/// The board, checked.
pub fn board(raw: Spanned<RawBoard>) -> Result<Board, Fault> {
    let section = raw.span();
    let raw = raw.into_inner();
    let written = [
        ("red", &raw.red),
        ("green", &raw.green),
        ("amber", &raw.amber),
        ("buzzer", &raw.buzzer),
        ("yes", &raw.yes),
        ("no", &raw.no),
        ("relay", &raw.relay),
        ("lid", &raw.lid),
    ];
    let mut taken: Vec<(&'static str, u8)> = Vec::new();
    for (name, pin) in written {
        let Some(pin) = pin else { continue };
        if raw.kind == RawKind::Page {
            let remedy = "take the pins out, or write kind = \"pins\"";
            return Err(Fault::at(pin.span(), "a board on the page has no pins", remedy));
        }
        let number = u8::try_from(*pin.get_ref()).ok().filter(|number| *number <= PIN_MAX);
        let Some(number) = number else {
            let what = format!("pins are BCM numbers 0 to {PIN_MAX}");
            let remedy =
                "write the number after GPIO in `pinout`, such as 17, not that of the header's position";
            return Err(Fault::at(pin.span(), what, remedy));
        };
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == number) {
            let what = format!("{name} and {other} are both on pin {number}");
            return Err(Fault::at(pin.span(), what, "give each a pin of its own"));
        }
        taken.push((name, number));
    }
    if taken.is_empty() && raw.kind == RawKind::Pins {
        let remedy = "name what is connected, such as red = 17, or write kind = \"page\"";
        return Err(Fault::at(section, "this board has no pins", remedy));
    }
    let pin = |wanted| taken.iter().find(|(name, _)| *name == wanted).map(|(_, pin)| *pin);
    let has_relay = raw.kind == RawKind::Page || pin("relay").is_some();
    let stray = raw.relay_safe.as_ref().map(Spanned::span).or(raw.relay_ms.as_ref().map(Spanned::span));
    if let Some(span) = stray
        && !has_relay
    {
        return Err(Fault::at(span, "there is no relay", "add relay = 25, or take this line out"));
    }
    let hatch_ms = within(raw.relay_ms, 100..=60_000, RELAY_MS, "relay_ms")?;
    let kind = match raw.kind {
        RawKind::Page => BoardKind::Page,
        RawKind::Pins => BoardKind::Pins(Pins {
            red: pin("red"),
            green: pin("green"),
            amber: pin("amber"),
            buzzer: pin("buzzer"),
            yes: pin("yes"),
            no: pin("no"),
            relay: pin("relay"),
            relay_safe: raw.relay_safe.map(Spanned::into_inner).unwrap_or_default(),
            lid: pin("lid"),
        }),
    };
    Ok(Board { kind, hatch: has_relay.then(|| Duration::from_millis(hatch_ms)) })
}

/// No pin of the board is a screen's too.
pub fn apart(board: Option<&Board>, screens: &[Screen], span: Option<Range<usize>>) -> Result<(), Fault> {
    let Some(Board { kind: BoardKind::Pins(pins), .. }) = board else { return Ok(()) };
    let Pins { red, green, amber, buzzer, yes, no, relay, relay_safe: _, lid } = *pins;
    let mut taken = [red, green, amber, buzzer, yes, no, relay, lid].into_iter().flatten();
    let of_screen = |screen: &Screen, pin: u8| match &screen.device {
        ScreenConfig::Tft(wiring) => [Some(wiring.dc), wiring.reset, wiring.backlight].contains(&Some(pin)),
        _ => false,
    };
    let twice = taken.find_map(|pin| Some((pin, screens.iter().find(|screen| of_screen(screen, pin))?)));
    match twice {
        None => Ok(()),
        Some((pin, screen)) => {
            let what = format!("pin {pin} is the board's and that of \"{}\" too", screen.name);
            let remedy = "give each wire a pin of its own".to_owned();
            Err(Fault { span, what, remedy })
        }
    }
}
