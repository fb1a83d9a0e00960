//! The ledger: what the facts add up to, as rows that a rule reads and a fact changes.
//!
//! A row has a kind, an id, perhaps a parent (the box of a tube) and a body, one line of JSON. Where the rows are
//! kept is not the rules' affair: the journal keeps them in SQLite, tests in a map. A ledger may hold rows in use as
//! values, so that each is read from its text once and written to it once, however many requests change it.

use std::{any::Any, fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

/// Kinds of rows. The numbers are stored: never use one again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// The counter itself: who works, which box is open.
    Desk = 1,
    /// A tube; its parent is the box that it is in.
    Tube = 2,
    /// A box.
    Box = 3,
    /// A seal.
    Seal = 4,
    /// A person in a campaign.
    Claim = 5,
    /// What a proxy has fetched on one occasion.
    Proxy = 6,
    /// Stock on hand of one item.
    Stock = 7,
    /// What one campaign handed out here on one day.
    Quota = 8,
    /// A campaign in force.
    Campaign = 9,
    /// A member of staff; the id is the SHA-256 of the badge's code in hex.
    Staff = 10,
    /// What a box on its way here should hold.
    Manifest = 11,
    /// The vehicle's trip.
    Trip = 12,
    /// A fence.
    Fence = 13,
    /// Which version of an order is in force.
    Order = 14,
    /// Wrong PINs of a person since the last right one; the id is the person.
    Pin = 15,
    /// How far the ledger came back from the hub.
    Restore = 16,
    /// A filter of claims at other offices.
    Filter = 17,
}

/// Why the ledger cannot be read or written. Never a verdict: the writer stops.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A row's body does not read as its kind.
    #[error("ledger row {kind:?} {id} is damaged")]
    Damaged {
        /// Its kind.
        kind: RowKind,
        /// Its id.
        id: String,
    },
    /// The store under it failed.
    #[error("the ledger's store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a rule may read.
pub trait Ledger {
    /// A row's body.
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError>;

    /// Ids of the rows of that parent, in order of id, at most `most`.
    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError>;

    /// Ids of the rows of a kind, in order of id, at most `most`.
    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError>;

    /// A row as a value; `read` makes it of its text. A ledger that holds values gives the one that it has.
    fn value(&self, kind: RowKind, id: &str, read: ReadRow) -> Result<Option<Arc<dyn AnyRow>>, LedgerError> {
        let Some(body) = self.body(kind, id)? else { return Ok(None) };
        match read(&body) {
            Some(row) => Ok(Some(row)),
            None => Err(LedgerError::Damaged { kind, id: id.to_owned() }),
        }
    }
}

/// Makes a value of a row's text; none where the text does not read as that kind.
pub type ReadRow = fn(&str) -> Option<Arc<dyn AnyRow>>;

/// What a fact may change.
pub trait LedgerMut: Ledger {
    /// Writes a row, new or in place of the one with that kind and id.
    fn put_body(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        body: &str,
    ) -> Result<(), LedgerError>;

    /// Writes a row as a value; otherwise as [`Self::put_body`].
    fn put_value(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        row: Arc<dyn AnyRow>,
    ) -> Result<(), LedgerError> {
        self.put_body(kind, id, parent, &row.body()?)
    }

    /// Takes a row away, if it is there.
    fn remove(&mut self, kind: RowKind, id: &str) -> Result<(), LedgerError>;
}

/// A kind of row as a type.
pub trait Row: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {
    /// Its kind.
    const KIND: RowKind;

    /// The id of the row that it belongs to, if it belongs to one.
    fn parent(&self) -> Option<&str> {
        None
    }
}

/// A row of whatever kind, as a value.
pub trait AnyRow: Any + fmt::Debug + Send + Sync {
    /// Its text: one line of JSON.
    fn body(&self) -> Result<String, LedgerError>;
}

impl<R: Row> AnyRow for R {
    fn body(&self) -> Result<String, LedgerError> {
        serde_json::to_string(self).map_err(|error| LedgerError::Store(Box::new(error)))
    }
}

/// Reads a row.
pub fn load<R: Row>(ledger: &(impl Ledger + ?Sized), id: &str) -> Result<Option<R>, LedgerError> {
    Ok(load_shared(ledger, id)?.map(Arc::unwrap_or_clone))
}

/// Reads a row that nobody is going to change.
pub fn load_shared<R: Row>(ledger: &(impl Ledger + ?Sized), id: &str) -> Result<Option<Arc<R>>, LedgerError> {
    let read: ReadRow = |body| Some(Arc::new(serde_json::from_str::<R>(body).ok()?));
    let Some(row) = ledger.value(R::KIND, id, read)? else { return Ok(None) };
    let row: Arc<dyn Any + Send + Sync> = row;
    match row.downcast() {
        Ok(row) => Ok(Some(row)),
        // One kind of row is read as one type alone.
        Err(_) => Err(LedgerError::Damaged { kind: R::KIND, id: id.to_owned() }),
    }
}

/// Writes a row.
pub fn store<R: Row>(ledger: &mut (impl LedgerMut + ?Sized), id: &str, row: R) -> Result<(), LedgerError> {
    let row = Arc::new(row);
    let shared: Arc<dyn AnyRow> = row.clone();
    ledger.put_value(R::KIND, id, row.parent(), shared)
}
