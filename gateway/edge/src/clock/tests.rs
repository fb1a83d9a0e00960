//! Clocks that are wrong in every way that the field knows.

use super::*;

const NOON: i64 = 1_599_134_400_000;
const YEARS_10_MS: i64 = 3_653 * DAY_MS;

/// A gateway that woke at this time, and knows that noon is past.
fn woken(at: i64) -> Clock {
    let clock = Clock::simulated(WallTime(at), 1.0);
    clock.raise_floor(WallTime(NOON));
    clock
}

fn says(clock: &Clock) -> (i64, ClockQuality) {
    let Moment { at, clock, .. } = clock.now();
    // A test takes less than a second.
    (at.as_millis() / 10_000 * 10_000, clock)
}

#[test]
fn a_better_clock_is_taken_and_a_worse_one_is_not() {
    let clock = Clock::simulated(WallTime(0), 1000.0);
    assert_eq!(clock.now().clock, ClockQuality::Unset);
    assert!(clock.set(1_600_000_000_000, ClockQuality::Gnss));
    assert!(!clock.set(0, ClockQuality::Ntp));
    assert!(clock.now().at.as_millis() >= 1_600_000_000_000);
}

#[test]
fn a_right_clock_that_is_set_back_stands_still_and_shows_no_earlier_time() {
    let clock = Clock::simulated(WallTime(0), 1.0);
    assert!(clock.set(1_600_000_000_000, ClockQuality::Ntp));
    let shown = clock.now().at;
    assert!(clock.set(1_600_000_000_000 - 30_000, ClockQuality::Gnss));
    assert_eq!(clock.now().at, shown);
    assert_eq!(clock.now().clock, ClockQuality::Gnss);
    assert!(clock.set(1_600_000_000_000 + 30_000, ClockQuality::Gnss));
    assert!(clock.now().at >= shown.plus_ms(29_000));
}

#[test]
fn an_offset_that_is_known_outlives_every_step_of_the_machines_clock() {
    for quality in [ClockQuality::Ntp, ClockQuality::Gnss] {
        let clock = woken(0);
        assert!(clock.set(NOON, quality));
        for step in [0, NOON - YEARS_10_MS, NOON + YEARS_10_MS, NOON - 3_600_000, -1, i64::MAX, i64::MIN] {
            let before = clock.now();
            clock.step_to(WallTime(step));
            assert_eq!(says(&clock), (NOON, quality), "{step}");
            assert!(clock.now().up_ms >= before.up_ms, "{step}");
        }
    }
}

#[test]
fn a_step_of_a_machine_that_nothing_confirmed_is_followed_only_to_what_can_be() {
    let clock = woken(NOON + 30_000);
    for step in [0, NOON - YEARS_10_MS, NOON + YEARS_10_MS, i64::MIN, i64::MAX] {
        clock.step_to(WallTime(step));
        assert_eq!(says(&clock), (NOON + 30_000, ClockQuality::Unset), "{step}");
    }
    // A time server, or a person at the machine: hours later, and an hour back again.
    for step in [NOON + 7_200_000, NOON + 3_600_000] {
        clock.step_to(WallTime(step));
        assert_eq!(says(&clock), (step, ClockQuality::Unset));
    }
}

#[test]
fn a_gateway_that_woke_in_1970_follows_its_machine_to_today() {
    let clock = woken(0);
    assert_eq!(says(&clock), (0, ClockQuality::Unset));
    clock.step_to(WallTime(NOON + 60_000));
    assert_eq!(says(&clock), (NOON + 60_000, ClockQuality::Unset), "it is believable and not confirmed");
}

#[test]
fn a_receiver_that_lies_is_overruled_by_the_hub_and_not_believed_again() {
    let clock = woken(0);
    assert!(clock.set(NOON + 80 * DAY_MS, ClockQuality::Gnss));
    assert!(clock.hear_hub(WallTime(NOON)).is_some());
    assert_eq!(says(&clock), (NOON, ClockQuality::Ntp));
    assert!(!clock.set(NOON + 80 * DAY_MS, ClockQuality::Gnss));
    assert!(clock.set(NOON + 2_000, ClockQuality::Gnss), "one that agrees with the hub is taken");
    assert_eq!(says(&clock), (NOON, ClockQuality::Gnss));
    assert!(clock.floor() < Some(WallTime(NOON + DAY_MS)), "the lie left no floor");
}

#[test]
fn a_clock_behind_the_hubs_word_is_set_and_one_that_agrees_is_left_alone() {
    let clock = woken(0);
    assert!(clock.set(NOON, ClockQuality::Gnss));
    for late in [0, 5_000, 300_000] {
        assert_eq!(clock.hear_hub(WallTime(NOON - late)), None, "{late}");
        assert_eq!(says(&clock), (NOON, ClockQuality::Gnss));
    }
    assert!(clock.hear_hub(WallTime(NOON + 3_600_000)).is_some());
    assert_eq!(says(&clock), (NOON + 3_600_000, ClockQuality::Ntp));
}

#[test]
fn a_hub_that_woke_in_1970_is_not_believed() {
    let clock = woken(0);
    clock.never_before(WallTime(NOON));
    assert_eq!(clock.hear_hub(WallTime(5_000)), None);
    assert_eq!(says(&clock), (0, ClockQuality::Unset));
    assert!(clock.hear_hub(WallTime(NOON + 10_000)).is_some());
}

#[test]
fn a_clock_that_lies_before_what_is_past_is_not_right_any_more() {
    let clock = woken(0);
    assert!(clock.set(NOON, ClockQuality::Gnss));
    clock.raise_floor(WallTime(NOON - DAY_MS));
    assert_eq!(clock.now().clock, ClockQuality::Gnss);
    clock.raise_floor(WallTime(NOON + DAY_MS));
    assert_eq!(clock.now().clock, ClockQuality::Unset);
}

#[test]
fn the_floor_only_rises_and_the_build_is_of_this_century() {
    let clock = Clock::system();
    assert_eq!(clock.floor(), None);
    clock.raise_floor(WallTime(10));
    clock.raise_floor(WallTime(5));
    assert_eq!(clock.floor(), Some(WallTime(10)));
    assert!(build_time() >= "2020-01-01T00:00:00Z".parse().unwrap());
}

#[test]
fn nothing_is_judged_by_a_clock_that_may_be_years_off() {
    for years_off in [NOON - YEARS_10_MS, NOON + YEARS_10_MS, 0, NOON - 1_000, NOON + AFTER_FLOOR_MS_MAX] {
        assert_eq!(woken(years_off).to_judge_by(), None, "{years_off}");
    }
    assert!(woken(NOON + AFTER_FLOOR_MS_MAX - 60_000).to_judge_by().is_some());
    // Confirmed, it may be as far after the last record as a gateway can lie on a shelf.
    let shelf = woken(NOON + YEARS_10_MS);
    shelf.hear_hub(WallTime(NOON + YEARS_10_MS));
    assert_eq!(shelf.to_judge_by().map(|now| now.as_millis() / 10_000), Some((NOON + YEARS_10_MS) / 10_000));
}
