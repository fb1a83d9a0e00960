//! Disks in memory whose power can be cut, for SQLite.
//!
//! A [`Disk`] holds for each file what is synced and, in order, what was written since. When its [`Power`] fails, every
//! call on it fails; [`Disk::after_cut`] then makes the disk that the machine finds when power is back:
//!
//! - Of what was written to a file since its last sync any subset is there, in any order; some of it torn at 512-byte
//!   sectors. Where a file grew, what was not written is zeros or garbage.
//! - A file that was made or deleted since its folder was synced may be there or not.
//! - Shared memory and locks are gone.
//!
//! [`mount`] puts a disk in the place of a folder for the VFS named [`VFS`]. Several disks can be mounted at once. As on
//! Linux, the first sync of a new log or rollback journal syncs its folder, and bytes beside those that a write covers
//! are not harmed (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`).

mod content;
mod dice;
mod disk;
mod file;
mod lock;
mod power;
mod shm;
#[cfg(test)]
mod tests;
mod vfs;

pub use dice::Dice;
pub use disk::{Disk, Flaw};
pub use power::Power;
pub use vfs::{NotRegistered, VFS, mount, register, unmount};
