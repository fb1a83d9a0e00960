//! `[seal_reader]`: the radio that hears seals.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;
use waypost_drivers::seal::{Adapter, Channel, Source};

use super::{Fault, port};
use crate::config::bound::within;

/// Bits a second where not given.
const BAUD: u32 = 115_200;
/// Seconds until a seal is silent where not given.
const SILENT_AFTER_S: u64 = 30;

/// The radio that hears seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealReader {
    /// What it is connected to.
    pub source: Source,
    /// Ask each advertiser for a scan response.
    pub active: bool,
    /// Without a frame for so many seconds of real time a seal is silent, 5 to 3,600.
    pub silent_after_s: u64,
}

/// The section as it is written.
#[derive(Deserialize)]
pub struct RawSealReader {
    port: Option<Spanned<String>>,
    baud: Option<Spanned<u32>>,
    adapter: Option<Spanned<String>>,
    channel: Option<Spanned<String>>,
    socket: Option<Spanned<PathBuf>>,
    #[serde(default)]
    active: bool,
    silent_after_s: Option<Spanned<u64>>,
}

/// The radio, checked.
pub fn seal_reader(raw: Spanned<RawSealReader>) -> Result<SealReader, Fault> {
    let section = raw.span();
    let raw = raw.into_inner();
    let source = match (raw.port, raw.adapter, raw.socket) {
        (None, None, Some(path)) => {
            let remedy = "take the line out: it is for whoever holds the radio, `waypost radio`";
            nothing_of(raw.channel.as_ref(), "channel", remedy)?;
            nothing_of(raw.baud.as_ref(), "baud", remedy)?;
            Source::Relay(path.into_inner())
        }
        (_, _, Some(path)) => {
            let remedy = "keep socket for a radio that `waypost radio` holds, else port or adapter";
            return Err(Fault::at(path.span(), "a radio has a socket, or a port, or an adapter", remedy));
        }
        (Some(path), None, None) => {
            let remedy = "take the line out: a serial line has no channel";
            nothing_of(raw.channel.as_ref(), "channel", remedy)?;
            Source::Serial(port(&path, raw.baud.as_ref(), BAUD)?)
        }
        (None, Some(name), None) => {
            let remedy = "take the line out: the kernel's adapter has no line speed";
            nothing_of(raw.baud.as_ref(), "baud", remedy)?;
            Source::Adapter(adapter(&name)?, raw.channel.map(channel).transpose()?.unwrap_or_default())
        }
        (Some(_), Some(name), None) => {
            let remedy =
                "keep port for a controller on a serial line, or adapter for one that the kernel knows";
            return Err(Fault::at(name.span(), "a radio has a port or an adapter, not both", remedy));
        }
        (None, None, None) => {
            let remedy = "add port = \"/dev/serial/by-id/…\" for a controller on a serial line, adapter = \"hci0\" for one \
                          that the kernel knows, or socket for one that `waypost radio` holds";
            return Err(Fault::at(section, "missing key `port`, `adapter` or `socket`", remedy));
        }
    };
    Ok(SealReader {
        source,
        active: raw.active,
        silent_after_s: within(raw.silent_after_s, 5..=3600, SILENT_AFTER_S, "silent_after_s")?,
    })
}

fn nothing_of<T>(given: Option<&Spanned<T>>, name: &str, remedy: &str) -> Result<(), Fault> {
    match given {
        None => Ok(()),
        Some(given) => Err(Fault::at(given.span(), format!("`{name}` does nothing here"), remedy)),
    }
}

fn adapter(name: &Spanned<String>) -> Result<Adapter, Fault> {
    name.get_ref().parse().map_err(|_| {
        Fault::at(
            name.span(),
            "no Bluetooth adapter has this name",
            "write the kernel's name, such as \"hci0\"",
        )
    })
}

fn channel(name: Spanned<String>) -> Result<Channel, Fault> {
    match name.get_ref().as_str() {
        "auto" => Ok(Channel::Auto),
        "raw" => Ok(Channel::Raw),
        "user" => Ok(Channel::User),
        _ => {
            let remedy = "write \"auto\" (user where the adapter is free, else raw), \"raw\" or \"user\"";
            Err(Fault::at(name.span(), "no channel has this name", remedy))
        }
    }
}
