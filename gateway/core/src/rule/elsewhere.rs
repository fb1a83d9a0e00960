//! What is known of a person's claims at other offices, and what may be done with it.
//!
//! A gateway's own ledger is exact. Of other offices it knows what the hub's [`filter`](crate::filter)s say, one for each
//! round of a campaign and each of some age, and, where the hub is reached, what the hub answers. A filter's hit alone
//! never refuses: a stranger hits it once in tens of thousands. It asks the hub, else a supervisor.

use super::{
    answer::Refusal,
    asked::{Asked, Stop, stop},
    campaign::{CampaignTerms, Round},
    pin,
    proof::PinProof,
    roles::may_agree,
    row::StaffRow,
};
use crate::fact::{
    ClockQuality, Fact, Moment, WallTime,
    id::{OperatorId, RoundId},
};

pub use super::{
    campaign::{ElsewhereTerms, STALE_AFTER_MIN_MAX, WhenStale},
    filter_list::{FilterList, FilterRow, PieceEntry, filter_id},
    known::{Elsewhere, FilterSays, HubSays, ServedElsewhere},
};

/// How old a filter is, in minutes; none where there is none, or where the clock is not known to be right.
pub fn age_min(as_of: Option<WallTime>, now: Moment) -> Option<u64> {
    let as_of = as_of.filter(|_| now.clock > ClockQuality::Unset)?;
    let age_ms = now.at.as_millis().saturating_sub(as_of.as_millis()).max(0);
    u64::try_from(age_ms / 60_000).ok()
}

/// Is nothing fresh known of other offices? Where the clock is not right a filter that is here counts as fresh: nothing
/// is refused for its date.
pub fn is_stale(terms: &ElsewhereTerms, as_of: Option<WallTime>, now: Moment) -> bool {
    match (as_of, age_min(as_of, now)) {
        (None, _) => true,
        (Some(_), age) => age.is_some_and(|age| age > u64::from(terms.stale_after_min)),
    }
}

/// Should the hub be asked before the rule is? Where a filter hits, or none is fresh for the round of the day.
pub fn leaves_open(terms: &CampaignTerms, day: &str, known: &Elsewhere, now: Moment) -> bool {
    let Some(policy) = &terms.elsewhere else { return false };
    let Some(round) = terms.round_of(day) else { return false };
    let as_of = says(known, &round.id).map(|says| says.as_of);
    known.filters.iter().any(|says| says.hit) || is_stale(policy, as_of, now)
}

fn says<'a>(known: &'a Elsewhere, round: &RoundId) -> Option<&'a FilterSays> {
    known.filters.iter().find(|says| says.round == *round)
}

/// What follows for a claim that the own ledger lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beyond {
    /// Served in another round elsewhere.
    pub earlier: bool,
    /// Not certain: the record says so.
    pub provisional: bool,
    /// The supervisor who decided.
    pub approved_by: Option<OperatorId>,
}

/// What a claim came to, as far as other offices are concerned.
pub(super) enum Weighed {
    /// It may be served.
    Serve(Beyond),
    /// The supervisor's PIN was wrong: this is all that is recorded.
    WrongPin(Fact),
}

/// Weighs what is known of other offices. `earlier_here`: the own ledger says that the person was served in an earlier
/// round.
pub(super) fn weigh(
    asked: &Asked<'_>,
    (terms, round): (&CampaignTerms, &Round),
    earlier_here: bool,
    known: &Elsewhere,
) -> Result<Weighed, Stop> {
    let mut beyond = Beyond { earlier: false, provisional: false, approved_by: None };
    let Some(policy) = &terms.elsewhere else { return Ok(Weighed::Serve(beyond)) };
    if let Some(hub) = &known.hub {
        beyond.earlier = hub.served.iter().any(|service| service.round != round.id);
        let here = hub.served.iter().rev().find(|service| service.round == round.id);
        let nothing_again = beyond.earlier && round.packs_again == 0;
        return match here.or(hub.served.last().filter(|_| nothing_again)) {
            Some(service) => stop(Refusal::ServedElsewhere {
                site: service.site.clone(),
                at: service.at,
                appeal: terms.appeal.clone(),
            }),
            None => Ok(Weighed::Serve(beyond)),
        };
    }
    let of_round = says(known, &round.id);
    let other_round = known.filters.iter().any(|says| says.hit && says.round != round.id);
    beyond.earlier = other_round;
    // Where the own ledger knows of an earlier round already, a filter's word on it changes nothing.
    let hit = of_round.is_some_and(|says| says.hit) || other_round && !earlier_here && round.packs_again == 0;
    let as_of = of_round.map(|says| says.as_of);
    let stale = is_stale(policy, as_of, asked.place.now);
    let age_min = age_min(as_of, asked.place.now);
    let appeal = || terms.appeal.clone();
    let open = match (hit, stale, policy.when_stale) {
        (true, _, _) => Some(Refusal::MaybeServed { age_min, appeal: appeal() }),
        (false, true, WhenStale::AskSupervisor) => Some(Refusal::ListStale { age_min, appeal: appeal() }),
        (false, true, WhenStale::Refuse) => return stop(Refusal::ListTooOld { age_min, appeal: appeal() }),
        (false, _, _) => None,
    };
    beyond.provisional = stale || hit || other_round && !earlier_here;
    let Some(refusal) = open else { return Ok(Weighed::Serve(beyond)) };
    let Some(badge) = &known.approval else { return stop(refusal) };
    match approve(asked, badge, known.pin.as_ref())? {
        Approval::By(supervisor) => {
            beyond.approved_by = Some(supervisor);
            // The supervisor saw what speaks against it: an earlier round that forbids is decided on, too.
            beyond.earlier &= round.packs_again > 0;
            Ok(Weighed::Serve(beyond))
        }
        Approval::WrongPin(fact) => Ok(Weighed::WrongPin(fact)),
    }
}

/// What came of a second person's badge.
pub(super) enum Approval {
    /// This supervisor agrees.
    By(OperatorId),
    /// A wrong PIN.
    WrongPin(Fact),
}

/// A supervisor agrees, another person than the one signed in.
pub(super) fn approve(asked: &Asked<'_>, badge: &str, proof: Option<&PinProof>) -> Result<Approval, Stop> {
    let Some(supervisor) = asked.row::<StaffRow>(badge)? else {
        return stop(Refusal::UnknownBadge);
    };
    if !may_agree().contains(&supervisor.role) {
        return stop(Refusal::NeedsSupervisor);
    }
    if asked.desk.operator.as_ref() == Some(&supervisor.operator) {
        return stop(Refusal::SupervisorIsOperator);
    }
    if let Some(wrong) = pin::weigh(asked, &supervisor, proof)? {
        return Ok(Approval::WrongPin(wrong));
    }
    Ok(Approval::By(supervisor.operator))
}
