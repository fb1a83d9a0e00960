//! One connection to the broker after the other, each from a clean start.
//!
//! At the start of each, the acknowledgements that the broker retains are read before anything is acknowledged: one
//! that is ahead of the store asks for a new epoch. They are subscribed to at QoS 0, so that all of them come before
//! the answer to the next subscription.

use std::{
    fs, io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, IncomingPacketSizeLimit, MqttOptions, Packet, Publish,
    PublishOptions, QoS, SubscribeFilter, SubscribeFilterInput, SubscribeReasonCode, Transport,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use waypost_core::{
    fact::{Link, id::GatewayId},
    wire::{
        ack::{Ack, LedgerAck, TrackAck},
        ask::Ask,
        keys::PublicKey,
        sign::MESSAGE_BYTES_MAX,
        topic::{self, Up},
    },
};

use super::{
    decode::decode,
    ends::Ends,
    questions::{self, QUESTIONS_MAX},
    retain,
};
use crate::{
    causes::Causes,
    config::{Mqtt, Tls, is_loopback},
    store::{HeldNow, Job},
};

/// Requests that wait within the MQTT client.
const REQUESTS_MAX: usize = 64;

/// Publishes that the broker has not confirmed. The client keeps a place for each: its own limit of 65,535 takes 14 MiB.
const IN_FLIGHT_MAX: u16 = 64;

/// Seconds between pings.
const KEEP_ALIVE_S: u16 = 15;

/// How long the broker may take to answer a CONNECT, TLS included.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);

/// The client pings every [`KEEP_ALIVE_S`] and ends a connection that leaves one unanswered. Where it cannot even write,
/// because nobody takes what was sent, it does nothing at all; for so long.
const STUCK_MAX: Duration = Duration::from_secs(40);

/// A connection that lived so long was a good one: the next try comes soon. Two hubs under one name would otherwise
/// throw each other out without a pause.
const STEADY: Duration = Duration::from_secs(5);

/// Limits of the pauses between tries to connect: doubled from the first to the second.
const PAUSE_MS: (u64, u64) = (100, 5_000);

/// The highest limit where the broker is on this machine: it is back as soon as it runs, and nobody else waits in line.
const LOCAL_PAUSE_MS_MAX: u64 = 2_000;

/// A subscription's filters: first the acknowledgements, then what gateways send.
const SUBSCRIPTIONS: u32 = 2;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the connection to the broker ended")]
    Connection(#[from] ConnectionError),
    #[error("nothing can be sent to the broker, and nothing comes")]
    Stuck,
    #[error("the broker does not let the hub read what gateways send")]
    Unreadable,
    #[error("the client does not take requests")]
    Client(#[from] rumqttc::ClientError),
    #[error("a file for TLS cannot be read")]
    Tls(#[source] io::Error),
    #[error("the store takes nothing any more")]
    Store,
}

/// Connects, and connects again, until the store ends. Meant to be dropped at the end.
pub(crate) async fn run(ends: Ends) {
    let pause_ms_max = pause_ms_max(&ends.mqtt.host);
    let mut limit_ms = PAUSE_MS.0;
    for session in 1.. {
        ends.outbox.close(session);
        let mut reached = None;
        let ended = connection(&ends, session, &mut reached).await;
        let _nobody_may_watch = ends.online.send(false);
        if matches!(ended, Ended::Store) {
            return;
        }
        let steady = reached.is_some_and(|at: Instant| at.elapsed() >= STEADY);
        limit_ms = if steady { PAUSE_MS.0 } else { (limit_ms * 2).min(pause_ms_max) };
        let pause_ms = jitter(limit_ms, random());
        tracing::warn!(error = %Causes(&ended), pause_ms, "broker");
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }
}

/// The highest limit of a pause before a broker of that name.
fn pause_ms_max(host: &str) -> u64 {
    if is_loopback(host) { LOCAL_PAUSE_MS_MAX } else { PAUSE_MS.1 }
}

/// Full jitter: anything from nothing to the limit, as `random` is anything from 0 to `u32::MAX`.
fn jitter(limit_ms: u64, random: u32) -> u64 {
    limit_ms * u64::from(random) / u64::from(u32::MAX)
}

/// A number from the system; half the range where the system has none.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

async fn connection(ends: &Ends, session: u64, reached: &mut Option<Instant>) -> Ended {
    let options = match options(&ends.mqtt) {
        Ok(options) => options,
        Err(error) => return Ended::Tls(error),
    };
    let (client, events) = AsyncClient::builder(options).capacity(REQUESTS_MAX).build();
    let packet_bytes_max = AtomicUsize::new(usize::MAX);
    let (ask, asked) = mpsc::channel(QUESTIONS_MAX);
    tokio::select! {
        ended = receive(ends, events, session, (reached, &packet_bytes_max), ask) => ended,
        ended = send(ends, &client, &packet_bytes_max, asked) => match ended { Ok(never) => match never {}, Err(error) => error },
    }
}

fn options(mqtt: &Mqtt) -> io::Result<MqttOptions> {
    let mut options = MqttOptions::new(mqtt.client.clone(), (mqtt.host.clone(), mqtt.port));
    options
        .set_keep_alive(KEEP_ALIVE_S)
        .set_connect_timeout(CONNECT_PATIENCE)
        .set_clean_start(true)
        .set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX);
    let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX).saturating_add(1024);
    options.set_incoming_packet_size_limit(IncomingPacketSizeLimit::Bytes(bytes_max));
    if let Some(Tls { ca, cert, key }) = &mqtt.tls {
        let client = Some((fs::read(cert)?, fs::read(key)?));
        options.set_transport(Transport::tls(fs::read(ca)?, client, None));
    }
    Ok(options)
}

/// Takes what comes. It waits while the writer's queue is full, and with it the broker.
async fn receive(
    ends: &Ends,
    mut events: EventLoop,
    session: u64,
    (reached, packet_bytes_max): (&mut Option<Instant>, &AtomicUsize),
    ask: mpsc::Sender<(GatewayId, Ask)>,
) -> Ended {
    let mut subscribed = 0;
    loop {
        let packet = match timeout(STUCK_MAX, events.poll()).await {
            Ok(Ok(Event::Incoming(packet))) => packet,
            Ok(Ok(_)) => continue,
            Ok(Err(error)) => return error.into(),
            Err(_) => return Ended::Stuck,
        };
        match packet {
            Packet::ConnAck(ack) => {
                let told = ack.properties.and_then(|told| told.max_packet_size);
                if let Some(bytes) = told.and_then(|bytes| usize::try_from(bytes).ok()) {
                    packet_bytes_max.store(bytes, Ordering::Relaxed);
                }
                *reached = Some(Instant::now());
                let _nobody_may_watch = ends.online.send(true);
                tracing::info!(host = ends.mqtt.host, port = ends.mqtt.port, "broker reached");
            }
            Packet::SubAck(ack) if !ack.return_codes.iter().all(is_granted) => return Ended::Unreadable,
            Packet::SubAck(_) => {
                subscribed += 1;
                if subscribed == SUBSCRIPTIONS && ends.jobs.send(Job::Republish(session)).await.is_err() {
                    return Ended::Store;
                }
            }
            Packet::Publish(publish) => {
                if let Some(question) = question(ends, &publish) {
                    // Full: the gateway goes on without an answer.
                    let _dropped = ask.try_send(question);
                    continue;
                }
                if let Some(job) = job(ends, &publish)
                    && ends.jobs.send(job).await.is_err()
                {
                    return Ended::Store;
                }
            }
            _ => {}
        }
    }
}

fn is_granted(code: &SubscribeReasonCode) -> bool {
    matches!(code, SubscribeReasonCode::Success(_))
}

fn question(ends: &Ends, publish: &Publish) -> Option<(GatewayId, Ask)> {
    match Up::parse(std::str::from_utf8(&publish.topic).ok()?)? {
        (gateway, Up::Ask) => questions::read(ends, &gateway, &publish.payload),
        _ => None,
    }
}

fn job(ends: &Ends, publish: &Publish) -> Option<Job> {
    let topic = std::str::from_utf8(&publish.topic).ok()?;
    if let Some((gateway, up)) = Up::parse(topic) {
        return decode(&ends.places, &gateway, up, &publish.payload);
    }
    let retained = ahead(&publish.payload, &ends.keys.ack.public())?;
    match ends.view.is_behind(&retained) {
        Ok(true) => {
            tracing::error!(
                topic,
                epoch = retained.epoch,
                "the broker retains an acknowledgement ahead of this store"
            );
            Some(Job::RaiseEpoch(retained.epoch))
        }
        Ok(false) => None,
        Err(error) => {
            tracing::error!(error = %Causes(&error), "the store cannot be compared with what was acknowledged");
            Some(Job::RaiseEpoch(retained.epoch))
        }
    }
}

/// An acknowledgement signed by our own key. Another's is no evidence; it is written over.
fn ahead(payload: &[u8], key: &PublicKey) -> Option<Ack> {
    match Ack::open(payload, key) {
        Ok(ack) => Some(ack),
        Err(error) => {
            tracing::warn!(%error, "the broker retains an acknowledgement that is not ours");
            None
        }
    }
}

enum Never {}

/// Subscribes, then publishes what is to be published, as it comes up.
async fn send(
    ends: &Ends,
    client: &AsyncClient,
    packet_bytes_max: &AtomicUsize,
    mut asked: mpsc::Receiver<(GatewayId, Ask)>,
) -> Result<Never, Ended> {
    let mut acks = SubscribeFilter::new(format!("{}/+/ack", topic::PREFIX), QoS::AtMostOnce);
    acks.nolocal = true;
    client.subscribe_many([acks]).await?;
    let ups = Up::ALL.map(|up| SubscribeFilterInput::new(up.filter(), QoS::AtLeastOnce));
    client.subscribe_many(ups).await?;
    let retained = PublishOptions::at_least_once().retained();
    let mut orders_sent = 0;
    let mut opened = false;
    loop {
        for held in ends.outbox.take().into_iter().flatten() {
            opened = true;
            let Some(place) = ends.places.gateway(&held.gateway) else { continue };
            match ack(&held, ends).sign(&ends.keys.ack) {
                Ok(bytes) => client.publish(topic::ack(&place.gateway), bytes, retained.clone()).await?,
                Err(error) => tracing::error!(%error, "an acknowledgement cannot be signed"),
            }
        }
        opened |= ends.outbox.is_open();
        // A new epoch must be known before any order of ours carries the old one.
        if opened {
            let (orders, number) = ends.book.since(orders_sent);
            for order in orders {
                // The broker's CONNACK came before what it retains was looked at.
                for (topic, bytes) in retain::messages(order, packet_bytes_max.load(Ordering::Relaxed), ends)
                {
                    client.publish(topic, bytes, retained.clone()).await?;
                }
            }
            orders_sent = number;
        }
        tokio::select! {
            () = ends.outbox.news.notified() => {}
            () = ends.book.news.notified() => {}
            Some((gateway, ask)) = asked.recv() => {
                if let Some((topic, bytes)) = questions::answer(ends, gateway, ask).await {
                    client.publish(topic, bytes, PublishOptions::at_most_once()).await?;
                }
            }
        }
    }
}

fn ack(held: &HeldNow, ends: &Ends) -> Ack {
    let HeldNow { epoch, journal, held, link, track_held, .. } = *held;
    let link = if held == 0 { Link::START } else { link };
    // The operator runs without a second copy: what is held is safe.
    let ledger = LedgerAck { held, safe: held, link };
    Ack { epoch, time: ends.clock.now(), journal, ledger, track: TrackAck { held: track_held } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_on_this_machine_is_tried_again_within_two_seconds() {
        for (host, limit_ms) in
            [("localhost", 2_000), ("127.0.0.1", 2_000), ("::1", 2_000), ("10.0.0.7", 5_000)]
        {
            assert_eq!(pause_ms_max(host), limit_ms, "{host}");
        }
    }

    #[test]
    fn a_pause_is_anything_from_nothing_to_its_limit() {
        assert_eq!([0, u32::MAX].map(|random| jitter(PAUSE_MS.1, random)), [0, PAUSE_MS.1]);
    }
}
