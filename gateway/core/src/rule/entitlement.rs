//! Who gets masks: one service a person a round, as many packs as the person's history says.

use super::{
    answer::Refusal,
    asked::{Asked, Facts, Stop, stop},
    change::{Applied, Change},
    elsewhere::{self, Approval, Elsewhere, Weighed},
    order::{CampaignTerms, Round},
    pin::PinProof,
    restore,
    row::{CampaignRow, ClaimRow, Paper, ProxyRow, QuotaRow, Service},
    stock,
};
use crate::{
    code::claim::ClaimToken,
    fact::{
        Fact, RepairReason,
        id::{CampaignId, RoundId},
    },
};

pub(super) fn claim(
    asked: &Asked<'_>,
    campaign: &CampaignId,
    (claim, document): (ClaimToken, &str),
    proxy: Option<ClaimToken>,
    elsewhere: &Elsewhere,
) -> Facts {
    let day = asked.day()?;
    let Some(in_force) = asked.shared::<CampaignRow>(campaign.as_str())? else {
        return stop(Refusal::NoCampaign);
    };
    if in_force.ended {
        return stop(Refusal::NoCampaign);
    }
    let terms = &in_force.terms;
    let Some(round) = terms.round_of(day) else {
        return stop(Refusal::NoCampaign);
    };
    if !terms.documents.iter().any(|taken| taken == document) {
        return stop(Refusal::DocumentNotTaken);
    }
    let history: ClaimRow = asked.row(&claim_id(campaign, claim))?.unwrap_or_default();
    let earlier_here = served_earlier(&history, round, terms)?;
    within_quota(asked, terms, &round.id, day)?;
    if let Some(proxy) = proxy {
        proxy_may(asked, terms, &round.id, day, claim, proxy)?;
    }
    let beyond = match elsewhere::weigh(asked, (terms, round), earlier_here, elsewhere)? {
        Weighed::Serve(beyond) => beyond,
        Weighed::WrongPin(fact) => return Ok(vec![fact]),
    };
    let packs = if earlier_here || beyond.earlier { round.packs_again } else { round.packs_first };
    // Stock that was here before is not known yet: packs at hand are handed out.
    let waits = restore::waits(asked)?;
    let low = if waits { None } else { stock::take_packs(asked, packs)? };
    let served = Fact::ClaimServed {
        campaign: campaign.clone(),
        round: round.id.clone(),
        claim,
        packs,
        proxy,
        provisional: waits || beyond.provisional,
        approved_by: beyond.approved_by,
    };
    Ok(std::iter::once(served).chain(low).collect())
}

/// Was the person served here in an earlier round? Who was in this one is refused with that service, as is who was in any
/// other where this round gives nothing again.
fn served_earlier(history: &ClaimRow, round: &Round, terms: &CampaignTerms) -> Result<bool, Stop> {
    let mut earlier = None;
    for service in history.served.iter().rev().filter(|service| !service.voided) {
        if service.round == round.id.as_str() {
            return stop(served_already(service, terms));
        }
        earlier = earlier.or(Some(service));
    }
    match earlier {
        None => Ok(false),
        Some(service) if round.packs_again == 0 => stop(served_already(service, terms)),
        Some(_) => Ok(true),
    }
}

fn served_already(service: &Service, terms: &CampaignTerms) -> Refusal {
    Refusal::AlreadyServed {
        site: service.site.clone(),
        at: service.at,
        seq: service.seq,
        appeal: terms.appeal.clone(),
    }
}

fn within_quota(asked: &Asked<'_>, terms: &CampaignTerms, round: &RoundId, day: &str) -> Result<(), Stop> {
    let Some(daily_quota) = terms.daily_quota else {
        return Ok(());
    };
    let used: QuotaRow = asked.row(&quota_id(&terms.id, round.as_str(), day))?.unwrap_or_default();
    if used.persons >= daily_quota { stop(Refusal::QuotaReached { daily_quota }) } else { Ok(()) }
}

fn proxy_may(
    asked: &Asked<'_>,
    terms: &CampaignTerms,
    round: &RoundId,
    day: &str,
    claim: ClaimToken,
    proxy: ClaimToken,
) -> Result<(), Stop> {
    if proxy == claim {
        return stop(Refusal::ProxyIsPerson);
    }
    let fetched: ProxyRow = asked.row(&proxy_id(&terms.id, round.as_str(), day, proxy))?.unwrap_or_default();
    let proxies_max = terms.proxies_max;
    if fetched.persons >= proxies_max { stop(Refusal::ProxyLimit { proxies_max }) } else { Ok(()) }
}

