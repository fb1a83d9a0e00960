//! What every format has in common: a frame that was read, what it says of the box, and why one is not taken.

use serde::Serialize;

use super::address::Address;
use super::measure::{Measurements, Warning};

/// A wire format of seals and beacons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// BTHome v2, plain or encrypted: [`super::bthome`].
    Bthome,
    /// ELA Innovation's Blue tags: [`super::ela`].
    Ela,
    /// Minew's S4 and its Connect V3 frames: [`super::minew`].
    Minew,
    /// Teltonika's EYE sensors: [`super::teltonika`].
    Teltonika,
    /// Eddystone, for its telemetry: [`super::eddystone`].
    Eddystone,
    /// iBeacon, for presence: [`super::ibeacon`].
    Ibeacon,
}

impl Format {
    /// This is BTHome v2, whose lines of JSON name no format.
    #[must_use]
    pub fn is_bthome(&self) -> bool {
        *self == Self::Bthome
    }
}

/// What one frame says of a seal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SealFrame {
    /// Whose frame it is. An address inside the frame stands in place of the one on the air.
    pub address: Address,
    /// It was encrypted with the seal's key. A plain frame can raise an alarm and never clear one.
    pub authentic: bool,
    /// What this frame says, never what an earlier one said.
    pub state: SealState,
    /// The encryption counter; nothing in a plain frame.
    pub counter: Option<u32>,
    /// How often the seal was opened since it was made: object 0x09, 0x3D or 0x3E, the last of them.
    pub event_count: Option<u32>,
    /// Charge in percent.
    pub battery_percent: Option<u8>,
    /// Everything that was read, in the frame's order.
    pub measurements: Measurements,
    /// The frame's format. BTHome v2, which came first, goes unnamed in JSON.
    #[serde(skip_serializing_if = "Format::is_bthome")]
    pub format: Format,
    /// The seal sends on events only, so its silence means little.
    #[serde(skip)]
    pub events_only: bool,
    /// Counts frames from 0 to 255 and again, object 0x00.
    #[serde(skip)]
    pub packet_id: Option<u8>,
    /// How long the sender has run, where the frame says so.
    #[serde(skip)]
    pub uptime: Option<Uptime>,
    /// What is odd about the frame, yet readable.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

impl SealFrame {
    /// A frame without authentication that says nothing yet.
    pub(super) fn plain(format: Format, address: Address) -> Self {
        Self {
            address,
            authentic: false,
            state: SealState::Unknown,
            counter: None,
            event_count: None,
            battery_percent: None,
            measurements: Measurements::default(),
            format,
            events_only: false,
            packet_id: None,
            uptime: None,
            warnings: Vec::new(),
        }
    }

    /// It says this, unless it says something worse already: tampered before open before closed.
    pub(super) fn worsen(&mut self, state: SealState) {
        self.state = self.state.max(state);
    }
}

/// What a frame says of the box; later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SealState {
    /// The frame says nothing of an opening: a button was pressed, or a temperature was sent.
    Unknown,
    /// An opening, door, garage door or window is there, and none is open.
    Closed,
    /// One of them is open.
    Open,
    /// The tamper object is set; it goes before open.
    Tampered,
}

/// Why a frame is not taken. The text is the reason that `waypost decode seal` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Fewer bytes than such a frame has.
    #[error("too short")]
    TooShort,
    /// More bytes than such a frame has.
    #[error("bad length")]
    BadLength,
    /// A kind of frame that is not read here, in a format that is.
    #[error("unknown frame")]
    UnknownFrame,
    /// Another version than the format's; it may mean anything.
    #[error("bad version")]
    BadVersion,
    /// It is encrypted, and there is no key for this seal.
    #[error("key needed")]
    KeyNeeded,
    /// It is plain, though this seal's key is known: anybody could have sent it.
    #[error("downgrade")]
    Downgrade,
    /// The tag does not fit: another key or address, or changed bytes.
    #[error("bad tag")]
    BadTag,
    /// The same bytes, or the same packet id, again.
    #[error("repeat")]
    Repeat,
    /// A counter that is not above the highest one seen, also one that starts anew: recorded and sent again.
    #[error("replay")]
    Replay,
    /// A packet id from before the last one.
    #[error("old packet")]
    OldPacket,
    /// The frame names another seal than the one that is watched.
    #[error("another seal")]
    OtherSeal,
}

/// What telemetry says of a beacon's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uptime {
    /// Since its start, in tenths of a second. Runs over after 13 years.
    pub tenths_s: u32,
    /// Advertisements since then.
    pub advertisements: u32,
}
