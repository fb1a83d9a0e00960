//! Counts over all records that `held` has passed. Each record counts once, as it is stored once.

use serde::{Deserialize, Serialize};

/// All counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Specimen tubes.
    pub tubes: TubeTotals,
    /// Boxes.
    pub boxes: BoxTotals,
    /// Masks.
    pub masks: MaskTotals,
    /// Ledger records.
    pub records: u64,
    /// Records among them that this version cannot read.
    pub unreadable: u64,
}

/// Specimen tubes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TubeTotals {
    /// Collected.
    pub collected: i64,
    /// Packed, less those taken out again.
    pub packed: i64,
    /// Received after comparison with the manifest.
    pub received: i64,
}

/// Boxes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BoxTotals {
    /// Sealed.
    pub sealed: i64,
    /// Received at a laboratory.
    pub received: i64,
    /// Boxes whose seal gave an alarm, or that came under exception.
    pub alarmed: i64,
}

/// Masks. Refusals leave no record, so the hub cannot count them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MaskTotals {
    /// Persons served, less those taken back.
    pub served: i64,
    /// Packs handed out, less those that came back.
    pub packs: i64,
}
