//! How records, acknowledgements and orders travel.
//!
//! Everything that is kept or believed is a COSE_Sign1 (RFC 9052) with EdDSA over Ed25519: see [`sign`]. The protected
//! header holds the algorithm, the kind of message as content type, and the signer's name as key id, so that a message
//! of one kind is never taken for another. Standard tools can open them.
//!
//! - Up, signed by the gateway: [`batch`], [`lost`], [`express`]. [`upload`] tells the first two apart.
//! - [`ask`]: a question of a gateway to the hub, and its answer.
//! - Up, unsigned, for display only: [`status`].
//! - Down: [`ack`], signed by a key that signs nothing else, and [`order`], signed by an order key.
//! - [`keys`]: key pairs and their public parts. [`topic`]: where each message goes.
//!
//! What comes in is hostile until its signature holds, and bounded even then: lengths are checked before bytes are
//! read, decompression stops at the size that the header names, and nothing panics.

pub mod ack;
pub mod ask;
pub mod batch;
mod bytes;
pub mod encrypt;
pub mod enrolment;
pub mod express;
pub mod keys;
pub mod lost;
pub mod order;
pub mod part;
pub mod restore;
pub mod roles;
pub mod secret_key;
pub mod sign;
pub mod status;
pub mod topic;
pub mod upload;
