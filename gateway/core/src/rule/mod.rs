//! What may happen: from a request and the ledger to facts or a refusal, and from facts to the ledger.
//!
//! [`decide`] only reads. The journal's writer calls it inside the transaction, appends the facts that it gives, and
//! calls [`apply`] for each of them and [`take`] once, in the same transaction. Nothing else decides, nothing else
//! changes the ledger.
//! [`author`] says whom the records of a request name.

mod act;
mod answer;
mod apply;
mod asked;
pub mod campaign;
pub mod campaign_end;
mod change;
mod custody;
mod decide;
pub mod elsewhere;
pub mod entitlement;
pub mod filter_list;
mod hand_out;
pub mod known;
pub mod ledger;
pub mod memory;
pub mod order;
pub mod order_check;
mod orders;
pub mod paper;
pub mod pin;
mod place;
pub mod proof;
pub mod restore;
pub mod restored;
pub mod roles;
pub mod row;
pub mod seals;
mod shift;
pub mod stock;
pub mod timers;
mod trip;

pub use act::Act;
pub use answer::{Already, Decision, Refusal};
pub use apply::{apply, take};
pub use decide::{author, decide};
pub use ledger::{Ledger, LedgerError, LedgerMut, RowKind};
pub use memory::MemoryLedger;
pub use place::Place;
