//! The central end: takes the gateways' records in, keeps each once, sees what no single gateway can see, and sends
//! orders.
//!
//! - [`run()`]: the whole of it, from a [`config::Config`].
//! - [`store`]: every record once; how far each journal is held; forks, holes, losses, epochs.
//! - [`project`]: what the records add up to: custody, claims, counts, lateness.
//! - `ingest`: the link to the broker. `http`: the control room's pages.

mod causes;
pub mod clock;
pub mod config;
pub mod enrol;
mod fault;
mod filters;
mod http;
mod ingest;
pub mod keys;
pub mod places;
pub mod project;
mod restore;
mod run;
pub mod secrets;
pub mod store;
pub mod time;

pub use run::{Beat, RunError, Running, run};
