//! Tests of Waypost against real peers: Debian's mosquitto between real `waypost run` and `waypost hub` processes that
//! are stopped, killed and cut off; a browser in front of the panel; the demonstration's own count.
//!
//! What all of them hold: after whatever happened, the central store equals the union of the journals
//! ([`world::World::settle`]), and every verdict that was shown is in a journal.
//!
//! `integration-tests/run` builds the binaries, installs the peers and runs everything. A plain `cargo test` builds the
//! binaries itself where `WAYPOST_BIN` does not name them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "this crate is tests only: they stop at the first thing that is wrong, and say what was skipped"
)]

pub mod aged;
pub mod broker;
pub mod browser;
pub mod bumble;
pub mod certificates;
pub mod codes;
pub mod console;
pub mod enrolled;
pub mod export;
pub mod fleet;
pub mod gateway;
pub mod guest;
pub mod hub;
pub mod hub_keys;
pub mod leak;
pub mod manager;
pub mod mqtt;
pub mod orders;
pub mod port;
pub mod process;
pub mod program;
pub mod proxy;
pub mod python;
pub mod traffic;
pub mod wait;
pub mod wall;
pub mod world;
