//! The rules' ledger over SQLite.
//!
//! Reads of a row check its sum: a flipped bit is an error and never a wrong verdict. What a group of requests
//! changes stands in memory until the group is written, so that a row that many of them change is written once, a
//! request that comes to nothing is taken back without a savepoint in the database, and rows in use are not read
//! again and again. There they are values: JSON is read once and made once for each group that changes the row.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::BuildHasherDefault,
    sync::Arc,
};

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use waypost_core::rule::{
    Ledger, LedgerError, LedgerMut, RowKind,
    ledger::{AnyRow, ReadRow},
};

use super::{
    error::JournalError,
    quick_hash::QuickHash,
    snapshot_row::SnapshotRow,
    sql,
    statements::{Statement, Statements},
};

/// Rows kept in memory between groups; with more, all are let go.
const ROWS_KEPT_MAX: usize = 1024;

/// The first 8 bytes of SHA-256 over kind, id, parent and body. No id holds a zero byte, so nothing can shift.
pub(super) fn sum(kind: u8, id: &str, parent: Option<&str>, body: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(id);
    hash.update([0, u8::from(parent.is_some())]);
    hash.update(parent.unwrap_or_default());
    hash.update([0]);
    hash.update(body);
    let digest: [u8; 32] = hash.finalize().into();
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    i64::from_be_bytes(first)
}

fn failed(error: rusqlite::Error) -> LedgerError {
    LedgerError::Store(Box::new(error))
}

fn unwritable(error: LedgerError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// A row as it is stored.
struct Stored {
    id: String,
    parent: Option<String>,
    body: String,
}

/// Reads columns `id, parent, body, sum` from `first` on and checks the sum.
fn checked(row: &rusqlite::Row<'_>, kind: RowKind, id: String, first: usize) -> Result<Stored, LedgerError> {
    // A column of another type than was written is damage as well.
    let read = || -> rusqlite::Result<(Option<String>, String, i64)> {
        Ok((row.get(first)?, row.get(first + 1)?, row.get(first + 2)?))
    };
    match read() {
        Ok((parent, body, stored)) if sum(kind as u8, &id, parent.as_deref(), &body) == stored => {
            Ok(Stored { id, parent, body })
        }
        _ => Err(LedgerError::Damaged { kind, id }),
    }
}

/// Reads one row.
fn find(connection: &Connection, kind: RowKind, id: &str) -> Result<Option<Stored>, LedgerError> {
    find_with(&Statements::new(connection), kind, id)
}

fn find_with(statements: &Statements<'_>, kind: RowKind, id: &str) -> Result<Option<Stored>, LedgerError> {
    let read = |row: &rusqlite::Row<'_>| Ok(checked(row, kind, id.to_owned(), 0));
    let found = statements.row_body.with(|find| find.query_row(params![kind as u8, id], read).optional());
    match found.map_err(failed)? {
        Some(found) => found.map(Some),
        None => absent(&statements.row_near, kind, id).map(|()| None),
    }
}

/// That there is no such row lets a tube into a box and gives a person packs, and a bit that flipped in the index hides
/// a row. A key that was changed stays where it was, beside the place where it is looked for; a page that was confused
/// with another has keys that are not those of their rows. So the rows on both sides of that place must be as they were
/// written, keys included.
fn absent(row_near: &Statement<'_>, kind: RowKind, id: &str) -> Result<(), LedgerError> {
    if !matches!(kind, RowKind::Tube | RowKind::Claim) {
        return Ok(());
    }
    let whole = row_near.with(|near| {
        let mut rows = near.query(params![kind as u8, id])?;
        while let Some(row) = rows.next()? {
            if whole(row, 0).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    });
    if whole.map_err(failed)? { Ok(()) } else { Err(LedgerError::Damaged { kind, id: id.to_owned() }) }
}

fn listed(
    mut statement: CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    kind: RowKind,
) -> Result<Vec<Stored>, LedgerError> {
    let mut rows = statement.query(parameters).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(checked(row, kind, row.get(0).map_err(failed)?, 1)?);
    }
    Ok(found)
}

fn children(
    connection: &Connection,
    kind: RowKind,
    parent: &str,
    most: usize,
) -> Result<Vec<Stored>, LedgerError> {
    let statement = connection.prepare_cached(sql::ROW_CHILDREN).map_err(failed)?;
    listed(statement, params![kind as u8, parent, limit(most)], kind)
}

fn ids(connection: &Connection, kind: RowKind, most: usize) -> Result<Vec<Stored>, LedgerError> {
    let statement = connection.prepare_cached(sql::ROW_IDS).map_err(failed)?;
    listed(statement, params![kind as u8, limit(most)], kind)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The ledger as it is on the disk, to read.
pub(super) struct OnDisk<'a>(pub &'a Connection);

impl Ledger for OnDisk<'_> {
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
        Ok(find(self.0, kind, id)?.map(|row| row.body))
    }

    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
        Ok(children(self.0, kind, parent, most)?.into_iter().map(|row| row.id).collect())
    }

    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
        Ok(ids(self.0, kind, most)?.into_iter().map(|row| row.id).collect())
    }
}

