//! `waypost try`: one device by itself, for the person who installs it.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{ValueEnum, builder::RangedU64ValueParser};
use waypost_edge::config::Config;

use super::{
    devices::{self, Root},
    listen::{
        self, Listening,
        section::{self, SettingsError},
    },
};

/// Arguments of `waypost try`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What to try
    #[arg(value_enum)]
    device: Device,

    /// The settings as the configuration has them: port=/dev/serial/by-id/… baud=9600
    #[arg(value_name = "KEY=VALUE", conflicts_with = "config")]
    settings: Vec<String>,

    /// Take the settings from this configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Which one, where the configuration has several
    #[arg(long, requires = "config")]
    name: Option<String>,

    /// Listen for so many seconds, 1 to 86,400
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = RangedU64ValueParser::<u64>::new().range(1..=86_400))]
    seconds: u64,

    /// End at the first reading
    #[arg(long)]
    once: bool,

    /// Print one JSON object on one line for each reading
    #[arg(long)]
    json: bool,

    /// Where dev and sys are, for a copy of another machine
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

const HELP: &str = "\
Says whether the device is there, and then each reading as it comes. Of a scanned text it says what `waypost explain` \
would: no document number. A board plays every signal in turn and never opens the hatch; a screen shows a test card; a printer prints a test page. Without settings the one \
device of that kind that `waypost devices` recognises is taken. Stop the gateway before: a device has one user.

Examples:
  waypost try scanner
  waypost try scanner port=/dev/serial/by-id/usb-scanner baud=115200 --once
  waypost try scanner --config gateway.toml --name \"dock scanner\"
  waypost try seal adapter=hci0 --seconds 20
  waypost try gnss port=/dev/serial0
  waypost try board red=17 green=27 buzzer=18 yes=23 no=24
  waypost try screen kind=ssd1306 bus=/dev/i2c-1
  waypost try printer kind=zpl address=192.168.1.20:9100 --once

Exit status: 0 if a reading came (a board or screen: if it can be used; a printer: if the page is printed), 1 if none came in time, 2 if the settings are wrong.";

/// What to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Device {
    /// A barcode scanner
    Scanner,
    /// The radio that hears seals
    Seal,
    /// The satellite receiver
    Gnss,
    /// Lamps, buzzer, buttons and lid switch
    Board,
    /// A screen: shows a test card
    Screen,
    /// A label or receipt printer: prints a test page
    Printer,
}

impl Device {
    fn kind(self) -> devices::Kind {
        match self {
            Self::Scanner => devices::Kind::Scanner,
            Self::Seal => devices::Kind::Seal,
            Self::Gnss => devices::Kind::Gnss,
            Self::Board => devices::Kind::Board,
            Self::Screen => devices::Kind::Screen,
            Self::Printer => devices::Kind::Printer,
        }
    }

    /// Its section in a configuration.
    fn section(self) -> &'static str {
        match self {
            Self::Scanner => "[[scanner]]",
            Self::Seal => "[seal_reader]",
            Self::Gnss => "[receiver]",
            Self::Board => "[board]",
            Self::Screen => "[[screen]]",
            Self::Printer => "[[printer]]",
        }
    }
}

/// Why there is nothing to try.
#[derive(Debug, thiserror::Error)]
enum TryError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] waypost_edge::config::ConfigError),
    /// The configuration has no such device.
    #[error("this configuration has no such device; add {0}, or leave --config out")]
    NotConfigured(&'static str),
    /// Nothing was recognised.
    #[error(
        "no such device is recognised; `waypost devices` shows what is plugged in, and then give its settings, such as {0}"
    )]
    NoneFound(&'static str),
    /// Several were.
    #[error("there are several: give the settings of one, as `waypost devices` shows them ({0})")]
    SeveralFound(String),
}

/// Nothing can be tried.
const TROUBLE: u8 = 2;

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let config = match config(args) {
        Ok(config) => config,
        Err(error) => {
            super::complain(&error);
            return ExitCode::from(TROUBLE);
        }
    };
    let listening =
        Listening { json: args.json, limit: Duration::from_secs(args.seconds), once: args.once, play: true };
    match listen::show(&config, &listening) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            super::complain(&error);
            ExitCode::from(TROUBLE)
        }
    }
}

/// A configuration with the one device in it.
fn config(args: &Args) -> Result<Config, TryError> {
    let section = args.device.section();
    if let Some(path) = &args.config {
        let config = only(args.device, args.name.as_deref(), Config::load(path)?);
        return config.ok_or(TryError::NotConfigured(section));
    }
    if !args.settings.is_empty() {
        return Ok(section::config(&section::section(section, &args.settings)?)?);
    }
    let found = devices::find(&Root::new(args.root.clone()));
    let mut fitting = found.iter().filter(|found| found.kind == args.device.kind());
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(section::config(&one.toml)?),
        (Some(one), Some(other)) => Err(TryError::SeveralFound(format!("{}; {}; …", one.at, other.at))),
        (None, _) => Err(TryError::NoneFound(match args.device {
            Device::Scanner | Device::Gnss => "port=/dev/serial/by-id/…",
            Device::Seal => "adapter=hci0",
            Device::Board => "red=17",
            Device::Screen => "kind=ssd1306 bus=/dev/i2c-1",
            Device::Printer => "kind=zpl address=192.168.1.20:9100",
        })),
    }
}

/// The configuration without its other devices; none where it has no such one.
fn only(device: Device, name: Option<&str>, config: Config) -> Option<Config> {
    let mut left = Config {
        scanners: Vec::new(),
        printers: Vec::new(),
        screens: Vec::new(),
        seal_reader: None,
        receiver: None,
        board: None,
        ..config.clone()
    };
    let is_meant = |its: &str| name.is_none_or(|name| its == name);
    match device {
        Device::Scanner => {
            left.scanners = config.scanners.into_iter().filter(|one| is_meant(&one.name)).collect();
            (!left.scanners.is_empty()).then_some(left)
        }
        Device::Printer => {
            left.printers = config.printers.into_iter().filter(|one| is_meant(&one.name)).collect();
            (!left.printers.is_empty()).then_some(left)
        }
        Device::Screen => {
            left.screens = config.screens.into_iter().filter(|one| is_meant(&one.name)).collect();
            (!left.screens.is_empty()).then_some(left)
        }
        Device::Seal => config.seal_reader.map(|reader| Config { seal_reader: Some(reader), ..left }),
        Device::Gnss => config.receiver.map(|receiver| Config { receiver: Some(receiver), ..left }),
        Device::Board => config.board.map(|board| Config { board: Some(board), ..left }),
    }
}
