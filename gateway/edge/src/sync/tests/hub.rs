//! A broker and a hub in one, small enough to be told how to misbehave. It speaks MQTT 5 with the client's own codec.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::BytesMut;
use rumqttc::{
    ConnAck, ConnAckProperties, ConnectReturnCode, LastWill, Packet, PubAck, Publish, QoS, SubAck,
    SubscribeReasonCode,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use uuid::Uuid;
use waypost_core::{
    fact::{Link, Stream, WallTime, id::GatewayId},
    wire::{
        ack::{Ack, LedgerAck, TrackAck},
        ask::Ask,
        batch::Batch,
        express::Express,
        keys::{PublicKey, SignKey},
        status::{self, Status},
        topic::{self, Up},
    },
};

/// What the hub has and how it behaves.
pub struct State {
    pub journal: Uuid,
    pub gateway_key: PublicKey,
    /// Signs acknowledgements; a test may put a wrong one in.
    pub ack_key: SignKey,
    pub epoch: u64,
    /// What acknowledgements say of the time.
    pub time: WallTime,
    /// Lines of the ledger, with their links.
    pub ledger: BTreeMap<u64, (String, Link)>,
    pub track: BTreeMap<u64, String>,
    pub alarms: Vec<Express>,
    pub asks: Vec<Ask>,
    pub statuses: Vec<Status>,
    pub will: Option<LastWill>,
    /// What came, in order: `ledger 1-20`, `alarm 21`, `track 1-3`.
    pub came: Vec<String>,
    pub connections: u32,
    /// So many next batches are confirmed and thrown away.
    pub drop_batches: u32,
    /// Batches are taken and nothing is said.
    pub mute: bool,
    /// Given in every acknowledgement in place of the true link.
    pub false_link: Option<Link>,
    /// Longest packet that it takes.
    pub packet_max: Option<u32>,
    pub longest_packet: usize,
    /// Retained messages besides the acknowledgement.
    pub retained: Vec<(String, Vec<u8>)>,
}

/// What a test tells the connections.
#[derive(Clone)]
enum Tell {
    Close,
    Publish(String, Vec<u8>),
}

/// The broker and hub.
pub struct Hub {
    pub port: u16,
    state: Arc<Mutex<State>>,
    tell: broadcast::Sender<Tell>,
    gateway: GatewayId,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    pub async fn start(gateway: GatewayId, journal: Uuid, gateway_key: PublicKey, ack_key: SignKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            journal,
            gateway_key,
            ack_key,
            epoch: 1,
            time: WallTime(1_599_091_200_000),
            ledger: BTreeMap::new(),
            track: BTreeMap::new(),
            alarms: Vec::new(),
            asks: Vec::new(),
            statuses: Vec::new(),
            will: None,
            came: Vec::new(),
            connections: 0,
            drop_batches: 0,
            mute: false,
            false_link: None,
            packet_max: None,
            longest_packet: 0,
            retained: Vec::new(),
        }));
        let (tell, _) = broadcast::channel(16);
        let task = tokio::spawn(accept(listener, Arc::clone(&state), tell.clone(), gateway.clone()));
        Self { port, state, tell, gateway, task }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks all connections.
    pub fn close(&self) {
        let _ = self.tell.send(Tell::Close);
    }

    pub fn publish(&self, topic: String, payload: Vec<u8>) {
        let _ = self.tell.send(Tell::Publish(topic, payload));
    }

    /// Says what the hub holds, as it does when it comes back.
    pub fn say_ack(&self) {
        let ack = self.state().ack();
        self.publish(topic::ack(&self.gateway), ack);
    }
}

impl State {
    /// The last number without a hole before it, and its link.
    pub fn held(&self) -> (u64, Link) {
        let mut held = (0, Link::START);
        for (seq, (_, link)) in &self.ledger {
            if *seq != held.0 + 1 {
                break;
            }
            held = (*seq, *link);
        }
        held
    }

    fn ack(&self) -> Vec<u8> {
        let (held, link) = self.held();
        let ack = Ack {
            epoch: self.epoch,
            time: self.time,
            journal: self.journal,
            ledger: LedgerAck { held, safe: held, link: self.false_link.unwrap_or(link) },
            track: TrackAck { held: self.track.last_key_value().map_or(0, |(seq, _)| *seq) },
        };
        ack.sign(&self.ack_key).unwrap()
    }

