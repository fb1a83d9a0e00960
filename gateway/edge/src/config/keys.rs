//! Which keys a configuration may have. An unknown one is an error that names the nearest.

use toml::de::{DeTable, DeValue};

use super::Fault;

/// Names closer than this many changes are offered as what was meant.
const NEAR: usize = 4;

/// A section and its keys; a key with keys of its own is a section.
pub struct Section {
    name: &'static str,
    keys: &'static [Key],
}

enum Key {
    Value(&'static str),
    Section(Section),
}

impl Key {
    fn name(&self) -> &'static str {
        match self {
            Self::Value(name) => name,
            Self::Section(section) => section.name,
        }
    }
}

macro_rules! section {
    ($name:literal: $($key:literal),* $(; $($inner:expr),*)?) => {
        Section { name: $name, keys: &[$(Key::Value($key),)* $($(Key::Section($inner),)*)?] }
    };
}

/// The whole file.
pub const ROOT: Section = section!("": "gateway", "data";
    section!("site": "id", "name", "kind", "closes", "time_zone", "box_tubes_max", "session_idle_min", "campaign_keys", "language"),
    section!("console": "listen", "bench"),
    section!("mqtt": "host", "port"; section!("tls": "ca", "cert", "key")),
    section!("hub": "ack_key", "order_keys"),
    section!("scanner": "name", "kind", "port", "baud", "suffix", "prefix", "code_ids", "usb_serial", "usb_port", "separator_key"),
    section!("seal_reader": "port", "baud", "adapter", "channel", "socket", "active", "silent_after_s"),
    section!("receiver": "port", "baud", "gpsd", "floor"),
    section!("board": "kind", "red", "green", "amber", "buzzer", "yes", "no", "relay", "relay_safe", "relay_ms",
        "lid"),
    section!("screen": "name", "kind", "bus", "address", "speed_hz", "dc", "reset", "backlight", "rotation", "colours",
        "invert", "path", "width", "height", "language"),
    section!("printer": "name", "kind", "address", "port", "baud", "usb", "dpi", "width_mm", "height_mm", "prints",
        "status", "wait_s"),
    section!("labels": "tube", "box", "seal", "badge", "vehicle", "site", "booking", "command"),
    section!("stock": "item", "par"),
    section!("clock": ; section!("simulated": "start", "rate")),
    section!("journal": "track_max", "retention_days"));

/// Finds the first key that is not known.
pub fn check(section: &Section, table: &DeTable<'_>) -> Result<(), Fault> {
    for (name, value) in table.iter() {
        let Some(key) = section.keys.iter().find(|key| key.name() == name.get_ref()) else {
            return Err(unknown(section, name.get_ref(), name.span()));
        };
        let Key::Section(inner) = key else { continue };
        match value.get_ref() {
            DeValue::Table(table) => check(inner, table)?,
            DeValue::Array(array) => {
                for value in array.iter() {
                    if let DeValue::Table(table) = value.get_ref() {
                        check(inner, table)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn unknown(section: &Section, name: &str, span: std::ops::Range<usize>) -> Fault {
    let nearest = section
        .keys
        .iter()
        .map(|key| (strsim::osa_distance(key.name(), name), key.name()))
        .min()
        .filter(|(distance, _)| *distance < NEAR);
    let place = if section.name.is_empty() { "here".to_owned() } else { format!("in [{}]", section.name) };
    let what = format!("unknown key `{name}` {place}");
    let remedy = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`?"),
        None => {
            let known: Vec<_> = section.keys.iter().map(Key::name).collect();
            format!("use one of {}, or take the line out", known.join(", "))
        }
    };
    Fault::at(span, what, remedy)
}
