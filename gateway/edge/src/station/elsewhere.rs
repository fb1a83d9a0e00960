//! What a post office shows of the filters of claims at other offices: their age, where they are stale.

use waypost_core::{
    fact::Moment,
    rule::{
        Ledger, LedgerError,
        elsewhere::{self, FilterRow, filter_id, is_stale},
        ledger::load,
        restore::RestoreRow,
        row::ONLY,
    },
};

use super::{age::age, campaign::campaign, counter::Counter};
use crate::panel::Message;

/// The line that says how old the filter of the day's round is; none where it is fresh or nobody asks it.
///
/// # Errors
/// A damaged row or a failed store.
pub fn line(counter: &Counter, ledger: &dyn Ledger, now: Moment) -> Result<Option<Message>, LedgerError> {
    let Some(day) = counter.day.as_deref() else { return Ok(None) };
    let Some(terms) = campaign(counter, ledger)? else { return Ok(None) };
    let Some(policy) = &terms.elsewhere else { return Ok(None) };
    let Some(round) = terms.round_of(day) else { return Ok(None) };
    let row: Option<FilterRow> = load(ledger, &filter_id(&terms.id, &round.id))?;
    let as_of = row.map(|row| row.as_of);
    Ok(is_stale(policy, as_of, now).then(|| age(elsewhere::age_min(as_of, now))))
}

/// Is the ledger of an earlier journal still missing?
pub fn waits_for_ledger(ledger: &dyn Ledger) -> bool {
    load::<RestoreRow>(ledger, ONLY).ok().flatten().is_some_and(|row| row.waits)
}
