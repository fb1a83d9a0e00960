//! Between a claim's record and the panel the power may fail. After the start the operator says whether the packs were
//! handed over. A no takes the claim back, without a second person: nothing left the counter, and the record says who
//! said so.

use super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, stop},
    change::{Applied, Change},
    entitlement::{claim_id, voided},
    row::ClaimRow,
};
use crate::{
    code::claim::ClaimToken,
    fact::{
        Fact,
        id::{CampaignId, RoundId},
    },
};

pub(super) fn confirm(
    asked: &Asked<'_>,
    campaign: &CampaignId,
    claim: ClaimToken,
    record: u64,
    handed: bool,
) -> Facts {
    let row: ClaimRow = asked.row(&claim_id(campaign, claim))?.unwrap_or_default();
    let Some(service) = row.served.into_iter().find(|service| service.seq == record) else {
        return stop(Refusal::NoClaim);
    };
    if service.voided || service.handed.is_some() {
        return stop(Already::HandOutKnown);
    }
    let Ok(round) = RoundId::new(service.round) else {
        return stop(Refusal::NoClaim);
    };
    let (campaign, packs) = (campaign.clone(), service.packs);
    Ok(vec![Fact::HandOutConfirmed { record, handed, campaign, round, claim, packs }])
}

pub(super) fn confirmed(
    change: &mut Change<'_>,
    campaign: &CampaignId,
    claim: ClaimToken,
    (record, packs): (u64, u32),
    handed: bool,
) -> Applied {
    let id = claim_id(campaign, claim);
    let mut row: ClaimRow = change.row(&id)?.unwrap_or_default();
    if let Some(service) = row.served.iter_mut().find(|service| service.seq == record) {
        service.handed = Some(handed);
        change.put(&id, row)?;
    }
    if handed { Ok(()) } else { voided(change, campaign, claim, packs, record) }
}
