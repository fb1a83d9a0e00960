//! A gateway's configuration: one TOML file, checked as a whole before anything starts.
//!
//! An unknown key is an error that names the nearest known one; every error says file, line and remedy. No secret
//! stands in the file: keys live in `<data>/identity.json`, campaign and seal keys come with signed orders.

mod bound;
mod check;
mod device;
mod error;
pub mod example;
mod keys;
mod raw;

use std::path::{Path, PathBuf};

use jiff::{civil, tz::TimeZone};
use waypost_core::{
    code::label::LabelKinds,
    fact::{
        SiteKind, WallTime,
        id::{GatewayId, ItemId, SiteId},
    },
    wire::keys::PublicKey,
};

pub use device::{
    board::{Board, BoardKind},
    printer::PrinterSettings,
    receiver::Receiver,
    scanner::{Scanner, ScannerLink},
    screen::Screen,
    seal_reader::SealReader,
};
pub use error::{ConfigError, Fault};

use crate::panel::Language;

/// Longest configuration file, in bytes.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Everything that a gateway is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its id: also its topic prefix.
    pub gateway: GatewayId,
    /// Where journal, identity and orders are kept. A relative path stands beside the configuration file.
    pub data: PathBuf,
    /// Where it stands.
    pub site: Site,
    /// Its own web pages; none where the section is left out.
    pub console: Option<Console>,
    /// The broker; none for a gateway that is never connected.
    pub mqtt: Option<Mqtt>,
    /// Public keys of the hub.
    pub hub: HubKeys,
    /// Barcode scanners.
    pub scanners: Vec<Scanner>,
    /// The radio that hears seals.
    pub seal_reader: Option<SealReader>,
    /// The satellite receiver.
    pub receiver: Option<Receiver>,
    /// Lamps, buzzer, buttons, hatch and lid switch.
    pub board: Option<Board>,
    /// Screens that show the panel.
    pub screens: Vec<Screen>,
    /// Label and receipt printers.
    pub printers: Vec<PrinterSettings>,
    /// How labels look here.
    pub labels: LabelKinds,
    /// Items that are counted here.
    pub stock: Vec<Par>,
    /// A clock for the bench in place of the machine's.
    pub simulated: Option<SimulatedClock>,
    /// Positions that are kept until the hub has them, 1,000 to 10,000,000.
    pub track_max: u64,
    /// Days that a record is kept after the hub had it in a second copy, by the hub's time, 1 to 366.
    pub retention_days: u64,
}

/// A place and its habits.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What people call it.
    pub name: String,
    /// Its work.
    pub kind: SiteKind,
    /// When its sessions close, earliest first.
    pub closes: Vec<civil::Time>,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Tubes that a box holds, 1 to 1,000.
    pub box_tubes_max: u32,
    /// Minutes without a scan after which whoever is signed in is signed out, 1 to 1,440.
    pub session_idle_min: u32,
    /// What the keys of campaigns wait for after a start.
    pub campaign_keys: CampaignKeys,
    /// The panel's language at the start.
    pub language: Language,
}

/// What the keys of campaigns wait for after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CampaignKeys {
    /// Nothing: they are encrypted with the gateway's key for what rests, from a credential or a file.
    #[default]
    File,
    /// The badge of somebody who may serve here, which is stored nowhere.
    Badge,
}

/// The gateway's own web pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// A loopback address; port 0 takes a free one, which is written to `<data>/console.addr`.
    pub listen: std::net::SocketAddr,
    /// Where the bench of a demonstration answers; its drawer shows where this is set.
    pub bench: Option<String>,
}

/// The broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mqtt {
    /// Name or address. Without TLS only loopback is allowed.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Certificates.
    pub tls: Option<Tls>,
}

/// Certificate files, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Who vouches for the broker.
    pub ca: PathBuf,
    /// The gateway's certificate.
    pub cert: PathBuf,
    /// Its private key, in a file that only the gateway reads.
    pub key: PathBuf,
}

/// The hub's public keys, Ed25519.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HubKeys {
    /// Signs acknowledgements; without it none is believed.
    pub ack_key: Option<PublicKey>,
    /// Sign orders.
    pub order_keys: Vec<PublicKey>,
}

/// An item that is counted here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Par {
    /// What.
    pub item: ItemId,
    /// The level below which more is asked for.
    pub par: i64,
}

/// A clock for the bench.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedClock {
    /// When it starts.
    pub start: WallTime,
    /// Simulated seconds for each real one, above 0 to 100,000.
    pub rate: f64,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first fault, with file, line and remedy.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(ConfigError::TooLong { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    /// Reads a text that stands in for the file at `path`.
    ///
    /// # Errors
    /// The first fault, with file, line and remedy.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        raw::read(text)
            .and_then(|raw| check::check(raw, path.parent().unwrap_or(Path::new(""))))
            .map_err(|fault| ConfigError::new(path, text, fault))
    }
}
