//! The hub's configuration: one TOML file. An unknown key is an error that names the nearest known one; every error
//! names file, line and remedy. No secret stands in it.

mod enrol;
mod keys;

use std::{
    fs, io,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::{Spanned, de::DeTable};
use waypost_core::{
    fact::{
        SiteKind, WallTime,
        id::{GatewayId, SiteId},
    },
    wire::{keys::PublicKey, secret_key::SecretPublicKey},
};

use crate::{clock::Clock, enrol::Enrol, places::Place};

/// Longest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The port of MQTT without TLS, and with it.
const PORTS: (u16, u16) = (1883, 8883);

/// How long the two ends of a handover may lie apart, in minutes, where nothing else is said.
const PAIR_WITHIN_MIN: u32 = 45;

/// How often the filters of claims are made anew, in seconds, where nothing else is said.
const FILTERS_EVERY_S: u32 = 300;

/// What may be said.
const FILTERS_EVERY_S_RANGE: std::ops::RangeInclusive<u32> = 1..=86_400;

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Config {
    /// The hub's folder: store, keys, orders.
    pub dir: PathBuf,
    /// The broker.
    pub mqtt: Mqtt,
    /// The control room's pages.
    pub http: Http,
    /// How long the two ends of a handover may lie apart before it is an alarm.
    pub pair_within: Duration,
    /// How often the filters of claims are made anew.
    pub filters_every: Duration,
    /// Where gateways are enrolled; none: nowhere.
    pub enrol: Option<Enrol>,
    /// The clock.
    pub clock: Clock,
    /// The gateways.
    pub places: Vec<Place>,
}

/// The broker.
#[derive(Debug, Clone)]
pub struct Mqtt {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The name that this hub has at the broker.
    pub client: String,
    /// TLS; without it the broker must be on this machine.
    pub tls: Option<Tls>,
}

/// Files of TLS, in PEM.
#[derive(Debug, Clone, Deserialize)]
pub struct Tls {
    /// The authority that signed the broker's certificate.
    pub ca: PathBuf,
    /// Our certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// The control room's pages.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where to listen: an address of this machine's loopback. Port 0: any free one.
    pub listen: SocketAddr,
    /// The time zone of the pages.
    pub zone: TimeZone,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: the configuration cannot be read; give an existing file with --config", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {what}\n  remedy: {remedy}", path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
        /// What to write instead.
        remedy: String,
    },
}

/// A fault with its place in the text, in bytes.
struct Fault {
    at: Range<usize>,
    what: String,
    remedy: String,
}

impl Fault {
    fn at(at: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: remedy.into() }
    }
}

#[derive(Deserialize)]
struct Raw {
    dir: PathBuf,
    mqtt: RawMqtt,
    http: RawHttp,
    enrol: Option<enrol::RawEnrol>,
    pair_within_min: Option<u32>,
    filters_every_s: Option<Spanned<u32>>,
    clock: Option<RawClock>,
    #[serde(default)]
    gateway: Vec<RawGateway>,
}

#[derive(Deserialize)]
struct RawMqtt {
    host: Spanned<String>,
    port: Option<Spanned<u16>>,
    client: Option<String>,
    tls: Option<Tls>,
}

