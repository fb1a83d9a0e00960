//! What was seen of an electronic seal.

use serde::{Deserialize, Serialize};

use super::id::SealId;

/// The state in which a seal was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealState {
    /// The loop is closed.
    Closed,
    /// The loop is closed, and the battery is low.
    LowBattery,
    /// Its frames say closed, but their counter does not go with the time: they may be recordings.
    ClockInDoubt,
    /// The loop is open.
    Open,
    /// The seal reports tampering.
    Tampered,
    /// It was heard before and is not heard now.
    Silent,
    /// It has not been heard at all since the start, or has not yet passed its stored counter.
    Unread,
}

/// One reading of a seal, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealReading {
    /// Which seal.
    pub seal: SealId,
    /// The state in its latest frame, or that there is none.
    pub state: SealState,
    /// The frame was authenticated with the seal's key and newer than every frame before it.
    pub authentic: bool,
    /// Frame counter; only authenticated frames have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u32>,
    /// Count of openings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_count: Option<u32>,
    /// 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_percent: Option<u8>,
    /// Which pairing its key is of: 0 for the first one. Counters of different pairings are not compared.
    #[serde(default, skip_serializing_if = "is_first")]
    pub pairing: u32,
}

fn is_first(pairing: &u32) -> bool {
    *pairing == 0
}

impl SealReading {
    /// Closed in an authenticated frame.
    pub fn is_closed_and_authentic(&self) -> bool {
        self.authentic && self.state == SealState::Closed
    }
}
