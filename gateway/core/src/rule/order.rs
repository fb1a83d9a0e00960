//! What orders say, once their signature holds. Orders are made at the hub and are in force until a newer version.

use serde::{Deserialize, Serialize};

use super::row::{FenceRow, Manifest, StaffRow};
use crate::fact::{
    WallTime,
    id::{FenceId, SealId},
};

pub use super::{
    campaign::{CampaignTerms, ElsewhereTerms, Round, WhenStale},
    filter_list::{FilterList, PieceEntry},
};

/// The content of an order, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Order {
    /// A campaign of masks.
    Campaign {
        /// Its terms.
        terms: CampaignTerms,
        /// Its key, 64 hex characters. It is kept out of the ledger and of every log.
        key: Secret,
    },
    /// Everybody who may sign in at the gateways it is sent to.
    Staff {
        /// Badge hash (SHA-256 of the badge's code, hex) and person.
        people: Vec<StaffEntry>,
    },
    /// Seals that the gateway is to meet, with their keys.
    Seals {
        /// One entry a seal.
        seals: Vec<SealEntry>,
    },
    /// Fences on the map.
    Fences {
        /// One entry a fence.
        fences: Vec<FenceEntry>,
    },
    /// Boxes on their way to this gateway. A newer version replaces the list.
    Manifest {
        /// One entry a box.
        boxes: Vec<Manifest>,
    },
    /// A filter of the claims that were served in one round of a campaign. A newer version replaces it.
    Filter {
        /// What it is made of.
        #[serde(flatten)]
        list: FilterList,
    },
}

impl Order {
    /// The kind's name, as in topics and in facts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Campaign { .. } => "campaign",
            Self::Staff { .. } => "staff",
            Self::Seals { .. } => "seals",
            Self::Fences { .. } => "fences",
            Self::Manifest { .. } => "manifest",
            Self::Filter { .. } => "filter",
        }
    }

    /// Its secrets, in the order in which they stand.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Campaign { key, .. } => vec![key],
            Self::Seals { seals } => seals.iter().filter_map(|entry| entry.key.as_ref()).collect(),
            Self::Staff { .. } | Self::Fences { .. } | Self::Manifest { .. } | Self::Filter { .. } => {
                Vec::new()
            }
        }
    }

    /// The same, to be encrypted or opened.
    pub fn secrets_mut(&mut self) -> Vec<&mut Secret> {
        match self {
            Self::Campaign { key, .. } => vec![key],
            Self::Seals { seals } => seals.iter_mut().filter_map(|entry| entry.key.as_mut()).collect(),
            Self::Staff { .. } | Self::Fences { .. } | Self::Manifest { .. } | Self::Filter { .. } => {
                Vec::new()
            }
        }
    }
}

/// One person of a staff order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffEntry {
    /// SHA-256 of the badge's code, 64 hex characters.
    pub badge: String,
    /// The person.
    #[serde(flatten)]
    pub person: StaffRow,
}

/// One seal of a seals order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealEntry {
    /// Its printed number.
    pub seal: SealId,
    /// Its radio address, `54:48:E6:8F:80:A5`.
    pub address: String,
    /// Its key, 32 hex characters; only [`SealFormat::Bthome`] has one. Without a key nothing that it sends is
    /// authentic: it raises alarms, and closes no box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// What it sends.
    #[serde(default, skip_serializing_if = "SealFormat::is_bthome")]
    pub format: SealFormat,
    /// It is fitted beside this seal of the same order, which has a key: what it raises is raised for that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<SealId>,
    /// Milliseconds between two frames, 10 to 3,600,000: its counter must go with the time. Only a seal with a key has one;
    /// left out, its counter is not compared with the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u32>,
    /// Raised by one whenever the seal was paired anew, together with a new key: its counters begin again then.
    #[serde(default, skip_serializing_if = "is_first")]
    pub pairing: u32,
}

fn is_first(pairing: &u32) -> bool {
    *pairing == 0
}

/// What a seal sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SealFormat {
    /// BTHome v2: encrypted where there is a key, else plain.
    #[default]
    Bthome,
    /// ELA Innovation's Blue tags.
    Ela,
    /// Minew's S4 and Connect V3 tags.
    Minew,
    /// Teltonika's EYE sensors.
    Teltonika,
}

impl SealFormat {
    /// The one that can be encrypted.
    pub fn is_bthome(&self) -> bool {
        *self == Self::Bthome
    }
}

/// One fence of a fences order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FenceEntry {
    /// Its id.
    pub id: FenceId,
    /// Where it lies.
    #[serde(flatten)]
    pub fence: FenceRow,
}

/// A signed order's version and life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderDocument {
    /// Its id among its kind: a campaign's id, else `-`.
    pub id: String,
    /// Version, higher half: the hub's epoch.
    pub epoch: u64,
    /// Version, lower half. (epoch, number) only grows.
    pub number: u64,
    /// It is in force from then on; none: at once.
    #[serde(default)]
    pub not_before: Option<WallTime>,
    /// It is not accepted anew after this.
    #[serde(default)]
    pub expires: Option<WallTime>,
    /// The gateways it is for; empty: all.
    #[serde(default)]
    pub to: Vec<String>,
    /// What it says.
    pub order: Order,
}

/// What stands in place of a secret that travels encrypted beside its order.
const ENCRYPTED: &str = "encrypted";

/// What a secret begins with that was encrypted to be kept on a gateway's card.
const AT_REST: &str = "rest:";

/// A secret as hex, or the word that it is encrypted; printed as its length only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the hex text.
    pub fn new(hex: String) -> Self {
        Self(hex)
    }

    /// In place of a secret that travels encrypted beside its order.
    pub fn encrypted() -> Self {
        Self(ENCRYPTED.to_owned())
    }

    /// It was encrypted to be kept; `text` is what is kept.
    pub fn at_rest(text: &str) -> Self {
        Self(format!("{AT_REST}{text}"))
    }

    /// What is kept of it; none where it is no secret at rest.
    pub fn kept(&self) -> Option<&str> {
        self.0.strip_prefix(AT_REST)
    }

    /// It travels encrypted beside its order.
    pub fn is_encrypted(&self) -> bool {
        self.0 == ENCRYPTED
    }

    /// All bytes that it stands for; none where it is not hex.
    pub fn all_bytes(&self) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let pairs = self.0.as_bytes().chunks(2);
        let byte = |pair: &[u8]| match pair {
            [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
            }
            _ => None,
        };
        Some(zeroize::Zeroizing::new(pairs.map(byte).collect::<Option<Vec<u8>>>()?))
    }

    /// Writes bytes as a secret.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The `N` bytes that it stands for; none where it is not 2 × `N` hex digits.
    pub fn bytes<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        if self.0.len() != 2 * N || !self.0.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.0.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(bytes)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Secret({} characters)", self.0.len())
    }
}
