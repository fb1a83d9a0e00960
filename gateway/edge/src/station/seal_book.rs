//! What the radio heard of every seal that an order names, and what of it must be written down.

use std::collections::{BTreeMap, HashMap};

use waypost_core::{
    fact::{AlarmKind, SealReading, SealState, id::SealId},
    rule::{
        Act, Ledger, LedgerError,
        ledger::load,
        order::{SealEntry, SealFormat, Secret},
        row::SealRow,
    },
};
use waypost_drivers::seal::{
    Address, Condition, Format, Limits, Refusal, SealKey, SealView, SealWatch, Stored, Taken, format,
    presence::{self, Nearness, Presence},
};
use zeroize::Zeroizing;

use super::step::{Nearest, Seals};

/// Seals and tags that are watched at once.
pub const SEALS_MAX: usize = 1_024;
/// Percent of charge at and below which a battery is low.
const BATTERY_LOW: u8 = 10;
/// Percent of charge up to which a battery that was low still is: a cold morning must not make it come and go.
const BATTERY_ENOUGH: u8 = 15;
/// Frames in one advertisement that are looked at; a seal sends one.
const FRAMES_MAX: usize = 4;
/// A seal that is forged, or started anew, again and again raises its alarm so often, in milliseconds.
const ALARM_EVERY_MS: u64 = 600_000;

/// All seals.
#[derive(Default)]
pub struct SealBook {
    limits: Limits,
    seals: HashMap<Address, Watched>,
    addresses: BTreeMap<SealId, Address>,
    presence: Presence,
    now_ms: u64,
}

struct Watched {
    seal: SealId,
    watch: SealWatch,
    /// It has a key, or it sends this.
    format: Format,
    /// With another key, pairing or interval it is watched from the beginning.
    key: Option<Secret>,
    pairing: u32,
    interval_ms: Option<u32>,
    /// It is no seal by itself: what it raises is raised for this one.
    beside: Option<Address>,
    /// What was said of it last.
    said: SealState,
    forged: Seldom,
    restarted: Seldom,
}

/// An alarm that is raised seldom, however often there is a reason.
#[derive(Default)]
struct Seldom {
    raised_ms: Option<u64>,
}

impl Seldom {
    fn is_due(&mut self, now_ms: u64) -> bool {
        let due = self.raised_ms.is_none_or(|at| now_ms.saturating_sub(at) >= ALARM_EVERY_MS);
        if due {
            self.raised_ms = Some(now_ms);
        }
        due
    }
}

impl SealBook {
    /// An empty book. A seal without a new frame for `silent_after_ms` of real time is silent.
    pub fn new(silent_after_ms: u64) -> Self {
        Self {
            limits: Limits { silent_after_ms, ..Limits::default() },
            presence: Presence::new(Nearness::default()),
            ..Self::default()
        }
    }

