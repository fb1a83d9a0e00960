//! The central store: every record once, as it was sent, in SQLite; and how far each journal is held.
//!
//! One connection writes, on one thread ([`writer`]). Several batches share a transaction; an acknowledgement is only
//! made of what is committed. If a commit fails, nothing of it counts: the memory is read again from the file, and the
//! gateways send again.

pub(crate) mod alarm;
mod apply;
pub mod export;
mod hole;
mod job;
pub(crate) mod known;
mod ledger;
mod lost;
pub(crate) mod meta;
pub(crate) mod open;
#[cfg(feature = "soak")]
#[doc(hidden)]
pub mod soak;
pub(crate) mod sql;
mod track;
pub mod view;
mod witness;
pub mod writer;

pub use alarm::HubAlarm;
pub use apply::{APART_MAX, Store};
pub use job::{Applied, HeldNow, Job};
pub use known::NUMBER_MAX;
pub use ledger::{AHEAD_MAX, FORKS_MAX};
pub use open::{STORE_FILE, StoreError};
