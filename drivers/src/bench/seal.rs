//! A virtual electronic seal: encrypted BTHome v2 frames with a counter that rises with each.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::seal::{Address, SealKey, SealState};

/// The shortest pause between two advertisements that the standard allows (Vol 6, Part B, §4.4.2.2).
pub const INTERVAL_MIN: Duration = Duration::from_millis(20);
/// The longest such pause that the standard allows without extended advertising.
pub const INTERVAL_MAX: Duration = Duration::from_millis(10_240);
/// Ten frames a second, as seals send after an event.
pub const INTERVAL_DEFAULT: Duration = Duration::from_millis(100);

/// Device information: encrypted, version 2.
const INFO: u8 = 0x41;
const TAG_LEN: usize = 4;

/// A seal that several radios may hear.
pub type SharedSeal = Arc<Mutex<VirtualSeal>>;

/// A seal on a box.
#[derive(Debug, Clone)]
pub struct VirtualSeal {
    /// Its address.
    pub mac: Address,
    /// Its key.
    pub key: SealKey,
    /// The counter of the frame that was made last; the next has one more.
    pub counter: u32,
    /// How often it was opened.
    pub event_count: u16,
    /// Charge in percent.
    pub battery_percent: u8,
    packet_id: u8,
    opened: bool,
    tampered: bool,
    silent: bool,
    interval: Duration,
    last: Option<(Instant, SealAdvertisement)>,
}

/// What a seal sends, until it makes the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealAdvertisement {
    /// The frame's counter.
    pub counter: u32,
    /// Service data of UUID 0xFCD2.
    pub service_data: Vec<u8>,
}

impl VirtualSeal {
    /// A closed seal with a full battery that was never opened; its first frame has counter 1.
    #[must_use]
    pub fn new(mac: Address, key: SealKey) -> Self {
        Self {
            mac,
            key,
            counter: 0,
            event_count: 0,
            battery_percent: 100,
            packet_id: 0,
            opened: false,
            tampered: false,
            silent: false,
            interval: INTERVAL_DEFAULT,
            last: None,
        }
    }

    /// The same seal, to be given to several radios and held by whoever opens and closes it.
    #[must_use]
    pub fn shared(self) -> SharedSeal {
        Arc::new(Mutex::new(self))
    }

    /// Sets the pause between frames, kept within [`INTERVAL_MIN`] and [`INTERVAL_MAX`].
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = interval.clamp(INTERVAL_MIN, INTERVAL_MAX);
    }

    /// Opens it; the count of openings rises if it was closed.
    pub fn open(&mut self) {
        if !self.opened {
            self.event_count = self.event_count.saturating_add(1);
        }
        self.opened = true;
        self.last = None;
    }

    /// Closes it. That it was tampered with stays.
    pub fn close(&mut self) {
        self.opened = false;
        self.last = None;
    }

    /// Cuts into it.
    pub fn tamper(&mut self) {
        self.tampered = true;
        self.last = None;
    }

    /// Fits it to a box: closed, and whole again. The count of openings stays.
    pub fn fit(&mut self) {
        self.opened = false;
        self.tampered = false;
        self.last = None;
    }

    /// Stops or resumes sending: a dead battery, a steel door.
    pub fn silence(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// It sends nothing.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// What its next frame says.
    #[must_use]
    pub fn state(&self) -> SealState {
        match (self.tampered, self.opened) {
            (true, _) => SealState::Tampered,
            (false, true) => SealState::Open,
            (false, false) => SealState::Closed,
        }
    }

    /// What is on the air at `now`: a new frame after each interval and at once after a change; nothing while silent.
    pub fn on_air(&mut self, now: Instant) -> Option<SealAdvertisement> {
        if self.silent {
            return None;
        }
        match &self.last {
            Some((made, advertisement)) if now.saturating_duration_since(*made) < self.interval => {
                Some(advertisement.clone())
            }
            _ => {
                let service_data = self.next_frame();
                let advertisement = SealAdvertisement { counter: self.counter, service_data };
                self.last = Some((now, advertisement.clone()));
                Some(advertisement)
            }
        }
    }

    /// Makes the next frame: packet id, battery, opening, tamper and count of openings, encrypted.
    pub fn next_frame(&mut self) -> Vec<u8> {
        self.counter = self.counter.wrapping_add(1);
        self.packet_id = self.packet_id.wrapping_add(1);
        let [low, high] = self.event_count.to_le_bytes();
        let objects = [
            [0x00, self.packet_id].as_slice(),
            &[0x01, self.battery_percent],
            &[0x11, u8::from(self.opened)],
            &[0x2B, u8::from(self.tampered)],
            &[0x3D, low, high],
        ]
        .concat();
        seal_frame(&self.key, self.mac, self.counter, &objects)
    }
}

