//! The one clock of a gateway: wall time with its quality, and time since the start. It can be injected.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use waypost_core::fact::{ClockQuality, Moment, WallTime};

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// A clock is right when it lies less than this after the floor, or agrees with the hub's signed time.
pub const AFTER_FLOOR_MS_MAX: i64 = 90 * DAY_MS;

/// What confirms a clock and what it confirms may differ by this, in real milliseconds: messages take their time.
const APART_MS: f64 = 60_000.0;
/// A clock that runs ahead of the hub's word is set back from so many real milliseconds on: that word may come late.
const AHEAD_MS_MAX: f64 = 600_000.0;

/// A shared handle; clones show the same time.
///
/// Wall time is the time since the start, which never steps, plus an offset. Until something confirms that offset it is
/// the machine's own, and a step of the machine's clock is a suggestion: it is followed unless it leads away from what
/// can be. Once a receiver or the hub has confirmed an offset it holds for the rest of this start, whatever the machine's
/// clock does, and only the hub's signed time overrules it.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    /// When `rate` began to hold.
    since: Instant,
    /// Milliseconds since the start of the process, at that moment.
    up_ms: f64,
    /// Simulated milliseconds for each real one; 1 on a real gateway.
    rate: f64,
    /// What the machine's clock says: `wall = up_ms + offset`. None: a real machine, to be asked.
    simulated: Option<i64>,
    /// `wall = up_ms + offset_ms`.
    offset_ms: i64,
    quality: ClockQuality,
    /// The latest time shown since the clock is right: it never shows an earlier one while it says that it is.
    shown: Option<WallTime>,
    /// The offset that the hub's signed time gives, where it was heard since the start.
    hub_offset_ms: Option<i64>,
    /// The latest time that is past for certain, as far as it is known here.
    floor: Option<WallTime>,
    /// No time before this is ever believed, whoever tells it.
    built: Option<WallTime>,
    /// The last step of the machine's clock that was not followed.
    not_followed: Option<i64>,
}

/// How well a time fits what is known: worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Past,
    FarAhead,
    Near,
}

/// Midnight (UTC) of the day on which this program was built: an earlier time is wrong.
pub fn build_time() -> WallTime {
    // The build script writes it.
    let seconds: i64 = env!("WAYPOST_BUILD_S").parse().unwrap_or_default();
    WallTime(seconds.saturating_mul(1_000).div_euclid(DAY_MS).saturating_mul(DAY_MS))
}

impl Clock {
    /// The machine's own clock, not confirmed by anything yet.
    pub fn system() -> Self {
        Self::new(1.0, None)
    }

    /// A simulated clock that starts at a wall time and runs `rate` times as fast as the real one.
    pub fn simulated(start: WallTime, rate: f64) -> Self {
        Self::new(rate, Some(start.as_millis()))
    }

