//! Dates of receivers whose week counter has rolled over.
//!
//! GPS counts weeks in ten bits (IS-GPS-200, 20.3.3.3.1.1): a receiver whose firmware is older than 1,024 weeks tells a
//! date of twenty years ago, or of 1980. Only another clock can mend that: here a floor, a time that is past for
//! certain. What a receiver sends is never changed by the decoder.

use jiff::{SignedDuration, Timestamp};

/// Weeks that ten bits count.
const WEEKS: i64 = 1_024;
/// Those, in milliseconds: 7,168 days.
pub const ROLLOVER_MS: i64 = WEEKS * 7 * 86_400 * 1_000;

/// The first time at or after `floor` that `told` stands for, if it lies less than `window_ms` milliseconds after it:
/// as told, or later by a whole number of rollovers. None where no such time does: `told` cannot be believed.
pub fn mend(told: Timestamp, floor: Timestamp, window_ms: i64) -> Option<Timestamp> {
    let behind_ms = floor.as_millisecond().saturating_sub(told.as_millisecond());
    // The smallest number of rollovers that reaches the floor.
    let rollovers = behind_ms.max(0).saturating_add(ROLLOVER_MS - 1) / ROLLOVER_MS;
    let mended = told.checked_add(SignedDuration::from_millis(rollovers.checked_mul(ROLLOVER_MS)?)).ok()?;
    let after_ms = mended.as_millisecond().saturating_sub(floor.as_millisecond());
    (0..window_ms).contains(&after_ms).then_some(mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_MS: i64 = 90 * 86_400 * 1_000;

    fn mended(told: &str, floor: &str) -> Option<String> {
        mend(told.parse().unwrap(), floor.parse().unwrap(), WINDOW_MS).map(|time| time.to_string())
    }

    #[test]
    fn a_date_before_the_floor_is_later_by_whole_rollovers() {
        // A recorded receiver on the day of the second rollover, 2019-04-07.
        let rolled = mended("1999-08-22T00:02:31.42Z", "2019-03-01T00:00:00Z");
        assert_eq!(rolled.as_deref(), Some("2019-04-07T00:02:31.42Z"));
        let twice = mended("1980-01-06T00:00:00Z", "2019-03-01T00:00:00Z");
        assert_eq!(twice.as_deref(), Some("2019-04-07T00:00:00Z"));
        let right = mended("2019-04-07T00:00:00Z", "2019-04-07T00:00:00Z");
        assert_eq!(right.as_deref(), Some("2019-04-07T00:00:00Z"));
    }

    #[test]
    fn a_date_that_no_rollover_explains_is_not_believed() {
        assert_eq!(mended("1980-01-06T00:00:00Z", "2026-01-01T00:00:00Z"), None);
        assert_eq!(mended("2026-04-01T00:00:00Z", "2026-01-01T00:00:00Z"), None, "90 days after it");
        assert!(mended("2026-03-31T23:59:59Z", "2026-01-01T00:00:00Z").is_some());
        assert_eq!(mend(Timestamp::MIN, Timestamp::MAX, WINDOW_MS), None);
        assert_eq!(mend(Timestamp::MAX, Timestamp::MIN, WINDOW_MS), None);
    }
}
