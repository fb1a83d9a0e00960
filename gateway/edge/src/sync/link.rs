//! One connection to the broker, from CONNECT to its end.
//!
//! A new client is made for each connection: nothing that the client remembers of an earlier one is ever sent. Its
//! event loop runs as a task of its own and passes on what was heard through a bounded channel; nothing here waits for
//! room in the client's queue, so that the two can never wait for each other.

use std::{net::IpAddr, time::Duration};

use rumqttc::{
    AsyncClient, Broker, Event, IncomingPacketSizeLimit, LastWill, MqttOptions, Outgoing, Packet,
    PublishOptions, QoS, SubscribeFilterInput, SubscribeReasonCode, Transport,
};
use tokio::{sync::mpsc, task::JoinHandle};
use waypost_core::{
    fact::id::GatewayId,
    wire::{sign::MESSAGE_BYTES_MAX, topic},
};

use super::tls::{self, TlsError};
use crate::{clock::Clock, config::Mqtt, journal::crash_point};

/// Publishes that the broker has not confirmed. The client keeps a place for each: its own limit of 65,535 takes 14 MiB.
const IN_FLIGHT_MAX: u16 = 64;

/// Seconds between pings on a quiet connection.
const KEEP_ALIVE_S: u16 = 20;

/// A connection on which nothing at all was heard for so long is given up, pings included.
pub const SILENCE_MAX: Duration = Duration::from_secs(50);

/// How long the broker may take to answer a CONNECT, TLS included. Over a satellite that is eight journeys of 0.6 s, and
/// one packet lost on the way costs two seconds more.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(20);

/// Most messages that wait in the client; more than the windows and the express copies can ever give it.
const REQUESTS_MAX: usize = 64;

/// Most events that wait for the session. Full, the event loop waits: the broker is slowed down, nothing is lost.
const HEARD_MAX: usize = 64;

/// Longest packet taken in, in bytes: a message with its topic and properties.
const PACKET_BYTES_MAX: u32 = MESSAGE_BYTES_MAX as u32 + 4096;

/// What came from the broker.
#[derive(Debug)]
pub enum Heard {
    /// The broker took the connection.
    Connected {
        /// Longest packet that it takes, in bytes; none: it did not say.
        packet_bytes_max: Option<u32>,
    },
    /// A message.
    Message {
        /// Where.
        topic: String,
        /// Kept by the broker from before, not sent just now.
        retained: bool,
        /// What.
        payload: Vec<u8>,
    },
    /// The broker has taken one of ours. It says nothing about the hub.
    Taken,
    /// Something else: the connection lives.
    Alive,
    /// The connection is over, and why.
    Gone(String),
}

/// Why no connection can be made at all. Trying again helps only after the configuration was mended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Without TLS everybody on the way could read and change what is sent.
    #[error(
        "the broker {0} is not on this machine and [mqtt.tls] is not set: nothing is sent in plain over a network"
    )]
    Plain(String),
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client refused its options.
    #[error("the MQTT client refused its options")]
    Client(#[from] rumqttc::ClientBuildError),
}

/// The client cannot take a message now: its queue is full, or the connection is over.
#[derive(Debug)]
pub struct Busy;

/// A connection under way.
pub struct Link {
    client: AsyncClient,
    heard: mpsc::Receiver<Heard>,
    events: JoinHandle<()>,
}

