//! The witness of the journal's end: `tail`, a small file beside the journal that says how far it went.
//!
//! A log that is lost, cut or damaged is no error to SQLite: it takes what is whole, and the journal ends earlier than it
//! did, with a chain that fits. Only something outside of it can tell. So after every commit number and link of the last
//! record are written here, and are brought to the card with every checkpoint and whenever the system writes what waits.
//!
//! What is written here was on the disk before: the witness can be older than the journal's end, and never newer. A
//! journal that ends before its witness has lost what it had promised.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::fact::Link;

/// The file's name in the data directory.
pub const WITNESS_FILE: &str = "tail";
/// Bytes of it: one sector, which a disk writes whole or not at all.
const BYTES: usize = 512;

/// How far a journal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which journal.
    pub journal: Uuid,
    /// Number of its last record.
    pub seq: u64,
    /// Its link.
    pub link: Link,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    noted: Option<Seen>,
}

impl Witness {
    /// Opens it, and makes it where it is missing. None where it cannot be had: the journal works without it.
    pub(super) fn open(dir: &Path) -> Option<Self> {
        let path = dir.join(WITNESS_FILE);
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        match opened {
            Ok(file) => Some(Self { file, noted: None }),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "no witness of the journal's end can be kept");
                None
            }
        }
    }

    /// Notes the end. Not synced: the system writes it when it comes to it, and [`Self::sync`] at once.
    pub(super) fn note(&mut self, seen: Seen) {
        if self.noted == Some(seen) {
            return;
        }
        let Seen { journal, seq, link } = seen;
        let mut text = format!("{journal} {seq} {link}\n").into_bytes();
        text.resize(BYTES, b' ');
        // On a disk that takes no writes it stays older, which is no untruth.
        let _ = self.file.write_all_at(&text, 0);
        self.noted = Some(seen);
    }

    /// Brings it to the card.
    pub(super) fn sync(&self) {
        let _ = self.file.sync_data();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.sync();
    }
}

/// What the witness of a data directory says; none where there is none, or where it cannot be read.
pub(super) fn read(dir: &Path) -> Option<Seen> {
    let mut text = String::new();
    let file = File::open(dir.join(WITNESS_FILE)).ok()?;
    file.take(BYTES as u64).read_to_string(&mut text).ok()?;
    let mut words = text.split_whitespace();
    let seen = Seen {
        journal: words.next()?.parse().ok()?,
        seq: words.next()?.parse().ok()?,
        link: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_rubbish_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let mut witness = Witness::open(dir.path()).unwrap();
        assert_eq!(read(dir.path()), None, "empty");
        for seq in [7, 1_000_000, 8] {
            let seen = Seen { journal: Uuid::from_u128(5), seq, link: Link::START.after(b"x") };
            witness.note(seen);
            witness.sync();
            assert_eq!(read(dir.path()), Some(seen));
        }
        std::fs::write(dir.path().join(WITNESS_FILE), vec![0xff; BYTES]).unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
