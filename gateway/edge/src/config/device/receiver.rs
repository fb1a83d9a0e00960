//! `[receiver]`: the satellite receiver, at a serial port, through gpsd, or both.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use jiff::{civil::Date, tz::TimeZone};
use serde::Deserialize;
use toml::Spanned;
use waypost_core::fact::WallTime;
use waypost_drivers::gnss::ReceiverConfig;

use super::{Fault, port};

/// Floors before this year would let rolled-over dates pass, and GPS did not count before it.
const FLOOR_YEAR_MIN: i16 = 1981;
/// The RFC 3339 years end later; a floor beyond this one is a typing mistake.
const FLOOR_YEAR_MAX: i16 = 2100;

/// The section as it is written.
#[derive(Deserialize)]
pub struct RawReceiver {
    port: Option<Spanned<String>>,
    baud: Option<Spanned<u32>>,
    gpsd: Option<Spanned<String>>,
    floor: Option<Spanned<String>>,
}

/// The receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its serial port; its speed is found by listening where none is given.
    pub line: Option<ReceiverConfig>,
    /// Where gpsd listens, as `host:port`. Beside a port it is the second source, heard while the first is silent.
    pub gpsd: Option<String>,
    /// A time that is past for certain, in place of the build's date: dates before it are of a receiver whose week
    /// counter has rolled over.
    pub floor: Option<WallTime>,
}

impl Receiver {
    /// While the port gave a fix this recently, gpsd is not heard.
    pub const FIRST_SOURCE_HOLDS: Duration = Duration::from_secs(10);
}

/// The receiver, checked.
pub fn receiver(raw: Spanned<RawReceiver>) -> Result<Receiver, Fault> {
    let section = raw.span();
    let RawReceiver { port: path, baud, gpsd, floor } = raw.into_inner();
    let line = match path {
        Some(path) => {
            let checked = port(&path, baud.as_ref(), 0)?;
            Some(ReceiverConfig { path: checked.path, baud: baud.map(Spanned::into_inner) })
        }
        None => {
            if let Some(baud) = baud {
                let remedy = "add port = \"/dev/serial/by-id/…\", or take the line out";
                return Err(Fault::at(baud.span(), "a speed without a port", remedy));
            }
            None
        }
    };
    if line.is_none() && gpsd.is_none() {
        let remedy =
            "add the receiver's port, such as port = \"/dev/serial/by-id/…\", or gpsd = \"127.0.0.1:2947\"";
        return Err(Fault::at(section, "missing key `port` or `gpsd`", remedy));
    }
    Ok(Receiver { line, gpsd: gpsd.map(address).transpose()?, floor: floor.map(day).transpose()? })
}

fn address(text: Spanned<String>) -> Result<String, Fault> {
    let fault = |what| Fault::at(text.span(), what, "write host and port, such as gpsd = \"127.0.0.1:2947\"");
    let Some((host, port)) = text.get_ref().rsplit_once(':') else {
        return Err(fault("gpsd's address has no port"));
    };
    let is_name = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    let is_address = text.get_ref().parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok();
    if !is_name && !is_address {
        return Err(fault("this is no host"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.into_inner()),
        _ => Err(fault("this is no port")),
    }
}

fn day(text: Spanned<String>) -> Result<WallTime, Fault> {
    let day: Option<Date> = text.get_ref().parse().ok();
    day.filter(|day| (FLOOR_YEAR_MIN..=FLOOR_YEAR_MAX).contains(&day.year()))
        .and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok())
        .map(|midnight| WallTime(midnight.as_millisecond()))
        .ok_or_else(|| {
            let what = "a floor is a day that is past";
            Fault::at(text.span(), what, "write year, month and day, such as floor = \"2026-01-01\"")
        })
}