impl Link {
    /// Begins to connect; [`Heard::Connected`] or [`Heard::Gone`] follows. `will` is what the broker publishes,
    /// retained, when the connection breaks.
    pub fn open(broker: &Mqtt, gateway: &GatewayId, clock: &Clock, will: Vec<u8>) -> Result<Self, LinkError> {
        if broker.tls.is_none() && !is_loopback(&broker.host) {
            return Err(LinkError::Plain(broker.host.clone()));
        }
        let status = topic::Up::Status.topic(gateway);
        let mut options =
            MqttOptions::new(format!("waypost-{gateway}"), Broker::tcp(broker.host.clone(), broker.port));
        options
            .set_keep_alive(KEEP_ALIVE_S)
            .set_connect_timeout(CONNECT_PATIENCE)
            .set_clean_start(true)
            .set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX)
            .set_incoming_packet_size_limit(IncomingPacketSizeLimit::Bytes(PACKET_BYTES_MAX))
            .set_last_will(LastWill::new(status, will, QoS::AtLeastOnce, true, None));
        let mut network = options.network_options();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        if let Some(tls) = &broker.tls {
            options.set_transport(Transport::tls_with_config(tls::configuration(tls, clock.clone())?));
        }
        let (client, events) = AsyncClient::builder(options).capacity(REQUESTS_MAX).try_build()?;
        let (tell, heard) = mpsc::channel(HEARD_MAX);
        Ok(Self { client, heard, events: tokio::spawn(listen(events, tell)) })
    }

    /// The next thing heard. Can be dropped and called again without losing any.
    pub async fn heard(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            None => Heard::Gone("the client's task ended".to_owned()),
        }
    }

    /// What was heard and waits, without waiting.
    pub fn heard_already(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    /// Asks for the gateway's acknowledgements and orders. What is retained comes at once.
    pub fn subscribe(&self, gateway: &GatewayId, with_filters: bool) -> Result<(), Busy> {
        let filters = topic::subscriptions(gateway, with_filters).into_iter();
        let filters = filters.map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
        self.client.try_subscribe_many(filters).map_err(|_| Busy)
    }

    /// Gives the client a message that the broker must confirm: [`Heard::Taken`] follows.
    pub fn publish(&self, topic: String, payload: Vec<u8>) -> Result<(), Busy> {
        self.client.try_publish(topic, payload, PublishOptions::at_least_once()).map_err(|_| Busy)
    }

    /// Gives the client a message about the gateway's state: the next one replaces it, so it is not confirmed.
    pub fn publish_state(&self, topic: String, payload: Vec<u8>, retained: bool) -> Result<(), Busy> {
        let options = PublishOptions::at_most_once().retain(retained);
        self.client.try_publish(topic, payload, options).map_err(|_| Busy)
    }

    /// Says goodbye, so that the broker keeps the will to itself, and waits at most so long for it.
    pub async fn close(mut self, patience: Duration) {
        let goodbye = async {
            if self.client.disconnect().await.is_ok() {
                while !matches!(self.heard().await, Heard::Gone(_)) {}
            }
        };
        // Too slow: the broker sees the connection break and publishes the will, which says the same.
        let _ = tokio::time::timeout(patience, goodbye).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.events.abort();
    }
}

/// Runs the client's event loop until the connection ends.
async fn listen(mut events: rumqttc::EventLoop, tell: mpsc::Sender<Heard>) {
    loop {
        let heard = match events.poll().await {
            Ok(Event::Incoming(packet)) => on_packet(packet),
            Ok(Event::Outgoing(Outgoing::Disconnect)) => Heard::Gone("closed".to_owned()),
            Ok(_) => continue,
            Err(error) => Heard::Gone(error.to_string()),
        };
        let over = matches!(heard, Heard::Gone(_));
        if tell.send(heard).await.is_err() || over {
            return;
        }
    }
}

fn on_packet(packet: Packet) -> Heard {
    match packet {
        Packet::ConnAck(ack) => {
            Heard::Connected { packet_bytes_max: ack.properties.and_then(|told| told.max_packet_size) }
        }
        Packet::Publish(message) => Heard::Message {
            topic: String::from_utf8_lossy(&message.topic).into_owned(),
            retained: message.retain,
            payload: message.payload.to_vec(),
        },
        Packet::PubAck(_) => {
            crash_point("after_publish_before_puback");
            Heard::Taken
        }
        Packet::SubAck(ack) if !ack.return_codes.iter().all(is_granted) => Heard::Gone(
            "the broker does not let this gateway read its acknowledgements and orders".to_owned(),
        ),
        Packet::Disconnect(_) => Heard::Gone("the broker closed the connection".to_owned()),
        _ => Heard::Alive,
    }
}

fn is_granted(code: &SubscribeReasonCode) -> bool {
    matches!(code, SubscribeReasonCode::Success(_))
}

/// Is it this machine?
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls;

    #[tokio::test]
    async fn nothing_is_sent_in_plain_over_a_network() {
        let gateway = GatewayId::new("post-1").unwrap();
        for host in ["10.0.0.7", "broker.example", "::2", "127.0.0.1.example", "localhost.example"] {
            let broker = Mqtt { host: host.to_owned(), port: 1883, tls: None };
            assert!(
                matches!(
                    Link::open(&broker, &gateway, &Clock::system(), Vec::new()),
                    Err(LinkError::Plain(_))
                ),
                "{host}"
            );
        }
        for host in ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
    }

    #[tokio::test]
    async fn a_certificate_that_is_missing_is_named() {
        let gateway = GatewayId::new("post-1").unwrap();
        let tls = Tls { ca: "no/ca.pem".into(), cert: "no/cert.pem".into(), key: "no/key.pem".into() };
        let broker = Mqtt { host: "broker.example".to_owned(), port: 8883, tls: Some(tls) };
        let error = Link::open(&broker, &gateway, &Clock::system(), Vec::new()).err().unwrap();
        assert!(error.to_string().contains("no/"), "{error}");
    }
}
