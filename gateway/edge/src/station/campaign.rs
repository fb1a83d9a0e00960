//! The campaign that a post office serves today.

use waypost_core::rule::{
    Ledger, LedgerError, RowKind, ledger::load, order::CampaignTerms, row::CampaignRow,
};

use super::counter::Counter;

/// Campaigns that are looked through for the one of the day.
const CAMPAIGNS_MAX: usize = 64;
/// The campaign that has a round on the day of the shift; else any, so that the rule can say why not.
pub(super) fn campaign(counter: &Counter, ledger: &dyn Ledger) -> Result<Option<CampaignTerms>, LedgerError> {
    let day = counter.day.as_deref().unwrap_or_default();
    let mut other = None;
    for id in ledger.ids(RowKind::Campaign, CAMPAIGNS_MAX)? {
        let Some(CampaignRow { terms, .. }) = load(ledger, &id)? else { continue };
        if terms.round_of(day).is_some() {
            return Ok(Some(terms));
        }
        other = Some(terms);
    }
    Ok(other)
}
