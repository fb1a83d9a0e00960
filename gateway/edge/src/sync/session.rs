//! One connection after the other: sends what the windows allow, takes what comes down.

mod downward;
mod older;
mod report;
mod upward;

use std::{pin::Pin, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use waypost_core::{fact::Link as ChainLink, wire::sign::BATCH_BYTES_MAX};

use super::{
    Parts, SyncConfig,
    backoff::{self, Backoff},
    link::{CONNECT_PATIENCE, Heard, Link, SILENCE_MAX},
    orders::Orders,
    questions::{self, Question, Questions},
    uplink::Source,
    window::{BATCHES_MAX, Pace, Window},
};
use crate::{config::Mqtt, journal::Tail};

/// A connection that lived so long was a good one: the next try comes soon. Two gateways under one name would otherwise
/// throw each other out without a pause.
const STEADY: Duration = Duration::from_secs(5);

/// How long a goodbye may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait after the journal could not be read, or the client had no room.
const RETRY: Duration = Duration::from_millis(500);

/// Bytes of a PUBLISH packet around its payload, at most: header, topic, properties.
const PACKET_EXTRA_BYTES: usize = 256;

/// How a connection ended.
#[derive(Debug)]
pub enum Ended {
    /// The gateway stops.
    Shutdown,
    /// It broke, or never came about.
    Failed(String),
}

/// What outlives a connection.
pub struct Session {
    config: SyncConfig,
    parts: Parts,
    orders: Orders,
    tail: watch::Receiver<Tail>,
    ledger: Window,
    track: Window,
    /// The highest epoch seen.
    epoch: u64,
    /// What the hub held last, with its link.
    held: Option<(u64, ChainLink)>,
    /// Looked through for alarms up to here.
    alarms_through: u64,
    /// Published at least once by this process up to here.
    published: u64,
    /// Where messages are made; away while a thread works with it.
    source: Option<Source>,
    /// Journals that are not continued, of which the hub may lack something.
    older: Vec<older::Older>,
    /// The windows' clock begins here.
    began: Instant,
    jitter: u32,
    /// The status published last says that something waits.
    said_waiting: bool,
    connects: u64,
    clock_requests: u64,
}

/// What is known of one connection.
struct Connection {
    link: Link,
    batch_bytes_max: usize,
    unconfirmed: usize,
    heard_at: Instant,
    open: questions::Open,
}

impl Session {
    /// A session that has not connected yet.
    pub fn new(config: &SyncConfig, parts: &Parts, orders: Orders) -> Self {
        let tail = parts.writer.watch_tail();
        let held = tail.borrow().held;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (gather_ms, stall_ms) = (millis(config.tuning.gather), millis(config.tuning.stall));
        let pace = |batches_max| Pace { batches_max, gather_ms, stall_ms };
        let held_ledger = held.map_or(0, |ack| ack.held);
        let session = Self {
            config: config.clone(),
            parts: parts.clone(),
            orders,
            tail,
            ledger: Window::new(held_ledger, pace(BATCHES_MAX)),
            track: Window::new(held.map_or(0, |ack| ack.track_held), pace(1)),
            epoch: held.map_or(0, |ack| ack.epoch),
            held: held.map(|ack| (ack.held, ack.link)),
            alarms_through: held_ledger,
            published: held_ledger,
            source: None,
            older: Vec::new(),
            began: Instant::now(),
            jitter: backoff::random() % 1001,
            said_waiting: true,
            connects: 0,
            clock_requests: 0,
        };
        session.parts.state.send_modify(|state| state.held = held_ledger);
        session
    }

    /// Connects, and runs until the connection ends or the gateway stops.
    pub async fn run(
        &mut self,
        broker: &Mqtt,
        backoff: &mut Backoff,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Ended {
        let connection = tokio::select! {
            () = &mut shutdown => return Ended::Shutdown,
            connection = self.connect(broker) => connection,
        };
        let mut connection = match connection {
            Ok(connection) => connection,
            Err(error) => return Ended::Failed(error),
        };
        if let Some(enrolment) = self.config.enrolment.clone().filter(|_| self.config.mqtt.is_none()) {
            match tokio::task::spawn_blocking(move || enrolment.connected()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the renewed certificate is in use but not noted as such")
                }
                Err(_) => tracing::error!("the thread that notes the certificate ended"),
            }
        }
        self.connects += 1;
        let linked = Instant::now();
        self.ledger.restart();
        self.track.restart();
        self.parts.state.send_modify(|state| {
            state.online = true;
            state.certificate_ended = false;
            state.trouble = None;
        });
        tracing::info!(
            host = broker.host,
            port = broker.port,
            held = self.ledger.held(),
            "linked to the broker"
        );
        self.look_for_older().await;
        let ended = self.work(&mut connection, shutdown).await;
        if linked.elapsed() >= STEADY {
            backoff.reset();
        }
        match ended {
            Ended::Shutdown => {
                // Where there is no room for it the will says the same.
                let _ = self.publish_status(&connection.link, false);
                connection.link.close(CLOSE_PATIENCE).await;
                Ended::Shutdown
            }
            ended => ended,
        }
    }

    /// Shows that the link is down, and why if it cannot come back by itself.
    pub fn say_offline(&self, ended: &Ended) {
        self.parts.state.send_modify(|state| {
            state.online = false;
            if let Ended::Failed(error) = ended {
                state.trouble = Some(error.clone());
            }
        });
    }

    /// Takes the orders that were laid into the directory.
    pub async fn take_order_files(&mut self) {
        self.orders.take_files().await;
    }

    async fn connect(&mut self, broker: &Mqtt) -> Result<Connection, String> {
        let will = report::to_json(&self.status(false));
        let mut link = Link::open(broker, &self.config.gateway, &self.parts.clock, will)
            .map_err(|error| with_causes(&error))?;
        let connected = timeout(CONNECT_PATIENCE, async {
            loop {
                match link.heard().await {
                    Heard::Connected { packet_bytes_max } => return Ok(packet_bytes_max),
                    Heard::Gone(why) => return Err(why),
                    _ => {}
                }
            }
        });
        let told = connected.await.map_err(|_| "the broker does not answer".to_owned())??;
        let told = told.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let batch_bytes_max = told.saturating_sub(PACKET_EXTRA_BYTES).min(BATCH_BYTES_MAX);
        let full = |_| "the client takes no message".to_owned();
        link.subscribe(&self.config.gateway, self.parts.filters.is_some()).map_err(full)?;
        self.publish_status(&link, true).map_err(full)?;
        self.said_waiting = true;
        Ok(Connection {
            link,
            batch_bytes_max,
            unconfirmed: 0,
            heard_at: Instant::now(),
            open: questions::Open::default(),
        })
    }

    async fn work(
        &mut self,
        connection: &mut Connection,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Ended {
        let tuning = self.config.tuning;
        let ticks = |period: Duration| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut health, mut orders) = (ticks(tuning.health), ticks(tuning.orders));
        let _ = self.publish_health(&connection.link);
        let questions = self.parts.questions.clone();
        if let Some(questions) = &questions {
            questions.forget().await;
        }
        let mut renewals = self.config.enrolment.as_ref().map(|enrolment| enrolment.watch_renewals());
        loop {
            let again = match self.send(connection).await {
                Ok(again) => again,
                Err(error) => {
                    // The journal's own alarm stands on the panel; the link waits for it.
                    let error = with_causes(&error);
                    tracing::error!(error, "nothing can be sent");
                    self.parts.state.send_modify(|state| state.trouble = Some(error));
                    Some(Instant::now() + RETRY)
                }
            };
            let again = if self.send_older(connection).await { Some(Instant::now()) } else { again };
            let silent_at = connection.heard_at + SILENCE_MAX;
            let wake = again.map_or(silent_at, |again| again.min(silent_at));
            tokio::select! {
                () = &mut shutdown => return Ended::Shutdown,
                heard = connection.link.heard() => {
                    if let Err(why) = self.hear(connection, heard).await {
                        return Ended::Failed(why);
                    }
                }
                () = renewed(&mut renewals) => {
                    return Ended::Failed("the renewed certificate is tried".to_owned());
                }
                changed = self.tail.changed() => {
                    if changed.is_err() {
                        return Ended::Failed("the journal is closed".to_owned());
                    }
                }
                () = sleep_until(wake) => {
                    if Instant::now() >= silent_at {
                        return Ended::Failed("the broker fell silent".to_owned());
                    }
                }
                _ = health.tick() => {
                    // No room: the next one says it.
                    let _ = self.publish_status(&connection.link, true);
                    self.said_waiting = self.queued() != (0, 0);
                    let _ = self.publish_health(&connection.link);
                }
                _ = orders.tick() => self.orders.take_files().await,
                question = asked(questions.as_ref()) => self.ask_hub(connection, question),
            }
        }
    }

    /// Milliseconds of the windows' clock.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The next question to the hub; never where none are asked.
async fn asked(questions: Option<&Questions>) -> Question {
    match questions {
        Some(questions) => questions.next().await,
        None => std::future::pending().await,
    }
}

/// Ready once the certificate was renewed; never where there is none.
async fn renewed(renewals: &mut Option<watch::Receiver<u64>>) {
    if let Some(renewals) = renewals
        && renewals.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