    /// Takes a message; true where an acknowledgement follows.
    fn take(&mut self, up: Up, payload: &[u8]) -> bool {
        let key = self.gateway_key;
        match up {
            Up::Status => self.statuses.extend(status::read::<Status>(payload)),
            Up::Health => {}
            Up::Ask => self.asks.push(Ask::open(payload, |_| Some(key)).unwrap().1),
            Up::Alarm => {
                let (_, express) = Express::open(payload, |_| Some(key)).unwrap();
                self.came.push(format!("alarm {}", express.seq));
                self.alarms.push(express);
            }
            Up::Ledger | Up::Track => {
                let batch = Batch::open(payload, |_| Some(key)).unwrap();
                self.came.push(format!("{} {}-{}", up.name(), batch.first, batch.last));
                if self.drop_batches > 0 {
                    self.drop_batches -= 1;
                    return false;
                }
                self.store(&batch);
                return !self.mute;
            }
        }
        false
    }

    fn store(&mut self, batch: &Batch) {
        assert_eq!(batch.journal, self.journal);
        if batch.stream == Stream::Track {
            self.track.extend(batch.lines().map(|(seq, line)| (seq, line.to_owned())));
            return;
        }
        for ((seq, line), link) in batch.lines().zip(batch.links().unwrap()) {
            let known = self.ledger.insert(seq, (line.to_owned(), link));
            assert!(known.is_none_or(|known| known == (line.to_owned(), link)), "another line under {seq}");
        }
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<Mutex<State>>,
    tell: broadcast::Sender<Tell>,
    gateway: GatewayId,
) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&state), tell.subscribe(), gateway.clone()));
    }
}

async fn serve(
    mut stream: TcpStream,
    state: Arc<Mutex<State>>,
    mut told: broadcast::Receiver<Tell>,
    gateway: GatewayId,
) {
    let mut input = BytesMut::new();
    loop {
        let mut output = BytesMut::new();
        tokio::select! {
            read = stream.read_buf(&mut input) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
                let before = input.len();
                let mut left = before;
                while let Ok(packet) = Packet::read(&mut input, None) {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.longest_packet = state.longest_packet.max(left - input.len());
                    left = input.len();
                    if matches!(packet, Packet::Disconnect(_)) {
                        return;
                    }
                    for answer in state.answer(packet, &gateway) {
                        answer.write(&mut output, None).unwrap();
                    }
                }
            }
            tell = told.recv() => match tell {
                Ok(Tell::Publish(topic, payload)) => {
                    publish(topic, payload, false).write(&mut output, None).unwrap();
                }
                _ => return,
            }
        }
        if stream.write_all(&output).await.is_err() {
            return;
        }
    }
}

fn publish(topic: String, payload: Vec<u8>, retained: bool) -> Packet {
    let mut message = Publish::new(topic, QoS::AtMostOnce, payload, None);
    message.retain = retained;
    Packet::Publish(message)
}

impl State {
    fn answer(&mut self, packet: Packet, gateway: &GatewayId) -> Vec<Packet> {
        match packet {
            Packet::Connect(_, will, _) => {
                self.connections += 1;
                self.will = will;
                let properties = self.packet_max.map(|most| ConnAckProperties {
                    session_expiry_interval: None,
                    receive_max: None,
                    max_qos: None,
                    retain_available: None,
                    max_packet_size: Some(most),
                    assigned_client_identifier: None,
                    topic_alias_max: None,
                    reason_string: None,
                    user_properties: Vec::new(),
                    wildcard_subscription_available: None,
                    subscription_identifiers_available: None,
                    shared_subscription_available: None,
                    server_keep_alive: None,
                    response_information: None,
                    server_reference: None,
                    authentication_method: None,
                    authentication_data: None,
                });
                let code = ConnectReturnCode::Success;
                vec![Packet::ConnAck(ConnAck { session_present: false, code, properties })]
            }
            Packet::Subscribe(subscribe) => {
                let return_codes =
                    subscribe.filters.iter().map(|_| SubscribeReasonCode::Success(QoS::AtLeastOnce));
                let (pkid, return_codes) = (subscribe.pkid, return_codes.collect());
                let mut answers = vec![Packet::SubAck(SubAck { pkid, return_codes, properties: None })];
                if !self.mute {
                    answers.push(publish(topic::ack(gateway), self.ack(), true));
                }
                let retained = self.retained.iter().cloned();
                answers.extend(retained.map(|(topic, payload)| publish(topic, payload, true)));
                answers
            }
            Packet::Publish(message) => {
                let mut answers = Vec::new();
                if message.qos == QoS::AtLeastOnce {
                    answers.push(Packet::PubAck(PubAck::new(message.pkid, None)));
                }
                let topic = std::str::from_utf8(&message.topic).unwrap();
                let (from, up) = Up::parse(topic).unwrap();
                assert_eq!(&from, gateway);
                if self.take(up, &message.payload) {
                    answers.push(publish(topic::ack(gateway), self.ack(), false));
                }
                answers
            }
            Packet::PingReq => vec![Packet::PingResp],
            _ => Vec::new(),
        }
    }
}
