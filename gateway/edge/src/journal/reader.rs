//! Reading a journal: beside its writer, or in another process. Never writes.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, params};
use uuid::Uuid;
use waypost_core::{
    fact::{Link, Stream},
    rule::{
        Ledger, LedgerError, RowKind,
        ledger::{Row, load},
        order::OrderDocument,
    },
};

use super::{
    ask::Acknowledged,
    chain::{self, Boundary, Line},
    database,
    error::JournalError,
    held,
    number::{from_sql, to_sql},
    rows::OnDisk,
    sql,
    witness::{self, Seen},
};

/// A read-only connection. Clones share it; its calls block, so on async threads they belong on a blocking one.
#[derive(Clone, Debug)]
pub struct Reader {
    connection: Arc<Mutex<Connection>>,
    /// How far the journal had come by the word of its witness, when this was opened.
    seen: Option<Seen>,
}

impl Reader {
    /// Opens the journal in a data directory.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        // The witness first: it is never ahead of what is read afterwards.
        let seen = witness::read(dir);
        Ok(Self { connection: Arc::new(Mutex::new(database::open_reader(dir)?)), seen })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the witness saw of this journal beyond a record.
    pub(super) fn seen_beyond(&self, last: u64) -> Result<Option<Seen>, JournalError> {
        let journal = self.journal()?;
        Ok(self.seen.filter(|seen| seen.journal == journal && seen.seq > last))
    }

    /// The journal's id.
    pub fn journal(&self) -> Result<Uuid, JournalError> {
        let text = database::meta(&self.connection(), "journal")?;
        if text.is_none() && self.last(Stream::Ledger)? == 0 {
            return Err(JournalError::NotBegun);
        }
        text.as_deref()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| JournalError::Damaged { what: format!("the journal's id reads {text:?}") })
    }

    /// Number of the last line of a stream; 0 where there is none. A pruned journal goes on at its boundary.
    pub fn last(&self, stream: Stream) -> Result<u64, JournalError> {
        let connection = self.connection();
        match stream {
            Stream::Ledger => Ok(chain::tail(&connection)?.0),
            Stream::Track => super::track::last(&connection),
        }
    }

    /// Lines after a number, in order: at most `count_max`, and no more once they have `bytes_max` bytes together;
    /// at least one where there is one.
    pub fn lines(
        &self,
        stream: Stream,
        after: u64,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Line>, JournalError> {
        let reading = JournalError::sqlite("reading records");
        let connection = self.connection();
        let query = match stream {
            Stream::Ledger => sql::LEDGER_AFTER,
            Stream::Track => sql::TRACK_AFTER,
        };
        let count = to_sql(u64::try_from(count_max).unwrap_or(u64::MAX));
        let mut statement = connection.prepare_cached(query).map_err(&reading)?;
        let mut rows = statement.query(params![to_sql(after), count]).map_err(&reading)?;
        let mut lines: Vec<Line> = Vec::new();
        let mut bytes = 0usize;
        while let Some(row) = rows.next().map_err(&reading)? {
            let line = match stream {
                Stream::Ledger => chain::line(row)?,
                Stream::Track => Line {
                    seq: row.get(0).map(from_sql).map_err(&reading)?,
                    link: None,
                    line: row.get(1).map_err(&reading)?,
                },
            };
            bytes = bytes.saturating_add(line.line.len());
            if bytes > bytes_max && !lines.is_empty() {
                break;
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// The link at a number of the ledger stream; at 0 the 64 zeros. None: pruned, or not there yet.
    pub fn link_at(&self, seq: u64) -> Result<Option<Link>, JournalError> {
        chain::link_at(&self.connection(), seq)
    }

    /// The latest acknowledgement that was written down; the writer's [`Tail`](super::Tail) may know a later one.
    pub fn held(&self) -> Result<Option<Acknowledged>, JournalError> {
        held::stored(&self.connection())
    }

    /// How far the journal had come, where it is not continued because its end is lost.
    pub fn lost_tail(&self) -> Result<Option<Seen>, JournalError> {
        chain::lost_tail(&self.connection())
    }

    /// Where a prune cut the journal.
    pub fn boundary(&self) -> Result<Option<Boundary>, JournalError> {
        chain::boundary(&self.connection())
    }

    /// Orders in force that hold secrets: campaigns and seals.
    pub fn orders(&self) -> Result<Vec<OrderDocument>, JournalError> {
        let reading = JournalError::sqlite("reading orders");
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql::ORDER_ALL).map_err(&reading)?;
        let bodies = statement.query_map([], |row| row.get::<_, String>(0)).map_err(&reading)?;
        let mut orders = Vec::new();
        for body in bodies {
            let body = body.map_err(&reading)?;
            // The cause is not told: it could quote a key.
            let order = serde_json::from_str(&body)
                .map_err(|_| JournalError::Damaged { what: "a stored order cannot be read".to_owned() })?;
            orders.push(order);
        }
        Ok(orders)
    }

    /// A row of the rules' ledger.
    pub fn row<R: Row>(&self, id: &str) -> Result<Option<R>, LedgerError> {
        load(self, id)
    }
}

impl Ledger for Reader {
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
        OnDisk(&self.connection()).body(kind, id)
    }

    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
        OnDisk(&self.connection()).children(kind, parent, most)
    }

    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
        OnDisk(&self.connection()).ids(kind, most)
    }
}
