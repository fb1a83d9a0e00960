//! The shared memory of a write-ahead log: its index, and the locks that readers and writer use. It is never on a disk.

use std::{
    cell::UnsafeCell,
    ffi::c_void,
    sync::{Mutex, PoisonError},
};

use rusqlite::ffi::SQLITE_SHM_NLOCK;

use crate::lock::Busy;

/// Locks in shared memory.
const SLOTS: usize = SQLITE_SHM_NLOCK as usize;

/// Most regions; SQLite's are 32 KiB each.
const REGIONS_MAX: usize = 4096;

/// Memory that all connections of a file share. SQLite orders what it does there itself.
#[derive(Debug, Default)]
pub(crate) struct Shm {
    regions: Mutex<Vec<Box<[UnsafeCell<u64>]>>>,
    slots: Mutex<[Slot; SLOTS]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    readers: u32,
    taken: bool,
}

/// What one connection has of the locks.
#[derive(Debug, Default)]
pub(crate) struct Held {
    shared: [bool; SLOTS],
    exclusive: [bool; SLOTS],
}

impl Shm {
    /// Where a region lies; null where it is not there and is not to be made. Regions stay where they are.
    pub(crate) fn region(&self, number: usize, bytes: usize, make: bool) -> *mut c_void {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        while make && regions.len() <= number && number < REGIONS_MAX {
            regions.push((0..bytes.div_ceil(8)).map(|_| UnsafeCell::new(0)).collect());
        }
        regions.get(number).map_or(std::ptr::null_mut(), |region| region.as_ptr().cast_mut().cast())
    }

    pub(crate) fn lock_shared(&self, held: &mut Held, slots: std::ops::Range<usize>) -> Result<(), Busy> {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(wanted), Some(mine)) = (all.get_mut(slots.clone()), held.shared.get_mut(slots)) else {
            return Err(Busy);
        };
        if wanted.iter().any(|slot| slot.taken) {
            return Err(Busy);
        }
        for (slot, mine) in wanted.iter_mut().zip(mine).filter(|(_, mine)| !**mine) {
            slot.readers += 1;
            *mine = true;
        }
        Ok(())
    }

    pub(crate) fn lock_exclusive(&self, held: &mut Held, slots: std::ops::Range<usize>) -> Result<(), Busy> {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(wanted), Some(mine)) = (all.get_mut(slots.clone()), held.exclusive.get_mut(slots)) else {
            return Err(Busy);
        };
        if wanted.iter().zip(mine.iter()).any(|(slot, mine)| slot.readers > 0 || slot.taken && !mine) {
            return Err(Busy);
        }
        for (slot, mine) in wanted.iter_mut().zip(mine) {
            slot.taken = true;
            *mine = true;
        }
        Ok(())
    }

    pub(crate) fn unlock(&self, held: &mut Held, slots: std::ops::Range<usize>) {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { shared, exclusive } = held;
        for (((_, slot), shared), exclusive) in all
            .iter_mut()
            .enumerate()
            .zip(shared)
            .zip(exclusive)
            .filter(|(((at, _), _), _)| slots.contains(at))
        {
            if std::mem::take(shared) {
                slot.readers = slot.readers.saturating_sub(1);
            }
            if std::mem::take(exclusive) {
                slot.taken = false;
            }
        }
    }

    /// Lets go of all.
    pub(crate) fn leave(&self, held: &mut Held) {
        self.unlock(held, 0..SLOTS);
    }
}
