//! Each station's work as its user does it: scans in, questions and panels out, with the real rules behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

mod bad_input;
mod centre;
mod desk;
mod hand_out;
mod laboratory;
mod pin;
mod post_office;
mod shift;
mod vehicle;
mod warehouse;
