//! Watching one seal: which of its frames are new, what they add up to, and what must be written down.
//!
//! The reference parser takes any counter below 100 as a new battery. For custody that is a hole, so here a counter only
//! ever rises: the highest one seen is stored, and whoever stores it is told when. A seal whose counter starts anew stays
//! refused until a supervisor pairs it with a new key. A plain BTHome frame is refused once a key is known. What else is
//! not authenticated (a plain frame without a key, another format, a tag beside the seal) may raise an alarm and never
//! clears one; where there is a key it does nothing else either, and only the next authentic frame clears it.
//!
//! Pure: the caller brings the time, as milliseconds of a clock that never goes back.

use super::address::Address;
use super::bthome;
use super::crypto::SealKey;
use super::eddystone::Life;
use super::format;
use super::frame::{Format, Refusal, SealFrame, SealState};
use super::pace::Pace;

/// Within this time a packet id must go forward; after it, any is new (as the reference parser has it).
pub const PACKET_WINDOW_MS: u64 = 4_000;
/// Packet ids count to 255 and begin again; a step below this one is forward.
const PACKET_STEP_MAX: u8 = 64;

/// What is kept of a seal across restarts and handovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// The highest counter taken: no frame at or below it is taken again.
    pub counter: Option<u32>,
    /// The count of openings in that frame.
    pub event_count: Option<u32>,
}

/// Times and counts, from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without a new frame for so long the seal is silent, in milliseconds.
    pub silent_after_ms: u64,
    /// A counter is stored at least this often while frames come, in milliseconds.
    pub store_every_ms: u64,
    /// How far the counter must pass the stored one before "closed" is believed: as many frames as the seal sends in
    /// [`Self::store_every_ms`], since what was sent shortly before a power cut may not have been stored.
    pub margin: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { silent_after_ms: 30_000, store_every_ms: 60_000, margin: 0 }
    }
}

/// A frame that was taken, and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The frame.
    pub frame: SealFrame,
    /// What the seal says is now another than before: [`SealView::condition`] or the count of openings.
    pub changed: bool,
    /// Write this down: at once with a change, otherwise once in [`Limits::store_every_ms`].
    pub store: Option<Stored>,
    /// By its telemetry the seal was started anew: its battery was out, or it is another with the same address.
    pub restarted: bool,
}

/// What is known of a seal at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing yet, or only a "closed" that could be a recording from before the last restart.
    Unknown,
    /// Closed, by the last frame.
    Closed,
    /// Its frames say closed, but their counter did not go with the time once: they may be recordings. Only a new
    /// pairing clears that.
    ClockInDoubt,
    /// Open, by the last frame.
    Open,
    /// Tampered with, by the last frame.
    Tampered,
    /// No new frame for [`Limits::silent_after_ms`]. Not the same as open: radio loses packets by the dozen.
    Silent,
}

/// A seal as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealView {
    /// Whose.
    pub address: Address,
    /// What is known of it.
    pub condition: Condition,
    /// What is known of it comes from a frame that was encrypted with its key.
    pub authentic: bool,
    /// The highest counter and the count of openings with it, stored or not.
    pub latest: Stored,
    /// Charge in percent, when last said.
    pub battery_percent: Option<u8>,
    /// When the last new frame came, by the caller's clock.
    pub heard_ms: Option<u64>,
}

/// Watches one seal.
#[derive(Debug)]
pub struct SealWatch {
    key: Option<SealKey>,
    limits: Limits,
    /// The counter that was stored when watching began.
    floor: Option<u32>,
    last_bytes: Vec<u8>,
    packet: Option<Packet>,
    said: SealState,
    /// It was said by somebody who could be anybody; no authentic frame has contradicted it yet.
    hearsay: bool,
    life: Life,
    stored_ms: Option<u64>,
    /// Where the order says how often it sends.
    pace: Option<Pace>,
    /// Its counter did not go with the time once.
    doubted: bool,
    view: SealView,
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    id: Option<u8>,
    at_ms: u64,
}