/// A row in memory.
#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    /// None: there is no such row, or it was taken away.
    row: Option<Content>,
    /// What was on the disk under it before the group that changed it last.
    below: Below,
    /// That group, by its number; 0 where none did.
    changed_in: u64,
}

impl Entry {
    /// What is on the disk under it while that group is at work.
    fn below(&self, group: u64) -> Below {
        match &self.row {
            _ if self.changed_in == group || self.changed_in == 0 => self.below.clone(),
            Some(content) => Below::There(content.parent.clone()),
            None => Below::Absent,
        }
    }
}

#[derive(Clone, Debug)]
struct Content {
    parent: Option<Arc<str>>,
    body: Body,
}

/// What a row says: as it was read, until somebody asks for it as a value.
#[derive(Clone, Debug)]
enum Body {
    Text(Arc<str>),
    Value(Arc<dyn AnyRow>),
}

impl Body {
    fn text(&self) -> Result<Cow<'_, str>, LedgerError> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            Self::Value(row) => row.body().map(Cow::Owned),
        }
    }
}

/// What is known of the row on the disk.
#[derive(Clone, Debug)]
enum Below {
    /// It was not looked for.
    Unknown,
    /// It is not there.
    Absent,
    /// It is there, with this parent.
    There(Option<Arc<str>>),
}

/// Rows in memory, of one writer.
#[derive(Debug)]
pub(super) struct Rows {
    rows: BTreeMap<RowKind, HashMap<Arc<str>, Entry, BuildHasherDefault<QuickHash>>>,
    /// The group at hand, from 1.
    group: u64,
    /// Rows that it changed, each once.
    changed: Vec<(RowKind, Arc<str>)>,
    /// How many of them there were at the mark.
    changed_at_mark: usize,
    /// What the request at hand changed, and how it was before.
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    Put(RowKind, Entry),
    Remove(RowKind, Arc<str>),
}

impl Default for Rows {
    fn default() -> Self {
        let (rows, changed, undo) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { rows, group: 1, changed, changed_at_mark: 0, undo }
    }
}

impl Rows {
    /// From here on changes belong to another request.
    pub(super) fn mark(&mut self) {
        self.undo.clear();
        self.changed_at_mark = self.changed.len();
    }

    /// Takes back what was changed since the mark.
    pub(super) fn back_to_mark(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Put(kind, entry) => {
                    self.rows.entry(kind).or_default().insert(entry.id.clone(), entry);
                }
                Undo::Remove(kind, id) => {
                    self.rows.entry(kind).or_default().remove(&id);
                }
            }
        }
        self.changed.truncate(self.changed_at_mark);
    }

    /// Writes what was changed, within the transaction that is open. Returns how many rows that were.
    pub(super) fn write(&mut self, statements: &Statements<'_>) -> rusqlite::Result<u64> {
        // In the order of the index: neighbours share its pages.
        self.changed.sort_unstable();
        for (kind, id) in &self.changed {
            if let Some(entry) = self.rows.get(kind).and_then(|rows| rows.get(id)) {
                write(statements, *kind as u8, id, entry)?;
            }
        }
        Ok(u64::try_from(self.changed.len()).unwrap_or_default())
    }

    /// What was written is on the disk now.
    pub(super) fn committed(&mut self) {
        self.undo.clear();
        self.changed.clear();
        self.changed_at_mark = 0;
        self.group += 1;
        if self.rows.values().map(HashMap::len).sum::<usize>() > ROWS_KEPT_MAX {
            for rows in self.rows.values_mut() {
                rows.clear();
                // Room for as many again stays; what an order with many rows took is given back.
                rows.shrink_to(ROWS_KEPT_MAX);
            }
        }
    }

    /// Rows of a kind that differ from the disk.
    fn changed_of(&self, kind: RowKind) -> impl Iterator<Item = (&str, &Entry)> {
        let rows = self.rows.get(&kind);
        let ids = self.changed.iter().filter(move |(changed, _)| *changed == kind).map(|(_, id)| &**id);
        ids.filter_map(move |id| Some((id, rows?.get(id)?)))
    }

    fn change(&mut self, kind: RowKind, id: &str, row: Option<Content>) {
        let group = self.group;
        let rows = self.rows.entry(kind).or_default();
        let Some(entry) = rows.get_mut(id) else {
            let id: Arc<str> = Arc::from(id);
            rows.insert(id.clone(), Entry { id: id.clone(), row, below: Below::Unknown, changed_in: group });
            self.changed.push((kind, id.clone()));
            self.undo.push(Undo::Remove(kind, id));
            return;
        };
        let after = Entry { id: entry.id.clone(), row, below: entry.below(group), changed_in: group };
        let before = std::mem::replace(entry, after);
        if before.changed_in != group {
            self.changed.push((kind, before.id.clone()));
        }
        self.undo.push(Undo::Put(kind, before));
    }
}

