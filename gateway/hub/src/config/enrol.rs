//! `[enrol]`: where gateways are enrolled, and what they are told.

use std::net::SocketAddr;

use serde::Deserialize;
use toml::Spanned;
use waypost_core::wire::enrolment::{BrokerAddress, is_address};

use super::{Fault, Mqtt};
use crate::enrol::Enrol;

/// How long a certificate holds where nothing else is said, in days.
const DAYS: u32 = 180;

/// The longest time offline where nothing else is said, in days.
const OFFLINE_DAYS: u32 = 14;

/// Longest time that a certificate may hold, in days: ten years.
const DAYS_MAX: u32 = 3_650;

/// As it is written.
#[derive(Deserialize)]
pub(super) struct RawEnrol {
    listen: Spanned<String>,
    address: Option<Spanned<String>>,
    broker: Option<Spanned<String>>,
    days: Option<Spanned<u32>>,
    offline_days: Option<Spanned<u32>>,
}

/// Checks it.
pub(super) fn check(raw: RawEnrol, mqtt: &Mqtt) -> Result<Enrol, Fault> {
    let remedy = "write an address of this machine and a port, such as \"10.0.0.5:8091\"";
    let listen: SocketAddr = raw.listen.get_ref().parse().map_err(|_| {
        Fault::at(raw.listen.span(), format!("{:?} is no address with a port", raw.listen.get_ref()), remedy)
    })?;
    let address = match raw.address {
        // What is no address in a code would make codes that no gateway takes.
        Some(address) if is_address(address.get_ref()) => address.into_inner(),
        Some(address) => return Err(no_host_and_port(&address)),
        None if listen.ip().is_unspecified() => {
            let what = "gateways must be told where this hub is, and it listens at every address";
            return Err(Fault::at(raw.listen.span(), what, "add address = \"hub.example.org:8091\""));
        }
        None => listen.to_string(),
    };
    let broker = match raw.broker {
        Some(broker) => host_and_port(&broker)?,
        None => BrokerAddress { host: mqtt.host.clone(), port: mqtt.port },
    };
    let days = raw.days.as_ref().map_or(DAYS, |days| *days.get_ref());
    let offline_days = raw.offline_days.as_ref().map_or(OFFLINE_DAYS, |days| *days.get_ref());
    if days == 0 || days > DAYS_MAX || offline_days == 0 || offline_days.saturating_mul(3) >= days {
        let at = raw.days.or(raw.offline_days).map_or(raw.listen.span(), |days| days.span());
        let what = format!(
            "a certificate of {days} days leaves no time to renew it three times {offline_days} days before its end"
        );
        let remedy = format!("write days between {} and {DAYS_MAX}", offline_days.saturating_mul(3) + 1);
        return Err(Fault::at(at, what, remedy));
    }
    Ok(Enrol { listen, address, broker, days, offline_days })
}

fn host_and_port(text: &Spanned<String>) -> Result<BrokerAddress, Fault> {
    let read = text.get_ref().rsplit_once(':').and_then(|(host, port)| {
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let plain = !host.is_empty() && !host.contains(['/', ' ', '@']);
        plain.then(|| BrokerAddress { host: host.to_owned(), port })
    });
    read.ok_or_else(|| no_host_and_port(text))
}

fn no_host_and_port(text: &Spanned<String>) -> Fault {
    let what = format!("{:?} is no host with a port", text.get_ref());
    Fault::at(text.span(), what, "write a host and a port, such as \"hub.example.org:8091\"")
}