impl SealWatch {
    /// Begins to watch the seal of this address, from what was stored of it.
    #[must_use]
    pub fn new(address: Address, key: Option<SealKey>, stored: Stored, limits: Limits) -> Self {
        let view = SealView {
            address,
            condition: Condition::Unknown,
            authentic: false,
            latest: stored,
            battery_percent: None,
            heard_ms: None,
        };
        Self {
            key,
            limits,
            floor: stored.counter,
            last_bytes: Vec::new(),
            packet: None,
            said: SealState::Unknown,
            hearsay: false,
            life: Life::default(),
            stored_ms: None,
            pace: None,
            doubted: false,
            view,
        }
    }

    /// Its counter must go with the time: it sends a frame every so many milliseconds.
    #[must_use]
    pub fn with_interval(self, interval_ms: u32) -> Self {
        Self { pace: Some(Pace::new(interval_ms)), ..self }
    }

    /// Its clock was in doubt before.
    #[must_use]
    pub fn in_doubt(self, doubted: bool) -> Self {
        Self { doubted, ..self }
    }

    /// Takes a frame of this format that was received at `now_ms`, or says why not. The frame is without what stands
    /// before it in its advertisement, as [`format::find`] gives it.
    ///
    /// A refused frame changes nothing that can be seen, with one exception: an authentic one whose packet id is old
    /// still raises the counter, so that it cannot be sent again.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`].
    pub fn take(&mut self, now_ms: u64, format: Format, frame: &[u8]) -> Result<Taken, Refusal> {
        if format.is_bthome() {
            self.take_bthome(now_ms, frame)
        } else {
            self.take_other(now_ms, format, frame)
        }
    }

    /// Somebody without a key says that the seal is open or tampered with. True where that is worse than what is known.
    ///
    /// It stands until the next authentic frame, also while the seal is silent.
    pub fn raise(&mut self, state: SealState) -> bool {
        if state < SealState::Open || state <= self.said {
            return false;
        }
        self.said = state;
        self.hearsay = true;
        self.view.condition = self.condition();
        self.view.authentic = false;
        true
    }

    fn take_bthome(&mut self, now_ms: u64, service_data: &[u8]) -> Result<Taken, Refusal> {
        if bthome::address_of(service_data, self.view.address)? != self.view.address {
            return Err(Refusal::OtherSeal);
        }
        if self.is_same_again(now_ms, service_data) {
            return Err(Refusal::Repeat);
        }
        let frame = bthome::read(service_data, self.view.address, self.key.as_ref())?;
        if let (Some(counter), Some(highest)) = (frame.counter, self.view.latest.counter)
            && counter <= highest
        {
            return Err(Refusal::Replay);
        }
        self.last_bytes = service_data.to_vec();
        if let Some(counter) = frame.counter {
            self.view.latest.counter = Some(counter);
            self.doubted |= self.pace.as_mut().is_some_and(|pace| !pace.agrees(now_ms, counter));
        }
        self.check_packet_id(now_ms, frame.packet_id)?;
        Ok(self.accept(now_ms, frame))
    }

    /// Without a key it is as good as plain BTHome. With one it raises, and says when the seal was started anew.
    fn take_other(&mut self, now_ms: u64, format: Format, bytes: &[u8]) -> Result<Taken, Refusal> {
        let frame = format::read(format, bytes, self.view.address, None)?;
        if frame.address != self.view.address {
            return Err(Refusal::OtherSeal);
        }
        let restarted = frame.uptime.is_some_and(|uptime| self.life.is_restarted(uptime));
        if self.key.is_some() {
            let changed = self.raise(frame.state);
            return Ok(Taken { frame, changed, store: None, restarted });
        }
        if self.is_same_again(now_ms, bytes) {
            return Err(Refusal::Repeat);
        }
        self.last_bytes = bytes.to_vec();
        self.check_packet_id(now_ms, None)?;
        Ok(Taken { restarted, ..self.accept(now_ms, frame) })
    }

