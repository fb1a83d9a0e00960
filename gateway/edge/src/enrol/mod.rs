//! What this gateway got when it was enrolled, in `<data>/enrolment.json` and `<data>/tls/`.
//!
//! - Keys are made here and never leave: the hub gets a certificate request.
//! - Certificates lie in two slots, `a` and `b`. A renewed one goes into the slot that is not in use; it is tried at the
//!   broker, and only a connection that it made switches over. Until then both are tried in turn.
//! - The hub's root is pinned: which keys may sign orders and acknowledgements is read from `<data>/keys.cose`, which the
//!   root signed and a newer version replaces.
//! - A certificate that ended stops nothing at the counter. It is renewed on proof of its key; records wait until then.

mod ask;
mod desk;
mod renew;
mod trust;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use waypost_core::{
    fact::{WallTime, id::GatewayId},
    rule::order::OrderDocument,
    wire::{
        enrolment::{BrokerAddress, Lowest},
        keys::PublicKey,
    },
};

pub use self::{
    ask::{EnrolError, enrol, renew},
    desk::{EnrolDesk, EnrolQueue, desk},
    renew::tend,
    trust::{Trust, TrustError},
};
use crate::{
    config::{Mqtt, Tls},
    identity::{IdentityError, read_secret, replace_secret},
};

/// The file's name in the data directory.
pub const ENROLMENT_FILE: &str = "enrolment.json";

/// Where certificates and their keys lie, in the data directory.
const TLS_DIR: &str = "tls";

/// One of two places for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The other.
    B,
}

impl Slot {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Its files in a data directory.
    fn files(self, data: &Path) -> Tls {
        let name = match self {
            Self::A => "a",
            Self::B => "b",
        };
        let dir = data.join(TLS_DIR);
        Tls {
            ca: dir.join(format!("{name}-ca.pem")),
            cert: dir.join(format!("{name}.pem")),
            key: dir.join(format!("{name}-key.pem")),
        }
    }
}

/// A certificate in its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Where it lies.
    pub slot: Slot,
    /// When it is to be renewed.
    pub renew_from: WallTime,
    /// When it ends.
    pub ends: WallTime,
}

/// What the hub granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// This gateway.
    pub gateway: GatewayId,
    /// Where the hub takes renewals, as `host:port`.
    pub hub: String,
    /// The hub's root.
    pub root: PublicKey,
    /// The broker.
    pub broker: BrokerAddress,
    /// The certificate in use.
    pub current: Certificate,
    /// A renewed one that made no connection yet.
    pub next: Option<Certificate>,
    /// Lowest versions of orders.
    pub lowest: Vec<Lowest>,
}

/// The enrolment of a gateway that runs; shared.
#[derive(Debug)]
pub struct Enrolment {
    data: PathBuf,
    granted: Mutex<Granted>,
    /// Which slot the connection under way uses, and how many were begun.
    tried: Mutex<(Option<Slot>, u64)>,
    /// Counts renewals.
    renewed: watch::Sender<u64>,
    trust: Trust,
}

impl Enrolment {
    /// Reads what is in a data directory; none where the gateway was not enrolled.
    pub fn read(data: &Path) -> Result<Option<Self>, EnrolError> {
        let granted: Granted = match read_secret(&data.join(ENROLMENT_FILE)) {
            Err(IdentityError::Missing(_)) => return Ok(None),
            read => read?,
        };
        let trust = Trust::read(data, granted.root)?;
        Ok(Some(Self {
            data: data.to_owned(),
            granted: Mutex::new(granted),
            tried: Mutex::new((None, 0)),
            renewed: watch::Sender::new(0),
            trust,
        }))
    }

    /// What the hub granted.
    pub fn granted(&self) -> Granted {
        lock(&self.granted).clone()
    }

    /// Whose orders and acknowledgements are believed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The broker, with the certificate that the next connection tries: a renewed one first, then both in turn.
    pub fn broker(&self) -> Mqtt {
        let granted = lock(&self.granted);
        let mut tried = lock(&self.tried);
        let slot = match &granted.next {
            Some(next) if tried.1.is_multiple_of(2) => next.slot,
            _ => granted.current.slot,
        };
        *tried = (Some(slot), tried.1.wrapping_add(1));
        let BrokerAddress { host, port } = granted.broker.clone();
        Mqtt { host, port, tls: Some(slot.files(&self.data)) }
    }

    /// The connection came about: a renewed certificate that made it is the one in use from now on. Blocks.
    pub fn connected(&self) -> Result<(), EnrolError> {
        let mut granted = lock(&self.granted);
        let tried = lock(&self.tried).0;
        let Some(next) = granted.next.clone().filter(|next| Some(next.slot) == tried) else { return Ok(()) };
        let mut switched = granted.clone();
        (switched.current, switched.next) = (next, None);
        replace_secret(&self.data.join(ENROLMENT_FILE), &switched)?;
        tracing::info!(slot = ?switched.current.slot, ends = %switched.current.ends, "the renewed certificate is in use");
        *granted = switched;
        Ok(())
    }

    /// Has every certificate ended by then?
    pub fn has_ended(&self, now: WallTime) -> bool {
        let granted = lock(&self.granted);
        granted.current.ends < now && granted.next.as_ref().is_none_or(|next| next.ends < now)
    }

    /// Is it time to renew?
    pub fn is_due(&self, now: WallTime) -> bool {
        let granted = lock(&self.granted);
        granted.next.as_ref().unwrap_or(&granted.current).renew_from <= now
    }

    /// Changes with each renewal: a connection is to be made anew.
    pub fn watch_renewals(&self) -> watch::Receiver<u64> {
        self.renewed.subscribe()
    }

    /// Is the order older than the hub said at the enrolment that any may be?
    pub fn is_too_old(&self, document: &OrderDocument) -> bool {
        let granted = lock(&self.granted);
        let kind = document.order.kind();
        let lowest = granted.lowest.iter().find(|lowest| lowest.kind == kind && lowest.id == document.id);
        lowest.is_some_and(|lowest| (document.epoch, document.number) < (lowest.epoch, lowest.number))
    }

    /// Takes a renewed certificate whose files are in place.
    fn take(&self, granted: Granted) -> Result<(), EnrolError> {
        let mut held = lock(&self.granted);
        replace_secret(&self.data.join(ENROLMENT_FILE), &granted)?;
        *held = granted;
        lock(&self.tried).1 = 0;
        self.renewed.send_modify(|count| *count += 1);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
