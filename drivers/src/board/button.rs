//! A contact without its bouncing: a level counts once it has stood still for a time.

use std::time::{Duration, Instant};

/// How long a button's level must stand still. Contacts bounce for a few milliseconds; nobody presses shorter than this.
pub const BUTTON_STILL: Duration = Duration::from_millis(20);
/// How long a lid's switch must stand still: a lid that shakes on the road is not opened.
pub const LID_STILL: Duration = Duration::from_millis(200);

/// One contact.
#[derive(Debug, Clone)]
pub struct Contact {
    still: Duration,
    level: Option<bool>,
    other_since: Option<Instant>,
}

impl Contact {
    /// A contact of which nothing is known yet; `still` is how long a level must stand.
    pub fn new(still: Duration) -> Self {
        Self { still, level: None, other_since: None }
    }

    /// Takes up a level. The new one where it has changed for good.
    ///
    /// The first level ever is taken as it is and is no change: a button that is held down while the program starts
    /// was not pressed.
    pub fn sample(&mut self, level: bool, now: Instant) -> Option<bool> {
        let Some(held) = self.level else {
            self.level = Some(level);
            return None;
        };
        if level == held {
            self.other_since = None;
            return None;
        }
        let since = *self.other_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.still {
            return None;
        }
        self.level = Some(level);
        self.other_since = None;
        Some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes of a contact that is sampled every millisecond.
    fn changes(levels: &[(bool, u64)]) -> Vec<bool> {
        let start = Instant::now();
        let mut contact = Contact::new(BUTTON_STILL);
        let samples = levels.iter().flat_map(|(level, ms)| (0..*ms).map(|_| *level));
        samples
            .zip(0..)
            .filter_map(|(level, ms)| contact.sample(level, start + Duration::from_millis(ms)))
            .collect()
    }

    #[test]
    fn a_press_that_bounces_is_one_press() {
        let bouncing = [
            (false, 50),
            (true, 2),
            (false, 3),
            (true, 1),
            (false, 1),
            (true, 90),
            (false, 2),
            (true, 1),
            (false, 60),
        ];
        assert_eq!(changes(&bouncing), [true, false]);
    }

    #[test]
    fn a_spike_is_no_press() {
        assert_eq!(changes(&[(false, 50), (true, 15), (false, 50), (true, 19), (false, 50)]), [false; 0]);
    }

    #[test]
    fn a_button_that_is_held_at_the_start_was_not_pressed() {
        assert_eq!(changes(&[(true, 500), (false, 50), (true, 50)]), [false, true]);
    }
}
