//! The appliance: readings come in, verdicts go out, and every verdict is on disk before it is seen.

pub mod alive;
pub mod badge;
pub mod claim;
pub mod clock;
pub mod config;
pub mod console;
pub mod device;
pub mod doctor;
pub mod enrol;
pub mod filter;
pub mod identity;
pub mod journal;
pub mod panel;
pub mod pin;
pub mod print;
pub mod run;
pub mod secret;
pub mod station;
pub mod sync;
