//! What is known of a person's claims at other offices, as it comes with the claim.

use serde::{Deserialize, Serialize};

use super::proof::PinProof;
use crate::fact::{
    WallTime,
    id::{RoundId, SiteId},
};

/// What is known of other offices when a claim is asked. Empty where nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Elsewhere {
    /// What the filters say, by round.
    pub filters: Vec<FilterSays>,
    /// What the hub says; none where it was not asked or did not answer in time.
    pub hub: Option<HubSays>,
    /// Badge hash of the supervisor who decides.
    pub approval: Option<String>,
    /// What came of that supervisor's PIN.
    pub pin: Option<PinProof>,
}

impl Elsewhere {
    /// Is nothing known, and nobody asked?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the filter of one round says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterSays {
    /// The round.
    pub round: RoundId,
    /// The hub's time when the filter was made.
    pub as_of: WallTime,
    /// The person is in it, or one in tens of thousands that look the same.
    pub hit: bool,
}

/// What the hub holds of a person: services that stand, of other journals than the one that asks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HubSays {
    /// The oldest first.
    pub served: Vec<ServedElsewhere>,
}

/// A service at another office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedElsewhere {
    /// In which round.
    pub round: RoundId,
    /// Where.
    pub site: SiteId,
    /// When, as a remark.
    pub at: WallTime,
}
