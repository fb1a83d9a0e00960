//! How much room the journal's file system has: ok, low or critical.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

/// Below this many free bytes room is low, on a large card.
pub const LOW_BYTES: u64 = 256 * 1024 * 1024;
/// Below this many it is critical.
pub const CRITICAL_BYTES: u64 = 32 * 1024 * 1024;
/// On a small card a share of it counts instead: a tenth is low …
const LOW_SHARE: u64 = 10;
/// … and a thirty-second part is critical.
const CRITICAL_SHARE: u64 = 32;

/// The watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Enough.
    Ok,
    /// Time to make room.
    Low,
    /// What is left is for the last records.
    Critical,
}

/// A file system as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Bytes that the file system has.
    pub total_bytes: u64,
    /// It takes no writes.
    pub read_only: bool,
}

impl Space {
    /// Asks the system about the file system of a directory.
    ///
    /// # Errors
    /// The directory cannot be reached.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(dir)?;
        Ok(Self {
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    /// Free bytes below which room is low here.
    pub fn low_bytes(&self) -> u64 {
        LOW_BYTES.min(self.total_bytes / LOW_SHARE)
    }

    /// Free bytes below which it is critical here.
    pub fn critical_bytes(&self) -> u64 {
        CRITICAL_BYTES.min(self.total_bytes / CRITICAL_SHARE)
    }

    /// Which watermark it has reached.
    pub fn room(&self) -> Room {
        match self.free_bytes {
            free if free < self.critical_bytes() => Room::Critical,
            free if free < self.low_bytes() => Room::Low,
            _ => Room::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn room(free_mib: u64, total_mib: u64) -> Room {
        Space { free_bytes: free_mib * MIB, total_bytes: total_mib * MIB, read_only: false }.room()
    }

    #[test]
    fn room_is_ok_low_or_critical_by_size_on_a_large_card_and_by_share_on_a_small_one() {
        assert_eq!(
            [300, 255, 32, 31, 0].map(|free| room(free, 32_768)),
            [Room::Ok, Room::Low, Room::Low, Room::Critical, Room::Critical]
        );
        assert_eq!([7, 6, 2, 1].map(|free| room(free, 64)), [Room::Ok, Room::Low, Room::Low, Room::Critical]);
    }
}
