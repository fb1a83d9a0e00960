//! Ages in words.

use crate::panel::Message;

/// From so many minutes on an age is told in hours.
const HOURS_FROM_MIN: u64 = 120;

/// How old a filter is, in words.
pub fn age(age_min: Option<u64>) -> Message {
    match age_min {
        None => Message::new("line-list-none"),
        Some(minutes) if minutes < HOURS_FROM_MIN => Message::new("line-list-age").number("minutes", minutes),
        Some(minutes) => Message::new("line-list-age-hours").number("hours", minutes / 60),
    }
}
