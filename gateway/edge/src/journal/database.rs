//! The database file: how it is opened, set, checked and brought to today's format.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};

use super::{
    error::JournalError,
    sql::{self, MIGRATIONS},
};

/// The journal's file in the data directory.
pub const FILE: &str = "journal.db";
/// The file that the writing process holds locked.
pub const LOCK_FILE: &str = "lock";
/// "WPJL": says what the file is, to us and to `file(1)`.
const APPLICATION_ID: i64 = 0x5750_4A4C;
/// Versions from 3.7.0 to 3.51.2 can corrupt a write-ahead log.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Bytes of a page. Measured with a packed tube a commit (`cargo bench --bench journal -- alone`): given to the system
/// 8.5 KB with pages of 512 bytes, 12.4 KB with 1 KiB, 34.8 KB with 4 KiB.
const PAGE_BYTES: i64 = 512;
/// Most memory for pages, in KiB, of the writer.
const WRITER_CACHE_KIB: i64 = 2048;
/// Most memory for pages, in KiB, of each reader.
const READER_CACHE_KIB: i64 = 512;
/// The writer brings the log into the file itself, after answering; this is the bound if it never comes to it.
const LOG_PAGES_MAX: i64 = 16_384;
/// The log's file is cut back to this when it starts anew.
const LOG_BYTES_KEPT: i64 = 8 * 1024 * 1024;
/// Waits so long for a lock that another process holds for a moment.
const BUSY: Duration = Duration::from_secs(5);
/// Statements kept prepared.
const STATEMENTS_MAX: usize = 64;

