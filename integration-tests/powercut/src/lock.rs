//! SQLite's locks of a database file, and those in its shared memory.

use std::collections::BTreeMap;

/// A lock that another has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// SQLite's levels, which are numbers in order.
pub(crate) const SHARED: i32 = rusqlite::ffi::SQLITE_LOCK_SHARED;
const RESERVED: i32 = rusqlite::ffi::SQLITE_LOCK_RESERVED;
const PENDING: i32 = rusqlite::ffi::SQLITE_LOCK_PENDING;
const EXCLUSIVE: i32 = rusqlite::ffi::SQLITE_LOCK_EXCLUSIVE;

/// Which connection has which level.
#[derive(Debug, Default)]
pub(crate) struct Levels(BTreeMap<u64, i32>);

impl Levels {
    pub(crate) fn raise(&mut self, holder: u64, level: i32) -> Result<(), Busy> {
        if self.0.get(&holder).is_some_and(|held| *held >= level) {
            return Ok(());
        }
        let most = self.most_of_others(holder);
        let refused = match level {
            SHARED => most >= PENDING,
            _ => most >= RESERVED,
        };
        if refused {
            return Err(Busy);
        }
        if level == EXCLUSIVE && most >= SHARED {
            // New readers are kept out until those that are there have gone.
            self.0.insert(holder, PENDING);
            return Err(Busy);
        }
        self.0.insert(holder, level);
        Ok(())
    }

    pub(crate) fn lower(&mut self, holder: u64, level: i32) {
        if level < SHARED {
            self.0.remove(&holder);
        } else if let Some(held) = self.0.get_mut(&holder) {
            *held = (*held).min(level);
        }
    }

    pub(crate) fn is_reserved(&self) -> bool {
        self.0.values().any(|held| *held >= RESERVED)
    }

    fn most_of_others(&self, holder: u64) -> i32 {
        self.0.iter().filter(|(other, _)| **other != holder).map(|(_, held)| *held).max().unwrap_or(0)
    }
}
