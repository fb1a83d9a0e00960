//! The devices on the bench: every gateway's scanner, radio and receiver, and the seals that wander between radios.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use waypost_core::fact::{SiteKind, WallTime};
use waypost_drivers::{
    bench::{BenchError, SharedSeal, VirtualFix, VirtualRadio, VirtualReceiver, VirtualScanner, VirtualSeal},
    seal::{Address, SealKey},
};

use super::world::{Crate, World};

/// What is plugged into one gateway.
pub struct Devices {
    /// Its scanner.
    pub scanner: Arc<VirtualScanner>,
    /// Its radio for seals, where its work needs one.
    pub radio: Option<VirtualRadio>,
    /// Its satellite receiver, in vehicles.
    pub receiver: Option<VirtualReceiver>,
}

/// Everything on the bench.
pub struct Bench {
    devices: BTreeMap<&'static str, Devices>,
    seals: BTreeMap<String, SharedSeal>,
    /// The gateway whose radio hears each seal.
    places: Mutex<BTreeMap<String, &'static str>>,
}

impl Bench {
    /// Plugs everything in, under `dir/<gateway>/`.
    pub fn new(dir: &Path, world: &World) -> Result<Self, BenchError> {
        let mut devices = BTreeMap::new();
        for site in &world.sites {
            let dir = dir.join(site.gateway);
            let hears_seals =
                matches!(site.kind, SiteKind::TestingCentre | SiteKind::Vehicle | SiteKind::Laboratory);
            let radio = hears_seals.then(|| VirtualRadio::new(&dir, "radio")).transpose()?;
            let receiver = (site.kind == SiteKind::Vehicle)
                .then(|| VirtualReceiver::new(&dir, "receiver"))
                .transpose()?;
            let scanner = Arc::new(VirtualScanner::new(&dir, "scanner")?);
            devices.insert(site.gateway, Devices { scanner, radio, receiver });
        }
        let seals =
            world.crates.iter().flatten().filter_map(|one| Some((one.seal.clone(), seal_of(one)?))).collect();
        Ok(Self { devices, seals, places: Mutex::default() })
    }

    /// The devices of a gateway.
    pub fn of(&self, gateway: &str) -> Option<&Devices> {
        self.devices.get(gateway)
    }

    /// A seal by its number.
    pub fn seal(&self, number: &str) -> Option<&SharedSeal> {
        self.seals.get(number)
    }

    /// Numbers of the seals that a gateway's radio hears.
    pub fn seals_at(&self, gateway: &str) -> Vec<String> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().filter(|(_, place)| **place == gateway).map(|(seal, _)| seal.clone()).collect()
    }

    /// Carries a seal, with the box it is on, out of one radio's range and into another's; none: out of everybody's.
    pub fn carry(&self, number: &str, to: Option<&'static str>) -> Result<(), BenchError> {
        let Some(seal) = self.seals.get(number) else { return Ok(()) };
        let mac = seal.lock().unwrap_or_else(PoisonError::into_inner).mac;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let from = match to {
            Some(to) => places.insert(number.to_owned(), to),
            None => places.remove(number),
        };
        if let Some(radio) =
            from.and_then(|from| self.devices.get(from)).and_then(|devices| devices.radio.as_ref())
        {
            radio.remove(mac);
        }
        match to.and_then(|to| self.devices.get(to)).and_then(|devices| devices.radio.as_ref()) {
            Some(radio) => radio.add(Arc::clone(seal)),
            None => Ok(()),
        }
    }

    /// Says to a vehicle's receiver where it is.
    pub fn position(&self, gateway: &str, at: (f64, f64), speed_mps: f64, course_deg: f64, time: WallTime) {
        let Some(receiver) = self.devices.get(gateway).and_then(|devices| devices.receiver.as_ref()) else {
            return;
        };
        let fix = VirtualFix { lat: at.0, lon: at.1, time: time.timestamp(), speed_mps, course_deg };
        // A receiver whose cable is out, or whose gateway is being started, says nothing: that is what is played.
        if let Err(error) = receiver.send_fix(&fix) {
            tracing::debug!(gateway, %error, "position not sent");
        }
    }
}

/// The seal of a box, closed, not yet on a box.
fn seal_of(one: &Crate) -> Option<SharedSeal> {
    let key: SealKey = one.key.parse().ok()?;
    let mut seal = VirtualSeal::new(Address(one.mac), key);
    // Forty seals on one radio: two frames a second each are enough and leave the line some air.
    seal.set_interval(std::time::Duration::from_millis(400));
    Some(seal.shared())
}