    fn new(rate: f64, simulated: Option<i64>) -> Self {
        let inner = Inner {
            since: Instant::now(),
            up_ms: 0.0,
            rate,
            simulated,
            offset_ms: simulated.unwrap_or_else(|| machine_time().as_millis()),
            quality: ClockQuality::Unset,
            shown: None,
            hub_offset_ms: None,
            floor: None,
            built: None,
            not_followed: None,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// What the clock says now.
    pub fn now(&self) -> Moment {
        self.lock().now()
    }

    /// Takes a better time, as a receiver tells it: `wall = up_ms + offset_ms` from now on. A worse quality than the one
    /// held changes nothing, and neither does a time that the hub's signed one speaks against; returns whether it was
    /// taken. Set back, a clock that was right stands still until it has caught up.
    pub fn set(&self, offset_ms: i64, quality: ClockQuality) -> bool {
        let mut inner = self.lock();
        let against = inner.hub_offset_ms.is_some_and(|hub| apart_ms(hub, offset_ms) > inner.real(APART_MS));
        if quality < inner.quality || against {
            return false;
        }
        inner.offset_ms = offset_ms;
        inner.quality = quality;
        true
    }

    /// Hears the hub's signed time at the moment at which it was signed, but for the way. It is past for certain, and it
    /// sets a clock that nothing has confirmed, one that lies behind it, and one that is far ahead: then it was a receiver
    /// that lied. Returns the offset where the clock was set. A time before the build is none.
    pub fn hear_hub(&self, hub: WallTime) -> Option<i64> {
        let mut inner = self.lock();
        if inner.built.is_some_and(|built| hub < built) {
            return None;
        }
        let told = hub.as_millis().saturating_sub_unsigned(inner.up_ms());
        let (near, far) = (inner.real(APART_MS), inner.real(AHEAD_MS_MAX));
        // Of several the one that was under way for the shortest time.
        let known = inner.hub_offset_ms.filter(|known| apart_ms(*known, told) <= near);
        inner.hub_offset_ms = Some(known.map_or(told, |known| known.max(told)));
        let ahead = inner.offset_ms.saturating_sub(told) as f64;
        if inner.is_right() && -near <= ahead && ahead <= far {
            inner.floor = inner.floor.max(Some(hub));
            return None;
        }
        // What was recorded by a clock that was far ahead is no floor any more.
        inner.floor = Some(hub);
        (inner.offset_ms, inner.quality, inner.shown) = (told, ClockQuality::Ntp, None);
        Some(told)
    }

    /// Steps the machine's wall time, as a machine does that lost its clock or was told another time.
    pub fn step_to(&self, at: WallTime) {
        let mut inner = self.lock();
        inner.simulated = Some(at.as_millis().saturating_sub_unsigned(inner.up_ms()));
    }

    /// The time where it can be judged by: the clock is confirmed, or lies less than 90 days after what is past for
    /// certain. By any other nothing ends.
    pub fn to_judge_by(&self) -> Option<WallTime> {
        let mut inner = self.lock();
        let now = inner.now();
        (inner.is_right() || inner.fit(now.at) == Fit::Near).then_some(now.at)
    }

    /// The latest time that is past for certain: of the build, of the configuration, of the last record, of the hub.
    pub fn floor(&self) -> Option<WallTime> {
        self.lock().floor()
    }

    /// Learns of a time that is past for certain. An earlier one than is known changes nothing. A clock that lies before it
    /// is not right, whatever confirmed it.
    pub fn raise_floor(&self, floor: WallTime) {
        let mut inner = self.lock();
        inner.floor = inner.floor.max(Some(floor));
        let (at, near) = (inner.wall(inner.offset_ms), inner.real(APART_MS));
        if inner.is_right() && apart_ms(floor.as_millis(), at.as_millis()) > near && floor > at {
            (inner.quality, inner.shown) = (ClockQuality::Unset, None);
        }
    }

    /// From now on no time before this is believed, not even the hub's.
    pub fn never_before(&self, built: WallTime) {
        let mut inner = self.lock();
        inner.built = inner.built.max(Some(built));
    }

    /// Lets a simulated clock run at another rate from now on; a rate that is no positive number changes nothing.
    pub fn set_rate(&self, rate: f64) {
        let mut inner = self.lock();
        if rate.is_finite() && rate > 0.0 {
            inner.up_ms += inner.since.elapsed().as_secs_f64() * 1000.0 * inner.rate;
            inner.since = Instant::now();
            inner.rate = rate;
        }
    }

    /// Simulated milliseconds for each real one.
    pub fn rate(&self) -> f64 {
        self.lock().rate
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now(&mut self) -> Moment {
        let up_ms = self.up_ms();
        if !self.is_right() {
            self.follow_machine(up_ms);
        }
        let mut at = WallTime(self.offset_ms.saturating_add_unsigned(up_ms));
        if self.is_right() {
            // Set back a little, it stands still until it has caught up.
            at = self.shown.map_or(at, |shown| shown.max(at));
            self.shown = Some(at);
        }
        Moment { up_ms, at, clock: self.quality }
    }

    /// Follows the machine's clock where its time fits what is known no worse than the one that is shown.
    fn follow_machine(&mut self, up_ms: u64) {
        let machine =
            self.simulated.unwrap_or_else(|| machine_time().as_millis().saturating_sub_unsigned(up_ms));
        if machine == self.offset_ms {
            return;
        }
        let (now, then) = (self.wall(self.offset_ms), self.wall(machine));
        let is_step = apart_ms(machine, self.offset_ms) > self.real(APART_MS);
        if is_step && self.fit(then) < self.fit(now) {
            if self.not_followed.is_none_or(|known| apart_ms(known, machine) > self.real(APART_MS)) {
                tracing::warn!(from = %now, to = %then, "the machine's clock stepped to a time that cannot be; it is not followed");
                self.not_followed = Some(machine);
            }
            return;
        }
        if is_step {
            tracing::info!(from = %now, to = %then, "the machine's clock stepped");
        }
        self.offset_ms = machine;
    }

    fn fit(&self, at: WallTime) -> Fit {
        match self.floor() {
            Some(floor) if at < floor => Fit::Past,
            Some(floor) if at >= floor.plus_ms(AFTER_FLOOR_MS_MAX) => Fit::FarAhead,
            _ => Fit::Near,
        }
    }

    fn floor(&self) -> Option<WallTime> {
        self.floor.max(self.built)
    }

    fn is_right(&self) -> bool {
        self.quality >= ClockQuality::Ntp
    }

    fn wall(&self, offset_ms: i64) -> WallTime {
        WallTime(offset_ms.saturating_add_unsigned(self.up_ms()))
    }

    /// Real milliseconds in those of this clock.
    fn real(&self, ms: f64) -> f64 {
        ms * self.rate.max(1.0)
    }

    fn up_ms(&self) -> u64 {
        (self.up_ms + self.since.elapsed().as_secs_f64() * 1000.0 * self.rate) as u64
    }
}

fn apart_ms(one: i64, two: i64) -> f64 {
    one.saturating_sub(two).unsigned_abs() as f64
}

#[allow(clippy::disallowed_methods, reason = "the only place that asks the machine for its wall time")]
fn machine_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    WallTime(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
