//! One-time codes and enrolled gateways, as files that commands and the running hub share.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use waypost_core::{
    fact::{WallTime, id::GatewayId},
    wire::{
        enrolment::{CODE_SECRET_BYTES, EnrolRequest, from_hex, to_hex},
        keys::PublicKey,
        secret_key::SecretPublicKey,
    },
};

use super::{
    authority::{Issued, Revoked},
    file::{self, Readers},
};

/// Wrong tries after which a code is void.
pub const TRIES_MAX: u8 = 5;

/// Certificates of a gateway that are remembered; older ones ended long ago or were never used.
const CERTIFICATES_MAX: usize = 32;

/// A certificate that ended so long ago needs no place on a list.
const FORGET_MS: i64 = 30 * 86_400_000;

/// Most gateways that are read.
const GATEWAYS_MAX: usize = 10_000;

/// Why the registry cannot be used, or says no.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file system.
    #[error("cannot use {0}")]
    Io(PathBuf, #[source] io::Error),
    /// A file that does not read. What is in it may be secret and is not told.
    #[error("{0} is damaged: put it back from a copy")]
    Damaged(PathBuf),
    /// No gateway of that name is enrolled.
    #[error("no gateway of that name is enrolled")]
    Unknown,
    /// Its code is unknown, used up, wrong or too old; a request does not learn which.
    #[error("the code is not valid: it may be used already, too old, or for another gateway")]
    Code,
    /// It is revoked.
    #[error("the gateway is revoked")]
    Revoked,
    /// It does not prove its old key.
    #[error("the old certificate's key is not proved")]
    Proof,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random(#[from] getrandom::Error),
}

/// A certificate that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Its serial number, hex.
    pub serial: String,
    /// Its public key, hex.
    pub tls_key: String,
    /// When it ends.
    pub ends: WallTime,
    /// Since when it is revoked.
    #[serde(default)]
    pub revoked: Option<WallTime>,
}

/// An enrolled gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id.
    pub gateway: GatewayId,
    /// The key that it signs with.
    pub sign_key: PublicKey,
    /// The key that secrets are encrypted to.
    pub secret_key: SecretPublicKey,
    /// The journal that it named.
    pub journal: Uuid,
    /// Its certificates, oldest first.
    pub certificates: Vec<Given>,
    /// Since when it is revoked.
    #[serde(default)]
    pub revoked: Option<WallTime>,
}

/// A one-time code.
#[derive(Serialize, Deserialize)]
struct StoredCode {
    secret: String,
    ends: WallTime,
    tries_left: u8,
    /// Who used it: the same gateway may ask again where the answer was lost.
    used_by: Option<PublicKey>,
}

/// The files, in the hub's folder.
#[derive(Debug, Clone)]
pub struct Registry {
    gateways: PathBuf,
    codes: PathBuf,
}

impl Registry {
    /// Those of `<hub>/gateways/` and `<hub>/codes/`; they need not be there yet.
    pub fn new(hub: &Path) -> Self {
        Self { gateways: hub.join("gateways"), codes: hub.join("codes") }
    }

