//! A journal that must not go on is closed, and a new one follows it.
//!
//! The old file is kept as it is under `old/<journal>/`, and what the hub lacks of it is still sent. The new one
//! begins with the orders in force and with the persons served, as far as the old one knows; the rest of its ledger
//! comes back from the hub. What is to be done is written down first, so that a start after a power cut goes on with
//! it: at no moment is there a file under the name of the journal that belongs to neither.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::{
    fact::{Link, PreviousJournal},
    rule::{RowKind, row::ClaimRow},
};

use super::{
    chain,
    database::{self, FILE, Lock, put_meta},
    error::JournalError,
    rows, sql, witness,
};

/// Where journals lie that are not continued.
pub const OLD_DIR: &str = "old";

/// What is to be done, until it is.
const PLAN_FILE: &str = "renew.json";

/// Kinds of rows that orders made; their content is the same in every journal.
const OF_ORDERS: [RowKind; 5] =
    [RowKind::Campaign, RowKind::Staff, RowKind::Fence, RowKind::Order, RowKind::Filter];

/// The key of the value that names the journal before this one.
pub(super) const PREVIOUS: &str = "previous";

/// Kinds of rows that what happened here made: after a salvage they are all that is known until the hub speaks.
const OF_JOURNAL: [RowKind; 8] = [
    RowKind::Tube,
    RowKind::Box,
    RowKind::Seal,
    RowKind::Proxy,
    RowKind::Stock,
    RowKind::Quota,
    RowKind::Manifest,
    RowKind::Trip,
];

#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    old: Uuid,
    new: Uuid,
    last: u64,
    link: Link,
    /// Where the damaged files lie under a second name, after a salvage: what still has that name here must go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    damaged: Option<PathBuf>,
}

/// What a salvage made of a damaged journal.
pub(super) struct Salvaged<'a> {
    pub(super) old: Uuid,
    pub(super) new: Uuid,
    /// The last record that is proven.
    pub(super) last: u64,
    pub(super) link: Link,
    /// The directory of the clean file: it takes the old one's place.
    pub(super) rebuilt: &'a Path,
    /// The directory of the damaged files, under their second names.
    pub(super) damaged: &'a Path,
}

