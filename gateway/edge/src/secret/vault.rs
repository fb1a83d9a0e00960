//! The key of campaigns' keys, under the badges of those who may serve.
//!
//! A badge's code has 128 random bits and is stored nowhere, so what is encrypted with it is safe on a stolen card. The
//! vault's key is random and made when the first such badge is scanned. From each badge that is scanned while the vault
//! is open a key is derived (HKDF-SHA256 over the code, a random salt each) that encrypts the vault's key (AES-256-GCM)
//! into `<data>/keys/badges.json`, which is encrypted with the gateway's key for what rests as well: where that comes from
//! a TPM, badge and machine are needed together. After a start the vault is closed until one of these badges is scanned.
//! Who may serve no more loses the place in the file at the next scan of anybody.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use hkdf::Hkdf;
use sha2::Sha256;
use waypost_core::{code::Badge, rule::order::Secret};
use zeroize::Zeroizing;

use super::{KeeperError, Key, open, random, seal};
use crate::identity::{self, IdentityError};

/// The file in the folder of keys.
const FILE: &str = "badges.json";

/// Badges that may open the vault; at the bound the next one opens it no more after a start.
pub const BADGES_MAX: usize = 100;

/// Bytes of a derivation's salt.
const SALT_BYTES: usize = 16;

/// What the derivation is for.
const PURPOSE: &str = "waypost-badge-v1";

/// What came of a badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The vault was opened by it.
    Opened,
    /// It was open.
    WasOpen,
    /// It stays closed: this person never served here while it was open. Another badge opens it.
    StaysClosed,
}

/// The vault. Clones share it.
#[derive(Clone)]
pub struct Vault {
    path: PathBuf,
    rest: Arc<Key>,
    key: Arc<Mutex<Option<Arc<Key>>>>,
}

/// By badge hash: salt, nonce and the vault's key under that badge, hex.
type Places = BTreeMap<String, String>;

impl Vault {
    /// A vault that is closed.
    pub(super) fn new(dir: &Path, rest: Arc<Key>) -> Self {
        Self { path: dir.join(FILE), rest, key: Arc::default() }
    }

    /// Its key; none while it is closed.
    pub(super) fn key(&self) -> Option<Arc<Key>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A badge was scanned since the start, or the first of all.
    pub fn is_open(&self) -> bool {
        self.key().is_some()
    }

    /// A badge was scanned whose person is signed in and may serve. `may_serve` says which others may, by badge hash.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn present(
        &self,
        badge: &Badge,
        hash: &str,
        may_serve: impl Fn(&str) -> bool,
    ) -> Result<Presented, KeeperError> {
        let mut held = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.read()?;
        let mut places = before.clone();
        places.retain(|hash, _| may_serve(hash));
        let (key, presented) = match (held.as_ref(), places.get(hash)) {
            (Some(key), _) => (Arc::clone(key), Presented::WasOpen),
            (None, Some(place)) => (Arc::new(under(badge, hash, place)?), Presented::Opened),
            (None, None) if places.is_empty() => (Arc::new(random()?), Presented::Opened),
            (None, None) => return Ok(Presented::StaysClosed),
        };
        if !places.contains_key(hash) && places.len() < BADGES_MAX {
            places.insert(hash.to_owned(), put_under(badge, hash, &key)?);
        }
        if places != before {
            self.write(&places)?;
        }
        *held = Some(key);
        Ok(presented)
    }

    fn read(&self) -> Result<Places, KeeperError> {
        let sealed: Secret = match identity::read_secret(&self.path) {
            Ok(sealed) => sealed,
            Err(IdentityError::Missing(_)) => return Ok(Places::new()),
            Err(error) => return Err(error.into()),
        };
        let sealed = sealed.all_bytes().ok_or(KeeperError::DoesNotOpen)?;
        let plain = open(&self.rest, &sealed, PURPOSE.as_bytes())?;
        serde_json::from_slice(&plain).map_err(|_| KeeperError::DoesNotOpen)
    }

    fn write(&self, places: &Places) -> Result<(), KeeperError> {
        let plain = serde_json::to_vec(places).map_err(|_| KeeperError::DoesNotOpen)?;
        let sealed = seal(&self.rest, &plain, PURPOSE.as_bytes())?;
        Ok(identity::replace_secret(&self.path, &Secret::of_bytes(&sealed))?)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.key().is_some() { "Vault(open)" } else { "Vault(closed)" })
    }
}

fn put_under(badge: &Badge, hash: &str, key: &Key) -> Result<String, KeeperError> {
    let salt = random::<SALT_BYTES>()?;
    let sealed = seal(&derived(badge, hash, salt.as_ref())?, key.as_ref(), hash.as_bytes())?;
    Ok(super::hex(&[salt.as_slice(), &sealed].concat()))
}

fn under(badge: &Badge, hash: &str, place: &str) -> Result<Key, KeeperError> {
    let bytes = Secret::new(place.to_owned()).all_bytes().ok_or(KeeperError::DoesNotOpen)?;
    let (salt, sealed) = bytes.split_first_chunk::<SALT_BYTES>().ok_or(KeeperError::DoesNotOpen)?;
    let plain = open(&derived(badge, hash, salt)?, sealed, hash.as_bytes())?;
    plain.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeeperError::DoesNotOpen)
}

fn derived(badge: &Badge, hash: &str, salt: &[u8]) -> Result<Key, KeeperError> {
    let mut key = Zeroizing::new([0; 32]);
    let info = format!("{PURPOSE}\u{1F}{hash}");
    Hkdf::<Sha256>::new(Some(salt), badge.expose().as_bytes())
        .expand(info.as_bytes(), key.as_mut())
        .map_err(|_| KeeperError::DoesNotOpen)?;
    Ok(key)
}