pub(super) fn void(
    asked: &Asked<'_>,
    campaign: &CampaignId,
    claim: Option<ClaimToken>,
    (approval, proof): (Option<&str>, Option<&PinProof>),
    reason: RepairReason,
) -> Facts {
    let Some(claim) = claim.or_else(|| last_served(asked, campaign)) else {
        return stop(Refusal::NoClaim);
    };
    let history: ClaimRow = asked.row(&claim_id(campaign, claim))?.unwrap_or_default();
    let Some(service) = history.served.into_iter().rfind(|service| !service.voided) else {
        return stop(Refusal::NoClaim);
    };
    let Ok(round) = RoundId::new(service.round) else {
        return stop(Refusal::NoClaim);
    };
    let Some(badge) = approval else {
        return stop(Refusal::NeedsSupervisor);
    };
    let approved_by = match elsewhere::approve(asked, badge, proof)? {
        Approval::By(supervisor) => supervisor,
        Approval::WrongPin(fact) => return Ok(vec![fact]),
    };
    Ok(vec![Fact::ClaimVoided {
        campaign: campaign.clone(),
        round,
        claim,
        packs: service.packs,
        mends: service.seq,
        approved_by,
        reason,
    }])
}

/// The person served last in this shift, if it was in this campaign.
fn last_served(asked: &Asked<'_>, campaign: &CampaignId) -> Option<ClaimToken> {
    let (of, token) = asked.desk.last_claim_of.as_deref()?.rsplit_once('/')?;
    if of == campaign.as_str() { token.parse().ok() } else { None }
}

pub(super) fn served(
    change: &mut Change<'_>,
    (campaign, round): (&CampaignId, &RoundId),
    claim: ClaimToken,
    packs: u32,
    proxy: Option<ClaimToken>,
) -> Applied {
    let (seq, at, site) = (change.seq, change.place.now.at, change.place.site.clone());
    let mut day = String::new();
    let id = claim_id(campaign, claim);
    change.edit_desk(|desk| {
        day = desk.day.clone().unwrap_or_default();
        desk.counts.claims_served += 1;
        desk.counts.packs += packs;
        desk.last_claim = Some(seq);
        desk.last_claim_of = Some(id.clone());
        desk.paper = Some(Paper::of(seq));
    })?;
    count(change, campaign, round.as_str(), &day, proxy, 1)?;
    let service =
        Service { round: round.to_string(), packs, seq, at, site, day, proxy, voided: false, handed: None };
    change.edit(&id, |row: &mut ClaimRow| row.served.push(service))?;
    stock::add(change, stock::PACKS, -i64::from(packs))
}

pub(super) fn voided(
    change: &mut Change<'_>,
    campaign: &CampaignId,
    claim: ClaimToken,
    packs: u32,
    mends: u64,
) -> Applied {
    let id = claim_id(campaign, claim);
    let mut row: ClaimRow = change.row(&id)?.unwrap_or_default();
    // Numbers are 0 for all services of earlier journals: the latest that stands is the one that was asked about.
    if let Some(service) = row.served.iter_mut().rfind(|service| service.seq == mends && !service.voided) {
        service.voided = true;
        let service = service.clone();
        change.put(&id, row)?;
        count(change, campaign, &service.round, &service.day, service.proxy, -1)?;
    }
    change.edit_desk(|desk| {
        desk.counts.claims_served = desk.counts.claims_served.saturating_sub(1);
        desk.counts.packs = desk.counts.packs.saturating_sub(packs);
        desk.last_claim = None;
        desk.last_claim_of = None;
        // A claim that was taken back has no receipt any more.
        desk.paper = desk.paper.filter(|paper| paper.record != mends);
    })?;
    stock::add(change, stock::PACKS, i64::from(packs))
}

/// Counts a person for the site's quota and for the proxy, or takes one off.
fn count(
    change: &mut Change<'_>,
    campaign: &CampaignId,
    round: &str,
    day: &str,
    proxy: Option<ClaimToken>,
    persons: i32,
) -> Applied {
    change.edit(&quota_id(campaign, round, day), |row: &mut QuotaRow| {
        row.persons = row.persons.saturating_add_signed(persons);
    })?;
    let Some(proxy) = proxy else {
        return Ok(());
    };
    change.edit(&proxy_id(campaign, round, day, proxy), |row: &mut ProxyRow| {
        row.persons = row.persons.saturating_add_signed(persons);
    })
}

/// The id of a person's row in a campaign.
pub fn claim_id(campaign: &CampaignId, claim: ClaimToken) -> String {
    format!("{campaign}/{claim}")
}

fn quota_id(campaign: &CampaignId, round: &str, day: &str) -> String {
    format!("{campaign}/{round}/{day}")
}

fn proxy_id(campaign: &CampaignId, round: &str, day: &str, proxy: ClaimToken) -> String {
    format!("{campaign}/{round}/{day}/{proxy}")
}