/// As [`renew`], where the old journal is damaged and another file stands for it.
pub(super) fn renew_salvaged<E>(
    dir: &Path,
    salvaged: Salvaged<'_>,
    name_it: impl FnOnce(Uuid) -> Result<(), E>,
) -> Result<Result<(), E>, JournalError> {
    let _lock = Lock::take(dir)?;
    let Salvaged { old, new, last, link, rebuilt, damaged } = salvaged;
    if read_plan(dir)?.is_none() {
        let place = old_dir(dir, old);
        let io = |source| JournalError::Io { path: place.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(io)?;
        fs::rename(rebuilt.join(FILE), place.join(FILE))
            .and_then(|()| sync_dir(&place))
            .and_then(|()| sync_dir(&dir.join(OLD_DIR)))
            .map_err(io)?;
        write_plan(dir, &Plan { old, new, last, link, damaged: Some(damaged.to_owned()) })?;
    }
    go_on(dir, name_it)
}

/// A new journal was begun, and what that needs is not all done.
pub(super) fn is_begun(dir: &Path) -> Result<bool, JournalError> {
    Ok(read_plan(dir)?.is_some())
}

/// Takes the names of damaged files away that have another one.
fn clear(dir: &Path, damaged: &Path) -> Result<(), JournalError> {
    let path = dir.join(FILE);
    let identify = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let (Ok(here), Ok(there)) = (identify(&path), identify(&damaged.join(FILE))) else { return Ok(()) };
    if here != there {
        return Ok(());
    }
    for end in ["-wal", "-shm"] {
        let _mostly_not_there = fs::remove_file(dir.join(format!("{FILE}{end}")));
    }
    fs::remove_file(&path).and_then(|()| sync_dir(dir)).map_err(|source| JournalError::Io { path, source })
}

/// Begins a new journal with this id in place of the one that is there. The identity must name it from then on:
/// `name_it` writes that, and is called again after an interrupted try.
///
/// # Errors
/// Another process writes the journal, or the disk cannot be written. The next start goes on with it.
pub fn renew<E>(
    dir: &Path,
    new: Uuid,
    name_it: impl FnOnce(Uuid) -> Result<(), E>,
) -> Result<Result<(), E>, JournalError> {
    let _lock = Lock::take(dir)?;
    if read_plan(dir)?.is_none() {
        let connection = database::open_writer(dir)?;
        let (last, link) = chain::tail(&connection)?;
        let stored: Option<Uuid> = database::meta(&connection, "journal")?.and_then(|text| text.parse().ok());
        let seen = witness::read(dir).filter(|seen| seen.seq > last);
        // Where nothing ever came out of the log into the file, only the witness knows whose it was.
        let old = stored.or(seen.map(|seen| seen.journal));
        let old = old.ok_or_else(|| JournalError::Damaged { what: "the journal has no id".to_owned() })?;
        if let Some(seen) = seen.filter(|seen| seen.journal == old) {
            // Told to the hub as lost, with the old journal.
            put_meta(&connection, "journal", &old.to_string())
                .map_err(JournalError::sqlite("noting its lost end"))?;
            chain::note_lost_tail(&connection, &seen)?;
        }
        write_plan(dir, &Plan { old, new, last, link, damaged: None })?;
    }
    go_on(dir, name_it)
}

/// Goes on with what an interrupted [`renew`] left. Called at every start, before the journal is opened.
///
/// # Errors
/// As [`renew`].
pub fn finish<E>(
    dir: &Path,
    name_it: impl FnOnce(Uuid) -> Result<(), E>,
) -> Result<Result<(), E>, JournalError> {
    if read_plan(dir)?.is_none() {
        return Ok(Ok(()));
    }
    let _lock = Lock::take(dir)?;
    go_on(dir, name_it)
}

fn go_on<E>(dir: &Path, name_it: impl FnOnce(Uuid) -> Result<(), E>) -> Result<Result<(), E>, JournalError> {
    let Some(plan) = read_plan(dir)? else { return Ok(Ok(())) };
    let old = old_dir(dir, plan.old);
    if let Some(damaged) = &plan.damaged {
        clear(dir, damaged)?;
    }
    if !old.join(FILE).exists() {
        put_away(dir, &old)?;
    }
    let connection = database::open_writer(dir)?;
    if database::meta(&connection, PREVIOUS)?.is_none() {
        carry_over(&connection, &old, &plan)?;
    }
    drop(connection);
    if let Err(error) = name_it(plan.new) {
        return Ok(Err(error));
    }
    let path = dir.join(PLAN_FILE);
    fs::remove_file(&path)
        .and_then(|()| sync_dir(dir))
        .map_err(|source| JournalError::Io { path, source })?;
    tracing::warn!(old = %plan.old, new = %plan.new, last = plan.last, "a new journal follows the old one");
    Ok(Ok(()))
}

/// Brings the log into the file, and gives the file its new name.
fn put_away(dir: &Path, old: &Path) -> Result<(), JournalError> {
    let connection = database::open_writer(dir)?;
    let checking = JournalError::sqlite("bringing the log into the file");
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(&checking)?;
    if busy != 0 {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(checking(rusqlite::Error::SqliteFailure(busy, None)));
    }
    drop(connection);
    let io = |source| JournalError::Io { path: old.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(old).map_err(io)?;
    // A log that is still there is empty, and would be taken for the new file's.
    for end in ["-wal", "-shm"] {
        let _mostly_not_there = fs::remove_file(dir.join(format!("{FILE}{end}")));
    }
    fs::rename(dir.join(FILE), old.join(FILE))
        .and_then(|()| sync_dir(old))
        .and_then(|()| sync_dir(&dir.join(OLD_DIR)))
        .and_then(|()| sync_dir(dir))
        .map_err(io)
}

/// Copies what holds in every journal: orders, and who was served. All of it or nothing.
fn carry_over(connection: &Connection, old: &Path, plan: &Plan) -> Result<(), JournalError> {
    let carrying = JournalError::sqlite("carrying orders over");
    let from = database::open_reader(old)?;
    let transaction = connection.unchecked_transaction().map_err(&carrying)?;
    let mut orders =
        from.prepare("SELECT kind, id, epoch, number, body FROM order_doc").map_err(&carrying)?;
    let mut found = orders.query([]).map_err(&carrying)?;
    while let Some(row) = found.next().map_err(&carrying)? {
        let read = || -> rusqlite::Result<(String, String, i64, i64, String)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let order = read().map_err(&carrying)?;
        transaction
            .prepare_cached(sql::ORDER_PUT)
            .and_then(|mut put| put.execute(order))
            .map_err(&carrying)?;
    }
    let mut all = from.prepare(sql::ROW_ALL).map_err(&carrying)?;
    let mut found = all.query([]).map_err(&carrying)?;
    while let Some(row) = found.next().map_err(&carrying)? {
        let read = || -> rusqlite::Result<(u8, String, Option<String>, String, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let (kind, id, parent, body, stored) = read().map_err(&carrying)?;
        // A damaged row is left behind: the hub has it.
        if rows::sum(kind, &id, parent.as_deref(), &body) != stored {
            continue;
        }
        let salvaged = plan.damaged.is_some() && OF_JOURNAL.iter().any(|of| *of as u8 == kind);
        let body = if salvaged { Some(body) } else { carried(kind, body) };
        let Some(body) = body else { continue };
        let sum = rows::sum(kind, &id, parent.as_deref(), &body);
        transaction
            .prepare_cached(sql::ROW_PUT)
            .and_then(|mut put| put.execute(params![kind, id, parent, body, sum]))
            .map_err(&carrying)?;
    }
    let previous = PreviousJournal { journal: plan.old, last: plan.last, link: plan.link };
    let previous = serde_json::to_string(&previous)
        .map_err(|error| JournalError::Damaged { what: format!("the plan of a new journal: {error}") })?;
    put_meta(&transaction, PREVIOUS, &previous).map_err(&carrying)?;
    transaction.commit().map_err(&carrying)
}

/// A row as it stands in the new journal; none where it does not.
fn carried(kind: u8, body: String) -> Option<String> {
    if kind == RowKind::Claim as u8 {
        let mut row: ClaimRow = serde_json::from_str(&body).ok()?;
        row.served.iter_mut().for_each(|service| service.seq = 0);
        return serde_json::to_string(&row).ok();
    }
    OF_ORDERS.iter().any(|of| *of as u8 == kind).then_some(body)
}

/// The journal before this one, as a start reads it.
pub(super) fn previous(connection: &Connection) -> Result<Option<PreviousJournal>, JournalError> {
    let text = database::meta(connection, PREVIOUS)?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| JournalError::Damaged { what: format!("the journal before this one: {error}") })
}

/// Where a journal lies that is not continued.
pub fn old_dir(dir: &Path, journal: Uuid) -> PathBuf {
    dir.join(OLD_DIR).join(journal.to_string())
}

fn read_plan(dir: &Path) -> Result<Option<Plan>, JournalError> {
    let path = dir.join(PLAN_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| JournalError::Damaged { what: format!("{PLAN_FILE}: {error}") }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(JournalError::Io { path, source }),
    }
}

/// Whole or not at all.
fn write_plan(dir: &Path, plan: &Plan) -> Result<(), JournalError> {
    let path = dir.join(PLAN_FILE);
    let new = dir.join(format!("{PLAN_FILE}.new"));
    let text = serde_json::to_string(plan)
        .map_err(|error| JournalError::Damaged { what: format!("the plan of a new journal: {error}") })?;
    File::create(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, &path))
        .and_then(|()| sync_dir(dir))
        .map_err(|source| JournalError::Io { path, source })
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use waypost_core::{
        fact::{
            Fact, Record, SiteKind, Stream, WallTime,
            id::{GatewayId, SiteId},
        },
        rule::{Ledger, restore::RestoreRow, row::ONLY},
    };

    use super::*;
    use crate::{
        clock::Clock,
        journal::{self, JournalConfig, Reader, verify},
    };

    const OLD: Uuid = Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001);
    const NEW: Uuid = Uuid::from_u128(0x0190_5c2b_0000_7000_8000_0000_0000_0002);

    async fn run_once(dir: &Path, journal: Uuid) -> (u64, Link) {
        let config = JournalConfig {
            dir: dir.to_owned(),
            gateway: GatewayId::new("po-1").unwrap(),
            site: SiteId::new("PO-1").unwrap(),
            kind: SiteKind::PostOffice,
            box_tubes_max: 50,
            par: Vec::new(),
            clock: Clock::simulated(WallTime(1_599_091_200_000), 1.0),
            track_max: 100,
            journal,
        };
        let (writer, opened) = journal::open(config).unwrap();
        writer.stop().await;
        (opened.last, opened.link)
    }

    fn follows(dir: &Path) -> Option<PreviousJournal> {
        let lines = Reader::open(dir).unwrap().lines(Stream::Ledger, 0, 1, 4096).unwrap();
        match Record::from_line(&lines[0].line).unwrap().fact {
            Fact::JournalStarted { previous, .. } => previous,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_new_journal_names_the_old_one_which_stays_as_it_is() {
        let dir = TempDir::new().unwrap();
        let (last, link) = run_once(dir.path(), OLD).await;
        renew(dir.path(), NEW, |id| if id == NEW { Ok(()) } else { Err(id) }).unwrap().unwrap();
        let old = old_dir(dir.path(), OLD);
        assert_eq!(Reader::open(&old).unwrap().last(Stream::Ledger).unwrap(), last);
        assert!(verify(&Reader::open(&old).unwrap(), |_, _| ()).unwrap().bad.is_none());
        run_once(dir.path(), NEW).await;
        assert_eq!(follows(dir.path()), Some(PreviousJournal { journal: OLD, last, link }));
        let reader = Reader::open(dir.path()).unwrap();
        let state: RestoreRow =
            serde_json::from_str(&reader.body(RowKind::Restore, ONLY).unwrap().unwrap()).unwrap();
        assert!(state.waits, "its ledger has not come back yet");
    }

    #[tokio::test]
    async fn whatever_step_was_the_last_the_next_start_goes_on_with_it() {
        let dir = TempDir::new().unwrap();
        let (last, link) = run_once(dir.path(), OLD).await;
        // The power fails before the identity names the new journal.
        assert_eq!(renew(dir.path(), NEW, |_| Err("power")).unwrap(), Err("power"));
        // And before the old file has its new name.
        fs::remove_file(dir.path().join(FILE)).unwrap();
        fs::rename(old_dir(dir.path(), OLD).join(FILE), dir.path().join(FILE)).unwrap();
        let mut named = None;
        let name_it = |id| {
            named = Some(id);
            Ok::<_, ()>(())
        };
        finish(dir.path(), name_it).unwrap().unwrap();
        assert_eq!(named, Some(NEW));
        run_once(dir.path(), NEW).await;
        assert_eq!(follows(dir.path()), Some(PreviousJournal { journal: OLD, last, link }));
        // Nothing is left to do.
        finish(dir.path(), |_| Err::<(), _>("again")).unwrap().unwrap();
    }
}