    /// Watches these seals and no others. Those that are watched already go on; new ones begin at the counter that
    /// the ledger has for them.
    ///
    /// # Errors
    /// A damaged row or a failed store.
    pub fn watch<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a SealEntry>,
        ledger: &dyn Ledger,
    ) -> Result<(), LedgerError> {
        let mut before = std::mem::take(&mut self.seals);
        self.addresses.clear();
        let mut beside = Vec::new();
        for entry in entries.take(SEALS_MAX) {
            let SealEntry { seal, address, .. } = entry;
            let (Ok(address), Ok(key)) = (address.parse::<Address>(), key_of(entry)) else {
                tracing::warn!(%seal, "the order's address or key of this seal cannot be read");
                continue;
            };
            let format = format_of(entry.format);
            let known = before.remove(&address).filter(|watched| {
                let is_paired = (watched.pairing, watched.interval_ms) == (entry.pairing, entry.interval_ms);
                watched.seal == *seal && watched.format == format && watched.key == entry.key && is_paired
            });
            let watched = match known {
                Some(watched) => Watched { beside: None, ..watched },
                None => Watched {
                    seal: seal.clone(),
                    watch: watch(entry, address, key, self.limits, ledger)?,
                    format,
                    key: entry.key.clone(),
                    pairing: entry.pairing,
                    interval_ms: entry.interval_ms,
                    beside: None,
                    said: SealState::Unread,
                    forged: Seldom::default(),
                    restarted: Seldom::default(),
                },
            };
            if let Some(main) = &entry.beside {
                beside.push((address, main.clone()));
            }
            self.addresses.insert(seal.clone(), address);
            self.seals.insert(address, watched);
        }
        for (tag, main) in beside {
            let main = self.addresses.get(&main).copied();
            if let Some(watched) = self.seals.get_mut(&tag) {
                watched.beside = main;
            }
        }
        Ok(())
    }

    /// Takes what was heard at `now_ms` of real time with this strength in dBm: an advertisement's data. What to
    /// write down, if anything.
    pub fn heard(&mut self, now_ms: u64, rssi: Option<i8>, on_air: Address, data: &[u8]) -> Vec<Act> {
        self.now_ms = now_ms;
        let mut acts = Vec::new();
        for (format, frame) in format::find(data).take(FRAMES_MAX) {
            // A frame that cannot be read names nobody.
            if let Ok(address) = format::address_of(format, frame, on_air) {
                self.frame(rssi, address, format, frame, &mut acts);
            }
        }
        acts
    }

    fn frame(
        &mut self,
        rssi: Option<i8>,
        address: Address,
        format: Format,
        frame: &[u8],
        acts: &mut Vec<Act>,
    ) {
        let now_ms = self.now_ms;
        let main_seal = self.beside(address);
        let Some(watched) = self.seals.get_mut(&address) else { return };
        // What tells of presence and of a start may come beside anything. Of a seal without a key the rest must be in
        // the format that the order names; with a key the watch itself tells what counts.
        let extra = matches!(format, Format::Eddystone | Format::Ibeacon);
        if !watched.has_key() && format != watched.format && !extra {
            return;
        }
        match watched.watch.take(now_ms, format, frame) {
            Ok(taken) => {
                let is_its_own = taken.frame.authentic || !watched.has_key();
                if let Some(rssi) = rssi.filter(|_| is_its_own) {
                    self.presence.heard(now_ms, address, rssi);
                }
                if taken.restarted && watched.restarted.is_due(now_ms) {
                    let seal = main_seal.unwrap_or_else(|| watched.seal.clone());
                    acts.push(Act::NoteSealRestart { seal });
                }
                match watched.beside {
                    Some(main) => self.raise(main, &taken, acts),
                    None => acts.extend(watched.news(now_ms, &taken)),
                }
            }
            Err(Refusal::Replay | Refusal::Downgrade) if watched.forged.is_due(now_ms) => {
                let subject = watched.seal.to_string();
                acts.push(Act::RaiseAlarm { alarm: AlarmKind::SealForged, subject });
            }
            Err(_) => {}
        }
    }

    /// The seal that this tag stands beside.
    fn beside(&self, tag: Address) -> Option<SealId> {
        let main = self.seals.get(&tag)?.beside?;
        self.seals.get(&main).map(|main| main.seal.clone())
    }

    /// A tag beside this seal says something.
    fn raise(&mut self, main: Address, taken: &Taken, acts: &mut Vec<Act>) {
        let now_ms = self.now_ms;
        if let Some(watched) = self.seals.get_mut(&main)
            && watched.watch.raise(taken.frame.state)
        {
            let reading = watched.reading(now_ms);
            watched.said = reading.state;
            acts.push(Act::NoteSeal { reading });
        }
    }

    /// Seals that fell silent since, to be written down.
    pub fn silent(&mut self, now_ms: u64) -> Vec<Act> {
        self.now_ms = now_ms;
        let mut acts = Vec::new();
        for watched in self.seals.values_mut().filter(|watched| watched.beside.is_none()) {
            let view = watched.watch.view(now_ms);
            if view.condition == Condition::Silent && watched.said != SealState::Silent {
                let reading = watched.reading(now_ms);
                watched.said = SealState::Silent;
                acts.push(Act::NoteSeal { reading });
            }
        }
        acts
    }
}

