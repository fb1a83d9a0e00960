//! What the gateway says of itself: status and health.

use waypost_core::wire::{
    status::{Health, Status},
    topic::Up,
};

use super::Session;
use crate::sync::{
    link::{Busy, Link},
    window::Window,
};

impl Session {
    pub(super) fn publish_status(&self, link: &Link, online: bool) -> Result<(), Busy> {
        let topic = Up::Status.topic(&self.config.gateway);
        link.publish_state(topic, to_json(&self.status(online)), true)
    }

    pub(super) fn publish_health(&self, link: &Link) -> Result<(), Busy> {
        let now = self.parts.clock.now();
        let (queued_ledger, queued_track) = self.queued();
        let health = Health {
            gateway: self.config.gateway.clone(),
            up_ms: now.up_ms,
            queued_ledger,
            queued_track,
            clock: now.clock,
            connects: self.connects,
            resends: self.ledger.repeats() + self.track.repeats(),
            refused: self.orders.refused().count(),
        };
        link.publish_state(Up::Health.topic(&self.config.gateway), to_json(&health), false)
    }

    pub(super) fn status(&self, online: bool) -> Status {
        let (queued_ledger, queued_track) = self.queued();
        Status {
            gateway: self.config.gateway.clone(),
            journal: self.config.journal,
            boot: self.config.boot,
            online,
            queued_ledger,
            queued_track,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(super) fn queued(&self) -> (u64, u64) {
        let tail = *self.tail.borrow();
        let waiting = |last: u64, window: &Window| last.saturating_sub(window.held());
        (waiting(tail.ledger_last, &self.ledger), waiting(tail.track_last, &self.track))
    }
}

/// These types always write as JSON.
pub(super) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