#[derive(Deserialize)]
struct RawHttp {
    listen: Spanned<String>,
    time_zone: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct RawClock {
    simulated: RawSimulated,
}

#[derive(Deserialize)]
struct RawSimulated {
    start: Spanned<WallTime>,
    rate: Spanned<f64>,
}

#[derive(Deserialize)]
struct RawGateway {
    id: Spanned<GatewayId>,
    site: SiteId,
    kind: SiteKind,
    name: Option<String>,
    key: Option<Spanned<PublicKey>>,
    secret_key: Option<SecretPublicKey>,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let size = fs::metadata(path).map_err(unreadable)?.len();
        if size > FILE_BYTES_MAX {
            let large = io::Error::new(io::ErrorKind::FileTooLarge, "this is no configuration of Waypost");
            return Err(unreadable(large));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|fault| {
            let line = text.bytes().take(fault.at.start).filter(|byte| *byte == b'\n').count() + 1;
            ConfigError::Wrong { path: path.to_owned(), line, what: fault.what, remedy: fault.remedy }
        })
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, Fault> {
        let syntax = |error: toml::de::Error| {
            let remedy = "see `waypost hub --help` for a configuration that runs";
            Fault::at(error.span().unwrap_or(0..0), error.message(), remedy)
        };
        let table = DeTable::parse(text).map_err(syntax)?;
        keys::check(&keys::ROOT, table.get_ref())?;
        let raw: Raw = toml::from_str(text).map_err(syntax)?;
        let mut mqtt = mqtt(raw.mqtt)?;
        if let Some(tls) = &mut mqtt.tls {
            for file in [&mut tls.ca, &mut tls.cert, &mut tls.key] {
                *file = folder.join(&*file);
            }
        }
        let minutes = raw.pair_within_min.unwrap_or(PAIR_WITHIN_MIN);
        let filters_every_s = match raw.filters_every_s {
            Some(every) if !FILTERS_EVERY_S_RANGE.contains(every.get_ref()) => {
                let what = "filters_every_s is 1 to 86400 seconds";
                return Err(Fault::at(every.span(), what, "leave it out: 300"));
            }
            every => every.map_or(FILTERS_EVERY_S, Spanned::into_inner),
        };
        let enrol = raw.enrol.map(|raw| enrol::check(raw, &mqtt)).transpose()?;
        Ok(Self {
            enrol,
            dir: folder.join(raw.dir),
            mqtt,
            http: http(raw.http)?,
            pair_within: Duration::from_secs(u64::from(minutes) * 60),
            filters_every: Duration::from_secs(u64::from(filters_every_s)),
            clock: raw.clock.map_or(Ok(Clock::system()), |clock| simulated(&clock.simulated))?,
            places: places(raw.gateway)?,
        })
    }
}

/// Is that host this machine?
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn mqtt(raw: RawMqtt) -> Result<Mqtt, Fault> {
    let host = raw.host.get_ref();
    if raw.tls.is_none() && !is_loopback(host) {
        let what = format!("the broker {host} is on another machine, and there is no TLS");
        return Err(Fault::at(raw.host.span(), what, "add [mqtt.tls] with ca, cert and key"));
    }
    if let Some(port) = raw.port.as_ref().filter(|port| *port.get_ref() == 0) {
        return Err(Fault::at(port.span(), "port 0 is no port", "write the broker's port, usually 1883"));
    }
    let usual = if raw.tls.is_some() { PORTS.1 } else { PORTS.0 };
    let port = raw.port.map_or(usual, Spanned::into_inner);
    let client = raw.client.unwrap_or_else(|| "waypost-hub".to_owned());
    Ok(Mqtt { host: raw.host.into_inner(), port, client, tls: raw.tls })
}

fn http(raw: RawHttp) -> Result<Http, Fault> {
    let remedy = "write an address of the loopback and a port, such as \"127.0.0.1:8080\"";
    let listen: SocketAddr = raw.listen.get_ref().parse().map_err(|_| {
        Fault::at(raw.listen.span(), format!("{:?} is no address with a port", raw.listen.get_ref()), remedy)
    })?;
    if !listen.ip().is_loopback() {
        let what = "the pages have no sign-in, so they are for this machine only";
        return Err(Fault::at(raw.listen.span(), what, remedy));
    }
    let zone = match &raw.time_zone {
        None => TimeZone::get("Asia/Hong_Kong").unwrap_or(TimeZone::UTC),
        Some(name) => TimeZone::get(name.get_ref()).map_err(|_| {
            let what = format!("{:?} is no time zone", name.get_ref());
            Fault::at(name.span(), what, "write a name such as \"Asia/Hong_Kong\"")
        })?,
    };
    Ok(Http { listen, zone })
}

fn simulated(raw: &RawSimulated) -> Result<Clock, Fault> {
    let rate = *raw.rate.get_ref();
    if !(rate.is_finite() && rate > 0.0 && rate <= 100_000.0) {
        let what = "a simulated clock runs at more than 0 and at most 100000 times the real one";
        return Err(Fault::at(raw.rate.span(), what, "write a rate such as 600"));
    }
    Ok(Clock::simulated(*raw.start.get_ref(), rate))
}

fn places(raw: Vec<RawGateway>) -> Result<Vec<Place>, Fault> {
    let mut places: Vec<Place> = Vec::with_capacity(raw.len());
    for one in raw {
        let id = one.id.get_ref();
        if places.iter().any(|place| place.gateway == *id) {
            let what = format!("the gateway {id} is listed twice");
            return Err(Fault::at(one.id.span(), what, "keep the entry with the key that it has now"));
        }
        if let Some(key) = &one.key
            && places.iter().any(|place| place.key == Some(*key.get_ref()))
        {
            let what = format!("the key of {id} is another gateway's too");
            return Err(Fault::at(key.span(), what, "run `waypost init` on each gateway by itself"));
        }
        let name = one.name.unwrap_or_else(|| one.site.to_string());
        let key = one.key.map(Spanned::into_inner);
        let (gateway, secret_key) = (one.id.into_inner(), one.secret_key);
        places.push(Place { gateway, site: one.site, kind: one.kind, name, key, secret_key });
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
