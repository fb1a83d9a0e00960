//! Which stores lie on a disk of the power-cut tests. Only in builds with the feature `soak`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::job::HeldNow;

/// How the store of a folder is opened.
#[derive(Debug, Clone, Copy)]
pub struct OnDisk {
    /// The SQLite VFS that it goes through.
    pub vfs: &'static str,
    /// Pages after which the log is brought into the file.
    pub checkpoint_pages: u32,
}

static DISKS: Mutex<BTreeMap<PathBuf, OnDisk>> = Mutex::new(BTreeMap::new());

/// Takes what would be acknowledged before it is committed: a spoiled hub.
pub type BeforeCommit = Box<dyn FnMut(Vec<HeldNow>) + Send>;

/// From now on the store of that folder is opened like this.
pub fn put(dir: &Path, disk: OnDisk) {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(dir.to_owned(), disk);
}

/// How it is opened; none: as everywhere.
pub(super) fn of(dir: &Path) -> Option<OnDisk> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).get(dir).copied()
}