    /// Makes a code for a gateway; one made before is void.
    pub fn make_code(
        &self,
        gateway: &GatewayId,
        ends: WallTime,
    ) -> Result<[u8; CODE_SECRET_BYTES], RegistryError> {
        let _lock = self.lock()?;
        let mut secret = [0; CODE_SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let code = StoredCode { secret: to_hex(&secret), ends, tries_left: TRIES_MAX, used_by: None };
        write(&self.code_path(gateway), &code)?;
        Ok(secret)
    }

    /// Enrols the gateway of a request that proves its code. `issue` makes the certificate. A code that is wrong counts
    /// against the tries; those of before are revoked with it.
    pub fn enrol<E: From<RegistryError>>(
        &self,
        asked: &EnrolRequest,
        now: WallTime,
        issue: impl FnOnce() -> Result<Issued, E>,
    ) -> Result<Issued, E> {
        let _lock = self.lock()?;
        let path = self.code_path(&asked.gateway);
        let Some(mut code) = read::<StoredCode>(&path)? else { return Err(RegistryError::Code.into()) };
        let secret = from_hex(&code.secret).ok_or_else(|| RegistryError::Damaged(path.clone()))?;
        let is_others = code.used_by.is_some_and(|key| key != asked.sign_key);
        if now > code.ends || code.tries_left == 0 || is_others {
            return Err(RegistryError::Code.into());
        }
        // Counted before anything is given, right or wrong: also repeats of a right one are bounded.
        code.tries_left -= 1;
        if !asked.proves_code(&secret) {
            write(&path, &code)?;
            return Err(RegistryError::Code.into());
        }
        code.used_by = Some(asked.sign_key);
        write(&path, &code)?;
        let issued = issue()?;
        let mut certificates = self.read(&asked.gateway)?.map_or(Vec::new(), |before| before.certificates);
        for given in &mut certificates {
            given.revoked = given.revoked.or(Some(now));
        }
        self.write(asked, certificates, &issued, now)?;
        Ok(issued)
    }

    /// Gives an enrolled gateway that is not revoked another certificate. `proves` says whether the request proves a
    /// public key of a certificate that it has. Whether that ended does not matter.
    pub fn renew<E: From<RegistryError>>(
        &self,
        asked: &EnrolRequest,
        now: WallTime,
        proves: impl Fn(&str) -> bool,
        issue: impl FnOnce() -> Result<Issued, E>,
    ) -> Result<Issued, E> {
        let _lock = self.lock()?;
        let Some(known) = self.read(&asked.gateway)? else { return Err(RegistryError::Unknown.into()) };
        if known.revoked.is_some() {
            return Err(RegistryError::Revoked.into());
        }
        let mut held = known.certificates.iter().filter(|given| given.revoked.is_none());
        if known.sign_key != asked.sign_key || !held.any(|given| proves(&given.tls_key)) {
            return Err(RegistryError::Proof.into());
        }
        let issued = issue()?;
        self.write(asked, known.certificates, &issued, now)?;
        Ok(issued)
    }

    /// Revokes a gateway and all its certificates; its code is void too.
    pub fn revoke(&self, gateway: &GatewayId, now: WallTime) -> Result<Enrolled, RegistryError> {
        let _lock = self.lock()?;
        let mut known = self.read(gateway)?.ok_or(RegistryError::Unknown)?;
        known.revoked = known.revoked.or(Some(now));
        for given in &mut known.certificates {
            given.revoked = given.revoked.or(Some(now));
        }
        write(&self.gateway_path(gateway), &known)?;
        match fs::remove_file(self.code_path(gateway)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RegistryError::Io(self.code_path(gateway), error))
            }
            _ => Ok(known),
        }
    }

    /// What is known of one gateway.
    pub fn read(&self, gateway: &GatewayId) -> Result<Option<Enrolled>, RegistryError> {
        read(&self.gateway_path(gateway))
    }

    /// All enrolled gateways, by id.
    pub fn all(&self) -> Result<Vec<Enrolled>, RegistryError> {
        let Ok(entries) = fs::read_dir(&self.gateways) else { return Ok(Vec::new()) };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .take(GATEWAYS_MAX)
            .collect();
        paths.sort();
        paths.iter().filter_map(|path| read(path).transpose()).collect()
    }

    /// All certificates for the revocation list.
    pub fn revoked(&self) -> Result<Vec<Revoked>, RegistryError> {
        let given = self.all()?.into_iter().flat_map(|known| known.certificates);
        Ok(given.filter_map(|given| Some(Revoked { serial: given.serial, since: given.revoked? })).collect())
    }

    /// Changes whenever a gateway's file is written.
    pub(crate) fn stamp(&self) -> Option<SystemTime> {
        fs::metadata(&self.gateways).and_then(|data| data.modified()).ok()
    }

    fn write(
        &self,
        asked: &EnrolRequest,
        mut certificates: Vec<Given>,
        issued: &Issued,
        now: WallTime,
    ) -> Result<(), RegistryError> {
        certificates.retain(|given| given.ends.plus_ms(FORGET_MS) > now || given.revoked.is_none());
        certificates.push(Given {
            serial: issued.serial.clone(),
            tls_key: issued.tls_key.clone(),
            ends: issued.ends,
            revoked: None,
        });
        let spare = certificates.len().saturating_sub(CERTIFICATES_MAX);
        certificates.drain(..spare);
        let known = Enrolled {
            gateway: asked.gateway.clone(),
            sign_key: asked.sign_key,
            secret_key: asked.secret_key,
            journal: asked.journal,
            certificates,
            revoked: None,
        };
        write(&self.gateway_path(&asked.gateway), &known)
    }

    /// Held until it is dropped; other processes wait.
    fn lock(&self) -> Result<File, RegistryError> {
        let path = self.gateways.join(".lock");
        let locked = fs::create_dir_all(&self.gateways).and_then(|()| {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| RegistryError::Io(path, error))
    }

    fn gateway_path(&self, gateway: &GatewayId) -> PathBuf {
        self.gateways.join(format!("{}.json", file_name(gateway)))
    }

    fn code_path(&self, gateway: &GatewayId) -> PathBuf {
        self.codes.join(format!("{}.json", file_name(gateway)))
    }
}

/// May a gateway of this name be enrolled? Its name stands in topics, files, certificates and the broker's list.
pub fn is_plain(gateway: &GatewayId) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let name = gateway.as_str();
    name.bytes().all(plain) && !["all", super::authority::HUB_NAME].contains(&name)
}

/// A name from a request may hold anything; what is not plain gets a name that no file has.
fn file_name(gateway: &GatewayId) -> &str {
    if is_plain(gateway) { gateway.as_str() } else { "-" }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, RegistryError> {
    match file::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|_| RegistryError::Damaged(path.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RegistryError::Io(path.to_owned(), error)),
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), RegistryError> {
    let failed = |error| RegistryError::Io(path.to_owned(), error);
    let bytes = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
    file::replace(path, &bytes, Readers::Owner).map_err(failed)
}

#[cfg(test)]
mod tests;
