//! The root's key and the file that the operator takes away.

use std::error::Error;

use serde::{Deserialize, Serialize};
use waypost_core::wire::{
    keys::{Seed, SignKey},
    roles::ROOT_KEY_NAME,
};

/// The file that the operator takes away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RootFile {
    /// The root's seed.
    pub root_key: Seed,
}

/// The root's pair.
pub(super) fn root_pair(seed: &Seed) -> Result<SignKey, Box<dyn Error>> {
    Ok(SignKey::new(ROOT_KEY_NAME, seed)?)
}
