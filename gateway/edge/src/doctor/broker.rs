//! Is the broker reached, and do both sides know each other?

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use rumqttc::TlsConfiguration;
use rustls::{ClientConnection, pki_types::ServerName};

use super::{Check, Finding, Patient, causes};
use crate::{
    clock::Clock,
    config::Mqtt,
    enrol::Enrolment,
    sync::{is_loopback, tls_configuration},
};

/// How long one try to connect, and one read or write, may take: a satellite answers within two seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 3;
/// Reads until the handshake is over; more is no handshake.
const READS_MAX: usize = 32;

pub struct Broker;

impl Check for Broker {
    fn id(&self) -> &'static str {
        "broker"
    }

    fn description(&self) -> &'static str {
        "the broker is reached"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        let granted = || Enrolment::read(&config.data).map(|found| found.map(|enrolment| enrolment.broker()));
        let broker = match config.mqtt.clone().map_or_else(granted, |broker| Ok(Some(broker))) {
            Ok(Some(broker)) => broker,
            Ok(None) => return Finding::skipped("no broker is configured, and the gateway was not enrolled"),
            Err(error) => {
                return Finding::skipped(format!("the enrolment cannot be read: {}", causes(&error)));
            }
        };
        examine(&broker)
    }
}

fn examine(broker: &Mqtt) -> Finding {
    let at = format!("{}:{}", broker.host, broker.port);
    if broker.tls.is_none() && !is_loopback(&broker.host) {
        return Finding::failure(
            format!("{at} is on another machine and has no [mqtt.tls]: nothing is sent in plain"),
            "enrol the gateway (`waypost enrol`) or configure [mqtt.tls]",
        );
    }
    let stream = match connect(broker) {
        Ok(stream) => stream,
        Err(why) => {
            return Finding::warning(
                format!("{at} is not reached: {why}"),
                "work goes on and records wait; look at the network (cable, modem, name server), then at the broker",
            );
        }
    };
    match &broker.tls {
        None => Finding::ok(format!("{at} takes connections, without TLS on this machine")),
        Some(tls) => match tls_configuration(tls, Clock::system()) {
            Err(error) => Finding::failure(causes(&error), "enrol the gateway anew, or correct [mqtt.tls]"),
            Ok(TlsConfiguration::Rustls(settings)) => match shake_hands(stream, broker, settings) {
                Ok(()) => {
                    Finding::ok(format!("{at} takes connections, and shows a certificate that is believed"))
                }
                Err(why) => Finding::failure(
                    format!("{at} answers, and TLS fails: {why}"),
                    "compare the broker's certificate with the authority that this gateway knows, and look at the clock",
                ),
            },
            Ok(_) => Finding::skipped("another kind of TLS is configured"),
        },
    }
}

fn connect(broker: &Mqtt) -> Result<TcpStream, String> {
    let host = broker.host.trim_matches(['[', ']']);
    let addresses = (host, broker.port).to_socket_addrs().map_err(|error| format!("its name: {error}"))?;
    let mut why = "its name has no address".to_owned();
    for address in addresses.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

fn shake_hands(
    mut stream: TcpStream,
    broker: &Mqtt,
    settings: Arc<rustls::ClientConfig>,
) -> Result<(), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| told(&error))?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|error| told(&error))?;
    let host = broker.host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| told(&error))?;
    let mut tls = ClientConnection::new(settings, name).map_err(|error| told(&error))?;
    for _ in 0..READS_MAX {
        while tls.wants_write() {
            tls.write_tls(&mut stream).map_err(|error| told(&error))?;
        }
        if !tls.is_handshaking() {
            return refused(&mut tls, &mut stream);
        }
        if tls.read_tls(&mut stream).map_err(|error| told(&error))? == 0 {
            return Err("the broker closed the connection".to_owned());
        }
        if let Err(error) = tls.process_new_packets() {
            // The other side hears why; where it does not, it sees the connection end.
            let _ = tls.write_tls(&mut stream);
            return Err(told(&error));
        }
    }
    Err("the handshake has no end".to_owned())
}

/// With TLS 1.3 the broker looks at our certificate after the handshake is over for us: a first packet shows whether it
/// takes it. This one is a CONNECT of protocol level 0, which every broker refuses: no session is begun.
fn refused(tls: &mut ClientConnection, stream: &mut TcpStream) -> Result<(), String> {
    const NO_SUCH_LEVEL: [u8; 14] = [0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 0, 2, 0, 20, 0, 0];
    let told = |error: &dyn std::fmt::Display| error.to_string();
    tls.writer().write_all(&NO_SUCH_LEVEL).map_err(|error| told(&error))?;
    while tls.wants_write() {
        tls.write_tls(stream).map_err(|error| told(&error))?;
    }
    let mut taken = [0; 64];
    for _ in 0..READS_MAX {
        match tls.read_tls(stream) {
            // It closed in good order, or without a word about TLS: it has seen an MQTT packet that it does not like.
            Ok(0) => return Ok(()),
            Ok(_) => {
                tls.process_new_packets().map_err(|error| told(&error))?;
                if matches!(tls.reader().read(&mut taken), Ok(1..)) {
                    return Ok(());
                }
            }
            // Reset, or no answer at all, says nothing about the certificate.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
