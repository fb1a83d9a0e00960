//! Which journals lie on a disk of the power-cut tests. Only in builds with the feature `soak`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// How the journal of a data directory is opened.
#[derive(Debug, Clone, Copy)]
pub struct OnDisk {
    /// The SQLite VFS that it goes through.
    pub vfs: &'static str,
    /// Nothing is synced: a spoiled journal, to show that the test sees what that loses.
    pub synchronous_off: bool,
    /// Rows after which the log is brought into the file.
    pub checkpoint_rows: u64,
}

static DISKS: Mutex<BTreeMap<PathBuf, OnDisk>> = Mutex::new(BTreeMap::new());

/// From now on the journal of that directory is opened like this.
pub fn put(dir: &Path, disk: OnDisk) {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(dir.to_owned(), disk);
}

/// How it is opened; none: as everywhere.
pub(super) fn of(dir: &Path) -> Option<OnDisk> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).get(dir).copied()
}