/// Writes one row.
fn write(statements: &Statements<'_>, kind: u8, id: &str, entry: &Entry) -> rusqlite::Result<()> {
    let written = match &entry.row {
        None => statements.row_remove.with(|remove| remove.execute(params![kind, id])),
        Some(Content { parent, body }) => {
            let (parent, body) = (parent.as_deref(), body.text().map_err(unwritable)?);
            let sum = sum(kind, id, parent, &body);
            match &entry.below {
                // The index by parent stays as it is.
                Below::There(before) if before.as_deref() == parent => {
                    statements.row_update.with(|update| update.execute(params![kind, id, body, sum]))
                }
                _ => statements.row_put.with(|put| put.execute(params![kind, id, parent, body, sum])),
            }
        }
    };
    written.map(|_| ())
}

/// The ledger as the requests of a group see it: the disk, and over it what those before them changed.
pub(super) struct InGroup<'a, 'c> {
    statements: &'a Statements<'c>,
    /// Borrowed for the length of a call only: reading keeps what it read.
    rows: RefCell<&'a mut Rows>,
}

impl<'a, 'c> InGroup<'a, 'c> {
    pub(super) fn new(statements: &'a Statements<'c>, rows: &'a mut Rows) -> Self {
        Self { statements, rows: RefCell::new(rows) }
    }

    /// Puts the changes in memory over a list from the disk.
    fn merged(
        &self,
        kind: RowKind,
        most: usize,
        belongs: impl Fn(&Content) -> bool,
        read: impl Fn(usize) -> Result<Vec<Stored>, LedgerError>,
    ) -> Result<Vec<String>, LedgerError> {
        let rows = self.rows.borrow();
        let changed: Vec<(&str, &Entry)> = rows.changed_of(kind).collect();
        // Each change can take away one of those read.
        let read = read(most.saturating_add(changed.len()))?;
        let mut ids: BTreeSet<String> = read.into_iter().map(|row| row.id).collect();
        for (id, entry) in changed {
            if entry.row.as_ref().is_some_and(&belongs) {
                ids.insert(id.to_owned());
            } else {
                ids.remove(id);
            }
        }
        Ok(ids.into_iter().take(most).collect())
    }

    /// Looks at a row, which is read where it is not in memory yet.
    fn with<T>(
        &self,
        kind: RowKind,
        id: &str,
        look: impl FnOnce(&mut Content) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let mut all = self.rows.borrow_mut();
        let rows = all.rows.entry(kind).or_default();
        if let Some(entry) = rows.get_mut(id) {
            return entry.row.as_mut().map(look).transpose();
        }
        let (row, below) = match find_with(self.statements, kind, id)? {
            Some(Stored { parent, body, .. }) => {
                let parent: Option<Arc<str>> = parent.map(Arc::from);
                let row = Content { parent: parent.clone(), body: Body::Text(Arc::from(body)) };
                (Some(row), Below::There(parent))
            }
            None => (None, Below::Absent),
        };
        let id: Arc<str> = Arc::from(id);
        let entry = rows.entry(id.clone()).or_insert(Entry { id, row, below, changed_in: 0 });
        entry.row.as_mut().map(look).transpose()
    }
}

impl Ledger for InGroup<'_, '_> {
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
        self.with(kind, id, |content| content.body.text().map(Cow::into_owned))
    }

    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
        let belongs = |content: &Content| content.parent.as_deref() == Some(parent);
        self.merged(kind, most, belongs, |most| children(self.statements.connection, kind, parent, most))
    }

    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
        self.merged(kind, most, |_| true, |most| ids(self.statements.connection, kind, most))
    }

    fn value(&self, kind: RowKind, id: &str, read: ReadRow) -> Result<Option<Arc<dyn AnyRow>>, LedgerError> {
        self.with(kind, id, |content| {
            let row = match &content.body {
                Body::Value(row) => return Ok(row.clone()),
                Body::Text(text) => read(text),
            };
            let row = row.ok_or_else(|| LedgerError::Damaged { kind, id: id.to_owned() })?;
            content.body = Body::Value(row.clone());
            Ok(row)
        })
    }
}

