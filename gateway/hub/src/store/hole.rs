//! A hole that the gateway does not fill, because it believes that the hub has what is missing.
//!
//! A gateway begins again behind what it believes to be held. If it begins beyond our own `held` time after time, then
//! more was acknowledged once than is here: the store was put back from a copy, and so was everything else that could
//! have told (the file beside it, the broker's retained acknowledgements). A new epoch asks for it again. A batch that
//! the broker dropped looks the same for a while, hence the patience; a new epoch too many costs a repeat and no record.

/// The gateway must have begun again beyond `held` so often.
pub(super) const REPEATS_MIN: u32 = 3;

/// The hole must have been there for so long, in milliseconds: repeats of messages under way are quicker.
pub(super) const OPEN_MS_MIN: i64 = 30_000;

/// What is known of a journal's hole.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hole {
    open: Option<Open>,
    /// A new epoch was begun for a hole behind this number: never twice for the same.
    asked_behind: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    held: u64,
    since_ms: i64,
    /// Where the gateway begins: the lowest first number seen.
    first: u64,
    repeats: u32,
}

impl Hole {
    /// A batch begins at `first` while the journal is held up to `held`. True: only a new epoch fills the hole.
    pub(super) fn note(&mut self, held: u64, first: u64, now_ms: i64) -> bool {
        if first <= held.saturating_add(1) {
            self.open = None;
            return false;
        }
        let Some(open) = self.open.as_mut().filter(|open| open.held == held) else {
            self.open = Some(Open { held, since_ms: now_ms, first, repeats: 0 });
            return false;
        };
        if first <= open.first {
            open.first = first;
            open.repeats = open.repeats.saturating_add(1);
        }
        let stands = open.repeats >= REPEATS_MIN && now_ms.saturating_sub(open.since_ms) >= OPEN_MS_MIN;
        if !stands || self.asked_behind == Some(held) {
            return false;
        }
        self.asked_behind = Some(held);
        self.open = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gateway_that_begins_beyond_held_time_after_time_needs_a_new_epoch() {
        let mut hole = Hole::default();
        // It begins at 107, goes on with later batches, and begins again each quarter of a minute.
        let mut asked = Vec::new();
        for round in 0..6 {
            for first in [107, 130, 150] {
                if hole.note(50, first, round * 15_000) {
                    asked.push((round, first));
                }
            }
        }
        assert_eq!(asked, [(3, 107)], "once, and only after some patience");
    }

    #[test]
    fn a_batch_that_was_dropped_or_came_late_needs_none() {
        let mut hole = Hole::default();
        for round in 0..10 {
            // The first batch of the window comes again with the others.
            assert!(!hole.note(50, 80, round * 15_000));
            assert!(!hole.note(50, 51, round * 15_000));
        }
        // Many copies within a moment.
        assert!(!(0..100).any(|_| hole.note(50, 80, 150_000)));
        // The hole moves: something arrived.
        assert!(!(0..100).any(|step| hole.note(60 + step, 200, 200_000 + 60_000 * step as i64)));
    }
}
