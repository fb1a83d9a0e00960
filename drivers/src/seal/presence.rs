//! Which seals are near: strengths smoothed over time, with hysteresis, and the nearest told apart by a margin.
//!
//! A strength says little about a distance: a hand before the antenna costs 10 dB, and of two seals a metre apart now
//! this and now that one is louder. So each is smoothed, enters above one threshold and leaves below a lower one, and
//! is forgotten when nothing came for a while; and one is called the nearest only where it is louder than every other
//! by a margin. Where none is, a person has to say which is meant.
//!
//! Pure: the caller brings the time, as milliseconds of a clock that never goes back.

use std::collections::HashMap;

use super::address::Address;

/// Addresses that are followed at once. A new one beyond that takes the place of the one that was heard longest ago.
pub const ADDRESSES_MAX: usize = 1_024;

/// Strengths and times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearness {
    /// From this smoothed strength on something is near, in dBm.
    pub enter_dbm: f32,
    /// Below this one it is far again, in dBm; less than [`Self::enter_dbm`], so that it does not flicker.
    pub leave_dbm: f32,
    /// What a new strength counts against those before it, above 0 and at most 1.
    pub weight: f32,
    /// What was not heard for so long is no longer near, in milliseconds. A Pi misses frames for 2 to 9 seconds.
    pub forget_after_ms: u64,
    /// The nearest is at least so much louder than the next, in dB.
    pub margin_db: f32,
}

impl Default for Nearness {
    fn default() -> Self {
        Self { enter_dbm: -70.0, leave_dbm: -80.0, weight: 0.25, forget_after_ms: 15_000, margin_db: 8.0 }
    }
}

/// Who is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearest {
    /// Nothing is near.
    None,
    /// This one, by the margin.
    One(Address),
    /// Several are near, and none is louder than all others by the margin: so many.
    Several(usize),
}

/// What is near.
#[derive(Debug, Default)]
pub struct Presence {
    nearness: Nearness,
    heard: HashMap<Address, Heard>,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    dbm: f32,
    at_ms: u64,
    near: bool,
}

impl Presence {
    /// Nothing is near yet.
    #[must_use]
    pub fn new(nearness: Nearness) -> Self {
        Self { nearness, heard: HashMap::new() }
    }

    /// Something was heard at `now_ms` with this strength in dBm.
    pub fn heard(&mut self, now_ms: u64, address: Address, dbm: i8) {
        let Nearness { enter_dbm, leave_dbm, weight, .. } = self.nearness;
        let dbm = f32::from(dbm);
        let before = self.heard.get(&address).copied().filter(|heard| !self.is_old(heard, now_ms));
        if before.is_none() {
            self.make_room(now_ms);
        }
        let dbm = before.map_or(dbm, |before| before.dbm + weight * (dbm - before.dbm));
        let near = match before {
            Some(Heard { near: true, .. }) => dbm >= leave_dbm,
            _ => dbm >= enter_dbm,
        };
        self.heard.insert(address, Heard { dbm, at_ms: now_ms, near });
    }

    /// It is near at `now_ms`.
    #[must_use]
    pub fn is_near(&self, now_ms: u64, address: Address) -> bool {
        self.heard.get(&address).is_some_and(|heard| heard.near && !self.is_old(heard, now_ms))
    }

    /// The nearest at `now_ms` of those that are wanted. Of the others none counts, however near.
    #[must_use]
    pub fn nearest(&self, now_ms: u64, mut wanted: impl FnMut(Address) -> bool) -> Nearest {
        let mut near: Vec<(f32, Address)> = self
            .heard
            .iter()
            .filter(|(address, heard)| heard.near && !self.is_old(heard, now_ms) && wanted(**address))
            .map(|(address, heard)| (heard.dbm, *address))
            .collect();
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        match near.as_slice() {
            [] => Nearest::None,
            [(_, address)] => Nearest::One(*address),
            [(first, address), (second, _), ..] if first - second >= self.nearness.margin_db => {
                Nearest::One(*address)
            }
            several => Nearest::Several(several.len()),
        }
    }

