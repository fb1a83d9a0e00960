//! What every change of the ledger is given: the ledger, the place and the record's number.

use super::{
    ledger::{LedgerError, LedgerMut, Row, load, store},
    place::Place,
    row::{BoxRow, Desk, ONLY},
};
use crate::fact::id::BoxId;

/// What a change of the ledger answers.
pub(super) type Applied = Result<(), LedgerError>;

/// A fact in front of the ledger.
pub(super) struct Change<'a> {
    pub place: &'a Place<'a>,
    pub ledger: &'a mut dyn LedgerMut,
    /// The number of its record.
    pub seq: u64,
}

impl Change<'_> {
    pub fn row<R: Row>(&self, id: &str) -> Result<Option<R>, LedgerError> {
        load(&*self.ledger, id)
    }

    pub fn put<R: Row>(&mut self, id: &str, row: R) -> Applied {
        store(&mut *self.ledger, id, row)
    }

    /// Changes a row that starts as its default.
    pub fn edit<R: Row + Default>(&mut self, id: &str, edit: impl FnOnce(&mut R)) -> Applied {
        let mut row = self.row(id)?.unwrap_or_default();
        edit(&mut row);
        self.put(id, row)
    }

    pub fn edit_desk(&mut self, edit: impl FnOnce(&mut Desk)) -> Applied {
        self.edit(ONLY, edit)
    }

    pub fn edit_box(&mut self, box_id: &BoxId, edit: impl FnOnce(&mut BoxRow)) -> Applied {
        self.edit(box_id.as_str(), edit)
    }
}
