//! Waiting for conditions, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const LOOK_MS: u64 = 5;
/// Until when things happen that take moments.
pub const SOON: Duration = Duration::from_secs(20);
/// Until when things happen that wait for a gateway's patience: everything is sent again, more patiently each time.
pub const PATIENT: Duration = Duration::from_secs(150);

/// Waits until `condition` gives something; stops the test, with what was waited for, when it does not come.
pub fn until<T>(what: &str, patience: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < patience, "not within {} s: {what}", patience.as_secs());
        pause(LOOK_MS);
    }
}

/// Waits until `condition` holds.
pub fn until_true(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    until(what, patience, || condition().then_some(()));
}

/// Lets others run for some milliseconds, between two looks at a condition.
pub fn pause(ms: u64) {
    thread::park_timeout(Duration::from_millis(ms));
}