    /// What is known of the seal at `now_ms`. Silence shows here by itself.
    #[must_use]
    pub fn view(&self, now_ms: u64) -> SealView {
        let silent = self
            .view
            .heard_ms
            .is_some_and(|heard| now_ms.saturating_sub(heard) >= self.limits.silent_after_ms);
        // That somebody says it is open is worse than that it says nothing itself.
        if silent && !self.hearsay {
            SealView { condition: Condition::Silent, ..self.view }
        } else {
            self.view
        }
    }

    /// When the seal falls silent if nothing new comes, by the caller's clock: the time to look again.
    #[must_use]
    pub fn silent_at_ms(&self) -> Option<u64> {
        self.view.heard_ms.map(|heard| heard.saturating_add(self.limits.silent_after_ms))
    }

    /// Encrypted bytes never come twice. Plain ones of a seal without packet ids do, so these count after a while.
    fn is_same_again(&self, now_ms: u64, service_data: &[u8]) -> bool {
        let same = !self.last_bytes.is_empty() && self.last_bytes == service_data;
        same && (self.key.is_some() || self.within_packet_window(now_ms))
    }

    fn within_packet_window(&self, now_ms: u64) -> bool {
        self.packet.is_some_and(|packet| now_ms.saturating_sub(packet.at_ms) <= PACKET_WINDOW_MS)
    }

    fn check_packet_id(&mut self, now_ms: u64, new: Option<u8>) -> Result<(), Refusal> {
        if let (Some(id), Some(Packet { id: Some(last), .. })) = (new, self.packet)
            && self.within_packet_window(now_ms)
        {
            match id.wrapping_sub(last) {
                0 => return Err(Refusal::Repeat),
                step if step >= PACKET_STEP_MAX => return Err(Refusal::OldPacket),
                _ => {}
            }
        }
        let last = self.packet.and_then(|packet| packet.id);
        self.packet = Some(Packet { id: new.or(last), at_ms: now_ms });
        Ok(())
    }

    fn accept(&mut self, now_ms: u64, frame: SealFrame) -> Taken {
        let before = self.view(now_ms);
        self.said = self.state_after(&frame);
        // One that says nothing of the box contradicts nobody.
        self.hearsay &= frame.state == SealState::Unknown;
        self.view.condition = self.condition();
        self.view.authentic = frame.authentic && !self.hearsay;
        self.view.heard_ms = Some(now_ms);
        self.view.latest.event_count = frame.event_count.or(self.view.latest.event_count);
        self.view.battery_percent = frame.battery_percent.or(self.view.battery_percent);
        let changed = before.condition != self.view.condition
            || before.latest.event_count != self.view.latest.event_count;
        let store = (frame.authentic && (changed || self.is_store_due(now_ms))).then(|| {
            self.stored_ms = Some(now_ms);
            self.view.latest
        });
        Taken { frame, changed, store, restarted: false }
    }

    /// A plain frame, which anybody can send, may raise an alarm and never clears one.
    fn state_after(&self, frame: &SealFrame) -> SealState {
        match (self.said, frame.state) {
            (said, SealState::Unknown) => said,
            (SealState::Tampered, _) if !frame.authentic => SealState::Tampered,
            (SealState::Open, SealState::Closed) if !frame.authentic => SealState::Open,
            (_, says) => says,
        }
    }

    /// "Closed" is believed only beyond what could have been recorded before the last restart; an alarm always is.
    fn condition(&self) -> Condition {
        let settled = match (self.view.latest.counter, self.floor) {
            (Some(counter), Some(floor)) => counter.saturating_sub(floor) > self.limits.margin,
            _ => true,
        };
        match self.said {
            SealState::Tampered => Condition::Tampered,
            SealState::Open => Condition::Open,
            SealState::Closed if self.doubted => Condition::ClockInDoubt,
            SealState::Closed if settled => Condition::Closed,
            SealState::Closed | SealState::Unknown => Condition::Unknown,
        }
    }

    fn is_store_due(&self, now_ms: u64) -> bool {
        self.stored_ms.is_none_or(|stored| now_ms.saturating_sub(stored) >= self.limits.store_every_ms)
    }
}
