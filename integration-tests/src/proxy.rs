//! A bad network: a proxy on the loopback between gateways and their broker.
//!
//! Bytes are passed on unread, so TLS goes through it too. TCP hides loss, so loss is what TCP makes of it: everything
//! behind a lost packet waits for its retransmission.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    runtime::Runtime,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// Bytes taken at once: about a packet, so that each has its own delay.
const CHUNK_BYTES: usize = 1_400;
/// Packets under way in one direction of a connection. Behind these the sender waits, as it does for a full window.
const UNDER_WAY_MAX: usize = 512;
/// A shorter packet is not cut: it is a ping or a confirmation.
const CUT_BYTES_MIN: usize = 60;

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weather {
    /// As it comes.
    Calm,
    /// Each packet is late, in each direction.
    Slow(Delay),
    /// No network: connections are broken, new ones refused.
    Away,
    /// Nothing gets through and nobody is told. Connections under way stay dead also when the weather is better: what
    /// was on the way has forgotten them.
    Blackhole,
}

/// How late packets are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// Milliseconds that a packet takes in one direction.
    pub ms: u32,
    /// Up to so many milliseconds more or less.
    pub jitter_ms: u32,
    /// Lost packets of a thousand.
    pub lost_of_1000: u32,
}

impl Delay {
    /// A mobile network of the third generation.
    pub const MOBILE_3G: Self = Self { ms: 100, jitter_ms: 10, lost_of_1000: 0 };
    /// A geostationary satellite.
    pub const SATELLITE: Self = Self { ms: 600, jitter_ms: 50, lost_of_1000: 20 };

    /// How long one packet takes; a lost one is sent again after a round trip and the least pause of RFC 6298, one
    /// second.
    fn roll(self, dice: &Dice) -> Duration {
        let spread = dice.below(2 * self.jitter_ms + 1);
        let mut ms = u64::from(self.ms + spread).saturating_sub(u64::from(self.jitter_ms));
        if dice.below(1_000) < self.lost_of_1000 {
            ms += u64::from(self.ms) * 2 + 1_000;
        }
        Duration::from_millis(ms)
    }
}

/// A proxy in front of one port of the loopback.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    /// Ends all tasks when it is dropped.
    _runtime: Runtime,
}

struct Shared {
    target: AtomicU16,
    weather: watch::Sender<Weather>,
    /// With each new number the connections of that moment lose their server's side.
    half_open: watch::Sender<u64>,
    /// With each new number they are broken.
    breaks: watch::Sender<u64>,
    cuts: AtomicU32,
    accepted: Mutex<Vec<Instant>>,
    carried: AtomicU64,
    dice: Dice,
}

impl Proxy {
    /// Starts one, in calm weather. `seed`: the same delays and losses for the same packets.
    pub fn start(target: u16, seed: u64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            weather: watch::Sender::new(Weather::Calm),
            half_open: watch::Sender::new(0),
            breaks: watch::Sender::new(0),
            cuts: AtomicU32::new(0),
            accepted: Mutex::new(Vec::new()),
            carried: AtomicU64::new(0),
            dice: Dice(AtomicU64::new(seed)),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, _runtime: runtime }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections go to another port.
    pub fn lead_to(&self, target: u16) {
        self.shared.target.store(target, Ordering::SeqCst);
    }

