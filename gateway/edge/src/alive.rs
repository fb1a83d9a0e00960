//! Is every part that must never stand still moving? The service manager's watchdog is fed only while all of them do.
//!
//! Three parts decide: the journal's writer, the station and the supervisor of the devices. Each beats its [`Pulse`] when
//! it has come round: the writer by answering a question that goes through its queue, the station with every turn of its
//! loop, at least once a second, the supervisor likewise. Each beat is work done, never a timer of its own. What speaks
//! to the manager runs beside the supervisor, so that a runtime that stands still feeds nothing either. A hub has one such
//! part, its store, which commits every second.
//!
//! A part that stands still is logged once by name and told as the status; the manager then ends the process and starts
//! it anew. What was acknowledged is on the disk by then. Where no manager listens, nothing here runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::journal::{Tail, Writer};

/// Parts of the manager's patience between two looks: one late look is no restart.
const LOOKS: u32 = 4;
/// Between two looks where the manager has no watchdog and wants the status alone.
const LOOK_UNWATCHED: Duration = Duration::from_secs(10);

/// Counts how often a part came round.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// It came round.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A part that must move, by the name that the log gives it.
struct Part {
    name: &'static str,
    pulse: Pulse,
    /// Its count when the watchdog was fed last.
    fed: u64,
    told: bool,
}

/// All of them.
pub struct Parts(Vec<Part>);

impl Parts {
    /// These, each with its name.
    pub fn new(parts: impl IntoIterator<Item = (&'static str, Pulse)>) -> Self {
        let part = |(name, pulse): (_, Pulse)| Part { name, fed: pulse.count(), pulse, told: false };
        Self(parts.into_iter().map(part).collect())
    }

    /// The first part that has not moved since all of them had last.
    fn still(&mut self) -> Option<&'static str> {
        let mut first = None;
        for part in &mut self.0 {
            if part.pulse.count() != part.fed {
                continue;
            }
            first = first.or(Some(part.name));
        }
        if first.is_none() {
            for part in &mut self.0 {
                part.fed = part.pulse.count();
                part.told = false;
            }
        }
        first
    }

    /// Logs a part that stands still, once until it moves again.
    fn complain(&mut self, name: &str) {
        for part in self.0.iter_mut().filter(|part| part.name == name && !part.told) {
            part.told = true;
            tracing::error!(part = name, "a part stands still: the watchdog is not fed until it moves");
        }
    }
}

/// How often to look, where a service manager listens to this process; none where none does.
#[must_use]
pub fn listened() -> Option<Duration> {
    std::env::var_os("NOTIFY_SOCKET")?;
    Some(sd_notify::watchdog_enabled().map_or(LOOK_UNWATCHED, |patience| patience / LOOKS))
}

/// Says something to the service manager, if one listens.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager does not hear");
    }
}

/// The gateway serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Asks the writer again and again; each answer is a beat. Ends with the writer.
pub async fn ask_writer(writer: Writer, every: Duration, pulse: Pulse) {
    while writer.comes_round().await {
        pulse.beat();
        sleep(every).await;
    }
}

/// Feeds the watchdog and tells the status, until it is dropped.
pub async fn feed(
    mut parts: Parts,
    every: Duration,
    status: impl Fn() -> String,
    tell: impl Fn(&[NotifyState<'_>]),
) {
    let mut looks = interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is ready at once, before anything could have moved.
    looks.tick().await;
    loop {
        looks.tick().await;
        let standing = parts.still();
        match standing {
            None => tell(&[NotifyState::Watchdog, NotifyState::Status(&status())]),
            Some(name) => {
                tell(&[NotifyState::Status(&format!("the {name} stands still"))]);
                parts.complain(name);
            }
        }
    }
}

/// The status of a gateway that records.
pub fn status(tail: &Tail) -> String {
    match tail.unsynced() {
        0 => format!("{} records, all at the hub", tail.ledger_last),
        waiting => format!("{} records, {waiting} not yet at the hub", tail.ledger_last),
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::fact::Link;

    use super::*;

    #[test]
    fn the_watchdog_is_fed_only_while_all_parts_move() {
        let (writer, station) = (Pulse::default(), Pulse::default());
        let mut parts = Parts::new([("writer", writer.clone()), ("station", station.clone())]);
        for _ in 0..3 {
            writer.beat();
            station.beat();
            assert_eq!(parts.still(), None);
        }
        // The writer alone stands still, however busy the station is.
        for _ in 0..3 {
            station.beat();
            assert_eq!(parts.still(), Some("writer"));
        }
        writer.beat();
        assert_eq!(parts.still(), None);
        // One turn feeds once.
        writer.beat();
        assert_eq!(parts.still(), Some("station"));
    }

    #[test]
    fn nothing_is_fed_before_every_part_has_moved_once() {
        let devices = Pulse::default();
        devices.beat();
        let mut parts = Parts::new([("devices", devices.clone())]);
        assert_eq!(parts.still(), Some("devices"));
        devices.beat();
        assert_eq!(parts.still(), None);
    }

    #[test]
    fn the_status_says_what_the_hub_has() {
        let tail = Tail { ledger_last: 7, link: Link::START, track_last: 0, held: None };
        assert_eq!(status(&tail), "7 records, 7 not yet at the hub");
    }
}
