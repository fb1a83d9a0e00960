//! Where the gateway's key for what rests comes from.
//!
//! A unit with `LoadCredentialEncrypted=waypost-rest-key` has it in the directory that `$CREDENTIALS_DIRECTORY` names,
//! which is in memory: systemd keeps it sealed by the machine's TPM, or by a key outside the data directory. Without
//! one the key lies beside what it protects, and whoever holds the card has both.

use std::{fs::File, io::Read, path::Path};

use sha2::{Digest, Sha256};
use waypost_core::rule::order::Secret;
use zeroize::Zeroizing;

use super::{KeeperError, Key, random};
use crate::identity::{self, IdentityError};

/// The credential's name.
pub const CREDENTIAL: &str = "waypost-rest-key";

/// The file where there is no credential.
const FILE: &str = "rest.json";

/// A credential has at least so many bytes.
const CREDENTIAL_BYTES_MIN: usize = 32;

/// More of it is not read.
const CREDENTIAL_BYTES_MAX: u64 = 4096;

/// What the credential is hashed with, so that the same one may serve another purpose too.
const PURPOSE: &[u8] = b"waypost-rest-v1\x1f";

/// The credential's key, else the file's, else a new one in the file.
pub(super) fn find(dir: &Path, credentials: Option<&Path>) -> Result<Key, KeeperError> {
    match existing(dir, credentials)? {
        Some(key) => Ok(key),
        None => {
            let key: Key = random()?;
            identity::write_secret(&dir.join(FILE), &Secret::of_bytes(key.as_ref()))?;
            Ok(key)
        }
    }
}

/// The credential's key, else the file's.
pub(super) fn existing(dir: &Path, credentials: Option<&Path>) -> Result<Option<Key>, KeeperError> {
    if let Some(path) = credentials.map(|dir| dir.join(CREDENTIAL)).filter(|path| path.exists()) {
        let failed = |source| KeeperError::Io(path.clone(), source);
        let mut bytes = Zeroizing::new(Vec::new());
        let file = File::open(&path).map_err(failed)?;
        file.take(CREDENTIAL_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() < CREDENTIAL_BYTES_MIN {
            return Err(KeeperError::ShortCredential(path));
        }
        let digest = Sha256::new().chain_update(PURPOSE).chain_update(bytes.as_slice()).finalize();
        return Ok(Some(Zeroizing::new(digest.into())));
    }
    let path = dir.join(FILE);
    match identity::read_secret::<Secret>(&path) {
        Ok(key) => key.bytes::<32>().map(Zeroizing::new).map(Some).ok_or(KeeperError::DoesNotOpen),
        Err(IdentityError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
