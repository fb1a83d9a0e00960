//! Named points where a test lets the process die, or a thread stand still. A shipped binary has none of them.

/// Dies here if the feature `faults` is compiled in, `WAYPOST_CRASH_AT` names this point (`NAME`, or `NAME:COUNT` for
/// the COUNT-th time) and the condition holds.
#[cfg(feature = "faults")]
pub(crate) fn crash_point(name: &str, condition: impl FnOnce() -> bool) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static HITS: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("WAYPOST_CRASH_AT") else { return };
    let (point, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if point != name || !condition() {
        return;
    }
    if HITS.fetch_add(1, Ordering::SeqCst) + 1 == count.parse().unwrap_or(1) {
        use std::io::Write;
        let _nothing_left_to_do = writeln!(std::io::stderr(), "crash point {name} hit");
        std::process::abort();
    }
}

/// Nothing: the feature `faults` is not compiled in.
#[cfg(not(feature = "faults"))]
pub(crate) fn crash_point(_name: &str, _condition: impl FnOnce() -> bool) {}

/// Stands still here for ever if the feature `faults` is compiled in and `WAYPOST_HANG_AT` names this point.
#[cfg(feature = "faults")]
pub(crate) fn hang_point(name: &str) {
    if std::env::var("WAYPOST_HANG_AT").is_ok_and(|wanted| wanted == name) {
        loop {
            std::thread::park();
        }
    }
}

/// Nothing: the feature `faults` is not compiled in.
#[cfg(not(feature = "faults"))]
pub(crate) fn hang_point(_name: &str) {}
