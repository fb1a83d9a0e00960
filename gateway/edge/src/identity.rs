//! Who this gateway is: `<data>/identity.json`, made once by `waypost init`, readable by its owner only.
//!
//! `{"gateway":"ctc-kwai-chung","journal":"0190…","signing_key":"<64 hex>","secret_key":"<64 hex>"}`. The journal's id is
//! that of the first journal; its time means nothing. `secret_key` is made where a file from before has none.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::{
    fact::id::GatewayId,
    wire::{
        keys::{Seed, SignKey},
        secret_key::SecretKey,
    },
};
use zeroize::Zeroizing;

use crate::clock::Clock;

/// The file's name in the data directory.
pub const IDENTITY_FILE: &str = "identity.json";

/// Longest file of secrets, in bytes: an enrolment with the versions of some hundred orders.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The gateway's name, first journal and signing key.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// Its id.
    pub gateway: GatewayId,
    /// The id of its first journal.
    pub journal: Uuid,
    /// The seed of its Ed25519 key.
    pub signing_key: Seed,
    /// The seed of its X25519 key: secrets in orders are encrypted to it.
    pub secret_key: Seed,
}

/// As it may stand in a file from before secrets were encrypted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    gateway: GatewayId,
    journal: Uuid,
    signing_key: Seed,
    secret_key: Option<Seed>,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No file is there.
    #[error("{0} is missing: make it with `waypost init DIR --gateway ID`")]
    Missing(PathBuf),
    /// A file is there already.
    #[error("{0} is there already and is not written over: its keys are those of a journal")]
    Exists(PathBuf),
    /// Others than its owner can read it.
    #[error("{0} can be read by others than its owner: chmod 600 it, or make new keys if others were there")]
    Open(PathBuf),
    /// It does not read as an identity. The cause is left out on purpose: it could show a part of the key.
    #[error("{0} is damaged: put it back from a copy, or begin a new journal")]
    Damaged(PathBuf),
    /// The system gave no randomness.
    #[error("the system gave no random bytes for a key: {0}")]
    Random(getrandom::Error),
    /// The file system failed.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Identity {
    /// Makes keys and a journal id, and writes them to `<dir>/identity.json`, which must not be there yet.
    pub fn create(dir: &Path, gateway: GatewayId) -> Result<Self, IdentityError> {
        let journal = Self::new_journal_id()?;
        let identity = Self { gateway, journal, signing_key: random_seed()?, secret_key: random_seed()? };
        write_secret(&dir.join(IDENTITY_FILE), &identity)?;
        Ok(identity)
    }

    /// Reads `<dir>/identity.json`, and adds a key for secrets where it has none.
    pub fn read(dir: &Path) -> Result<Self, IdentityError> {
        let path = dir.join(IDENTITY_FILE);
        let Stored { gateway, journal, signing_key, secret_key } = read_secret(&path)?;
        if let Some(secret_key) = secret_key {
            return Ok(Self { gateway, journal, signing_key, secret_key });
        }
        let identity = Self { gateway, journal, signing_key, secret_key: random_seed()? };
        replace_secret(&path, &identity)?;
        Ok(identity)
    }

    /// An id for a journal that follows this one.
    pub fn new_journal_id() -> Result<Uuid, IdentityError> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(IdentityError::Random)?;
        let millis = u64::try_from(Clock::system().now().at.as_millis()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Names another journal from now on; the keys stay.
    pub fn follow(dir: &Path, journal: Uuid) -> Result<(), IdentityError> {
        let identity = Self { journal, ..Self::read(dir)? };
        replace_secret(&dir.join(IDENTITY_FILE), &identity)
    }

    /// The pair that signs what the gateway sends.
    pub fn sign_key(&self) -> SignKey {
        SignKey::of_gateway(&self.gateway, &self.signing_key)
    }

    /// The pair that secrets in orders are encrypted to.
    pub fn secret_key(&self) -> SecretKey {
        SecretKey::new(&self.secret_key)
    }
}

