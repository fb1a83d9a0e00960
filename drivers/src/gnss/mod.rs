//! Satellite receivers that speak NMEA 0183 over a serial line, or through gpsd.
//!
//! What a receiver sends passes four gates, one a file: [`sentence`] lets through whole sentences with a right
//! checksum, [`position`] refuses what is void, made up or impossible, [`decoder`] knows which day it is, and [`track`]
//! drops what is too coarse for a map and thins the rest. [`joiner`] makes one fix of what a moment's sentences say.
//! [`receiver`] is the device at its port, whose speed [`baud`] finds; [`gpsd`] is the daemon that has one.
//!
//! A position that a receiver marks as void, simulated, estimated or typed in never becomes a [`Fix`], nor does 0° N 0°
//! E. Dates are passed on as sent: a week counter that has rolled over cannot be mended without another clock, and that
//! one is the gateway's, which may call [`rollover::mend`].

pub mod baud;
pub mod decoder;
pub mod dilution;
pub mod event;
pub mod fix;
pub mod gpsd;
pub mod joiner;
pub mod position;
pub mod receiver;
pub mod refusal;
pub mod rollover;
pub mod sentence;
pub mod track;

pub use decoder::{Decoded, Decoder, Said};
pub use event::GnssEvent;
pub use fix::{Fix, NavStatus, Quality};
pub use joiner::{Joined, Joiner};
pub use receiver::{ReceiverConfig, run};
pub use refusal::Refusal;
pub use track::{Gate, Gated, Thinner};
