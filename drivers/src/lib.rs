//! Devices and their wire formats: what they send, as readings. Knows nothing of boxes or masks.

pub mod bench;
pub mod board;
pub mod gnss;
pub mod header;
pub mod port;
pub mod printer;
pub mod scanner;
pub mod screen;
pub mod seal;
