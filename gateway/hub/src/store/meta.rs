//! The few values that the store keeps by name.

use rusqlite::{Connection, OptionalExtension};

use super::{open::StoreError, sql};

/// A value, as text.
pub(crate) fn meta(db: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(db.prepare_cached(sql::META_GET)?.query_row([key], |row| row.get(0)).optional()?)
}

pub(super) fn set_meta(db: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    db.prepare_cached(sql::META_SET)?.execute((key, value))?;
    Ok(())
}

pub(crate) fn number(db: &Connection, key: &str) -> Result<u64, StoreError> {
    match meta(db, key)? {
        Some(text) => text.parse().map_err(|_| StoreError::Row("meta")),
        None => Ok(0),
    }
}
