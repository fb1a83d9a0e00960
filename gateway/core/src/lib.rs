//! What both ends of Waypost agree on: what a code means, what happened, what may happen, and how it travels.
//!
//! Pure: no I/O, no async, no clock, no randomness. Time and identity come in as values, so that a test is a
//! table: given this ledger and this request, these facts.
//!
//! - [`code`]: what a scanned or typed text means.
//! - [`fact`]: what happened, as it is recorded and sent.
//! - [`filter`]: sets of claim tokens that can be asked and not listed.
//! - [`rule`]: what may happen: from a request and the ledger to facts or a refusal.
//! - [`wire`]: batches, acknowledgements, orders and topics.

pub mod code;
pub mod fact;
pub mod filter;
pub mod rule;
pub mod wire;
