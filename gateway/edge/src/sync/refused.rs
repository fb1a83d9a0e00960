//! What came from above and was not believed: counted since the start, and raised as an alarm.
//!
//! An alarm of one reason is raised at most once an hour, by the time since the start: whoever can send rubbish cannot
//! fill the journal with it. What comes by chance and harms nobody, an order that is in force already, is not counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use waypost_core::{
    fact::AlarmKind,
    rule::Act,
    wire::{order::OpenSecretsError, sign::OpenError},
};

use super::Parts;
use crate::{
    clock::Clock,
    journal::{Request, RequestId, Writer},
};

/// At most one alarm of a reason in so many milliseconds.
const RAISE_EVERY_MS: u64 = 60 * 60 * 1000;

/// Why something was refused. Its name is the alarm's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// An order whose signature does not hold, or whose key is unknown here.
    Signature,
    /// Longer than it may be, or not what it should be.
    Form,
    /// A secret that was made for another gateway, order or version.
    Secret,
    /// An order older than the one in force: yesterday's was sent again.
    Older,
    /// A signed order that cannot be.
    Content,
    /// A list of the hub's keys that the root did not sign, or an older one.
    Keys,
    /// An acknowledgement that is not the hub's, or does not agree with the journal.
    Acknowledgement,
}

impl Reason {
    /// Why an order was not opened.
    pub fn of(error: &OpenSecretsError) -> Self {
        match error {
            OpenSecretsError::Open(error) => Self::of_open(error),
            OpenSecretsError::ForOthers | OpenSecretsError::Decrypt(_) | OpenSecretsError::Content => {
                Self::Secret
            }
        }
    }

    /// Why something signed was not opened.
    pub fn of_open(error: &OpenError) -> Self {
        match error {
            OpenError::Signature | OpenError::UnknownKey(_) => Self::Signature,
            OpenError::Content(_) => Self::Content,
            _ => Self::Form,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Signature => "order-signature",
            Self::Form => "order-form",
            Self::Secret => "order-secret",
            Self::Older => "order-older",
            Self::Content => "order-content",
            Self::Keys => "hub-keys",
            Self::Acknowledgement => "acknowledgement",
        }
    }
}

/// Counts and raises.
pub struct Refused {
    writer: Writer,
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    count: u64,
    raised_at: BTreeMap<Reason, u64>,
    /// Requests need ids of their own.
    raised: u64,
}

impl Refused {
    /// Nothing was refused yet.
    pub fn new(parts: &Parts) -> Self {
        Self { writer: parts.writer.clone(), clock: parts.clock.clone(), seen: Mutex::default() }
    }

    /// How many messages were refused since the start.
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Counts one, and raises an alarm if none of its kind was raised lately.
    pub async fn note(&self, reason: Reason) {
        let now = self.clock.now();
        let Some(raised) = self.count_one(reason, now.up_ms) else { return };
        let name = reason.name();
        // The start is in it by its wall time: numbers begin anew with each.
        let id = RequestId::new(format!("refused-{name}-{}-{raised}", now.at.as_millis()));
        let act = Act::RaiseAlarm { alarm: AlarmKind::MessageRefused, subject: name.to_owned() };
        if let Ok(id) = id {
            let verdict = self.writer.ask(Request { id, by: None, act }).await;
            tracing::warn!(reason = name, ?verdict, "messages from above are refused");
        }
    }

    /// The number of the alarm that is due, if one is.
    fn count_one(&self, reason: Reason, now_ms: u64) -> Option<u64> {
        let mut seen = self.lock();
        seen.count += 1;
        let last = seen.raised_at.get(&reason);
        if last.is_some_and(|last| now_ms.saturating_sub(*last) < RAISE_EVERY_MS) {
            return None;
        }
        seen.raised_at.insert(reason, now_ms);
        seen.raised += 1;
        Some(seen.raised)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
