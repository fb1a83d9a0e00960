//! What a lamp and a buzzer do for each kind of answer, as data: milliseconds on and off.
//!
//! A buzzer has one pitch, so answers are told apart by rhythm: two short for yes, one for what is so already, five for
//! no, short and long for a question. Nothing rests on a colour alone, and nothing on a sound alone.

use std::time::Duration;

use serde::Serialize;

/// The lamps that are lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
pub struct Lamps {
    /// The red one.
    pub red: bool,
    /// The amber one.
    pub amber: bool,
    /// The green one.
    pub green: bool,
}

/// The kind of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Nothing to tell.
    #[default]
    Rest,
    /// Working.
    Busy,
    /// Yes.
    Yes,
    /// It is so already.
    Already,
    /// No.
    No,
    /// A question.
    Ask,
    /// Something is wrong: it sounds until it is gone.
    Alarm,
}

/// A sound and the silence after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Milliseconds of sound, at least [`BEAT_MS_MIN`].
    pub on_ms: u32,
    /// Milliseconds of silence after it, at least [`BEAT_MS_MIN`].
    pub off_ms: u32,
}

/// Lamps for a time; the last step is followed by the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which are lit.
    pub lamps: Lamps,
    /// For how many milliseconds.
    pub for_ms: u32,
}

/// A shorter sound or silence is not heard as one by everybody.
pub const BEAT_MS_MIN: u32 = 50;
/// A sound that is not repeated is over by then, so that the next verdict finds silence.
pub const SOUND_MS_MAX: u32 = 1_500;
/// Steps that last: one step of it is as good as another.
const STEADY_MS: u32 = 60_000;

const DARK: Lamps = Lamps { red: false, amber: false, green: false };
const RED: Lamps = Lamps { red: true, ..DARK };
const AMBER: Lamps = Lamps { amber: true, ..DARK };
const GREEN: Lamps = Lamps { green: true, ..DARK };

const fn beat(on_ms: u32, off_ms: u32) -> Beat {
    Beat { on_ms, off_ms }
}

const fn step(lamps: Lamps, for_ms: u32) -> Step {
    Step { lamps, for_ms }
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rest, Self::Busy, Self::Yes, Self::Already, Self::No, Self::Ask, Self::Alarm];

    /// The buzzer's rhythm; none for silence.
    pub fn beats(self) -> &'static [Beat] {
        const SHORT: Beat = beat(80, 80);
        const CLANG: Beat = beat(120, 100);
        match self {
            Self::Rest | Self::Busy => &[],
            Self::Yes => const { &[SHORT, SHORT] },
            Self::Already => const { &[beat(300, 100)] },
            Self::No => const { &[CLANG, CLANG, CLANG, CLANG, CLANG] },
            Self::Ask => const { &[SHORT, beat(400, 100)] },
            Self::Alarm => const { &[beat(500, 250)] },
        }
    }

    /// Is the sound repeated until something else is shown?
    pub fn repeats(self) -> bool {
        self == Self::Alarm
    }

    /// What the lamps do, over and over.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Rest => const { &[step(DARK, STEADY_MS)] },
            Self::Busy => const { &[step(AMBER, STEADY_MS)] },
            Self::Yes => const { &[step(GREEN, STEADY_MS)] },
            Self::Already => const { &[step(GREEN, 500), step(AMBER, 500)] },
            Self::No => const { &[step(RED, STEADY_MS)] },
            Self::Ask => const { &[step(AMBER, 500), step(DARK, 500)] },
            Self::Alarm => const { &[step(RED, 250), step(AMBER, 250)] },
        }
    }
}

/// What stands on lamps and buzzer at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The lamps.
    pub lamps: Lamps,
    /// The buzzer.
    pub buzzer: bool,
    /// How long that holds.
    pub holds: Duration,
}

/// What a signal shows so long after it began.
pub fn at(signal: Signal, since: Duration) -> Moment {
    let since_ms = since.as_millis();
    let (lamps, lamps_hold) = lamps_at(signal.steps(), since_ms);
    let (buzzer, buzzer_holds) = buzzer_at(signal, since_ms);
    let holds_ms = lamps_hold.min(buzzer_holds);
    let whole = Duration::from_millis(u64::try_from(holds_ms).unwrap_or(u64::MAX));
    // What was begun of a millisecond does not count twice.
    let holds = whole.saturating_sub(Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000)));
    Moment { lamps, buzzer, holds }
}

