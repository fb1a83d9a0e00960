//! Which of the hub's keys are believed: the root's signed list, in `<data>/keys.cose`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use waypost_core::wire::{keys::PublicKey, roles::KeyRoles, sign::OpenError};

use crate::identity::{IdentityError, replace_secret_bytes};

/// The file's name in the data directory.
const KEYS_FILE: &str = "keys.cose";

/// Why a list is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// The file cannot be written.
    #[error("the list of keys cannot be kept")]
    Write(#[from] IdentityError),
    /// The pinned root did not sign it.
    #[error("the list of keys is not signed by the root that this gateway pinned")]
    Open(#[from] OpenError),
    /// It is older than the one held, or says something else under the same version.
    #[error("the list of keys has version {found}, and version {held} is held: an older one is refused")]
    Older {
        /// Of the list that came.
        found: u64,
        /// Of the one held.
        held: u64,
    },
}

/// A shared handle; clones believe the same.
#[derive(Debug, Clone)]
pub struct Trust {
    path: PathBuf,
    root: PublicKey,
    roles: Arc<RwLock<KeyRoles>>,
}

impl Trust {
    /// Reads the list of a data directory and checks it against the pinned root.
    pub fn read(data: &Path, root: PublicKey) -> Result<Self, TrustError> {
        let path = data.join(KEYS_FILE);
        let bytes = fs::read(&path).map_err(|error| TrustError::Read(path.clone(), error))?;
        let roles = KeyRoles::open(&bytes, &root)?;
        Ok(Self { path, root, roles: Arc::new(RwLock::new(roles)) })
    }

    /// Keys whose orders are believed.
    pub fn order_keys(&self) -> Vec<PublicKey> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).order_keys().collect()
    }

    /// Keys whose acknowledgements are believed.
    pub fn ack_keys(&self) -> Vec<PublicKey> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).ack_keys().collect()
    }

    /// Is the key revoked, whatever else names it?
    pub fn is_revoked(&self, key: &PublicKey) -> bool {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).revoked.contains(key)
    }

    /// Takes a newer list and keeps it; true where it is new. Blocks.
    pub fn take(&self, bytes: &[u8]) -> Result<bool, TrustError> {
        let new = KeyRoles::open(bytes, &self.root)?;
        let mut held = self.roles.write().unwrap_or_else(PoisonError::into_inner);
        if new == *held {
            return Ok(false);
        }
        if new.version <= held.version {
            return Err(TrustError::Older { found: new.version, held: held.version });
        }
        replace_secret_bytes(&self.path, bytes)?;
        *held = new;
        Ok(true)
    }

    /// Keeps the first list, when a gateway is enrolled.
    pub(super) fn keep(data: &Path, root: PublicKey, bytes: &[u8]) -> Result<(), TrustError> {
        match Self::read(data, root) {
            Ok(held) => match held.take(bytes) {
                // The hub's answer was made before a list that came since.
                Err(TrustError::Older { .. }) => Ok(()),
                taken => taken.map(drop),
            },
            Err(_) => {
                KeyRoles::open(bytes, &root)?;
                Ok(replace_secret_bytes(&data.join(KEYS_FILE), bytes)?)
            }
        }
    }
}
