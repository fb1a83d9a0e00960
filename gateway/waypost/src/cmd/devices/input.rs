//! Scanners that type: keyboards by name, which have to be told from real ones.

use super::{
    Root,
    found::{Found, Kind, quoted},
    usb::Names,
};

/// Names that stay the same when a device is plugged in again.
const BY_ID: &str = "/dev/input/by-id";
/// What the names of keyboards end with.
const KEYBOARD: &str = "-event-kbd";
/// Words in the names of scanners.
const WORDS: [&str; 8] =
    ["barcode", "bar code", "scanner", "imager", "symbol", "honeywell", "datalogic", "newland"];

/// All keyboards.
pub fn find(root: &Root) -> Vec<Found> {
    root.names(BY_ID)
        .into_iter()
        .filter(|name| name.ends_with(KEYBOARD))
        .map(|name| keyboard(root, &name))
        .collect()
}

fn keyboard(root: &Root, name: &str) -> Found {
    let path = format!("{BY_ID}/{name}");
    let event = root.real(&path).and_then(|real| Some(real.file_name()?.to_str()?.to_owned()));
    let names = event.and_then(|event| Names::above(root, format!("/sys/class/input/{event}/device")));
    let what = names.map_or_else(|| name.trim_end_matches(KEYBOARD).replace('_', " "), |names| names.what);
    let lower = what.to_ascii_lowercase();
    match WORDS.iter().find(|word| lower.contains(*word)) {
        Some(word) => Found {
            kind: Kind::Scanner,
            evidence: format!("a keyboard that calls itself “{what}”, with “{word}” in it"),
            configured: None,
            usb: None,
            remark: Some(
                "in HID POS mode it says the symbology too: scan the maker's code for it".to_owned(),
            ),
            toml: format!(
                "[[scanner]]\nname = {}\nkind = \"keyboard\"\nport = {}\n",
                quoted(&what),
                quoted(&path)
            ),
            at: path,
            what,
        },
        None => Found {
            kind: Kind::Unknown,
            evidence: "a keyboard".to_owned(),
            configured: None,
            usb: None,
            remark: Some("a person's, unless it is a scanner that types".to_owned()),
            toml: String::new(),
            at: path,
            what,
        },
    }
}