/// The step at a moment of the cycle, and how many milliseconds are left of it.
fn lamps_at(steps: &[Step], since_ms: u128) -> (Lamps, u128) {
    let cycle: u128 = steps.iter().map(|step| u128::from(step.for_ms)).sum();
    let mut left = since_ms.checked_rem(cycle).unwrap_or_default();
    for step in steps {
        match u128::from(step.for_ms).checked_sub(left) {
            Some(rest @ 1..) => return (step.lamps, rest),
            _ => left -= u128::from(step.for_ms),
        }
    }
    (DARK, u128::from(STEADY_MS))
}

/// Whether the buzzer sounds, and for how many milliseconds that holds.
fn buzzer_at(signal: Signal, since_ms: u128) -> (bool, u128) {
    let beats = signal.beats();
    let cycle: u128 = beats.iter().map(|beat| u128::from(beat.on_ms + beat.off_ms)).sum();
    let mut left = since_ms;
    if signal.repeats() {
        left = since_ms.checked_rem(cycle).unwrap_or_default();
    }
    for beat in beats {
        for (sounds, length) in [(true, u128::from(beat.on_ms)), (false, u128::from(beat.off_ms))] {
            match length.checked_sub(left) {
                Some(rest @ 1..) => return (sounds, rest),
                _ => left -= length,
            }
        }
    }
    (false, u128::from(STEADY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The buzzer over time, in steps of 10 ms.
    fn heard(signal: Signal, for_ms: u64) -> Vec<bool> {
        (0..for_ms).step_by(10).map(|ms| at(signal, Duration::from_millis(ms)).buzzer).collect()
    }

    #[test]
    fn every_sound_is_told_apart_from_every_other_and_is_long_enough_to_be_heard() {
        for signal in Signal::ALL {
            for beat in signal.beats() {
                assert!(beat.on_ms >= BEAT_MS_MIN && beat.off_ms >= BEAT_MS_MIN, "{signal:?}");
            }
            let whole: u32 = signal.beats().iter().map(|beat| beat.on_ms + beat.off_ms).sum();
            assert!(whole <= SOUND_MS_MAX, "{signal:?} is over before the next verdict");
            for other in Signal::ALL.into_iter().filter(|other| *other != signal) {
                let silent = signal.beats().is_empty() && other.beats().is_empty();
                assert!(silent || heard(signal, 2_000) != heard(other, 2_000), "{signal:?} {other:?}");
                let lit = |signal: Signal| signal.steps();
                assert_ne!(lit(signal), lit(other), "the lamps tell them apart too");
            }
        }
    }

    #[test]
    fn a_yes_is_two_short_sounds_and_then_silence() {
        let sounds = heard(Signal::Yes, 1_000);
        let starts = sounds
            .iter()
            .zip(std::iter::once(&false).chain(&sounds))
            .filter(|(now, before)| **now && !**before);
        assert_eq!(starts.count(), 2);
        assert!(!sounds.iter().skip(40).any(|sound| *sound), "nothing after 400 ms");
        assert_eq!(at(Signal::Yes, Duration::ZERO).holds, Duration::from_millis(80));
        let shortly_after = at(Signal::Yes, Duration::from_micros(79_500));
        assert_eq!((shortly_after.buzzer, shortly_after.holds), (true, Duration::from_micros(500)));
    }

    #[test]
    fn only_an_alarm_goes_on_until_it_is_gone() {
        for signal in Signal::ALL {
            let late = (600_000..602_000).any(|ms| at(signal, Duration::from_millis(ms)).buzzer);
            assert_eq!(late, signal == Signal::Alarm, "{signal:?} after ten minutes");
        }
    }

    #[test]
    fn what_holds_is_never_nothing_so_that_playing_always_goes_on() {
        for signal in Signal::ALL {
            for us in (0..3_000_000).step_by(137) {
                assert!(at(signal, Duration::from_micros(us)).holds > Duration::ZERO, "{signal:?} at {us}");
            }
        }
    }
}
