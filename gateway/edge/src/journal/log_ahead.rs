//! The log's file is kept longer than the log in it.
//!
//! A commit that makes a file longer has the file system write its own log as well. Measured on ext4, a commit of three
//! rows: 28.5 kB written to the disk, and 8.4 kB where the file was long enough before. So zeros lie ahead of the log,
//! brought to the disk while nobody waits. To SQLite a frame of zeros is the log's end, as it bears no salt.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    database::log_file,
    room::{Room, Space},
};

/// Bytes that are put ahead at once: some twenty packed tubes.
const AHEAD_BYTES: u64 = 256 * 1024;
/// They are put page by page: what is written in one piece a newer kernel keeps in one piece, and counts all of it as
/// written again with each commit that changes some of it.
const ZEROS: [u8; 4096] = [0; 4096];

/// How long the log's file was seen.
#[derive(Debug)]
pub(super) struct LogAhead {
    dir: PathBuf,
    log: PathBuf,
    bytes: u64,
}

impl LogAhead {
    /// The log as it is found at a start; what lies ahead in it is as good as new.
    pub(super) fn of(dir: &Path) -> Self {
        let log = log_file(dir);
        let bytes = length(&log).unwrap_or(0);
        Self { dir: dir.to_owned(), log, bytes }
    }

    /// Puts zeros ahead where the log has come to the end of its file. Called after the answers, on the one thread that
    /// writes to the log.
    pub(super) fn keep(&mut self) {
        let Some(found) = length(&self.log) else { return };
        // Shorter: SQLite began it anew.
        let grew = found > self.bytes;
        self.bytes = found;
        if !grew || !Space::of(&self.dir).is_ok_and(|space| space.room() == Room::Ok) {
            return;
        }
        match put_zeros(&self.log, found) {
            Ok(()) => self.bytes = found + AHEAD_BYTES,
            // The log grows without it. If the disk takes nothing more, the next commit says so.
            Err(error) => tracing::debug!(%error, "nothing could be put ahead of the journal's log"),
        }
    }
}

fn length(log: &Path) -> Option<u64> {
    fs::metadata(log).ok().map(|log| log.len())
}

fn put_zeros(log: &Path, end: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(log)?;
    let put = (end..end + AHEAD_BYTES)
        .step_by(ZEROS.len())
        .try_for_each(|at| file.write_all_at(&ZEROS, at))
        .and_then(|()| file.sync_data());
    if put.is_err() {
        // What was put takes room that the journal's file may need.
        file.set_len(end)?;
    }
    put
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_lie_ahead_of_a_log_that_grew_and_of_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("journal.db-wal");
        let mut ahead = LogAhead::of(dir.path());
        ahead.keep();
        assert!(!log.exists(), "SQLite makes its log");

        fs::write(&log, [7; 100]).unwrap();
        ahead.keep();
        let long = 100 + AHEAD_BYTES;
        assert_eq!(length(&log), Some(long));
        let bytes = fs::read(&log).unwrap();
        assert!(bytes[..100].iter().all(|byte| *byte == 7) && bytes[100..].iter().all(|byte| *byte == 0));
        ahead.keep();
        LogAhead::of(dir.path()).keep();
        assert_eq!(length(&log), Some(long), "there is enough, after a start too");

        fs::write(&log, [7; 100]).unwrap();
        ahead.keep();
        assert_eq!(length(&log), Some(100), "it began anew, where it has been before");
        fs::write(&log, [7; 101]).unwrap();
        ahead.keep();
        assert_eq!(length(&log), Some(long + 1));
    }
}
