//! The gateway's state: `status` retained and as the will, `health` now and then. Not signed and not stored: both are
//! for display only, and nothing is decided by them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::fact::{ClockQuality, id::GatewayId};

/// Longest status or health message that is read, in bytes.
pub const STATUS_BYTES_MAX: usize = 4096;

/// Whether a gateway is there, and what waits in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Its journal.
    pub journal: Uuid,
    /// Which start of it, from 1.
    pub boot: u32,
    /// Connected; false is what the will says.
    pub online: bool,
    /// Ledger records that the hub has not acknowledged.
    pub queued_ledger: u64,
    /// Track records that the hub has not acknowledged, gaps counted.
    pub queued_track: u64,
    /// Version of its software.
    pub version: String,
}

/// How a gateway does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Milliseconds since its start.
    pub up_ms: u64,
    /// Ledger records that the hub has not acknowledged.
    pub queued_ledger: u64,
    /// Track records that the hub has not acknowledged, gaps counted.
    pub queued_track: u64,
    /// How far its clock can be believed.
    pub clock: ClockQuality,
    /// Times it connected to the broker since its start.
    pub connects: u64,
    /// Times it went back to what the hub holds, because that stood still.
    pub resends: u64,
    /// Messages from above that were not believed, since its start.
    #[serde(default)]
    pub refused: u64,
}

/// Reads a status or a health message; none where it is too long or something else.
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if json.len() > STATUS_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(json).ok()
}
