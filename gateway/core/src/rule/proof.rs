//! What came of a badge and a PIN, as whoever asks brings it.

use serde::{Deserialize, Serialize};

use crate::code::pin::{HASH_LEN, Hex};

/// What came of hashing a badge and a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinProof {
    /// The hash of the verifier that it was compared with: an order may have brought another one since.
    pub against: Hex<HASH_LEN>,
    /// They were the right ones.
    pub right: bool,
}
