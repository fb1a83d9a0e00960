//! Secrets of orders on the card: never as they are, and gone for good when their time is over.
//!
//! What it promises:
//!
//! - A secret is written encrypted with a key of its order (AES-256-GCM, a new nonce each), and that key lies in a file
//!   of its own, `<data>/keys/<name>.key`, encrypted with the gateway's key for what rests. Neither journal, log nor any
//!   other file holds a secret as it is.
//! - To destroy the secrets of an order its key's file is written over and taken away: what is left of them in the
//!   journal, in free pages and in copies of the card made afterwards, opens no more. The pair that a campaign's key came
//!   to goes with it, so that a recording of the order opens no more either.
//! - Where a campaign's key waits for a badge, its order's key and its pair are encrypted with the [`vault`]'s key,
//!   which is nowhere on the card but under the badges of those who may serve.
//! - The gateway's key for what rests comes from the directory of systemd's credentials where it has
//!   `waypost-rest-key`, and else lies in `<data>/keys/rest.json`, for its owner only.

mod keeper_key;
mod pair;
pub mod vault;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use sha2::{Digest, Sha256};
use waypost_core::rule::order::{OrderDocument, Secret};
use zeroize::Zeroizing;

use crate::identity::{self, IdentityError};
use vault::Vault;

/// The folder within the data directory.
pub const KEYS_DIR: &str = "keys";

/// The kind of orders whose keys may wait for a badge.
const CAMPAIGN: &str = "campaign";

/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;

type Key = Zeroizing<[u8; 32]>;

/// Why secrets cannot be kept or taken out.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// A file of keys.
    #[error(transparent)]
    File(#[from] IdentityError),
    /// The credential that systemd gave is too short to be a key.
    #[error("the credential {0} has fewer than 32 bytes: make one with `systemd-creds encrypt`")]
    ShortCredential(PathBuf),
    /// The file system.
    #[error("cannot use {0}")]
    Io(PathBuf, #[source] io::Error),
    /// Encrypted with another key than this gateway has now, damaged, or moved.
    #[error("a secret on the card does not open with this gateway's key")]
    DoesNotOpen,
    /// The keys of campaigns are under the badges of those who may serve, and none was scanned since the start.
    #[error("the keys of campaigns wait for the badge of a person who served here before")]
    WaitsForBadge,
    /// The secret was no key when it came.
    #[error("a secret is not written as hex characters")]
    NoKey,
}

/// Keeps the secrets of orders.
#[derive(Clone)]
pub struct Keeper {
    dir: PathBuf,
    key: Arc<Key>,
    /// What the keys of campaigns wait for; none: for nothing.
    vault: Option<Vault>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Keeper({}, …)", self.dir.display())
    }
}

