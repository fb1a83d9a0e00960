//! Where a van is on its way.

use std::sync::{Mutex, PoisonError};

use waypost_core::fact::SiteKind;

use crate::demo::world::World;

/// Positions of a way, from door to door.
const STEPS: u32 = 12;

/// Degrees north and east.
pub(super) type Place = (f64, f64);

/// Where a van is: on the last of `STEPS` positions it has arrived.
pub(super) struct Van(Mutex<Way>);

struct Way {
    from: Place,
    to: Place,
    step: u32,
}

impl Van {
    /// Both vans, where they stand in the morning.
    pub(super) fn both(world: &World) -> [Self; 2] {
        let mut places =
            world.sites.iter().filter(|site| site.kind == SiteKind::Vehicle).map(|site| site.place);
        [(); 2].map(|()| {
            let at = places.next().unwrap_or_default();
            Self(Mutex::new(Way { from: at, to: at, step: STEPS }))
        })
    }

    pub(super) fn leave_for(&self, to: Place) {
        let mut way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *way = Way { from: way.to, to, step: 0 };
    }

    pub(super) fn has_arrived(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).step >= STEPS
    }

    /// The next position.
    pub(super) fn next(&self) -> Place {
        let mut way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        way.step = (way.step + 1).min(STEPS);
        let share = f64::from(way.step) / f64::from(STEPS);
        let between = |a: f64, b: f64| a + (b - a) * share;
        (between(way.from.0, way.to.0), between(way.from.1, way.to.1))
    }
}
