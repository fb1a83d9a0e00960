//! A campaign's key has a life: it comes to a pair made for the campaign, and both end with it.
//!
//! The end is a date of the campaign's order, and what judges it is the time that the hub signed, never this gateway's
//! clock: what is destroyed does not come back.

use super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    campaign::CampaignTerms,
    change::{Applied, Change},
    row::CampaignRow,
    shift::end_of_day_everywhere,
};
use crate::{
    fact::{ClockQuality, Fact, Moment, WallTime, id::CampaignId},
    wire::secret_key::SecretPublicKey,
};

/// When the last day for disputes is over everywhere on Earth; none where the campaign's key has no end.
pub fn ends(terms: &CampaignTerms) -> Option<WallTime> {
    end_of_day_everywhere(terms.disputes_until.as_deref()?)
}

/// Is the campaign over, at a time that is known to be right?
pub fn is_over(terms: &CampaignTerms, now: WallTime) -> bool {
    ends(terms).is_some_and(|end| now >= end)
}

/// A campaign that ended, or is over by a clock that is right, does not come into force again.
pub(super) fn not_ended(asked: &Asked<'_>, terms: &CampaignTerms) -> Result<(), Stop> {
    let Moment { at, clock, .. } = asked.place.now;
    let ended = asked.row::<CampaignRow>(terms.id.as_str())?.is_some_and(|row| row.ended);
    if ended || clock >= ClockQuality::Ntp && is_over(terms, at) {
        return stop(Already::CampaignEnded);
    }
    Ok(())
}

pub(super) fn make_pair(asked: &Asked<'_>, campaign: &CampaignId, key: &SecretPublicKey) -> Facts {
    if asked.row::<CampaignRow>(campaign.as_str())?.is_some_and(|row| row.ended) {
        return stop(Already::CampaignEnded);
    }
    Ok(vec![Fact::CampaignPairMade { campaign: campaign.clone(), key: *key }])
}

pub(super) fn end(asked: &Asked<'_>, campaign: &CampaignId, hub_time: WallTime) -> Facts {
    let Some(row) = asked.row::<CampaignRow>(campaign.as_str())? else {
        return stop(Refusal::NoCampaign);
    };
    if row.ended {
        return stop(Already::CampaignEnded);
    }
    if !is_over(&row.terms, hub_time) {
        return stop(Refusal::CampaignNotOver);
    }
    Ok(vec![Fact::CampaignKeysDestroyed { campaign: campaign.clone() }])
}

pub(super) fn ended(change: &mut Change<'_>, campaign: &CampaignId) -> Applied {
    match change.row::<CampaignRow>(campaign.as_str())? {
        Some(row) => change.put(campaign.as_str(), CampaignRow { ended: true, ..row }),
        None => Ok(()),
    }
}