/// An encrypted frame of these objects: service data from the device information byte on.
#[must_use]
pub fn seal_frame(key: &SealKey, mac: Address, counter: u32, objects: &[u8]) -> Vec<u8> {
    // Objects of an advertisement are far shorter than the cipher's 64 KiB, so this does not fail.
    let sealed = key.encrypt(mac, INFO, counter, objects).unwrap_or_default();
    let (cipher_text, tag) = sealed.split_at(sealed.len().saturating_sub(TAG_LEN));
    [&[INFO], cipher_text, &counter.to_le_bytes(), tag].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{bthome, hex};

    fn seal() -> VirtualSeal {
        let key = "231d39c1d7cc1ab1aee224cd096db932".parse().unwrap();
        VirtualSeal::new("54:48:E6:8F:80:A5".parse().unwrap(), key)
    }

    #[test]
    fn frames_are_those_of_the_vectors() {
        let VirtualSeal { mac, key, .. } = seal();
        let frame = |counter, objects| hex::encode(&seal_frame(&key, mac, counter, objects));
        assert_eq!(frame(1000, &[0, 1, 1, 0x64, 0x11, 0, 0x2B, 0]), "415942906920750802e8030000ad89b592");
        assert_eq!(frame(1001, &[0, 2, 1, 0x64, 0x11, 1, 0x2B, 1]), "41e2e35978b460627ce90300004ba40650");
    }

    #[test]
    fn what_is_done_to_a_seal_stands_in_its_next_frame() {
        let mut seal = seal();
        seal.counter = 1000;
        let read = |seal: &mut VirtualSeal| {
            let frame = seal.next_frame();
            let frame = bthome::read(&frame, seal.mac, Some(&seal.key)).unwrap();
            assert_eq!(frame.state, seal.state());
            (frame.state, frame.counter, frame.event_count)
        };
        assert_eq!(read(&mut seal), (SealState::Closed, Some(1001), Some(0)));
        seal.open();
        seal.open();
        assert_eq!(read(&mut seal), (SealState::Open, Some(1002), Some(1)));
        seal.close();
        assert_eq!(read(&mut seal), (SealState::Closed, Some(1003), Some(1)));
        seal.tamper();
        assert_eq!(read(&mut seal), (SealState::Tampered, Some(1004), Some(1)));
        seal.fit();
        assert_eq!(read(&mut seal), (SealState::Closed, Some(1005), Some(1)));
    }

    #[test]
    fn two_radios_hear_the_same_frame_until_the_interval_is_over_or_something_changes() {
        let mut seal = seal();
        let start = Instant::now();
        let first = seal.on_air(start).unwrap();
        assert_eq!(seal.on_air(start + INTERVAL_DEFAULT / 2).unwrap(), first);
        assert_eq!(seal.on_air(start + INTERVAL_DEFAULT).unwrap().counter, first.counter + 1);
        seal.open();
        assert_eq!(seal.on_air(start + INTERVAL_DEFAULT).unwrap().counter, first.counter + 2);
        seal.silence(true);
        assert_eq!(seal.on_air(start + 9 * INTERVAL_DEFAULT), None);
    }
}
