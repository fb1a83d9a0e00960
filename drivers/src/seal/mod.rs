//! Electronic seals over Bluetooth Low Energy: from a radio on a serial line to what a seal says.
//!
//! From below: [`h4`] cuts the serial line's bytes into packets, [`hci`] gives them a meaning, [`ad`] finds the seals'
//! service data in an advertisement, and [`reader`] with [`scan`] drives the radio. [`format`](mod@format) tells what a frame is in;
//! [`bthome`] reads one with a key from [`crypto`], and one file each reads the formats that have none. [`watch`] says
//! whether a frame is new, and what a seal's frames add up to, with [`pace`] whether its counter goes with the time;
//! [`presence`] which seals are near.

pub mod ad;
mod adapter;
mod address;
pub mod assembly;
pub mod bthome;
pub mod crypto;
pub mod eddystone;
pub mod ela;
pub mod format;
pub mod frame;
pub mod h4;
pub mod hci;
mod hci_sys;
pub mod hex;
pub mod ibeacon;
mod kernel;
mod line;
pub mod measure;
pub mod minew;
pub mod object;
pub mod pace;
pub mod presence;
pub mod reader;
pub mod relay;
pub mod scan;
mod socket;
pub mod teltonika;
pub mod watch;

pub use adapter::{Adapter, BadAdapter, Channel};
pub use address::{Address, BadAddress};
pub use crypto::{BadKey, SealKey};
pub use frame::{Format, Refusal, SealFrame, SealState, Uptime};
pub use reader::{ReaderConfig, SealEvent, Source};
pub use scan::Mending;
pub use watch::{Condition, Limits, SealView, SealWatch, Stored, Taken};