/// 32 bytes from the system.
pub fn random_seed() -> Result<Seed, IdentityError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(IdentityError::Random)?;
    Ok(Seed::from_bytes(*bytes))
}

/// Writes a file of secrets as one line of JSON, for its owner only (0600). It appears whole or not at all, and an
/// existing one stays as it is. Its directory is made where it is missing.
pub fn write_secret(path: &Path, secret: &impl Serialize) -> Result<(), IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let (new, dir) = write_beside(path, to_line(path, secret)?.as_bytes())?;
    // A link, not a rename: it fails where the name is taken.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new).map_err(failed)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(IdentityError::Exists(path.to_owned()));
        }
        linked => linked.map_err(failed)?,
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

/// The same, in place of what stood there before: the old file or the new one is there at any time, whole.
pub fn replace_secret(path: &Path, secret: &impl Serialize) -> Result<(), IdentityError> {
    replace_secret_bytes(path, to_line(path, secret)?.as_bytes())
}

/// The same with what is no JSON, such as a key in PEM.
pub fn replace_secret_bytes(path: &Path, bytes: &[u8]) -> Result<(), IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let (new, dir) = write_beside(path, bytes)?;
    fs::rename(&new, path).map_err(failed)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

fn to_line(path: &Path, secret: &impl Serialize) -> Result<Zeroizing<String>, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let json = serde_json::to_string(secret).map_err(|error| failed(error.into()))?;
    Ok(Zeroizing::new(json + "\n"))
}

/// Writes and syncs a new file beside `path`. Gives the file and its directory.
fn write_beside<'a>(path: &'a Path, bytes: &[u8]) -> Result<(PathBuf, &'a Path), IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // What an interrupted run left behind was never in use.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok((new, dir))
}

/// Reads a file of secrets; refuses one that others than its owner can read.
pub fn read_secret<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, IdentityError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => IdentityError::Missing(path.to_owned()),
        _ => IdentityError::Io { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(IdentityError::Open(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    serde_json::from_str(&text).map_err(|_| IdentityError::Damaged(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway() -> GatewayId {
        GatewayId::new("post-1").unwrap()
    }

    #[test]
    fn an_identity_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert!(matches!(Identity::read(&data), Err(IdentityError::Missing(_))));
        let made = Identity::create(&data, gateway()).unwrap();
        let read = Identity::read(&data).unwrap();
        assert_eq!((&read.gateway, read.journal), (&gateway(), made.journal));
        assert_eq!(read.sign_key().public(), made.sign_key().public());
        assert_eq!(read.sign_key().name(), "post-1");
        assert_eq!(made.journal.get_version_num(), 7);
        assert!(matches!(Identity::create(&data, gateway()), Err(IdentityError::Exists(_))));
        assert_eq!(Identity::read(&data).unwrap().journal, made.journal);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn an_identity_from_before_gets_a_key_for_secrets_that_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(IDENTITY_FILE);
        let made = Identity::create(dir.path(), gateway()).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        json.as_object_mut().unwrap().remove("secret_key");
        fs::write(&path, json.to_string()).unwrap();
        let read = Identity::read(dir.path()).unwrap();
        assert_eq!(read.sign_key().public(), made.sign_key().public());
        assert_ne!(read.secret_key().public(), made.secret_key().public());
        assert_eq!(Identity::read(dir.path()).unwrap().secret_key().public(), read.secret_key().public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn keys_that_others_can_read_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        Identity::create(dir.path(), gateway()).unwrap();
        let path = dir.path().join(IDENTITY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Identity::read(dir.path()), Err(IdentityError::Open(_))));
    }

    #[test]
    fn a_damaged_file_is_told_without_its_content() {
        let dir = tempfile::tempdir().unwrap();
        Identity::create(dir.path(), gateway()).unwrap();
        let path = dir.path().join(IDENTITY_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.get(..text.len() - 20).unwrap()).unwrap();
        let error = Identity::read(dir.path()).unwrap_err();
        assert!(matches!(error, IdentityError::Damaged(_)));
        assert!(std::error::Error::source(&error).is_none());
    }
}
