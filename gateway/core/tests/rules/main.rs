//! Every rule as a table: given this ledger and this request, these facts. `docs/rules.md` names these tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: what is not as it should be ends the test"
)]

mod campaign_end;
mod custody;
mod dock;
mod elsewhere;
mod entitlement;
mod orders;
mod paper;
mod people;
mod pins;
mod seals;
mod stock;
mod timers;
mod world;
