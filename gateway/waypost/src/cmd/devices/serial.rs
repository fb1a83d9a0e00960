//! Serial ports: what hangs on them, as far as the names of USB devices tell.

use super::{
    Root,
    found::{Found, Kind, quoted},
    usb::Names,
};

/// Names that stay the same when a device is plugged in again.
const BY_ID: &str = "/dev/serial/by-id";
/// Ports of the machine itself, where a receiver on a board or the Pi's own radio may hang.
const ON_BOARD: [&str; 4] = ["/dev/serial0", "/dev/serial1", "/dev/ttyAMA0", "/dev/ttyS0"];

/// Words in a device's name, and what it then is.
const WORDS: [(&str, Kind); 14] = [
    ("barcode", Kind::Scanner),
    ("bar code", Kind::Scanner),
    ("scanner", Kind::Scanner),
    ("imager", Kind::Scanner),
    ("datalogic", Kind::Scanner),
    ("newland", Kind::Scanner),
    ("gnss", Kind::Gnss),
    ("gps", Kind::Gnss),
    ("u-blox", Kind::Gnss),
    ("ublox", Kind::Gnss),
    ("bluetooth", Kind::Seal),
    ("hci", Kind::Seal),
    ("label printer", Kind::Printer),
    ("receipt", Kind::Printer),
];

/// Makers of one kind of device only, by USB's vendor numbers.
const MAKERS: [(&str, &str, Kind); 5] = [
    ("0c2e", "Honeywell (Metrologic)", Kind::Scanner),
    ("05e0", "Zebra (Symbol)", Kind::Scanner),
    ("05f9", "Datalogic (PSC)", Kind::Scanner),
    ("1eab", "Newland", Kind::Scanner),
    ("1546", "u-blox", Kind::Gnss),
];

/// Makers of plain adapters: their names tell nothing of what hangs on them.
const ADAPTERS: [&str; 4] = ["0403", "067b", "10c4", "1a86"];

/// All ports.
pub fn find(root: &Root) -> Vec<Found> {
    let mut real = Vec::new();
    let mut found = Vec::new();
    for name in root.names(BY_ID) {
        let path = format!("{BY_ID}/{name}");
        let Some(tty) = root.real(&path).and_then(|real| Some(real.file_name()?.to_str()?.to_owned())) else {
            continue;
        };
        found.push(port(root, &path, &tty, true));
        real.push(tty);
    }
    for tty in root.names("/sys/class/tty") {
        let is_usb = tty.starts_with("ttyUSB") || tty.starts_with("ttyACM");
        if is_usb && !real.contains(&tty) {
            found.push(port(root, &format!("/dev/{tty}"), &tty, false));
            real.push(tty);
        }
    }
    for path in ON_BOARD {
        let Some(tty) = root.real(path).and_then(|real| Some(real.file_name()?.to_str()?.to_owned())) else {
            continue;
        };
        // A PC's ttyS0 is there whether there is a plug or not.
        if !real.contains(&tty) && root.has(format!("/sys/class/tty/{tty}/device/of_node")) {
            found.push(on_board(path));
            real.push(tty);
        }
    }
    found
}

fn port(root: &Root, path: &str, tty: &str, stays: bool) -> Found {
    let names = Names::above(root, format!("/sys/class/tty/{tty}/device")).unwrap_or_default();
    let what = if names.what.is_empty() { tty.to_owned() } else { names.what.clone() };
    let (kind, evidence) = recognise(&names);
    let remark = match (kind, stays) {
        (_, false) => Some(
            "this name may be another device's tomorrow: use one under /dev/serial/by-id, which udev makes"
                .to_owned(),
        ),
        (Kind::Unknown, true) => Some(format!(
            "what hangs on it? `waypost try scanner port={path}`, then scan; or `try gnss port={path}`"
        )),
        _ => None,
    };
    Found {
        kind,
        evidence,
        at: path.to_owned(),
        configured: None,
        usb: None,
        remark,
        toml: lines(kind, &what, path),
        what,
    }
}

fn recognise(names: &Names) -> (Kind, String) {
    let (vendor, product) = &names.ids;
    let ids = format!("USB {vendor}:{product}");
    let lower = names.what.to_ascii_lowercase();
    if let Some((word, kind)) = WORDS.iter().find(|(word, _)| lower.contains(word)) {
        return (*kind, format!("it calls itself “{}”, with “{word}” in it", names.what));
    }
    if let Some((_, maker, kind)) = MAKERS.iter().find(|(id, ..)| id == vendor) {
        return (*kind, format!("{ids}: {maker} makes nothing else with a serial line"));
    }
    if ADAPTERS.contains(&vendor.as_str()) {
        return (Kind::Unknown, format!("{ids}: an adapter, which does not tell what hangs on it"));
    }
    if vendor.is_empty() {
        return (Kind::Unknown, "a serial line that is not on USB".to_owned());
    }
    (Kind::Unknown, format!("{ids}, a device that is not known here"))
}

/// What to write where the device is known.
fn lines(kind: Kind, what: &str, path: &str) -> String {
    let port = format!("port = {}\n", quoted(path));
    match kind {
        Kind::Scanner => format!("[[scanner]]\nname = {}\n{port}", quoted(what)),
        Kind::Gnss => format!("[receiver]\n{port}"),
        Kind::Seal => format!("[seal_reader]\n{port}"),
        Kind::Board | Kind::Screen | Kind::Printer | Kind::Unknown => String::new(),
    }
}

fn on_board(path: &str) -> Found {
    Found {
        kind: Kind::Unknown,
        what: "serial line of the machine".to_owned(),
        at: path.to_owned(),
        evidence: "a port of the board, in the device tree".to_owned(),
        configured: None,
        usb: None,
        remark: Some(format!(
            "a receiver on the header? `waypost try gnss port={path}`; the console and the Pi's own radio use such lines too"
        )),
        toml: String::new(),
    }
}
