//! What every rule is given, and how it says no.

use std::sync::Arc;

use super::{
    answer::{Already, Refusal},
    ledger::{Ledger, LedgerError, Row, load, load_shared},
    place::Place,
    row::Desk,
};
use crate::fact::Fact;

/// A request in front of the ledger.
pub(super) struct Asked<'a> {
    pub place: &'a Place<'a>,
    pub ledger: &'a dyn Ledger,
    /// The counter as it is; the default one where the gateway itself asks.
    pub desk: Arc<Desk>,
}

impl Asked<'_> {
    pub fn row<R: Row>(&self, id: &str) -> Result<Option<R>, Stop> {
        Ok(load(self.ledger, id)?)
    }

    /// A row that is only looked at.
    pub fn shared<R: Row>(&self, id: &str) -> Result<Option<Arc<R>>, Stop> {
        Ok(load_shared(self.ledger, id)?)
    }

    /// The day of the open shift.
    pub fn day(&self) -> Result<&str, Stop> {
        self.desk.day.as_deref().ok_or(Stop::Refuse(Refusal::NoShift))
    }
}

/// Why a rule gives no facts.
pub(super) enum Stop {
    Refuse(Refusal),
    Already(Already),
    Ledger(LedgerError),
}

/// What a rule gives.
pub(super) type Facts = Result<Vec<Fact>, Stop>;

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<Already> for Stop {
    fn from(already: Already) -> Self {
        Self::Already(already)
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// `Err` of anything that stops a rule.
pub(super) fn stop<T>(why: impl Into<Stop>) -> Result<T, Stop> {
    Err(why.into())
}
