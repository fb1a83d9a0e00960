//! The services of a person as the records tell them: what a gateway's question is answered with, and the report of
//! double claims, which names the earlier one first.

use std::{collections::BTreeMap, io, path::Path};

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use uuid::Uuid;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        Fact, Record, WallTime,
        id::{CampaignId, OperatorId, RoundId, SiteId},
    },
    rule::elsewhere::ServedElsewhere,
    wire::ask::SERVED_MAX,
};

use crate::{
    places::Places,
    store::{
        open::{StoreError, reader},
        sql,
    },
    time,
};

/// A service that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The gateway that served.
    pub gateway: String,
    /// Its site, where the configuration knows the gateway; else the gateway's name.
    pub site: String,
    /// When, as far as its clock is known.
    pub at: WallTime,
    /// The number of the record in its journal.
    pub seq: u64,
    /// Packs handed out.
    pub packs: u32,
    /// It was not certain then that the person might be served.
    pub provisional: bool,
    /// The supervisor who decided, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<OperatorId>,
    #[serde(skip)]
    round: RoundId,
    #[serde(skip)]
    journal: Uuid,
}

/// One person served more than once in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The campaign.
    pub campaign: String,
    /// The round.
    pub round: String,
    /// The person's token.
    pub claim: ClaimToken,
    /// All services that stand, the earliest first.
    pub services: Vec<Standing>,
}

/// The services of a person in a campaign that stand, the earliest first. A service whose record was declared lost has no
/// time and is left out.
fn of_person(
    db: &Connection,
    sites: &BTreeMap<String, SiteId>,
    campaign: &str,
    claim: &ClaimToken,
) -> Result<Vec<Standing>, StoreError> {
    let mut query = db.prepare_cached(sql::CLAIM_SERVICES)?;
    let mut rows = query.query((campaign, claim.0))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let line: String = row.get(4)?;
        let Ok(Record { seq, boot, up_ms, at, clock, fact, .. }) = Record::from_line(&line) else { continue };
        let Fact::ClaimServed { round, packs, provisional, approved_by, .. } = fact else { continue };
        let journal_no: i64 = row.get(0)?;
        let mut offset = db.prepare_cached(sql::BOOT_GET)?;
        let offset_ms = offset.query_row((journal_no, boot), |row| row.get(0)).optional()?;
        let gateway: String = row.get(2)?;
        let site = sites.get(&gateway).map_or_else(|| gateway.clone(), ToString::to_string);
        let at = time::correct(at, clock, up_ms, offset_ms).at;
        let journal = Uuid::from_bytes(row.get(1)?);
        all.push(Standing { gateway, site, at, seq, packs, provisional, approved_by, round, journal });
    }
    all.sort_by(|one, other| (one.at, &one.gateway, one.seq).cmp(&(other.at, &other.gateway, other.seq)));
    Ok(all)
}

/// What a gateway is answered: the services of other journals than the one that asks, the latest [`SERVED_MAX`].
pub(crate) fn elsewhere(
    db: &Connection,
    places: &Places,
    (campaign, claim): (&CampaignId, &ClaimToken),
    but: Uuid,
) -> Result<Vec<ServedElsewhere>, StoreError> {
    let mut all = of_person(db, &sites(places), campaign.as_str(), claim)?;
    all.retain(|service| service.journal != but);
    let surplus = all.len().saturating_sub(SERVED_MAX);
    let latest = all.into_iter().skip(surplus);
    let said = latest.filter_map(|service| {
        let Standing { round, site, at, .. } = service;
        Some(ServedElsewhere { round, site: SiteId::new(site).ok()?, at })
    });
    Ok(said.collect())
}

fn sites(places: &Places) -> BTreeMap<String, SiteId> {
    places.iter().map(|place| (place.gateway.to_string(), place.site.clone())).collect()
}

/// Writes the double claims that stand, one JSON object a line, and tells how many. The store is only read, and may be in
/// use. Without a configuration a site goes by its gateway's name.
///
/// # Errors
/// The store or the output.
pub fn report(dir: &Path, out: &mut dyn io::Write) -> Result<u64, crate::store::export::ExportError> {
    let db = reader(dir)?;
    let mut query = db.prepare(sql::CLAIM_DOUBLE).map_err(StoreError::from)?;
    let mut rows = query.query([]).map_err(StoreError::from)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let text = |at| row.get::<_, String>(at).map_err(StoreError::from);
        let (campaign, round) = (text(0)?, text(1)?);
        let claim = ClaimToken(row.get(2).map_err(StoreError::from)?);
        let mut services = of_person(&db, &BTreeMap::new(), &campaign, &claim)?;
        services.retain(|service| service.round.as_str() == round);
        let conflict = Conflict { campaign, round, claim, services };
        serde_json::to_writer(&mut *out, &conflict).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        count += 1;
    }
    Ok(count)
}