/// Does a process write to the journal in this directory now?
#[must_use]
pub fn is_in_use(dir: &Path) -> bool {
    // Where there is no lock nobody ever wrote.
    File::open(dir.join(LOCK_FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Held by the one process that writes; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a data directory, which is made where it is missing.
    pub(super) fn take(dir: &Path) -> Result<Self, JournalError> {
        let io = |path: PathBuf| move |source| JournalError::Io { path, source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io(dir.to_owned()))?;
        let path = dir.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io(path.clone()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only a remark in the message: without it the message still stands.
                let _ = file.read_to_string(&mut holder);
                return Err(JournalError::InUse { dir: dir.to_owned(), holder: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => return Err(JournalError::Io { path, source }),
        }
        // A full or read-only disk is not told here: the database will say so in its own words.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// Opens the file to write, makes it where it is missing, and brings it to today's format.
pub(super) fn open_writer(dir: &Path) -> Result<Connection, JournalError> {
    check_library()?;
    let path = dir.join(FILE);
    let connection = connect_writer(dir, &path)?;
    prepare(&connection, WRITER_CACHE_KIB)?;
    let fresh = is_fresh(&connection)?;
    if fresh {
        set(&connection, "page_size", PAGE_BYTES)?;
    } else {
        check_kind(&connection, &path)?;
    }
    choose(&connection, "journal_mode", "wal")?;
    set(&connection, "synchronous", synchronous(dir))?;
    set(&connection, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    set(&connection, "journal_size_limit", LOG_BYTES_KEPT)?;
    if fresh {
        set(&connection, "application_id", APPLICATION_ID)?;
    }
    migrate(&connection)?;
    Ok(connection)
}

fn connect_writer(dir: &Path, path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opening = JournalError::sqlite("opening it");
    #[cfg(feature = "soak")]
    if let Some(disk) = super::soak::of(dir) {
        let flags = flags | OpenFlags::SQLITE_OPEN_CREATE;
        return Connection::open_with_flags_and_vfs(path, flags, disk.vfs).map_err(opening);
    }
    let _ = dir;
    make_private(path).map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
    Connection::open_with_flags(path, flags).map_err(opening)
}

/// FULL: an answer is given only after its commit is on the disk.
fn synchronous(dir: &Path) -> i64 {
    #[cfg(feature = "soak")]
    if super::soak::of(dir).is_some_and(|disk| disk.synchronous_off) {
        return 0;
    }
    let _ = dir;
    2
}

/// Opens the file to read. Works beside the writer, and in another process.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, JournalError> {
    check_library()?;
    let path = dir.join(FILE);
    #[cfg(feature = "soak")]
    if let Some(disk) = super::soak::of(dir) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags_and_vfs(&path, flags, disk.vfs)
            .map_err(JournalError::sqlite("opening it to read"))?;
        return ready_reader(connection, &path);
    }
    if !path.is_file() {
        return Err(JournalError::Missing { dir: dir.to_owned(), file: FILE });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opening = JournalError::sqlite("opening it to read");
    let mut connection = Connection::open_with_flags(&path, flags).map_err(&opening)?;
    connection.busy_timeout(BUSY).map_err(&opening)?;
    let probe = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    if let Err(error) = probe {
        connection = match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) if has_no_log(dir) => {
                Connection::open_with_flags(immutable(&path), flags | OpenFlags::SQLITE_OPEN_URI)
                    .map_err(&opening)?
            }
            _ => return Err(opening(error)),
        };
    }
    ready_reader(connection, &path)
}

fn ready_reader(connection: Connection, path: &Path) -> Result<Connection, JournalError> {
    prepare(&connection, READER_CACHE_KIB)?;
    check_kind(&connection, path)?;
    let found = version(&connection)?;
    if found != known() {
        return Err(JournalError::NewerFormat { found, known: known() });
    }
    Ok(connection)
}

/// The write-ahead log of the journal in this directory.
pub(super) fn log_file(dir: &Path) -> PathBuf {
    dir.join(format!("{FILE}-wal"))
}

/// A copy on a medium that takes no writes can be read as it stands if all of it is in the one file.
fn has_no_log(dir: &Path) -> bool {
    fs::metadata(log_file(dir)).map_or(true, |log| log.len() == 0)
}

/// The address of a file that nobody changes.
fn immutable(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

fn check_library() -> Result<(), JournalError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(JournalError::OldSqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// Secrets of orders are in it: nobody else on the machine may read it. SQLite gives its log the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn prepare(connection: &Connection, cache_kib: i64) -> Result<(), JournalError> {
    connection.busy_timeout(BUSY).map_err(JournalError::sqlite("setting it up"))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Plans do not look at bound values: otherwise a new value may compile its statement anew.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(JournalError::sqlite("setting it up"))?;
    set(connection, "cache_size", -cache_kib)?;
    set(connection, "temp_store", 2)?;
    set(connection, "trusted_schema", 0)?;
    set(connection, "cell_size_check", 1)
}

fn is_fresh(connection: &Connection) -> Result<bool, JournalError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(JournalError::sqlite("reading its tables"))?;
    Ok(tables == 0)
}

fn check_kind(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    match get(connection, "application_id")? {
        APPLICATION_ID => Ok(()),
        _ => Err(JournalError::NotAJournal { path: path.to_owned() }),
    }
}

/// Sets a pragma and checks that it took.
fn set(connection: &Connection, name: &'static str, wanted: i64) -> Result<(), JournalError> {
    connection.pragma_update(None, name, wanted).map_err(JournalError::sqlite("setting it up"))?;
    let found = get(connection, name)?;
    if found != wanted {
        return Err(JournalError::Setting { name, wanted: wanted.to_string(), found: found.to_string() });
    }
    Ok(())
}

/// Sets a pragma that answers with what holds now, and checks that.
fn choose(connection: &Connection, name: &'static str, wanted: &str) -> Result<(), JournalError> {
    let found: String = connection
        .pragma_update_and_check(None, name, wanted, |row| row.get(0))
        .map_err(JournalError::sqlite("setting it up"))?;
    if found != wanted {
        return Err(JournalError::Setting { name, wanted: wanted.to_owned(), found });
    }
    Ok(())
}

fn get(connection: &Connection, name: &str) -> Result<i64, JournalError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(JournalError::sqlite("reading a setting"))
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn version(connection: &Connection) -> Result<i64, JournalError> {
    get(connection, "user_version")
}

/// Takes the steps that the file has not taken yet, each in a transaction of its own.
fn migrate(connection: &Connection) -> Result<(), JournalError> {
    let migrating = JournalError::sqlite("bringing it to today's format");
    let found = version(connection)?;
    if !(0..=known()).contains(&found) {
        return Err(JournalError::NewerFormat { found, known: known() });
    }
    for (step, number) in MIGRATIONS.iter().zip(1i64..).filter(|(_, number)| *number > found) {
        let transaction = connection.unchecked_transaction().map_err(&migrating)?;
        transaction.execute_batch(step).map_err(&migrating)?;
        transaction.pragma_update(None, "user_version", number).map_err(&migrating)?;
        transaction.commit().map_err(&migrating)?;
    }
    Ok(())
}

/// A single value.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, JournalError> {
    connection
        .prepare_cached(sql::META_GET)
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(JournalError::sqlite("reading a value"))
}

/// Writes a single value, within the transaction that is open.
pub(super) fn put_meta(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql::META_PUT)?.execute([name, value])?;
    Ok(())
}