    fn is_old(&self, heard: &Heard, now_ms: u64) -> bool {
        now_ms.saturating_sub(heard.at_ms) >= self.nearness.forget_after_ms
    }

    /// Called with no entry for the one that comes; forgets what is old first.
    fn make_room(&mut self, now_ms: u64) {
        if self.heard.len() < ADDRESSES_MAX {
            return;
        }
        let forget_after_ms = self.nearness.forget_after_ms;
        self.heard.retain(|_, heard| now_ms.saturating_sub(heard.at_ms) < forget_after_ms);
        if self.heard.len() < ADDRESSES_MAX {
            return;
        }
        let oldest = self.heard.iter().min_by_key(|(_, heard)| heard.at_ms).map(|(address, _)| *address);
        if let Some(oldest) = oldest {
            self.heard.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Address = Address([1; 6]);
    const OTHER: Address = Address([2; 6]);

    /// Without smoothing, so that each strength stands for itself.
    fn sharp() -> Presence {
        Presence::new(Nearness { weight: 1.0, ..Nearness::default() })
    }

    #[test]
    fn near_has_hysteresis() {
        let mut presence = sharp();
        let near = [-75, -70, -75, -80, -81, -75, -69].map(|dbm| {
            presence.heard(0, ONE, dbm);
            presence.is_near(0, ONE)
        });
        assert_eq!(near, [false, true, true, true, false, false, true]);
    }

    #[test]
    fn one_loud_frame_brings_nothing_near_and_one_weak_one_takes_nothing_away() {
        let mut presence = Presence::default();
        presence.heard(0, ONE, -85);
        presence.heard(1, ONE, -40);
        assert!(!presence.is_near(1, ONE), "smoothed: -73.75");
        presence.heard(2, ONE, -40);
        assert!(presence.is_near(2, ONE));
        presence.heard(3, ONE, -95);
        assert!(presence.is_near(3, ONE));
    }

    #[test]
    fn what_was_not_heard_for_a_while_is_not_near_and_begins_anew() {
        let mut presence = Presence::default();
        presence.heard(0, ONE, -50);
        assert!(presence.is_near(14_999, ONE));
        assert!(!presence.is_near(15_000, ONE));
        presence.heard(20_000, ONE, -75);
        assert!(!presence.is_near(20_000, ONE), "neither strength nor nearness of before count");
    }

    #[test]
    fn the_nearest_is_louder_than_every_other_by_the_margin() {
        let mut presence = sharp();
        assert_eq!(presence.nearest(0, |_| true), Nearest::None);
        presence.heard(0, ONE, -50);
        assert_eq!(presence.nearest(0, |_| true), Nearest::One(ONE));
        presence.heard(0, OTHER, -58);
        assert_eq!(presence.nearest(0, |_| true), Nearest::One(ONE));
        presence.heard(0, OTHER, -57);
        assert_eq!(presence.nearest(0, |_| true), Nearest::Several(2));
        assert_eq!(presence.nearest(0, |address| address == OTHER), Nearest::One(OTHER));
        assert_eq!(presence.nearest(15_000, |_| true), Nearest::None);
    }

    #[test]
    fn the_number_of_addresses_is_bounded_and_the_one_heard_longest_ago_goes() {
        let mut presence = sharp();
        let address = |number: u16| {
            let [high, low] = number.to_be_bytes();
            Address([0, 0, 0, 0, high, low])
        };
        let max = u16::try_from(ADDRESSES_MAX).unwrap_or_default();
        for number in 0..=max {
            presence.heard(number.into(), address(number), -50);
        }
        assert_eq!(presence.heard.len(), ADDRESSES_MAX);
        assert!(!presence.is_near(max.into(), address(0)));
        assert!(presence.is_near(max.into(), address(max)));
        presence.heard(100_000, ONE, -50);
        assert_eq!(presence.heard.len(), 1, "the old ones go first");
    }
}
