//! The sections of devices, one file a kind: its keys as they are written, what they become, and the check between.

pub mod board;
pub mod printer;
pub mod receiver;
pub mod scanner;
pub mod screen;
pub mod seal_reader;

use toml::Spanned;
use waypost_drivers::port::PortConfig;

use super::Fault;

/// A serial port by its path, with its speed in bits a second.
fn port(path: &Spanned<String>, baud: Option<&Spanned<u32>>, default: u32) -> Result<PortConfig, Fault> {
    if path.get_ref().trim().is_empty() {
        let remedy = "give a path that stays the same, such as \"/dev/serial/by-id/…\"";
        return Err(Fault::at(path.span(), "the port is empty", remedy));
    }
    let baud = match baud {
        None => default,
        Some(baud) if (300..=4_000_000).contains(baud.get_ref()) => *baud.get_ref(),
        Some(baud) => {
            let what = "no serial line has this speed";
            return Err(Fault::at(baud.span(), what, "use the device's own, such as 9600 or 115200"));
        }
    };
    Ok(PortConfig { path: path.get_ref().into(), baud })
}
