//! What a scanned or keyed text means.
//!
//! [`read`] is asked for each scan: it allocates what it returns and little more.

pub mod aim;
mod badge;
pub mod claim;
pub mod code128;
mod fold;
pub mod gs1;
pub mod hkid;
pub mod isbt;
pub mod label;
mod meaning;
pub mod pin;

pub use badge::Badge;
pub use hkid::Hkid;
pub use label::{LabelKind, LabelKinds, PatternError};
pub use meaning::{Meaning, Reason, Shape, TEXT_LEN_MAX, elements, read};

/// What texts that may hold a document number come in: wiped when dropped.
pub use zeroize::Zeroizing;
