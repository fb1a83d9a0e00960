//! The link to the hub: what is recorded goes up until the hub has it; acknowledgements and orders come down.
//!
//! What it promises:
//!
//! - A record is sent again until the hub itself has acknowledged it, signed: at a start, on every new connection, and
//!   whenever what the hub holds stands still for a time. The broker's word counts for nothing, and nothing that the
//!   MQTT client remembers of an earlier connection is ever sent.
//! - At most a fixed window beyond what the hub holds is under way, so memory is the same with ten records or a million.
//! - An acknowledgement is believed if its signature holds and its link is ours; an order if an order key signed it.
//! - Alarms go ahead of a backlog as an express copy.
//! - Without a broker, or without a network, nothing of the gateway's work waits for this.
//!
//! `window` says what to send, without I/O; `uplink` makes messages of the journal; `link` is one connection;
//! `session` runs it; `orders` takes orders, which may also be laid into `<data>/orders/` by hand.

pub(crate) mod backoff;
mod link;
mod orders;
mod questions;
mod refused;
mod secrets;
mod session;
mod tls;
mod uplink;
mod window;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;
use uuid::Uuid;
use waypost_core::{
    fact::id::GatewayId,
    wire::{
        keys::{PublicKey, SignKey},
        secret_key::SecretKey,
    },
};

pub(crate) use self::{link::is_loopback, tls::configuration as tls_configuration};
pub use questions::{ANSWER_PATIENCE, HubDesk, Questions, desk};
pub use secrets::Secrets;

#[cfg(feature = "soak")]
#[doc(hidden)]
pub use self::{
    uplink::{Made, Source, UplinkError, Want},
    window::{BATCHES_MAX, Next, Pace, Window},
};

use self::{backoff::Backoff, orders::Orders, session::Session};
use crate::{
    clock::Clock,
    config::Mqtt,
    enrol::Enrolment,
    filter::Filters,
    journal::{Reader, Writer},
    secret::Keeper,
};

/// What the link needs to know.
#[derive(Debug, Clone)]
pub struct SyncConfig {
    /// This gateway.
    pub gateway: GatewayId,
    /// Its data directory: orders may be laid into `orders/` there.
    pub data: PathBuf,
    /// The journal's id.
    pub journal: Uuid,
    /// Which start of the gateway this is.
    pub boot: u32,
    /// The gateway's key.
    pub key: Arc<SignKey>,
    /// The gateway's key for secrets in orders.
    pub secret_key: Arc<SecretKey>,
    /// Claims are served here: pairs are made for the keys of campaigns.
    pub serves: bool,
    /// The broker; none for a gateway that is never connected: orders from files are taken all the same.
    pub mqtt: Option<Mqtt>,
    /// The key that signs acknowledgements; without it none is believed.
    pub ack_key: Option<PublicKey>,
    /// Keys that sign orders.
    pub order_keys: Vec<PublicKey>,
    /// What the hub granted, if the gateway was enrolled: its broker where none is configured, and its list of keys.
    pub enrolment: Option<Arc<Enrolment>>,
    /// How patient it is.
    pub tuning: Tuning,
}

impl SyncConfig {
    /// The broker of the next connection: the configured one, else the granted one with one of its certificates.
    fn broker(&self) -> Option<Mqtt> {
        self.mqtt.clone().or_else(|| self.enrolment.as_ref().map(|enrolment| enrolment.broker()))
    }

    /// Keys whose orders are believed: the configured ones and those of the root's list, without the revoked ones.
    fn order_keys(&self) -> Vec<PublicKey> {
        let listed = self.enrolment.as_ref().map(|enrolment| enrolment.trust().order_keys());
        let mut keys: Vec<_> = self.order_keys.iter().copied().chain(listed.unwrap_or_default()).collect();
        keys.retain(|key| !self.is_revoked(key));
        keys
    }

    /// Keys whose acknowledgements are believed.
    fn ack_keys(&self) -> Vec<PublicKey> {
        let listed = self.enrolment.as_ref().map(|enrolment| enrolment.trust().ack_keys());
        let mut keys: Vec<_> = self.ack_key.into_iter().chain(listed.unwrap_or_default()).collect();
        keys.retain(|key| !self.is_revoked(key));
        keys
    }

    fn is_revoked(&self, key: &PublicKey) -> bool {
        self.enrolment.as_ref().is_some_and(|enrolment| enrolment.trust().is_revoked(key))
    }
}

