//! Custody: from the tube that is collected to the box that comes back empty.

pub(super) mod comparison;
pub(super) mod handover;
pub(super) mod packing;
pub(super) mod sealing;