impl LedgerMut for InGroup<'_, '_> {
    fn put_body(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        body: &str,
    ) -> Result<(), LedgerError> {
        let content = Content { parent: parent.map(Arc::from), body: Body::Text(Arc::from(body)) };
        self.rows.get_mut().change(kind, id, Some(content));
        Ok(())
    }

    fn put_value(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        row: Arc<dyn AnyRow>,
    ) -> Result<(), LedgerError> {
        let content = Content { parent: parent.map(Arc::from), body: Body::Value(row) };
        self.rows.get_mut().change(kind, id, Some(content));
        Ok(())
    }

    fn remove(&mut self, kind: RowKind, id: &str) -> Result<(), LedgerError> {
        self.rows.get_mut().change(kind, id, None);
        Ok(())
    }
}

/// Most damaged rows that are named.
const BAD_ROWS_NAMED: usize = 100;

/// A row of the ledger, if it is as it was written. Its kind, id, parent, body and sum stand from column `first` on.
pub(super) fn whole(row: &rusqlite::Row<'_>, first: usize) -> Result<SnapshotRow, JournalError> {
    let read = || -> rusqlite::Result<(SnapshotRow, i64)> {
        let (kind, id) = (row.get(first)?, row.get(first + 1)?);
        let (parent, body) = (row.get(first + 2)?, row.get(first + 3)?);
        Ok((SnapshotRow { kind, id, parent, body }, row.get(first + 4)?))
    };
    let (row, stored) =
        read().map_err(|error| JournalError::Damaged { what: format!("a row of the ledger: {error}") })?;
    if sum(row.kind, &row.id, row.parent.as_deref(), &row.body) != stored {
        let what = format!("the ledger's row {} {} is not as it was written", row.kind, row.id);
        return Err(JournalError::Damaged { what });
    }
    Ok(row)
}

/// Every row whose sum is wrong, as `kind id`, and what is wrong with the indexes that find rows.
pub(super) fn bad_rows(connection: &Connection) -> Result<Vec<String>, JournalError> {
    let reading = JournalError::sqlite("reading the ledger");
    let mut statement = connection.prepare(sql::ROW_ALL).map_err(&reading)?;
    let mut rows = statement.query([]).map_err(&reading)?;
    let mut bad = Vec::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let read = || -> rusqlite::Result<_> {
            let (kind, id): (u8, String) = (row.get(0)?, row.get(1)?);
            let (parent, body, stored): (Option<String>, String, i64) =
                (row.get(2)?, row.get(3)?, row.get(4)?);
            let fits = sum(kind, &id, parent.as_deref(), &body) == stored;
            Ok((fits, format!("{kind} {id}")))
        };
        match read() {
            Ok((true, _)) => {}
            Ok((false, name)) => bad.push(name),
            Err(error) => bad.push(format!("unreadable: {error}")),
        }
        if bad.len() >= BAD_ROWS_NAMED {
            return Ok(bad);
        }
    }
    let mut statement = connection.prepare(sql::ROW_CHECK).map_err(&reading)?;
    let told = statement.query_map([], |row| row.get::<_, String>(0)).map_err(&reading)?;
    for told in told {
        match told {
            Ok(told) if told == "ok" => {}
            Ok(told) => bad.push(told),
            Err(error) => bad.push(format!("unreadable: {error}")),
        }
    }
    bad.truncate(BAD_ROWS_NAMED);
    Ok(bad)
}

/// Is there a row that can be found and is as it was written?
pub(super) fn is_there(connection: &Connection, kind: RowKind, id: &str) -> Result<bool, JournalError> {
    Ok(find(connection, kind, id)?.is_some())
}

/// Looks at one row of `row_chunk`: its sum, and that both indexes find it.
pub(super) fn as_written(connection: &Connection, row: &rusqlite::Row<'_>) -> Result<(), JournalError> {
    let SnapshotRow { kind, id, parent, .. } = whole(row, 1)?;
    let finding = JournalError::sqlite("looking a row up");
    let stored: i64 = row.get(5).map_err(&finding)?;
    let by_id = connection
        .prepare_cached(sql::ROW_BODY)
        .and_then(|mut find| find.query_row(params![kind, id], |row| row.get::<_, i64>(2)).optional())
        .map_err(&finding)?;
    let by_parent = parent.as_deref().map_or(Ok(true), |parent| {
        connection
            .prepare_cached(sql::ROW_FOUND)
            .and_then(|mut find| find.query_row(params![kind, parent, id], |row| row.get::<_, bool>(0)))
    });
    if by_id != Some(stored) || !by_parent.map_err(&finding)? {
        let what = format!("the ledger's row {kind} {id} is not found by its index");
        return Err(JournalError::Damaged { what });
    }
    Ok(())
}
