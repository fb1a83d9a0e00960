//! Named crash points for the tests of faults. They are in builds with the feature `faults` alone.
//!
//! `WAYPOST_HANG_AT` names one at which the thread stands still for ever instead.

/// Aborts the process here if the environment's `WAYPOST_CRASH_AT` is this name, or `NAME:COUNT` and this is the
/// COUNTth time. Says so on standard error, so that a test knows that the point was hit.
#[cfg(feature = "faults")]
pub fn crash_point(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("WAYPOST_CRASH_AT").ok()?;
        Some(match text.rsplit_once(':').map(|(name, count)| (name, count.parse())) {
            Some((name, Ok(count))) => (name.to_owned(), count),
            _ => (text, 1),
        })
    });
    if std::env::var("WAYPOST_HANG_AT").is_ok_and(|wanted| wanted == name) {
        eprintln!("hang point {name} hit");
        loop {
            std::thread::park();
        }
    }
    if let Some((wanted, count)) = wanted
        && wanted == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        eprintln!("crash point {name} hit");
        std::process::abort();
    }
}

/// Nothing: this build has no crash points.
#[cfg(not(feature = "faults"))]
pub fn crash_point(_name: &str) {}
