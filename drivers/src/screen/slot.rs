//! What a screen is to show next: the latest only, since nobody wants to see what was true before.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A place for one value. Who puts never waits; a value that was not taken in time is replaced.
pub struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    closed: bool,
    /// Since when the taker is at work, on the device or on its picture.
    busy: Option<Instant>,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// A new value.
    New(T),
    /// None within the time.
    Nothing,
    /// No value will come any more.
    Closed,
}

impl<T> Slot<T> {
    /// An empty place.
    pub fn new() -> Self {
        let state = State { value: None, closed: false, busy: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts a value in the place of the one that waits.
    pub fn put(&self, value: T) {
        self.lock().value = Some(value);
        self.changed.notify_all();
    }

    /// Ends it: the taker stops as soon as it comes back from its device.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How long the taker has been at work without a pause.
    pub fn busy_for(&self) -> Duration {
        self.lock().busy.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits for a value, at most for the time.
    pub(super) fn take(&self, time: Duration) -> Taken<T> {
        let waiting = self.wait(time, |state| state.value.is_none() && !state.closed);
        self.taken(waiting)
    }

    /// Lets the time pass, unless it is closed. Values that come meanwhile replace each other.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let mut state = self.wait(time, |state| !state.closed);
        state.busy = Some(Instant::now());
        !state.closed
    }

    fn taken(&self, mut state: MutexGuard<'_, State<T>>) -> Taken<T> {
        state.busy = Some(Instant::now());
        if state.closed {
            return Taken::Closed;
        }
        state.value.take().map_or(Taken::Nothing, Taken::New)
    }

    fn wait(&self, time: Duration, idle: impl Fn(&State<T>) -> bool) -> MutexGuard<'_, State<T>> {
        let mut state = self.lock();
        state.busy = None;
        let waited = self.changed.wait_timeout_while(state, time, |state| idle(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Nothing panics while it is held; if it did, the value is still sound.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}
