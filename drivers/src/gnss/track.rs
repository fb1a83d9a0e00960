//! Which fixes are good enough for a track, and which of those it needs.
//!
//! [`Gate`] drops fixes that are too coarse or lie where a van cannot be. [`Thinner`] keeps a track small: a replay of
//! what it keeps passes within [`CORRIDOR_M`] of each fix that it was given. Times are the gateway's own, monotonic, in
//! milliseconds: a receiver's clock may jump.

use super::fix::{Fix, NavStatus};

/// Horizontal dilution above which a fix is too coarse.
pub const HDOP_MAX: f64 = 6.0;
/// Satellites below which a position has no check on it.
pub const SATELLITES_MIN: u8 = 4;
/// Faster than any van: 70 m/s are 252 km/h.
pub const SPEED_MAX_MPS: f64 = 70.0;
/// How far two fixes of a standing receiver may lie apart.
pub const JITTER_M: f64 = 60.0;
/// So many fixes after each other that agree on a far place are believed: the first one may have been the wrong one.
pub const FAR_FIXES_BELIEVED: u8 = 5;
/// And only when they last so long, in milliseconds: a receiver may tell ten a second.
pub const FAR_MS_BELIEVED: u64 = 3_000;

/// How far a fix that was left out may lie from the line between those that were kept: what is promised.
pub const CORRIDOR_M: f64 = 25.0;
/// What is aimed at, so that [`CORRIDOR_M`] holds on the sphere as well.
const AIM_M: f64 = 20.0;
/// A track has a fix at least this often while the vehicle moves, in milliseconds.
pub const MOVING_MS_MAX: u64 = 60_000;
/// And this often while it stands.
pub const STANDING_MS_MAX: u64 = 600_000;
/// And at least one for this distance.
pub const DISTANCE_MAX_M: f64 = 1_000.0;
/// Fixes that are looked back at. At this bound the latest is kept, whatever it adds.
const WINDOW_FIXES_MAX: usize = 900;

/// Why a fix does not belong on a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Gated {
    /// [`HDOP_MAX`].
    #[error("the satellites stand too close together")]
    Dilution,
    /// [`SATELLITES_MIN`].
    #[error("too few satellites")]
    Satellites,
    /// The receiver says that it is not safe to rely on.
    #[error("the receiver calls the position unsafe")]
    NavStatus,
    /// Further from the last fix than a van can have come.
    #[error("further away than a van can have come")]
    Jump,
}

/// Drops fixes that are too coarse or too far.
#[derive(Debug, Default)]
pub struct Gate {
    last: Option<(Fix, u64)>,
    far: Option<Far>,
}

/// Fixes at a place that a van cannot have reached, and that agree with each other.
#[derive(Debug)]
struct Far {
    last: (Fix, u64),
    since_ms: u64,
    fixes: u8,
}

impl Gate {
    /// Whether `fix`, come at `now_ms`, may go on the track. What a receiver does not send is not held against it.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&mut self, fix: &Fix, now_ms: u64) -> Result<(), Gated> {
        if fix.hdop.is_some_and(|hdop| hdop > HDOP_MAX) {
            return Err(Gated::Dilution);
        }
        if fix.satellites.is_some_and(|satellites| satellites < SATELLITES_MIN) {
            return Err(Gated::Satellites);
        }
        if fix.nav_status == Some(NavStatus::Unsafe) {
            return Err(Gated::NavStatus);
        }
        if self.last.as_ref().is_some_and(|last| !reachable(last, fix, now_ms)) {
            let (since_ms, fixes) = match &self.far {
                Some(far) if reachable(&far.last, fix, now_ms) => (far.since_ms, far.fixes.saturating_add(1)),
                _ => (now_ms, 1),
            };
            self.far = Some(Far { last: (fix.clone(), now_ms), since_ms, fixes });
            if fixes < FAR_FIXES_BELIEVED || now_ms.saturating_sub(since_ms) < FAR_MS_BELIEVED {
                return Err(Gated::Jump);
            }
        }
        *self = Self { last: Some((fix.clone(), now_ms)), far: None };
        Ok(())
    }
}