impl Keeper {
    /// Finds the gateway's key for what rests, and makes one where there is none.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub fn open(data: &Path) -> Result<Self, KeeperError> {
        let dir = data.join(KEYS_DIR);
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let key = Arc::new(keeper_key::find(&dir, credentials.as_deref())?);
        Ok(Self { dir, key, vault: None })
    }

    /// From now on the keys of campaigns wait for a badge.
    #[must_use]
    pub fn with_badges(self) -> Self {
        let vault = Some(Vault::new(&self.dir, Arc::clone(&self.key)));
        Self { vault, ..self }
    }

    /// What the keys of campaigns wait for, where they wait for a badge.
    pub fn vault(&self) -> Option<&Vault> {
        self.vault.as_ref()
    }

    /// What encrypts the key of an order of this kind.
    fn outer(&self, kind: &str) -> Result<Arc<Key>, KeeperError> {
        match &self.vault {
            Some(vault) if kind == CAMPAIGN => vault.key().ok_or(KeeperError::WaitsForBadge),
            _ => Ok(Arc::clone(&self.key)),
        }
    }

    /// As [`Self::open`], and makes nothing: none where this process cannot have the key, as where systemd gives it to the
    /// service alone.
    ///
    /// # Errors
    /// There is one that cannot be read.
    pub fn existing(data: &Path) -> Result<Option<Self>, KeeperError> {
        let dir = data.join(KEYS_DIR);
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let key = keeper_key::existing(&dir, credentials.as_deref())?;
        Ok(key.map(|key| Self { dir, key: Arc::new(key), vault: None }))
    }

    /// Is the key of this order's secrets in a data directory? Whether it opens is another question.
    pub fn has_key(data: &Path, document: &OrderDocument) -> bool {
        let name = name(document.order.kind(), &document.id);
        document.order.secrets().iter().all(|secret| secret.kept().is_none())
            || data.join(KEYS_DIR).join(format!("{name}.key")).is_file()
    }

    /// Encrypts the secrets of an order, so that it can be written down.
    ///
    /// # Errors
    /// A secret is none, or the order's key cannot be read or made. The order is not to be written then.
    pub fn put_away(&self, document: &mut OrderDocument) -> Result<(), KeeperError> {
        if document.order.secrets().is_empty() {
            return Ok(());
        }
        let outer = self.outer(document.order.kind())?;
        let name = name(document.order.kind(), &document.id);
        let key = match self.order_key(&name, &outer) {
            Ok(Some(key)) => key,
            Ok(None) => self.make_order_key(&name, &outer)?,
            // It was under badges of which none is left: the order that came now is all that counts.
            Err(KeeperError::DoesNotOpen) if self.vault.is_some() => {
                self.wipe(&self.path(&name))?;
                self.make_order_key(&name, &outer)?
            }
            Err(error) => return Err(error),
        };
        for secret in document.order.secrets_mut() {
            let plain = secret.all_bytes().ok_or(KeeperError::NoKey)?;
            *secret = Secret::at_rest(&hex(&seal(&key, &plain, name.as_bytes())?));
        }
        Ok(())
    }

    /// Decrypts the secrets of an order. Such as were never encrypted, from before this was done, stay as they are.
    ///
    /// # Errors
    /// One does not open: its key is destroyed, or another.
    pub fn take_out(&self, document: &mut OrderDocument) -> Result<(), KeeperError> {
        let name = name(document.order.kind(), &document.id);
        if document.order.secrets().iter().all(|secret| secret.kept().is_none()) {
            return Ok(());
        }
        let outer = self.outer(document.order.kind())?;
        let key = self.order_key(&name, &outer)?.ok_or(KeeperError::DoesNotOpen)?;
        for secret in document.order.secrets_mut() {
            let Some(kept) = secret.kept() else { continue };
            let sealed = Secret::new(kept.to_owned()).all_bytes().ok_or(KeeperError::DoesNotOpen)?;
            *secret = Secret::of_bytes(&open(&key, &sealed, name.as_bytes())?);
        }
        Ok(())
    }

    /// Makes the secrets of an order unreadable for good. True: there was something to destroy.
    ///
    /// # Errors
    /// The file of its key cannot be written over or taken away.
    pub fn destroy(&self, kind: &str, id: &str) -> Result<bool, KeeperError> {
        let wiped = self.wipe(&self.path(&name(kind, id)))?;
        Ok(self.destroy_pair(kind, id)? || wiped)
    }

    /// Writes a file over and takes it away. False: there is none.
    fn wipe(&self, path: &Path) -> Result<bool, KeeperError> {
        let failed = |source| KeeperError::Io(path.to_owned(), source);
        let mut file = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        // On flash the old cells may live on for a while; what protects them then is the key that the file was
        // encrypted with.
        let bytes = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(0).min(4096);
        file.write_all(&vec![0; bytes]).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::remove_file(path).map_err(failed)?;
        fs::File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(true)
    }

    fn order_key(&self, name: &str, outer: &Key) -> Result<Option<Key>, KeeperError> {
        let sealed: Secret = match identity::read_secret(&self.path(name)) {
            Ok(sealed) => sealed,
            Err(IdentityError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let sealed = sealed.all_bytes().ok_or(KeeperError::DoesNotOpen)?;
        let plain = open(outer, &sealed, name.as_bytes())?;
        let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| KeeperError::DoesNotOpen)?;
        Ok(Some(Zeroizing::new(key)))
    }

    fn make_order_key(&self, name: &str, outer: &Key) -> Result<Key, KeeperError> {
        let key: Key = random()?;
        let sealed = seal(outer, key.as_ref(), name.as_bytes())?;
        identity::write_secret(&self.path(name), &Secret::of_bytes(&sealed))?;
        Ok(key)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }
}

/// A name for files: an order's id could hold anything.
fn name(kind: &str, id: &str) -> String {
    let digest = Sha256::digest(format!("{kind}/{id}").as_bytes());
    hex(digest.get(..16).unwrap_or_default())
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeeperError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(IdentityError::Random)?;
    Ok(bytes)
}

/// A new nonce, then what was encrypted.
fn seal(key: &Key, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, KeeperError> {
    let nonce = *random::<NONCE_BYTES>()?;
    let payload = Payload { msg: plain, aad };
    let sealed = cipher(key)?.encrypt(&Nonce::from(nonce), payload).map_err(|_| KeeperError::DoesNotOpen)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(key: &Key, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeeperError> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(KeeperError::DoesNotOpen)?;
    let payload = Payload { msg: sealed, aad };
    let plain = cipher(key)?.decrypt(&Nonce::from(*nonce), payload).map_err(|_| KeeperError::DoesNotOpen)?;
    Ok(Zeroizing::new(plain))
}

fn cipher(key: &Key) -> Result<Aes256Gcm, KeeperError> {
    Aes256Gcm::new_from_slice(key.as_ref()).map_err(|_| KeeperError::DoesNotOpen)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
