//! Acknowledgements that wait to be published: the latest of each journal, so its size is bounded by their number.
//!
//! It is closed from a connection's start until the acknowledgements that the broker retains have been looked at: had
//! the store been put back from a copy, one sent before a new epoch would be a lie.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::HeldNow;

/// Shared between the writer's thread and the link.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    /// Something is to be published.
    pub news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Vec<HeldNow>,
    /// The connection that is under way.
    session: u64,
    open: bool,
}

impl Outbox {
    /// A connection begins: nothing goes out until [`Self::open`] for this one.
    pub(crate) fn close(&self, session: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner { waiting: Vec::new(), session, open: false };
    }

    /// What the broker retains was looked at; everything that is held is given with the same commit.
    pub(crate) fn open(&self, session: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open |= inner.session == session;
        self.news.notify_one();
    }

    /// Was it opened for the connection that is under way?
    pub(crate) fn is_open(&self) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).open
    }

    /// Takes what a commit brought; while closed it is dropped, as everything comes again at the opening.
    pub(crate) fn put(&self, held: Vec<HeldNow>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.open || held.is_empty() {
            return;
        }
        for one in held {
            match inner.waiting.iter_mut().find(|waiting| waiting.journal == one.journal) {
                Some(waiting) => *waiting = one,
                None => inner.waiting.push(one),
            }
        }
        self.news.notify_one();
    }

    /// Takes all that waits. None while closed.
    pub(crate) fn take(&self) -> Option<Vec<HeldNow>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open.then(|| std::mem::take(&mut inner.waiting))
    }
}