fn reachable((from, since_ms): &(Fix, u64), to: &Fix, now_ms: u64) -> bool {
    let seconds = now_ms.saturating_sub(*since_ms) as f64 / 1000.0;
    from.distance_m(to) <= JITTER_M + SPEED_MAX_MPS * seconds
}

/// Keeps the fixes that a track needs: at turns, and at least so often by distance and time.
///
/// Whether a fix is needed often shows only with the next one, so what is kept may be the fix before the one pushed.
#[derive(Debug, Default)]
pub struct Thinner {
    anchor: Option<(Fix, u64)>,
    /// Fixes since the anchor, all within the corridor of the line from it to the last of them.
    window: Vec<(Fix, u64)>,
}

impl Thinner {
    /// Takes a fix that came at `now_ms` and gives the one to keep, if there is one: `fix` itself or the one before.
    pub fn push(&mut self, fix: Fix, now_ms: u64) -> Option<Fix> {
        let Some((anchor, since_ms)) = &self.anchor else {
            return Some(self.keep(fix, now_ms));
        };
        if !self.window.iter().all(|(left_out, _)| strays_m(anchor, &fix, left_out) <= AIM_M)
            && let Some((turn, turned_ms)) = self.window.pop()
        {
            // The line to the fix before held for all of the window, so that one is where the track bends.
            self.window.clear();
            self.window.push((fix, now_ms));
            self.anchor = Some((turn.clone(), turned_ms));
            return Some(turn);
        }
        let distance = anchor.distance_m(&fix);
        let age_ms = now_ms.saturating_sub(*since_ms);
        let moved = distance > CORRIDOR_M;
        if distance >= DISTANCE_MAX_M
            || age_ms >= STANDING_MS_MAX
            || (moved && age_ms >= MOVING_MS_MAX)
            || self.window.len() >= WINDOW_FIXES_MAX
        {
            return Some(self.keep(fix, now_ms));
        }
        self.window.push((fix, now_ms));
        None
    }

    /// The trip ended: the last fix, if it was not kept already.
    pub fn finish(&mut self) -> Option<Fix> {
        self.anchor = None;
        let last = self.window.pop().map(|(fix, _)| fix);
        self.window.clear();
        last
    }

    fn keep(&mut self, fix: Fix, now_ms: u64) -> Fix {
        self.window.clear();
        self.anchor = Some((fix.clone(), now_ms));
        fix
    }
}

