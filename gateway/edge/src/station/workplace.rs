//! What every kind of workplace is to its station.

use super::{
    counter::Counter,
    screen::{Frame, Screen},
    step::{Around, Asked, HashJob, Hashed, Outcome, Scanned, Step},
};
use waypost_core::fact::Fact;

/// The work of one kind of site.
pub trait Workplace: Send {
    /// Takes a reading; none where it is not this workplace's affair.
    fn scan(&mut self, scanned: &Scanned, counter: &Counter, around: &Around<'_>) -> Option<Step>;

    /// Takes up an answer; the panel where it has words of its own for it.
    fn answered(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        counter: &Counter,
        around: &Around<'_>,
    ) -> Option<Screen>;

    /// What stands on the panel whatever the last answer was.
    fn frame(&self, counter: &Counter) -> Frame;

    /// Leaves what was begun.
    fn clear(&mut self);

    /// Was something begun that the panel must go on showing?
    fn is_begun(&self) -> bool {
        false
    }

    /// Takes a badge where a supervisor's is waited for.
    fn badge(&mut self, _hash: &str, _counter: &Counter, _around: &Around<'_>) -> Option<Step> {
        None
    }

    /// Goes on with a claim whose tokens are made.
    fn hashed(&mut self, _job: &HashJob, _hashed: Hashed) -> Option<Step> {
        None
    }

    /// Something happened that nobody asked for.
    fn happened(&mut self, _fact: &Fact, _around: &Around<'_>) {}
}
