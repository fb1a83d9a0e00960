//! What a receiver says, at whatever it is plugged in.

use jiff::Timestamp;

use super::fix::Fix;
use super::joiner::Joined;

/// What a receiver says.
#[derive(Debug, Clone, PartialEq)]
pub enum GnssEvent {
    /// It is there.
    Up,
    /// It is away, with the reason in words. There is no fix until a new one comes.
    Down(String),
    /// Its speed in bits a second was found by listening.
    Baud(u32),
    /// Bytes come, but no sentence: at the speed that is configured, or at any. Said once, until sentences come.
    NoSentence {
        /// The speed that is configured; none where every speed was tried.
        baud: Option<u32>,
    },
    /// Date and time by the receiver, as sent: a rollover of its week counter is not mended. Comes before its fix.
    Time(Timestamp),
    /// Where it is.
    Fix(Fix),
    /// It does not know where it is. Said again for as long as that holds.
    NoFix,
}

impl Joined {
    /// Tells what a moment came to.
    pub(super) fn tell(self, events: &mut Vec<GnssEvent>) {
        match self {
            Self::Fix(fix) => {
                events.extend(fix.time.map(GnssEvent::Time));
                events.push(GnssEvent::Fix(fix));
            }
            Self::NoFix => events.push(GnssEvent::NoFix),
        }
    }
}
