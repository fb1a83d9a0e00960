//! Every line that is held or waits, with its gateway: read-only, beside a running hub too.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Serialize;
use waypost_core::fact::Stream;

use super::{
    open::{StoreError, reader},
    sql,
};

/// A row as it is printed.
#[derive(Serialize)]
struct Row<'a> {
    gateway: &'a str,
    line: &'a str,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output.
    #[error("the rows cannot be written")]
    Output(#[from] io::Error),
}

/// Writes `{"gateway":…,"line":"…"}` a row, journal by journal in order; tells how many. All rows are of one moment.
pub fn export(dir: &Path, stream: Stream, out: &mut dyn Write) -> Result<u64, ExportError> {
    let db = reader(dir)?;
    let mut query = db.prepare(sql::RECORD_ALL).map_err(StoreError::from)?;
    let number = match stream {
        Stream::Ledger => super::ledger::LEDGER,
        Stream::Track => super::track::TRACK,
    };
    let mut rows = query.query([number]).map_err(StoreError::from)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let text = |at| row.get_ref(at).map_err(StoreError::from);
        let gateway = text(0)?.as_str().map_err(|_| StoreError::Row("gateway"))?;
        let line = text(1)?.as_str().map_err(|_| StoreError::Row("line"))?;
        serde_json::to_writer(&mut *out, &Row { gateway, line }).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        count += 1;
    }
    Ok(count)
}
