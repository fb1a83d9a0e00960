//! The ledger at one record, in a file beside the journal: with it and the records after it the ledger can be made anew.
//!
//! `snapshot.jsonl`: one line that says of which journal, up to which record and its link; a line a row; and last the
//! number of rows with the SHA-256 of all lines before. It is written anew, whole or not at all, before every prune.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use waypost_core::fact::Link;

use super::{chain, error::JournalError, reader::Reader, snapshot_row::SnapshotRow, sql};

/// The file in the data directory.
pub const SNAPSHOT_FILE: &str = "snapshot.jsonl";
/// Longest line that is read: a row's body is far shorter.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Of what it is a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The journal.
    pub journal: Uuid,
    /// Number of the last record that it contains.
    pub seq: u64,
    /// The link there.
    pub link: Link,
}

#[derive(Serialize, Deserialize)]
struct End {
    rows: u64,
    sha256: String,
}

/// Writes the snapshot of the ledger as it is now. `reader` is to be the caller's alone: others would wait.
///
/// # Errors
/// The journal cannot be read, a row is damaged, or the file cannot be written. Then an earlier one is as it was.
pub fn write_snapshot(reader: &Reader, dir: &Path) -> Result<Snapshot, JournalError> {
    let journal = reader.journal()?;
    let path = dir.join(SNAPSHOT_FILE);
    let new = dir.join(format!("{SNAPSHOT_FILE}.new"));
    let io = |source| JournalError::Io { path: new.clone(), source };
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(io)?;
    let mut out = Summed { out: BufWriter::new(file), hash: Sha256::new() };
    let reading = JournalError::sqlite("reading the ledger for its snapshot");
    let connection = reader.connection();
    // One transaction: the rows are those of that record.
    let transaction = connection.unchecked_transaction().map_err(&reading)?;
    let (seq, link) = chain::tail(&connection)?;
    let snapshot = Snapshot { journal, seq, link };
    out.line(&snapshot).map_err(io)?;
    let mut rows = 0;
    {
        let mut query = connection.prepare(sql::ROW_ALL).map_err(&reading)?;
        let mut found = query.query([]).map_err(&reading)?;
        while let Some(row) = found.next().map_err(&reading)? {
            out.line(&super::rows::whole(row, 0)?).map_err(io)?;
            rows += 1;
        }
    }
    transaction.finish().map_err(&reading)?;
    drop(connection);
    let end = End { rows, sha256: hex(out.hash.clone()) };
    out.line(&end).map_err(io)?;
    let file = out.out.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().and_then(|()| fs::rename(&new, &path)).map_err(io)?;
    // The directory too, or the name may be lost with the power.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
    Ok(snapshot)
}

/// Reads the snapshot in a data directory, row by row; none where there is none. Rows are given before the sum over all
/// is known: only where this returns without an error they are to be used.
///
/// # Errors
/// The file cannot be read, or is not as it was written.
pub fn read_snapshot(dir: &Path, mut row: impl FnMut(SnapshotRow)) -> Result<Option<Snapshot>, JournalError> {
    let path = dir.join(SNAPSHOT_FILE);
    let io = |source| JournalError::Io { path: path.clone(), source };
    let damaged = |what: &str| JournalError::Damaged { what: format!("{SNAPSHOT_FILE}: {what}") };
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => BufReader::new(file.map_err(io)?),
    };
    let mut hash = Sha256::new();
    let (mut snapshot, mut rows, mut line) = (None, 0, String::new());
    loop {
        line.clear();
        let bytes = io::Read::take(&mut file, LINE_BYTES_MAX).read_line(&mut line);
        let bytes = bytes.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => damaged("it is no text"),
            _ => io(error),
        })?;
        if bytes == 0 || !line.ends_with('\n') {
            return Err(damaged("its end is missing"));
        }
        let Some(head) = &snapshot else {
            snapshot = Some(serde_json::from_str::<Snapshot>(&line).map_err(|_| damaged("its first line"))?);
            hash.update(&line);
            continue;
        };
        if let Ok(end) = serde_json::from_str::<End>(&line) {
            let is_whole = end.rows == rows && end.sha256 == hex(hash);
            return if is_whole { Ok(Some(*head)) } else { Err(damaged("it is not as it was written")) };
        }
        row(serde_json::from_str(&line).map_err(|_| damaged("a row cannot be read"))?);
        hash.update(&line);
        rows += 1;
    }
}

struct Summed {
    out: BufWriter<File>,
    hash: Sha256,
}

impl Summed {
    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.hash.update(&line);
        self.out.write_all(&line)
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
