//! A virtual Bluetooth controller on a serial line: it takes HCI commands, and while it scans it reports the seals in
//! its range.

mod command;
mod controller;
mod identity;

use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use self::controller::Controller;
use super::plug::{BenchError, Plug};
use super::seal::SharedSeal;
use crate::seal::Address;
use crate::seal::crypto::UUID_ON_AIR;
use crate::seal::hci::{H4_EVENT, Opcode};

/// Most seals in range of one radio.
pub const SEALS_MAX: usize = 64;
/// Most frames of others that wait to be delivered.
pub const INJECTED_MAX: usize = 64;
/// How strong the bench's seals are, in dBm, unless said otherwise.
pub const RSSI_DEFAULT: i8 = -60;

/// What is wrong with the controller. Each ends by itself only as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stall {
    /// Nothing.
    #[default]
    None,
    /// It reports nothing until scanning is switched on again, as controllers do after days.
    UntilScan,
    /// It reports nothing until it is reset.
    UntilReset,
    /// It does not even answer.
    Dead,
}

/// What a controller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RadioModel {
    /// Bluetooth 4: legacy scan commands only.
    #[default]
    Legacy,
    /// Bluetooth 5, and of the scan commands only the extended ones. Reports come in pieces of
    /// [`PIECE_BYTES`].
    ExtendedOnly,
    /// The same, but it says nothing about it when asked what it can do.
    ExtendedUnsaid,
}

/// Most data bytes in one report of a controller with extended advertising.
pub const PIECE_BYTES: usize = 16;

/// A Bluetooth controller.
#[derive(Debug)]
pub struct VirtualRadio {
    plug: Plug,
    shared: Arc<Mutex<Shared>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    seals: Vec<InRange>,
    /// Whose, how strong, and an advertisement's data.
    injected: VecDeque<(Address, i8, Vec<u8>)>,
    model: RadioModel,
    stall: Stall,
    scanning: bool,
    active: bool,
    /// Whose advertisements were reported since the scan began, where the host wants each sender once only.
    filter: Option<HashSet<Address>>,
    resets: u64,
    /// Bytes to be sent as they are.
    raw: VecDeque<Vec<u8>>,
    /// Refuse this command with this status.
    refused: Option<(Opcode, u8)>,
}

#[derive(Debug)]
struct InRange {
    mac: Address,
    seal: SharedSeal,
    rssi: i8,
    /// The counter of the frame that this radio delivered last.
    delivered: Option<u32>,
}

