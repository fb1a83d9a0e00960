//! The demonstration's time: a day in about a minute, then as fast as the wall clock.

use std::time::{Duration, Instant};

use waypost_core::fact::WallTime;

/// Simulated seconds for each real one while the day is played.
pub const RATE: f64 = 700.0;

/// Simulated time since the start of the day.
#[derive(Debug, Clone, Copy)]
pub struct DayClock {
    started: Instant,
    start: WallTime,
}

impl DayClock {
    /// The day starts now.
    pub fn start(start: WallTime) -> Self {
        Self { started: Instant::now(), start }
    }

    /// What a right clock says now.
    pub fn now(&self) -> WallTime {
        let ms = self.started.elapsed().as_secs_f64() * 1000.0 * RATE;
        self.start.plus_ms(ms as i64)
    }

    /// Waits until the simulated time has come; at once if it is over.
    pub async fn until(&self, at: WallTime) {
        let ms = at.as_millis() - self.now().as_millis();
        if ms > 0 {
            tokio::time::sleep(Duration::from_secs_f64(ms as f64 / 1000.0 / RATE)).await;
        }
    }
}
