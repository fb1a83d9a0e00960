//! A row of the ledger as a snapshot keeps it.

use serde::{Deserialize, Serialize};

/// One row, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRow {
    /// The number of its kind, as `RowKind` counts.
    pub kind: u8,
    /// Its id.
    pub id: String,
    /// What it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Its JSON.
    pub body: String,
}
