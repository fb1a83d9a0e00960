//! The hub's clock: the machine's own, or a simulated one for the demonstration.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use waypost_core::fact::WallTime;

/// A handle on the time; copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    simulated: Option<Simulated>,
}

#[derive(Debug, Clone, Copy)]
struct Simulated {
    started: Instant,
    start: WallTime,
    rate: f64,
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self { simulated: None }
    }

    /// Starts now at a wall time and runs `rate` times as fast as the real one.
    pub fn simulated(start: WallTime, rate: f64) -> Self {
        Self { simulated: Some(Simulated { started: Instant::now(), start, rate }) }
    }

    /// The wall time now.
    pub fn now(&self) -> WallTime {
        match self.simulated {
            Some(Simulated { started, start, rate }) => {
                start.plus_ms((started.elapsed().as_secs_f64() * 1000.0 * rate) as i64)
            }
            None => machine_time(),
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the only place of the hub that asks the machine for its wall time"
)]
fn machine_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    WallTime(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}
