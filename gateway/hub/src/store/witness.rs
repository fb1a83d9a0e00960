//! A small file beside the store that knows how far the store had come.
//!
//! It is written after every commit, outside the database: a store put back from an older copy is behind it, and that
//! shows at the next start. Lost bytes of it do no harm: it may be behind the store, never ahead.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::FileExt,
    path::Path,
};

use super::open::StoreError;

/// The file within the hub's folder.
const WITNESS_FILE: &str = "epoch";

/// What the store had come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its epoch.
    pub epoch: u64,
    /// Its commits.
    pub commits: u64,
}

/// The open file.
pub(super) struct Witness(File);

impl Witness {
    /// Opens or makes it, and reads what it saw last. What cannot be read counts as nothing seen.
    pub(super) fn open(dir: &Path) -> Result<(Self, Seen), StoreError> {
        let path = dir.join(WITNESS_FILE);
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut text = String::new();
        let _unreadable_is_nothing = file.read_to_string(&mut text);
        let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
        let epoch = numbers.next().unwrap_or(0);
        let commits = numbers.next().unwrap_or(0);
        Ok((Self(file), Seen { epoch, commits }))
    }

    /// Notes what is committed.
    pub(super) fn write(&self, seen: Seen) -> std::io::Result<()> {
        self.0.write_all_at(format!("{:020} {:020}\n", seen.epoch, seen.commits).as_bytes(), 0)
    }
}
