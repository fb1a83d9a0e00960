//! A campaign's key has a life: it comes to a pair made for the campaign, and both end with it.
//!
//! The end is a date of the campaign's order, and what judges it is the time that the hub signed. What is destroyed does
//! not come back, so a gateway that hears no hub judges by its own clock only where that is right, and only
//! [`OWN_CLOCK_AFTER_MS`] later: by so much a clock that is taken for right can be wrong.

use super::{
    answer::{Already, Refusal},
    asked::{Asked, Facts, Stop, stop},
    campaign::CampaignTerms,
    change::{Applied, Change},
    elsewhere::filter_id,
    ledger::RowKind,
    row::CampaignRow,
    shift::end_of_day_everywhere,
};
use crate::{
    fact::{ClockQuality, Fact, Moment, WallTime, id::CampaignId},
    wire::secret_key::SecretPublicKey,
};

/// How long after the end this gateway's own clock ends a campaign, in milliseconds: 90 days. A clock that is right lies
/// less than that after a time that is past for certain. So the end has passed, whatever a receiver told.
pub const OWN_CLOCK_AFTER_MS: i64 = 90 * 86_400_000;

/// When the last day for disputes is over everywhere on Earth; none where the campaign's key has no end.
pub fn ends(terms: &CampaignTerms) -> Option<WallTime> {
    end_of_day_everywhere(terms.disputes_until.as_deref()?)
}

/// Is the campaign over, at a time that is known to be right?
pub fn is_over(terms: &CampaignTerms, now: WallTime) -> bool {
    ends(terms).is_some_and(|end| now >= end)
}

/// Is the campaign over by this gateway's own clock, if nothing is heard from the hub?
pub fn is_long_over(terms: &CampaignTerms, now: Moment) -> bool {
    now.clock >= ClockQuality::Ntp && ends(terms).is_some_and(|end| now.at >= end.plus_ms(OWN_CLOCK_AFTER_MS))
}

/// A campaign that ended, or is over by a clock that is right, does not come into force again.
pub(super) fn not_ended(asked: &Asked<'_>, terms: &CampaignTerms) -> Result<(), Stop> {
    let Moment { at, clock, .. } = asked.place.now;
    if clock >= ClockQuality::Ntp && is_over(terms, at) {
        return stop(Already::CampaignEnded);
    }
    has_not_ended(asked, &terms.id)
}

/// Nothing of a campaign that ended here comes into force, its filters neither.
pub(super) fn has_not_ended(asked: &Asked<'_>, campaign: &CampaignId) -> Result<(), Stop> {
    if asked.row::<CampaignRow>(campaign.as_str())?.is_some_and(|row| row.ended) {
        return stop(Already::CampaignEnded);
    }
    Ok(())
}

pub(super) fn make_pair(asked: &Asked<'_>, campaign: &CampaignId, key: &SecretPublicKey) -> Facts {
    has_not_ended(asked, campaign)?;
    Ok(vec![Fact::CampaignPairMade { campaign: campaign.clone(), key: *key }])
}

pub(super) fn end(asked: &Asked<'_>, campaign: &CampaignId, hub_time: Option<WallTime>) -> Facts {
    let Some(row) = asked.row::<CampaignRow>(campaign.as_str())? else {
        return stop(Refusal::NoCampaign);
    };
    if row.ended {
        return stop(Already::CampaignEnded);
    }
    let over = match hub_time {
        Some(time) => is_over(&row.terms, time),
        None => is_long_over(&row.terms, asked.place.now),
    };
    if !over {
        return stop(Refusal::CampaignNotOver);
    }
    Ok(vec![Fact::CampaignKeysDestroyed { campaign: campaign.clone() }])
}

/// The campaign stays, to be known when its order comes again. Its filters go, and their versions.
pub(super) fn ended(change: &mut Change<'_>, campaign: &CampaignId) -> Applied {
    let Some(row) = change.row::<CampaignRow>(campaign.as_str())? else { return Ok(()) };
    for round in &row.terms.rounds {
        let id = filter_id(campaign, &round.id);
        change.ledger.remove(RowKind::Filter, &id)?;
        change.ledger.remove(RowKind::Order, &format!("filter/{id}"))?;
    }
    change.put(campaign.as_str(), CampaignRow { ended: true, ..row })
}
