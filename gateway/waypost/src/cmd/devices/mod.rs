//! `waypost devices`: what is plugged in, what it was taken for and why, and how to write it into the configuration.

mod bus;
mod configured;
mod found;
mod input;
mod pins;
mod radio;
mod serial;
mod usb;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use serde::Serialize;
use waypost_edge::config::Config;
pub(super) use waypost_edge::device::root::Root;

use self::configured::Missing;
pub(super) use self::configured::compare;
pub(super) use self::found::{Found, Kind};
use super::listen::{self, section};

/// Arguments of `waypost devices`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Print one JSON object; with --watch one a line
    #[arg(long)]
    json: bool,

    /// Show what the devices say, until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Say what of this configuration is missing, and watch what stands in it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where dev and sys are, for a copy of another machine
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

const HELP: &str = "\
Looks at the kernel's lists only, and asks no device anything: a gateway may run meanwhile. --watch opens the devices, \
which a gateway that runs has for itself. Of a scanned text it shows what `waypost explain` would: no document number.

Examples:
  waypost devices
  waypost devices --config gateway.toml
  waypost devices --config gateway.toml --watch
  waypost devices --json | jq -r '.devices[].toml'

Exit status: 0 if all that is configured is there (or no configuration was given), 1 if something is missing, 2 if the \
configuration is wrong or cannot be read.";

/// The configuration cannot be used, or nobody reads the output.
const TROUBLE: u8 = 2;

/// The whole answer. The names stand in the command's contract.
#[derive(Serialize)]
struct Listed {
    devices: Vec<Found>,
    missing: Vec<Missing>,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let config = match args.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config,
        Err(error) => {
            super::complain(&error);
            return ExitCode::from(TROUBLE);
        }
    };
    let root = Root::new(args.root.clone());
    let mut devices = find(&root);
    let missing = config.as_ref().map(|config| compare(config, &root, &mut devices)).unwrap_or_default();
    if args.watch {
        return watch(config, &devices, args.json);
    }
    let all_there = missing.is_empty();
    let listed = Listed { devices, missing };
    let mut out = io::stdout().lock();
    let written = if args.json {
        serde_json::to_writer(&mut out, &listed).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        print(&listed, config.is_some(), &mut out)
    };
    match written {
        Ok(()) if all_there => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&error);
            ExitCode::from(TROUBLE)
        }
    }
}

/// Everything that is plugged in.
pub(super) fn find(root: &Root) -> Vec<Found> {
    let kinds = [serial::find, usb::find, input::find, radio::find, pins::find, bus::find];
    let mut found: Vec<Found> = kinds.into_iter().flat_map(|find| find(root)).collect();
    // What is known goes first, and otherwise the order stays.
    found.sort_by_key(|found| found.kind == Kind::Unknown);
    found
}

fn print(listed: &Listed, compared: bool, out: &mut impl Write) -> io::Result<()> {
    if listed.devices.is_empty() {
        writeln!(out, "Nothing is plugged in that a gateway could use.")?;
    }
    for found in &listed.devices {
        let configured = if found.configured == Some(true) { ", configured" } else { "" };
        writeln!(out, "{}: {}{configured}", found.kind.words(), found.what)?;
        writeln!(out, "  at {}", found.at)?;
        writeln!(out, "  known by {}", found.evidence)?;
        if let Some(remark) = &found.remark {
            writeln!(out, "  {remark}")?;
        }
        if found.configured != Some(true) {
            found.toml.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        }
        writeln!(out)?;
    }
    for missing in &listed.missing {
        writeln!(out, "MISSING: {} at {}\n  {}\n", missing.what, missing.at, missing.remedy)?;
    }
    if compared && listed.missing.is_empty() {
        writeln!(out, "Everything that is configured is plugged in.")?;
    }
    out.flush()
}

/// Watches what is configured; where no configuration was given, what was recognised.
fn watch(config: Option<Config>, devices: &[Found], json: bool) -> ExitCode {
    let config = match config {
        Some(config) => Ok(config),
        None => section::config(&recognised(devices)),
    };
    match config {
        Ok(config) => match listen::watch(&config, json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                super::complain(&error);
                ExitCode::from(TROUBLE)
            }
        },
        Err(error) => {
            super::complain(&error);
            ExitCode::from(TROUBLE)
        }
    }
}

/// The lines of all that can be listened to; a section that may stand once is taken once.
fn recognised(devices: &[Found]) -> String {
    let mut text = String::new();
    for found in devices {
        let head = found.toml.lines().next().unwrap_or_default();
        let listens = matches!(found.kind, Kind::Scanner | Kind::Seal | Kind::Gnss);
        if listens && (head.starts_with("[[") || !text.contains(head)) {
            text.push_str(&found.toml);
        }
    }
    text
}
