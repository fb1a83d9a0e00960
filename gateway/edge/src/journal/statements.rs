//! The statements that a group of requests runs over and over.

use std::cell::RefCell;

use rusqlite::{CachedStatement, Connection};

use super::sql;

/// Each is taken out of the connection's cache when it is first needed, and given back with the end of the group:
/// looking one up costs as much as a good part of running it.
pub(super) struct Statements<'c> {
    pub(super) connection: &'c Connection,
    pub(super) line_insert: Statement<'c>,
    pub(super) request_insert: Statement<'c>,
    pub(super) row_body: Statement<'c>,
    pub(super) row_near: Statement<'c>,
    pub(super) row_put: Statement<'c>,
    pub(super) row_update: Statement<'c>,
    pub(super) row_remove: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        let statement = |query| Statement { connection, query, taken: RefCell::new(None) };
        Self {
            connection,
            line_insert: statement(sql::LEDGER_INSERT),
            request_insert: statement(sql::REQUEST_INSERT),
            row_body: statement(sql::ROW_BODY),
            row_near: statement(sql::ROW_NEAR),
            row_put: statement(sql::ROW_PUT),
            row_update: statement(sql::ROW_UPDATE),
            row_remove: statement(sql::ROW_REMOVE),
        }
    }
}

/// One of them.
pub(super) struct Statement<'c> {
    connection: &'c Connection,
    query: &'static str,
    /// Borrowed for the length of a call only.
    taken: RefCell<Option<CachedStatement<'c>>>,
}

impl<'c> Statement<'c> {
    /// Runs it; what it reads is read within `run`.
    pub(super) fn with<T>(
        &self,
        run: impl FnOnce(&mut CachedStatement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut taken = self.taken.borrow_mut();
        let statement = match &mut *taken {
            Some(statement) => statement,
            none => none.insert(self.connection.prepare_cached(self.query)?),
        };
        run(statement)
    }
}