    /// Breaks all connections once; new ones are carried.
    pub fn break_all(&self) {
        self.shared.breaks.send_modify(|number| *number += 1);
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// The broker's side of all connections is closed; the gateway's side stays, is read, and hears nothing. New
    /// connections are whole.
    pub fn half_open(&self) {
        self.shared.half_open.send_modify(|number| *number += 1);
    }

    /// The next so many packets, of either direction, are passed on by half; then their connection is closed.
    pub fn cut_packets(&self, number: u32) {
        self.shared.cuts.store(number, Ordering::SeqCst);
    }

    /// Cuts that were ordered and are not made yet.
    pub fn cuts_left(&self) -> u32 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// When connections were made and carried to the broker, in order.
    pub fn connects(&self) -> Vec<Instant> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// Bytes passed on so far.
    pub fn carried(&self) -> u64 {
        self.shared.carried.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let weather = *shared.weather.borrow();
        match weather {
            Weather::Away => reset(client),
            _ => drop(tokio::spawn(carry(client, Arc::clone(&shared)))),
        }
    }
}

/// Closes with a reset, as a network that is not there does.
fn reset(stream: TcpStream) {
    let _gone_all_the_same = stream.set_zero_linger();
}

/// How a connection ends.
enum Fate {
    /// One side closed it, and all that it had said was passed on.
    Closed,
    /// It was broken.
    Reset,
    /// Nothing passes any more.
    Dead,
    /// The server's side is gone.
    HalfOpen,
}

/// One connection, to its end.
async fn carry(mut client: TcpStream, shared: Arc<Shared>) {
    let mut weather = shared.weather.subscribe();
    let (mut half_open, mut breaks) = (shared.half_open.subscribe(), shared.breaks.subscribe());
    if *weather.borrow_and_update() == Weather::Blackhole {
        return hold(client, None).await;
    }
    let target = shared.target.load(Ordering::SeqCst);
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else { return reset(client) };
    shared.accepted.lock().unwrap().push(Instant::now());
    let _slower_if_not = (client.set_nodelay(true), server.set_nodelay(true));
    let fate = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            fate = pump(from_client, to_server, &shared) => fate,
            fate = pump(from_server, to_client, &shared) => fate,
            _ = half_open.changed() => Fate::HalfOpen,
            _ = breaks.changed() => Fate::Reset,
            fate = storm(&mut weather) => fate,
        }
    };
    match fate {
        Fate::Closed => {}
        Fate::Reset => {
            reset(client);
            reset(server);
        }
        Fate::Dead => hold(client, Some(server)).await,
        Fate::HalfOpen => {
            drop(server);
            let mut heard = [0; CHUNK_BYTES];
            while client.read(&mut heard).await.is_ok_and(|bytes| bytes > 0) {}
        }
    }
}

/// Ready when the weather ends a connection.
async fn storm(weather: &mut watch::Receiver<Weather>) -> Fate {
    while weather.changed().await.is_ok() {
        match *weather.borrow() {
            Weather::Away => return Fate::Reset,
            Weather::Blackhole => return Fate::Dead,
            Weather::Calm | Weather::Slow(_) => {}
        }
    }
    Fate::Reset
}

/// Keeps both sides open for as long as the proxy lives, and does nothing with what comes.
async fn hold(_client: TcpStream, _server: Option<TcpStream>) {
    std::future::pending().await
}

/// Passes on one direction of a connection.
async fn pump(from: ReadHalf<'_>, to: WriteHalf<'_>, shared: &Shared) -> Fate {
    let (send, receive) = mpsc::channel(UNDER_WAY_MAX);
    let (_, fate) = tokio::join!(take(from, send, shared), give(to, receive, shared));
    fate
}

/// Takes packets and says when each is due. They stay in order: what is behind a late one is late too.
async fn take(mut from: ReadHalf<'_>, send: mpsc::Sender<(Instant, Vec<u8>)>, shared: &Shared) {
    let mut last = Instant::now();
    loop {
        let mut packet = vec![0; CHUNK_BYTES];
        let Ok(bytes) = from.read(&mut packet).await else { return };
        packet.truncate(bytes);
        let weather = *shared.weather.borrow();
        let delay = match weather {
            Weather::Slow(delay) => delay.roll(&shared.dice),
            _ => Duration::ZERO,
        };
        last = last.max(Instant::now() + delay);
        if bytes == 0 || send.send((last, packet)).await.is_err() {
            return;
        }
    }
}

/// Gives each packet when it is due.
async fn give(
    mut to: WriteHalf<'_>,
    mut receive: mpsc::Receiver<(Instant, Vec<u8>)>,
    shared: &Shared,
) -> Fate {
    while let Some((due, packet)) = receive.recv().await {
        sleep_until(due).await;
        let cut = packet.len() >= CUT_BYTES_MIN && shared.take_cut();
        let given = if cut { &packet[..packet.len() / 2] } else { &packet[..] };
        if to.write_all(given).await.is_err() {
            break;
        }
        shared.carried.fetch_add(given.len() as u64, Ordering::Relaxed);
        if cut {
            // The half must be on its way before the reset overtakes it.
            let _gone_all_the_same = to.shutdown().await;
            return Fate::Closed;
        }
    }
    Fate::Closed
}

impl Shared {
    /// Is this packet to be cut?
    fn take_cut(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }
}

/// Random numbers that are the same for the same seed.
struct Dice(AtomicU64);

impl Dice {
    /// A number below `sides`.
    fn below(&self, sides: u32) -> u32 {
        let step =
            |seed: u64| seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let seed =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seed| Some(step(seed))).unwrap_or(0);
        ((seed >> 33) % u64::from(sides)) as u32
    }
}
