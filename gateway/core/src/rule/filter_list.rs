//! A filter of claims at other offices, as its order lists it and the ledger holds it.

use serde::{Deserialize, Serialize};

use super::ledger::{Row, RowKind};
use crate::fact::{
    WallTime,
    id::{CampaignId, RoundId},
};

/// A filter in force; the id is `campaign.round`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRow {
    /// The hub's time when it was made.
    pub as_of: WallTime,
    /// What the order says.
    pub list: FilterList,
}

impl Row for FilterRow {
    const KIND: RowKind = RowKind::Filter;
}

/// A filter as its order lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterList {
    /// The campaign.
    pub campaign: CampaignId,
    /// The round whose services it holds.
    pub round: RoundId,
    /// The hub's time when it was made.
    pub as_of: WallTime,
    /// The base, then the deltas since: a person is in the filter who is in any of them.
    pub pieces: Vec<PieceEntry>,
}

impl FilterList {
    /// The id of its order and row.
    pub fn id(&self) -> String {
        filter_id(&self.campaign, &self.round)
    }
}

/// The id of a filter's order and row.
pub fn filter_id(campaign: &CampaignId, round: &RoundId) -> String {
    format!("{campaign}.{round}")
}

/// One file of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceEntry {
    /// SHA-256 of the file, 64 lower-case hex characters.
    pub digest: String,
    /// Its length in bytes.
    pub bytes: u64,
}
