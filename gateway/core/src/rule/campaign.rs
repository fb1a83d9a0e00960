//! A campaign's terms, which both its order and the ledger hold.

use serde::{Deserialize, Serialize};

use crate::{
    code::claim::ClaimParams,
    fact::id::{CampaignId, RoundId},
};

/// What may be handed out to whom, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTerms {
    /// Its id; the salt of its claims is made from it.
    pub id: CampaignId,
    /// What people call it.
    pub name: String,
    /// Rounds, which share the key. At least one; they do not overlap.
    pub rounds: Vec<Round>,
    /// How claims are hashed.
    #[serde(default)]
    pub hash: ClaimParams,
    /// Kinds of documents that count: `hk` and others.
    pub documents: Vec<String>,
    /// Persons that one proxy may fetch for on one occasion.
    pub proxies_max: u32,
    /// Persons that one site may serve a day; none: no limit.
    #[serde(default)]
    pub daily_quota: Option<u32>,
    /// Where a person can appeal, in words for the counter.
    pub appeal: String,
    /// Last day on which a claim can be disputed (`2020-12-31`), not before the last round's last day. The key goes only
    /// to pairs that post offices make for this campaign, and is destroyed there with the pair once that day is over by
    /// the hub's signed time; where no hub is heard, 90 days later by a clock that is right. None: the key stays until it
    /// is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disputes_until: Option<String>,
    /// What holds for claims at other offices; none: only the own ledger counts, and the hub finds the rest afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<ElsewhereTerms>,
}

impl CampaignTerms {
    /// The round that a day lies in. Days are compared as text: they are written as `2020-10-05`.
    pub fn round_of(&self, day: &str) -> Option<&Round> {
        self.rounds.iter().find(|round| round.from.as_str() <= day && day <= round.until.as_str())
    }
}

/// One round of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Its id.
    pub id: RoundId,
    /// First day (`2020-10-05`).
    pub from: String,
    /// Last day.
    pub until: String,
    /// Packs for a person never served before.
    pub packs_first: u32,
    /// Packs for a person served in an earlier round.
    pub packs_again: u32,
}

/// Longest age of a filter that a campaign may call fresh, in minutes: 90 days.
pub const STALE_AFTER_MIN_MAX: u32 = 90 * 24 * 60;

/// A campaign's policy for claims at other offices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereTerms {
    /// Minutes after which a filter is stale. 1 to [`STALE_AFTER_MIN_MAX`].
    pub stale_after_min: u32,
    /// What holds then, where the hub is not reached either.
    pub when_stale: WhenStale,
}

/// What holds while nothing newer is known of other offices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenStale {
    /// Serve; the record says `provisional`.
    Serve,
    /// A supervisor decides each time.
    AskSupervisor,
    /// Refuse, with the word where to appeal.
    Refuse,
}
