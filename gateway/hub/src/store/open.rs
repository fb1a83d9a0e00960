//! Opening the database: settings set and then checked, the schema brought up to date.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// The file within the hub's folder.
pub const STORE_FILE: &str = "store.db";

/// 3.7.0 to 3.51.2 can corrupt a WAL database when a checkpoint meets a write.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a reader or the writer waits for the other, in milliseconds.
const BUSY_MS: u32 = 5_000;

/// The schema, step by step; `user_version` is how many were taken.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_campaign_pair.sql"),
];

/// Why the store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("there is no store in {0}: start `waypost hub` there once, or name another folder")]
    Absent(PathBuf),
    /// The linked SQLite is one that can lose data.
    #[error("SQLite {0} can corrupt a write-ahead log; at least 3.51.3 is needed")]
    SqliteVersion(String),
    /// The store was written by a newer version.
    #[error(
        "the store has schema {found}, this version knows up to {known}: install the newer version again"
    )]
    TooNew {
        /// What the file says.
        found: usize,
        /// What this version knows.
        known: usize,
    },
    /// A setting was not taken.
    #[error("SQLite did not take the setting {0}")]
    Setting(&'static str),
    /// The file system.
    #[error("the hub's folder cannot be used")]
    Io(#[from] std::io::Error),
    /// The database.
    #[error("the store's database failed")]
    Database(#[from] rusqlite::Error),
    /// A row is not what this version writes.
    #[error("the store holds a row that cannot be read: {0}")]
    Row(&'static str),
    /// The writer has ended.
    #[error("the store's writer has ended")]
    Ended,
}

/// Opens the one connection that writes; makes the store where there is none.
pub(super) fn writer(dir: &Path) -> Result<(Connection, bool), StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::SqliteVersion(rusqlite::version().to_owned()));
    }
    std::fs::create_dir_all(dir)?;
    let path = dir.join(STORE_FILE);
    let made = !path.exists();
    let mut db = connect(dir, path)?;
    db.busy_timeout(std::time::Duration::from_millis(BUSY_MS.into()))?;
    set(&db, "journal_mode", "wal", "wal")?;
    set(&db, "synchronous", "full", "2")?;
    set(&db, "foreign_keys", "on", "1")?;
    set(&db, "cache_size", "-32768", "-32768")?;
    // Checkpoints of 16 MB: with the usual 4 MB every few groups would pay for one.
    set(&db, "wal_autocheckpoint", "4000", "4000")?;
    #[cfg(feature = "soak")]
    if let Some(disk) = super::soak::of(dir) {
        db.pragma_update(None, "wal_autocheckpoint", disk.checkpoint_pages)?;
    }
    // Plans do not look at bound values: otherwise each new value compiles its statement anew, a fifth of all the time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    migrate(&mut db)?;
    db.set_prepared_statement_cache_capacity(96);
    Ok((db, made))
}

fn connect(dir: &Path, path: PathBuf) -> Result<Connection, StoreError> {
    #[cfg(feature = "soak")]
    if let Some(disk) = super::soak::of(dir) {
        return Ok(Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk.vfs)?);
    }
    let _ = dir;
    Ok(Connection::open(path)?)
}

/// Opens a connection that only reads, beside a running hub too.
pub(crate) fn reader(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(STORE_FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    #[cfg(feature = "soak")]
    if let Some(disk) = super::soak::of(dir) {
        let db = Connection::open_with_flags_and_vfs(path, flags, disk.vfs)?;
        set(&db, "query_only", "on", "1")?;
        return Ok(db);
    }
    if !path.exists() {
        return Err(StoreError::Absent(dir.to_owned()));
    }
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_millis(BUSY_MS.into()))?;
    set(&db, "query_only", "on", "1")?;
    Ok(db)
}

/// Sets a pragma and reads it back.
fn set(db: &Connection, name: &'static str, value: &str, expected: &str) -> Result<(), StoreError> {
    db.pragma_update(None, name, value)?;
    let found: String = db.pragma_query_value(None, name, |row| {
        row.get_ref(0).map(|value| match value {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        })
    })?;
    if found == expected { Ok(()) } else { Err(StoreError::Setting(name)) }
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let found: usize = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > MIGRATIONS.len() {
        return Err(StoreError::TooNew { found, known: MIGRATIONS.len() });
    }
    for (at, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        let tx = db.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", at + 1)?;
        tx.commit()?;
    }
    Ok(())
}