/// Times of the link. They are real time, also where the gateway's clock is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// The limits of pauses before a new connection to a broker elsewhere.
    pub reconnect: Pauses,
    /// The same where the broker is on this machine: no other gateway waits in line there.
    pub reconnect_local: Pauses,
    /// How long a few records wait for more to travel with them.
    pub gather: Duration,
    /// How long what the hub holds may stand still before everything behind it is sent again.
    pub stall: Duration,
    /// How often status and health are sent.
    pub health: Duration,
    /// How often the directory of orders is looked at.
    pub orders: Duration,
}

/// Limits of the pauses between tries to connect. Each pause is anything from nothing to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The first limit; it doubles from try to try.
    pub first: Duration,
    /// The highest limit.
    pub cap: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            // A broker that restarts throws all gateways out in one moment and is back in the next: already the first
            // pause has to keep them apart.
            reconnect: Pauses { first: Duration::from_secs(5), cap: Duration::from_secs(30) },
            reconnect_local: Pauses {
                first: Duration::from_millis(100),
                cap: test_setting("WAYPOST_RECONNECT_CAP_MS", Duration::from_secs(2)),
            },
            gather: Duration::from_millis(100),
            stall: test_setting("WAYPOST_STALL_MS", Duration::from_secs(10)),
            health: Duration::from_secs(30),
            orders: Duration::from_secs(5),
        }
    }
}

/// A time that tests of faults may shorten by an environment variable, in milliseconds. Never in a shipped binary.
#[cfg(feature = "faults")]
fn test_setting(name: &str, default: Duration) -> Duration {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    given.map_or(default, Duration::from_millis)
}

#[cfg(not(feature = "faults"))]
fn test_setting(_name: &str, default: Duration) -> Duration {
    default
}

/// How the link is, for the panel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkState {
    /// The broker is reached.
    pub online: bool,
    /// The hub has the ledger up to this number.
    pub held: u64,
    /// When the last acknowledgement came that was believed, in the clock's milliseconds since the start.
    pub last_ack: Option<u64>,
    /// Every certificate of this gateway has ended, and there is no link.
    pub certificate_ended: bool,
    /// The journal cannot go on: the hub holds records that contradict it. A new one must be begun.
    pub new_journal: bool,
    /// What is wrong with the link beyond being away, for the person who mends it.
    pub trouble: Option<String>,
}

/// What the link works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The journal's writer.
    pub writer: Writer,
    /// A reader of the journal, opened for the link alone: its reading would make others wait.
    pub reader: Reader,
    /// The gateway's clock.
    pub clock: Clock,
    /// Where the link's state is shown.
    pub state: watch::Sender<LinkState>,
    /// Where the secrets of orders in force are given out.
    pub secrets: watch::Sender<Secrets>,
    /// Where they rest.
    pub keeper: Keeper,
    /// The filters of claims at other offices; none where no claims are served.
    pub filters: Option<Filters>,
    /// Questions to the hub; none where no claims are served.
    pub questions: Option<Questions>,
}

/// Runs the link until `shutdown` is ready. Nothing that goes wrong ends it: it is logged, shown in [`LinkState`] and
/// tried again, after a pause that grows.
pub async fn run(config: SyncConfig, parts: Parts, shutdown: impl Future<Output = ()>) {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut orders = Orders::new(&config, &parts);
    orders.load_secrets().await;
    orders.load_filters().await;
    orders.take_files().await;
    let Some(first) = config.broker() else {
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(config.tuning.orders) => orders.take_files().await,
            }
        }
    };
    let mut session = Session::new(&config, &parts, orders);
    let Tuning { reconnect, reconnect_local, .. } = config.tuning;
    let pauses = if is_loopback(&first.host) { reconnect_local } else { reconnect };
    let mut backoff = Backoff::new(pauses.first, pauses.cap);
    let mut next = Some(first);
    loop {
        let Some(broker) = next.take().or_else(|| config.broker()) else { return };
        let ended = session.run(&broker, &mut backoff, shutdown.as_mut()).await;
        session.say_offline(&ended);
        let session::Ended::Failed(error) = ended else { return };
        let pause = backoff.next(backoff::random());
        tracing::info!(error, pause_ms = pause.as_millis() as u64, "no link to the broker");
        let until = tokio::time::Instant::now() + pause;
        while tokio::time::Instant::now() < until {
            let look = until.min(tokio::time::Instant::now() + config.tuning.orders);
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep_until(look) => session.take_order_files().await,
            }
        }
    }
}

#[cfg(test)]
mod tests;