impl Watched {
    fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// What it says now. A battery that was low is low until it is well above that.
    fn reading(&self, now_ms: u64) -> SealReading {
        let mut reading = reading(&self.seal, &self.watch.view(now_ms));
        reading.pairing = self.pairing;
        let low_until = if self.said == SealState::LowBattery { BATTERY_ENOUGH } else { BATTERY_LOW };
        let is_low = reading.battery_percent.is_some_and(|percent| percent <= low_until);
        if reading.is_closed_and_authentic() && is_low {
            reading.state = SealState::LowBattery;
        }
        reading
    }

    fn news(&mut self, now_ms: u64, taken: &Taken) -> Option<Act> {
        let reading = self.reading(now_ms);
        let news = taken.changed || self.said != reading.state;
        self.said = reading.state;
        (news || taken.store.is_some()).then_some(Act::NoteSeal { reading })
    }
}

impl Seals for SealBook {
    fn reading(&self, seal: &SealId) -> SealReading {
        match self.addresses.get(seal).and_then(|address| self.seals.get(address)) {
            Some(watched) => watched.reading(self.now_ms),
            None => unread(seal),
        }
    }

    fn is_known(&self, seal: &SealId) -> bool {
        self.addresses.contains_key(seal)
    }

    fn nearest(&self, is_free: &dyn Fn(&SealId) -> bool) -> Nearest {
        // Only a seal with a key closes a box.
        let wanted = |address| {
            self.seals.get(&address).is_some_and(|watched| watched.has_key() && is_free(&watched.seal))
        };
        match self.presence.nearest(self.now_ms, wanted) {
            presence::Nearest::None => Nearest::None,
            presence::Nearest::Several(_) => Nearest::Several,
            presence::Nearest::One(address) => {
                self.seals.get(&address).map_or(Nearest::None, |watched| Nearest::One(watched.seal.clone()))
            }
        }
    }
}

struct BadKey;

fn key_of(entry: &SealEntry) -> Result<Option<SealKey>, BadKey> {
    let Some(key) = &entry.key else { return Ok(None) };
    let key = Zeroizing::new(key.bytes::<16>().ok_or(BadKey)?);
    Ok(Some(SealKey::new(*key)))
}

fn format_of(format: SealFormat) -> Format {
    match format {
        SealFormat::Bthome => Format::Bthome,
        SealFormat::Ela => Format::Ela,
        SealFormat::Minew => Format::Minew,
        SealFormat::Teltonika => Format::Teltonika,
    }
}

/// Begins to watch a seal of an order, from what the ledger has of it.
fn watch(
    entry: &SealEntry,
    address: Address,
    key: Option<SealKey>,
    limits: Limits,
    ledger: &dyn Ledger,
) -> Result<SealWatch, LedgerError> {
    let row: Option<SealRow> = load(ledger, entry.seal.as_str())?;
    let doubted = row.as_ref().is_some_and(|row| row.doubted);
    let stored = row.map_or_else(Stored::default, |row| Stored {
        counter: row.reading.counter,
        event_count: row.reading.event_count,
    });
    let watch = SealWatch::new(address, key, stored, limits).in_doubt(doubted);
    Ok(match entry.interval_ms {
        Some(interval_ms) => watch.with_interval(interval_ms),
        None => watch,
    })
}

/// A seal of which nothing was heard.
fn unread(seal: &SealId) -> SealReading {
    SealReading {
        seal: seal.clone(),
        state: SealState::Unread,
        authentic: false,
        counter: None,
        event_count: None,
        battery_percent: None,
        pairing: 0,
    }
}

fn reading(seal: &SealId, view: &SealView) -> SealReading {
    let state = match view.condition {
        Condition::Unknown => return unread(seal),
        Condition::Closed => SealState::Closed,
        Condition::ClockInDoubt => SealState::ClockInDoubt,
        Condition::Open => SealState::Open,
        Condition::Tampered => SealState::Tampered,
        Condition::Silent => SealState::Silent,
    };
    SealReading {
        seal: seal.clone(),
        state,
        authentic: view.authentic,
        counter: view.latest.counter.filter(|_| view.authentic),
        event_count: view.latest.event_count,
        battery_percent: view.battery_percent,
        pairing: 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]
mod tests;
