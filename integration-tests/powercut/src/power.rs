//! The power of one or several disks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts down the disk's steps where it is to fail.
#[derive(Debug)]
pub struct Power(AtomicU64);

/// The power is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Off;

/// Steps left where nothing is to fail.
const STAYS: u64 = u64::MAX;

impl Power {
    /// Power that stays until it is told to fail.
    pub fn stays() -> Self {
        Self(AtomicU64::new(STAYS))
    }

    /// Fails after so many steps: a write, truncation, deletion or creation is one step, a sync is two, so that it can
    /// fail before and after it.
    pub fn fails_after(&self, steps: u64) {
        self.0.store(steps.min(STAYS - 1), Ordering::SeqCst);
    }

    /// Fails now.
    pub fn cut(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// It has not failed.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn check(&self) -> Result<(), Off> {
        if self.is_on() { Ok(()) } else { Err(Off) }
    }

    /// One step. The last one that is left is the one that fails.
    pub(crate) fn step(&self) -> Result<(), Off> {
        let counted = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            STAYS => Some(STAYS),
            0 => None,
            left => Some(left - 1),
        });
        match counted {
            Ok(left) if left > 1 => Ok(()),
            _ => Err(Off),
        }
    }
}
