//! A ledger in a map, for tests and benchmarks.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::{Ledger, LedgerError, LedgerMut, RowKind};

/// Rows in memory. Two of them are equal where all rows are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryLedger {
    rows: BTreeMap<RowKind, BTreeMap<String, Stored>>,
    children: BTreeSet<(RowKind, String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    parent: Option<String>,
    body: String,
}

impl Ledger for MemoryLedger {
    fn body(&self, kind: RowKind, id: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.rows.get(&kind).and_then(|rows| rows.get(id)).map(|row| row.body.clone()))
    }

    fn children(&self, kind: RowKind, parent: &str, most: usize) -> Result<Vec<String>, LedgerError> {
        let first = (kind, parent.to_owned(), String::new());
        Ok(self
            .children
            .range(first..)
            .take_while(|(of, under, _)| *of == kind && under == parent)
            .take(most)
            .map(|(_, _, id)| id.clone())
            .collect())
    }

    fn ids(&self, kind: RowKind, most: usize) -> Result<Vec<String>, LedgerError> {
        Ok(self.rows.get(&kind).into_iter().flat_map(BTreeMap::keys).take(most).cloned().collect())
    }
}

impl LedgerMut for MemoryLedger {
    fn put_body(
        &mut self,
        kind: RowKind,
        id: &str,
        parent: Option<&str>,
        body: &str,
    ) -> Result<(), LedgerError> {
        self.remove(kind, id)?;
        if let Some(parent) = parent {
            self.children.insert((kind, parent.to_owned(), id.to_owned()));
        }
        let stored = Stored { parent: parent.map(str::to_owned), body: body.to_owned() };
        self.rows.entry(kind).or_default().insert(id.to_owned(), stored);
        Ok(())
    }

    fn remove(&mut self, kind: RowKind, id: &str) -> Result<(), LedgerError> {
        let gone = self.rows.get_mut(&kind).and_then(|rows| rows.remove(id));
        if let Some(Stored { parent: Some(parent), .. }) = gone {
            self.children.remove(&(kind, parent, id.to_owned()));
        }
        Ok(())
    }
}