impl VirtualRadio {
    /// A radio that is plugged in at `dir/name`. Needs a Tokio runtime with I/O and time, as [`Self::plug`] does.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn new(dir: &Path, name: &str) -> Result<Self, BenchError> {
        Self::of_model(dir, name, RadioModel::Legacy)
    }

    /// The same, of another model.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn of_model(dir: &Path, name: &str, model: RadioModel) -> Result<Self, BenchError> {
        let shared = Arc::new(Mutex::new(Shared { model, ..Shared::default() }));
        let radio = Self { plug: Plug::new(dir, name)?, shared, task: Mutex::new(None) };
        radio.start()?;
        Ok(radio)
    }

    /// The path for the gateway's configuration.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.plug.path()
    }

    /// Brings a seal into range, at [`RSSI_DEFAULT`]. The same seal again replaces the former.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] beyond [`SEALS_MAX`].
    pub fn add(&self, seal: SharedSeal) -> Result<(), BenchError> {
        self.add_at(seal, RSSI_DEFAULT)
    }

    /// Brings a seal into range with a strength in dBm. The caller does not hold the seal's lock, which this takes.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] beyond [`SEALS_MAX`].
    pub fn add_at(&self, seal: SharedSeal, rssi: i8) -> Result<(), BenchError> {
        let mac = seal.lock().unwrap_or_else(PoisonError::into_inner).mac;
        let mut shared = lock(&self.shared);
        shared.seals.retain(|there| there.mac != mac);
        if shared.seals.len() >= SEALS_MAX {
            return Err(BenchError::TooMany(SEALS_MAX));
        }
        shared.seals.push(InRange { mac, seal, rssi, delivered: None });
        Ok(())
    }

    /// Takes a seal out of range, and returns it.
    pub fn remove(&self, mac: Address) -> Option<SharedSeal> {
        let mut shared = lock(&self.shared);
        let place = shared.seals.iter().position(|there| there.mac == mac)?;
        Some(shared.seals.remove(place).seal)
    }

    /// Delivers a frame of somebody else once: a recording that is sent again, a forgery, a neighbour's thermometer.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] while [`INJECTED_MAX`] wait.
    pub fn inject(&self, address: Address, rssi: i8, service_data: &[u8]) -> Result<(), BenchError> {
        self.inject_data(address, rssi, bthome(service_data))
    }

    /// Delivers an advertisement of somebody else once: its data, as a tag sends it.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] while [`INJECTED_MAX`] wait.
    pub fn inject_data(&self, address: Address, rssi: i8, data: Vec<u8>) -> Result<(), BenchError> {
        let mut shared = lock(&self.shared);
        if shared.injected.len() >= INJECTED_MAX {
            return Err(BenchError::TooMany(INJECTED_MAX));
        }
        shared.injected.push_back((address, rssi, data));
        Ok(())
    }

    /// Puts bytes on the line as they are: noise, or an event that a real controller would send.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] while [`INJECTED_MAX`] wait.
    pub fn send_raw(&self, bytes: &[u8]) -> Result<(), BenchError> {
        let mut shared = lock(&self.shared);
        if shared.raw.len() >= INJECTED_MAX {
            return Err(BenchError::TooMany(INJECTED_MAX));
        }
        shared.raw.push_back(bytes.to_vec());
        Ok(())
    }

    /// Resets itself and says so with a Hardware Error event, as controllers do after a fault.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`] while [`INJECTED_MAX`] wait.
    pub fn fail(&self, code: u8) -> Result<(), BenchError> {
        lock(&self.shared).scanning = false;
        self.send_raw(&[H4_EVENT, 0x10, 0x01, code])
    }

    /// Refuses a command with an error code from now on; none refuses nothing.
    pub fn refuse(&self, refused: Option<(Opcode, u8)>) {
        lock(&self.shared).refused = refused;
    }

    /// A host has switched on an active scan, which asks advertisers for scan responses.
    #[must_use]
    pub fn is_active(&self) -> bool {
        let shared = lock(&self.shared);
        shared.scanning && shared.active
    }

    /// Breaks the controller, or mends it.
    pub fn stall(&self, stall: Stall) {
        lock(&self.shared).stall = stall;
    }

    /// A host has switched scanning on.
    #[must_use]
    pub fn is_scanning(&self) -> bool {
        lock(&self.shared).scanning
    }

    /// How often a host has reset it.
    #[must_use]
    pub fn resets(&self) -> u64 {
        lock(&self.shared).resets
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.stop();
        self.plug.unplug();
        lock(&self.shared).scanning = false;
    }

    /// Puts the cable back. The controller waits to be reset.
    ///
    /// # Errors
    ///
    /// [`BenchError::Io`].
    pub fn plug(&self) -> Result<(), BenchError> {
        if self.plug.is_plugged() {
            return Ok(());
        }
        self.plug.plug()?;
        self.start()
    }

    /// The cable is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.plug.is_plugged()
    }

    fn start(&self) -> Result<(), BenchError> {
        let controller = Controller::new(self.plug.pty()?, Arc::clone(&self.shared));
        let task = tokio::spawn(controller.run());
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    /// The task holds the line; with it the line goes.
    fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl Drop for VirtualRadio {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An advertisement with this service data of BTHome. What is too long for one says nothing.
fn bthome(service_data: &[u8]) -> Vec<u8> {
    let structure = [&[0x16], UUID_ON_AIR.as_slice(), service_data].concat();
    let Ok(len) = u8::try_from(structure.len()) else { return Vec::new() };
    // Flags: LE only, not discoverable.
    [[0x02, 0x01, 0x04, len].as_slice(), &structure].concat()
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
