//! One claim a person a round: what two sites could not know of each other shows here.

use rusqlite::{Connection, OptionalExtension};
use waypost_core::{code::claim::ClaimToken, fact::id::CampaignId, fact::id::RoundId};

use super::Projections;
use crate::store::{
    alarm::{HubAlarm, raise, settle},
    open::StoreError,
    sql,
};

/// Notes a service, and raises an alarm that names all gateways where another one stands.
pub(super) fn served(
    db: &Connection,
    all: &mut Projections,
    (campaign, round, claim): (&CampaignId, &RoundId, &ClaimToken),
    place: (i64, u64),
    at_ms: i64,
) -> Result<(), StoreError> {
    let no = round_no(db, all, campaign, round)?;
    db.prepare_cached(sql::CLAIM_INSERT)?.execute((no, claim.0, place.0, place.1))?;
    judge(db, no, campaign, round, claim, at_ms)
}

/// Notes that a service was taken back; the other one may now stand alone.
pub(super) fn voided(
    db: &Connection,
    all: &mut Projections,
    (campaign, round, claim): (&CampaignId, &RoundId, &ClaimToken),
    place: (i64, u64),
    at_ms: i64,
) -> Result<(), StoreError> {
    let no = round_no(db, all, campaign, round)?;
    if place.1 == 0 {
        // It was served in an earlier journal of the gateway, whose numbers are not this one's.
        db.prepare_cached(sql::CLAIM_VOID_EARLIER)?.execute((no, claim.0, place.0))?;
    } else {
        db.prepare_cached(sql::CLAIM_VOID)?.execute((no, claim.0, place.0, place.1))?;
    }
    judge(db, no, campaign, round, claim, at_ms)
}

fn judge(
    db: &Connection,
    no: i64,
    campaign: &CampaignId,
    round: &RoundId,
    claim: &ClaimToken,
    at_ms: i64,
) -> Result<(), StoreError> {
    let mut query = db.prepare_cached(sql::CLAIM_STANDING)?;
    let gateways = query.query_map((no, claim.0), |row| row.get::<_, String>(0))?;
    let mut gateways = gateways.collect::<Result<Vec<_>, _>>()?;
    let services = gateways.len();
    gateways.dedup();
    let subject = || format!("{campaign}/{round}/{claim}");
    match services {
        2.. => raise(db, HubAlarm::DoubleClaim, &subject(), &gateways.join(", "), at_ms),
        _ => settle(db, HubAlarm::DoubleClaim, &subject(), at_ms),
    }
}

fn round_no(
    db: &Connection,
    all: &mut Projections,
    campaign: &CampaignId,
    round: &RoundId,
) -> Result<i64, StoreError> {
    let key = (campaign.to_string(), round.to_string());
    if let Some(no) = all.rounds.get(&key) {
        return Ok(*no);
    }
    let names = (&key.0, &key.1);
    let known = db.prepare_cached(sql::ROUND_GET)?.query_row(names, |row| row.get(0)).optional()?;
    let no = match known {
        Some(no) => no,
        None => {
            db.prepare_cached(sql::ROUND_INSERT)?.execute(names)?;
            db.last_insert_rowid()
        }
    };
    all.rounds.insert(key, no);
    Ok(no)
}
