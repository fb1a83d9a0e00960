//! The work of a place, as state machines without I/O, and the engine that runs one.
//!
//! - [`read`] says what a text is to a station; [`machine`] turns it into a question to the journal's writer, and the
//!   answer into a panel. One file a place of work; what several share has a file of its own.
//! - The tests of a station are tables: given this ledger and these scans, these questions and panels.

mod age;
mod campaign;
pub mod command;
pub mod counter;
pub mod due;
mod elsewhere;
pub mod engine;
mod exchange;
pub mod hand_out;
mod handle;
mod laboratory;
pub mod machine;
pub mod pin_entry;
mod position;
mod post_office;
pub mod read;
mod satellite_time;
mod say;
pub mod screen;
mod seal_book;
pub mod step;
mod stock;
mod testing_centre;
mod vehicle;
mod warehouse;
mod workplace;

pub use handle::{KEY_BYTES_MAX, READINGS_MAX, ScanInput, ScanRefused, StationHandle};
pub use machine::Station;
