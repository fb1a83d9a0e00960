//! The link to the broker: records in, acknowledgements and orders out.
//!
//! PUBACK means only that the broker has a message. What counts is the acknowledgement that is signed here after the
//! commit: [`outbox`] keeps the latest for each journal until it is published.

mod decode;
pub(crate) mod ends;
pub(crate) mod link;
pub(crate) mod orders;
pub(crate) mod outbox;
mod questions;
mod retain;