/// How far `fix` lies from the line between `from` and `to`, in metres.
fn strays_m(from: &Fix, to: &Fix, fix: &Fix) -> f64 {
    let (line_east, line_north) = from.offset_m(to);
    let (east, north) = from.offset_m(fix);
    let length_squared = line_east * line_east + line_north * line_north;
    let along = if length_squared > 0.0 {
        ((east * line_east + north * line_north) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (east - along * line_east).hypot(north - along * line_north)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const METRE_DEG: f64 = 1.0 / 111_195.0;

    fn at(east_m: f64, north_m: f64) -> Fix {
        Fix::at(22.3 + north_m * METRE_DEG, 114.2 + east_m * METRE_DEG / 22.3_f64.to_radians().cos())
    }

    fn thin(fixes: &[Fix], step_ms: u64) -> Vec<Fix> {
        let mut thinner = Thinner::default();
        let mut kept: Vec<Fix> = (0..)
            .step_by(step_ms as usize)
            .zip(fixes)
            .filter_map(|(ms, fix)| thinner.push(fix.clone(), ms))
            .collect();
        kept.extend(thinner.finish());
        kept
    }

    /// The largest distance of a fix from the replayed track.
    fn strays_most_m(fixes: &[Fix], kept: &[Fix]) -> f64 {
        fixes
            .iter()
            .map(|fix| {
                let ends = kept.windows(2).map(|pair| strays_m(&pair[0], &pair[1], fix));
                ends.chain(kept.iter().map(|one| one.distance_m(fix))).fold(f64::MAX, f64::min)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn a_straight_road_needs_few_fixes() {
        let road: Vec<Fix> = (0..1000).map(|step| at(f64::from(step) * 14.0, 0.0)).collect();
        let kept = thin(&road, 1000);
        assert!(kept.len() <= 20, "{}", kept.len());
        assert_eq!((kept.first(), kept.last()), (road.first(), road.last()));
    }

    #[test]
    fn a_standing_van_needs_one_fix_in_ten_minutes() {
        let stand: Vec<Fix> =
            (0..3600).map(|second| at(f64::from(second % 7), f64::from(second % 5))).collect();
        let kept = thin(&stand, 1000);
        assert!((6..=8).contains(&kept.len()), "{}", kept.len());
    }

    #[test]
    fn a_turn_is_kept() {
        let mut road: Vec<Fix> = (0..20).map(|step| at(f64::from(step) * 15.0, 0.0)).collect();
        road.extend((0..20).map(|step| at(285.0, f64::from(step) * 15.0)));
        let kept = thin(&road, 1000);
        assert!(kept.iter().any(|fix| fix.distance_m(&at(285.0, 0.0)) < CORRIDOR_M), "{kept:?}");
    }

    #[test]
    fn a_jump_is_dropped_and_a_new_place_is_believed_in_the_end() {
        let mut gate = Gate::default();
        assert_eq!(gate.admit(&at(0.0, 0.0), 0), Ok(()));
        assert_eq!(gate.admit(&at(5000.0, 0.0), 1000), Err(Gated::Jump));
        assert_eq!(gate.admit(&at(20.0, 0.0), 2000), Ok(()));
        let far: Vec<_> = (3..8).map(|second| gate.admit(&at(5000.0, 0.0), second * 1000)).collect();
        assert_eq!(far, [Err(Gated::Jump), Err(Gated::Jump), Err(Gated::Jump), Err(Gated::Jump), Ok(())]);
        assert_eq!(gate.admit(&at(0.0, 0.0), 7000 + 80_000), Ok(()), "far away after a long time is no jump");
    }

    #[test]
    fn a_short_burst_of_fixes_elsewhere_is_not_believed() {
        let mut gate = Gate::default();
        assert_eq!(gate.admit(&at(0.0, 0.0), 0), Ok(()));
        for tenth in 1..25 {
            assert_eq!(gate.admit(&at(9000.0, 0.0), tenth * 100), Err(Gated::Jump), "{tenth}");
        }
        assert_eq!(gate.admit(&at(10.0, 0.0), 2_600), Ok(()));
    }

    #[test]
    fn far_fixes_that_do_not_agree_are_never_believed() {
        let mut gate = Gate::default();
        assert_eq!(gate.admit(&at(0.0, 0.0), 0), Ok(()));
        for step in 1..60_u32 {
            let place = at(f64::from(step % 7 + 1) * 90_000.0, f64::from(step % 5) * 90_000.0);
            assert_eq!(gate.admit(&place, u64::from(step) * 1000), Err(Gated::Jump), "{step}");
        }
    }

    #[test]
    fn coarse_fixes_are_dropped_and_silence_about_it_is_not_held_against_a_receiver() {
        let mut gate = Gate::default();
        assert_eq!(gate.admit(&Fix { hdop: Some(12.0), ..at(0.0, 0.0) }, 0), Err(Gated::Dilution));
        assert_eq!(gate.admit(&Fix { satellites: Some(3), ..at(0.0, 0.0) }, 0), Err(Gated::Satellites));
        let nav = |status| Fix { nav_status: Some(status), ..at(0.0, 0.0) };
        assert_eq!(gate.admit(&nav(NavStatus::Unsafe), 0), Err(Gated::NavStatus));
        assert_eq!(gate.admit(&nav(NavStatus::Caution), 0), Ok(()));
        assert_eq!(gate.admit(&at(0.0, 0.0), 0), Ok(()));
    }

    proptest! {
        #[test]
        fn a_replayed_track_stays_in_the_corridor(
            steps in prop::collection::vec((-40.0..40.0_f64, -40.0..40.0_f64, 1..20_usize), 1..60),
        ) {
            let (mut east, mut north) = (0.0, 0.0);
            let mut road = Vec::new();
            for (step_east, step_north, repeats) in steps {
                for _ in 0..repeats {
                    east += step_east;
                    north += step_north;
                    road.push(at(east, north));
                }
            }
            let kept = thin(&road, 1000);
            prop_assert!(strays_most_m(&road, &kept) <= CORRIDOR_M);
        }
    }
}
