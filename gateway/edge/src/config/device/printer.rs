//! `[[printer]]`: label and receipt printers.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use waypost_drivers::printer::{Dialect, Place, PrinterConfig, bitmap::WIDTH_MAX};

use super::{Fault, port};
use crate::{
    config::bound::within,
    print::{Kind, Media},
};

/// Bits a second on a serial line where not given.
const BAUD: u32 = 9_600;
/// Dots an inch where not given.
const DPI: u64 = 203;
/// Width of labels and of receipts that is printed on, and height of labels, in millimetres, where not given.
const LABEL_MM: [u64; 2] = [100, 60];
const RECEIPT_MM: u64 = 72;
/// Seconds that a paper waits for its printer where not given.
const WAIT_S: u64 = 600;

/// A printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterSettings {
    /// What the panel calls it.
    pub name: String,
    /// Where it is and what it speaks.
    pub driver: PrinterConfig,
    /// Its paper.
    pub media: Media,
    /// What it prints; never empty.
    pub prints: Vec<Kind>,
}

/// A section as it is written.
#[derive(Deserialize)]
pub struct RawPrinter {
    name: Option<String>,
    // Not that of a site, whose remedy a missing one would be given.
    kind: Option<RawDialect>,
    address: Option<Spanned<String>>,
    port: Option<Spanned<String>>,
    baud: Option<Spanned<u32>>,
    usb: Option<Spanned<String>>,
    dpi: Option<Spanned<u64>>,
    width_mm: Option<Spanned<u64>>,
    height_mm: Option<Spanned<u64>>,
    prints: Option<Spanned<Vec<Kind>>>,
    status: Option<bool>,
    wait_s: Option<Spanned<u64>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum RawDialect {
    Zpl,
    EscPos,
}

/// One printer, checked; `number` counts them from 1.
pub fn printer(raw: Spanned<RawPrinter>, number: usize) -> Result<PrinterSettings, Fault> {
    let section = raw.span();
    let raw = raw.into_inner();
    let Some(kind) = raw.kind else {
        let remedy = "add kind = \"zpl\" for a label printer, kind = \"escpos\" for a receipt printer";
        return Err(Fault::at(section, "missing key `kind`", remedy));
    };
    let is_label = kind == RawDialect::Zpl;
    let place = place(&raw, section)?;
    let prints = prints(raw.prints, is_label)?;
    let dpi = within(raw.dpi, 150..=600, DPI, "dpi")?;
    let [label_width, label_height] = LABEL_MM;
    let width_span = raw.width_mm.as_ref().map(Spanned::span);
    let width = within(raw.width_mm, 20..=210, if is_label { label_width } else { RECEIPT_MM }, "width_mm")?;
    let height = match raw.height_mm {
        Some(height) if !is_label => {
            let remedy = "take the line out: a receipt is as long as what is on it";
            return Err(Fault::at(height.span(), "paper from a roll has no height", remedy));
        }
        height => is_label.then(|| within(height, 20..=300, label_height, "height_mm")).transpose()?,
    };
    let media = Media::of_mm(small(dpi), small(width), height.map(small));
    if media.width > WIDTH_MAX {
        let what = format!("{} dots are more than the {WIDTH_MAX} that a printer has", media.width);
        let remedy = "write the width that is printed on, or fewer dots an inch";
        return Err(Fault { span: width_span, what, remedy: remedy.to_owned() });
    }
    let wait_s = within(raw.wait_s, 10..=86_400, WAIT_S, "wait_s")?;
    let driver = PrinterConfig {
        place,
        dialect: if is_label { Dialect::Zpl } else { Dialect::EscPos },
        answers: raw.status.unwrap_or(true),
        job_age_max: Duration::from_secs(wait_s),
    };
    Ok(PrinterSettings {
        name: raw.name.unwrap_or_else(|| format!("printer {number}")),
        driver,
        media,
        prints,
    })
}

/// Numbers that were checked to be small.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn place(raw: &RawPrinter, section: std::ops::Range<usize>) -> Result<Place, Fault> {
    if let (Some(baud), None) = (&raw.baud, &raw.port) {
        return Err(Fault::at(baud.span(), "there is no serial line", "add port, or take this line out"));
    }
    match (&raw.address, &raw.port, &raw.usb) {
        (Some(at), None, None) => Ok(Place::Tcp(address(at)?)),
        (None, Some(path), None) => Ok(Place::Serial(port(path, raw.baud.as_ref(), BAUD)?)),
        (None, None, Some(usb)) => usb.get_ref().parse().map(Place::Usb).map_err(|why| {
            let remedy = "write for instance usb = \"04b8:0202\", as `lsusb` shows it";
            Fault::at(usb.span(), why.to_string(), remedy)
        }),
        _ => {
            let what = "a printer is at one place: on the network, on a serial line or on USB";
            let remedy = "write one of address = \"192.168.1.20:9100\", port = \"/dev/serial/by-id/…\" and usb = \"vid:pid\"";
            Err(Fault::at(section, what, remedy))
        }
    }
}

fn address(text: &Spanned<String>) -> Result<String, Fault> {
    let read = text.get_ref().rsplit_once(':').filter(|(host, port)| {
        let is_host =
            !host.is_empty() && !host.contains(['/', ' ']) && (!host.contains(':') || host.starts_with('['));
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    match read {
        Some(_) => Ok(text.get_ref().clone()),
        None => {
            let remedy = "write host and port, such as address = \"192.168.1.20:9100\"";
            Err(Fault::at(text.span(), "this is no address with a port", remedy))
        }
    }
}

fn prints(written: Option<Spanned<Vec<Kind>>>, is_label: bool) -> Result<Vec<Kind>, Fault> {
    let able: &[Kind] = if is_label { &[Kind::Labels] } else { &[Kind::Receipts, Kind::Reports] };
    let Some(written) = written else { return Ok(able.to_vec()) };
    let remedy = if is_label {
        "write prints = [\"labels\"] for kind = \"zpl\", or take the line out"
    } else {
        "write prints = [\"receipts\", \"reports\"], or one of them, for kind = \"escpos\""
    };
    if written.get_ref().is_empty() || written.get_ref().iter().any(|kind| !able.contains(kind)) {
        return Err(Fault::at(written.span(), "this printer prints something else", remedy));
    }
    Ok(written.into_inner())
}
