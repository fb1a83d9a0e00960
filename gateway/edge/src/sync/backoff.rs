//! Pauses between tries: exponential with full jitter, under a cap.

use std::time::Duration;

/// Pauses that grow from try to try. Each is anything from nothing to a limit that doubles up to the cap, so that a
/// thousand gateways that lost the same broker do not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

impl Backoff {
    /// Limits run from `first` to `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, tries: 0 }
    }

    /// The next pause. `random` is anything from 0 to `u32::MAX`.
    pub fn next(&mut self, random: u32) -> Duration {
        let limit = self.first.saturating_mul(1 << self.tries.min(16)).min(self.cap);
        self.tries = self.tries.saturating_add(1);
        limit.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// It worked: the next pause is short again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A number from the system for jitter; half the range where the system has none.
pub fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_never_exceeds_the_cap_and_begins_anew_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
        let limits: Vec<_> = (0..20).map(|_| backoff.next(u32::MAX).as_millis()).collect();
        assert_eq!(limits[..5], [100, 200, 400, 800, 1600]);
        assert!(limits.iter().all(|limit| *limit <= 30_000));
        assert_eq!(limits[19], 30_000);
        backoff.reset();
        assert_eq!(backoff.next(u32::MAX).as_millis(), 100);
        assert_eq!(backoff.next(0).as_millis(), 0, "full jitter reaches down to nothing");
    }
}
