//! Does a seal's counter go with the time?
//!
//! A seal counts its frames, and sends one an interval whether it is heard or not. Frames that were recorded while the
//! seal was kept from the radio and are played later are authentic and newer than the last one heard, but their counter
//! lags behind the time; a counter that was made to jump runs ahead of it. What an attacker delays by less than the slack
//! is not seen.

/// Frames that a counter may run ahead of the time or lag behind it, whatever the time.
pub const SLACK_FRAMES: u64 = 50;
/// And one in so many: a seal's crystal and the pauses that radios add at random.
pub const SLACK_SHARE: u64 = 10;
/// A frame is compared with one that is at most about so old, in milliseconds.
pub const ANCHOR_MS_MAX: u64 = 3_600_000;

/// Compares one seal's counter with the time.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    interval_ms: u64,
    /// An earlier frame that was believed: when it came, and its counter.
    anchor: Option<(u64, u32)>,
}

impl Pace {
    /// A seal that sends a frame every `interval_ms` milliseconds, at least 1.
    #[must_use]
    pub fn new(interval_ms: u32) -> Self {
        Self { interval_ms: u64::from(interval_ms.max(1)), anchor: None }
    }

    /// Takes the counter of a frame that is authentic and newer than those before, received at `now_ms` of a clock that
    /// never goes back. False: it does not go with the time.
    pub fn agrees(&mut self, now_ms: u64, counter: u32) -> bool {
        let Some((at_ms, from)) = self.anchor else {
            self.anchor = Some((now_ms, counter));
            return true;
        };
        let elapsed = now_ms.saturating_sub(at_ms);
        let expected = elapsed / self.interval_ms;
        let advanced = u64::from(counter.saturating_sub(from));
        let agrees = advanced.abs_diff(expected) <= SLACK_FRAMES + expected / SLACK_SHARE;
        if agrees && elapsed >= ANCHOR_MS_MAX {
            self.anchor = Some((now_ms, counter));
        }
        agrees
    }
}
