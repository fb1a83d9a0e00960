//! The authority of broker and gateways: certificates, the revocation list, the root's list of keys.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use waypost_core::{
    fact::{WallTime, id::GatewayId},
    wire::{
        enrolment::{from_hex, to_hex},
        keys::{PublicKey, SignKey},
        roles::KeyRoles,
        sign::{OpenError, SignError},
    },
};

use super::file::{self, Readers};

/// The folder within the hub's folder.
pub const AUTHORITY_DIR: &str = "authority";

/// The authority's certificate: broker, hub and gateways need it.
pub const CA_FILE: &str = "ca.pem";

/// Its key.
const CA_KEY_FILE: &str = "ca-key.pem";

/// Revoked certificates, for the broker.
pub const CRL_FILE: &str = "ca.crl.pem";

/// The list of keys, signed by the root.
pub const KEYS_FILE: &str = "keys.cose";

/// The root's public key, hex.
const ROOT_FILE: &str = "root.pub";

/// The name that the hub has at the broker.
pub const HUB_NAME: &str = "waypost-hub";

/// How long the authority, the broker's and the hub's certificates and a revocation list hold.
const LONG_DAYS: u32 = 7_300;

/// A certificate begins so long before it is made: clocks differ.
const BEFORE_MS: i64 = 24 * 3_600_000;

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// Why the authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// There is none.
    #[error("there is no authority in {0}: make it with `waypost hub init`")]
    Absent(PathBuf),
    /// There is one.
    #[error("there is an authority in {0} already: gateways trust it, so it is not written over")]
    Exists(PathBuf),
    /// The file system.
    #[error("cannot use {0}")]
    Io(PathBuf, #[source] io::Error),
    /// A certificate cannot be made or read.
    #[error("{what}")]
    Certificate {
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// The list of keys is not the root's.
    #[error("the list of keys is not signed by the root")]
    Keys(#[from] OpenError),
    /// The list of keys cannot be signed.
    #[error("the list of keys cannot be signed")]
    Sign(#[from] SignError),
    /// The root's public key does not read.
    #[error("{0} is no public key")]
    Root(PathBuf),
    /// A file of a root, but of another one.
    #[error("this is not the root that the gateways pinned")]
    OtherRoot,
    /// A new list must be newer.
    #[error("the system gave no random bytes")]
    Random(#[from] getrandom::Error),
    /// A request that may not be granted.
    #[error("the certificate request is not signed with a P-256 key")]
    Request,
}

/// A certificate that was made.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its serial number, hex.
    pub serial: String,
    /// Its public key: the point of P-256, hex.
    pub tls_key: String,
    /// When it ends.
    pub ends: WallTime,
}

/// A certificate that must not be taken any more.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// Its serial number, hex.
    pub serial: String,
    /// Since when.
    pub since: WallTime,
}

/// An authority that can issue.
pub struct Authority {
    dir: PathBuf,
    ca: String,
    issuer: Issuer<'static, KeyPair>,
    root: PublicKey,
    keys: Vec<u8>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Authority({})", self.dir.display())
    }
}

impl Authority {
    /// Makes one in `<hub>/authority/`, which must not be there: its certificate and key, an empty revocation list, the
    /// first list of keys signed by the root, and certificates of the hub's client and of the broker, which bears the
    /// given names and addresses.
    pub fn create(
        hub: &Path,
        root: &SignKey,
        roles: &KeyRoles,
        broker_names: &[String],
        now: WallTime,
    ) -> Result<Self, AuthorityError> {
        let dir = hub.join(AUTHORITY_DIR);
        if dir.join(CA_FILE).exists() || dir.join(ROOT_FILE).exists() {
            return Err(AuthorityError::Exists(dir));
        }
        let failed = |what| move |source| AuthorityError::Certificate { what, source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed("no key can be made"))?;
        let mut params = named("Waypost authority", now, LONG_DAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca =
            params.self_signed(&key).map_err(failed("the authority's certificate cannot be made"))?.pem();
        let keys = roles.sign(root)?;
        write(&dir, CA_KEY_FILE, key.serialize_pem().as_bytes(), Readers::Owner)?;
        write(&dir, KEYS_FILE, &keys, Readers::All)?;
        write(&dir, CA_FILE, ca.as_bytes(), Readers::All)?;
        write(&dir, ROOT_FILE, format!("{}\n", root.public()).as_bytes(), Readers::All)?;
        let authority = Self { dir, ca, issuer: Issuer::new(params, key), root: root.public(), keys };
        authority.write_revoked(&[], now)?;
        authority.write_own("hub", HUB_NAME, &[], ExtendedKeyUsagePurpose::ClientAuth, now)?;
        if !broker_names.is_empty() {
            authority.write_own(
                "broker",
                "Waypost broker",
                broker_names,
                ExtendedKeyUsagePurpose::ServerAuth,
                now,
            )?;
        }
        Ok(authority)
    }

    /// Opens the one in `<hub>/authority/`.
    pub fn open(hub: &Path) -> Result<Self, AuthorityError> {
        let dir = hub.join(AUTHORITY_DIR);
        let ca = String::from_utf8_lossy(&read(&dir, CA_FILE)?).into_owned();
        let key_path = dir.join(CA_KEY_FILE);
        let key = file::read_secret(&key_path).map_err(|error| AuthorityError::Io(key_path, error))?;
        let failed =
            |source| AuthorityError::Certificate { what: "the authority's files cannot be read", source };
        let key = KeyPair::from_pem(&key).map_err(failed)?;
        let issuer = Issuer::from_ca_cert_pem(&ca, key).map_err(failed)?;
        let (root, keys) = (root(hub)?, read(&dir, KEYS_FILE)?);
        KeyRoles::open(&keys, &root)?;
        Ok(Self { dir, ca, issuer, root, keys })
    }

    /// The authority's certificate, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The root's public key.
    pub fn root(&self) -> PublicKey {
        self.root
    }

    /// The list of keys, as the root signed it.
    pub fn keys(&self) -> &[u8] {
        &self.keys
    }

    /// Makes a certificate for a gateway: the name is the gateway's, whatever its request says.
    pub fn issue(
        &self,
        gateway: &GatewayId,
        request: &str,
        now: WallTime,
        days: u32,
    ) -> Result<Issued, AuthorityError> {
        let request =
            CertificateSigningRequestParams::from_pem(request).map_err(|_| AuthorityError::Request)?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::Request);
        }
        let mut params = named(gateway.as_str(), now, days);
        let serial = serial()?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&request.public_key, &self.issuer).map_err(|source| {
            AuthorityError::Certificate { what: "the gateway's certificate cannot be made", source }
        })?;
        Ok(Issued {
            certificate: certificate.pem(),
            serial: to_hex(&serial),
            tls_key: to_hex(request.public_key.der_bytes()),
            ends: now.plus_ms(i64::from(days) * DAY_MS),
        })
    }

    /// Writes the revocation list anew. The broker reads it at its start.
    pub fn write_revoked(&self, revoked: &[Revoked], now: WallTime) -> Result<(), AuthorityError> {
        let revoked_certs = revoked
            .iter()
            .filter_map(|revoked| {
                Some(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&from_hex(&revoked.serial)?),
                    revocation_time: date(revoked.since),
                    reason_code: Some(RevocationReason::Unspecified),
                    invalidity_date: None,
                })
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date(now.plus_ms(-BEFORE_MS)),
            next_update: date(now.plus_ms(i64::from(LONG_DAYS) * DAY_MS)),
            crl_number: SerialNumber::from(u64::try_from(now.as_millis()).unwrap_or(0)),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let failed =
            |source| AuthorityError::Certificate { what: "the revocation list cannot be made", source };
        let pem = list.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(failed)?;
        write(&self.dir, CRL_FILE, pem.as_bytes(), Readers::All)
    }

    fn write_own(
        &self,
        file: &str,
        name: &str,
        names: &[String],
        usage: ExtendedKeyUsagePurpose,
        now: WallTime,
    ) -> Result<(), AuthorityError> {
        let failed = |source| AuthorityError::Certificate { what: "a certificate cannot be made", source };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = named(name, now, LONG_DAYS);
        params.subject_alt_names = CertificateParams::new(names).map_err(failed)?.subject_alt_names;
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        write(&self.dir, &format!("{file}-key.pem"), key.serialize_pem().as_bytes(), Readers::Owner)?;
        write(&self.dir, &format!("{file}.pem"), certificate.pem().as_bytes(), Readers::All)
    }
}

/// The root's public key, as the hub has it.
pub fn root(hub: &Path) -> Result<PublicKey, AuthorityError> {
    let dir = hub.join(AUTHORITY_DIR);
    let text = String::from_utf8_lossy(&read(&dir, ROOT_FILE)?).into_owned();
    text.trim().parse().map_err(|_| AuthorityError::Root(dir.join(ROOT_FILE)))
}

/// The list of keys that is published: the signed bytes and what they say.
pub fn key_roles(hub: &Path) -> Result<(Vec<u8>, KeyRoles), AuthorityError> {
    let bytes = read(&hub.join(AUTHORITY_DIR), KEYS_FILE)?;
    let roles = KeyRoles::open(&bytes, &root(hub)?)?;
    Ok((bytes, roles))
}

/// Changes the list of keys, with the root that the operator brought: the version grows by one.
pub fn change_roles(
    hub: &Path,
    root_key: &SignKey,
    change: impl FnOnce(&mut KeyRoles),
) -> Result<KeyRoles, AuthorityError> {
    if root(hub)? != root_key.public() {
        return Err(AuthorityError::OtherRoot);
    }
    let (_, mut roles) = key_roles(hub)?;
    change(&mut roles);
    roles.version = roles.version.saturating_add(1);
    write(&hub.join(AUTHORITY_DIR), KEYS_FILE, &roles.sign(root_key)?, Readers::All)?;
    Ok(roles)
}

fn named(name: &str, now: WallTime, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(now.plus_ms(-BEFORE_MS));
    params.not_after = date(now.plus_ms(i64::from(days) * DAY_MS));
    params
}

/// 16 random bytes, positive as a number.
fn serial() -> Result<[u8; 16], AuthorityError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial)?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(serial)
}

/// In whole seconds; a time before 1970 becomes 1970.
fn date(at: WallTime) -> time::OffsetDateTime {
    let seconds = u64::try_from(at.as_millis() / 1000).unwrap_or(0);
    date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
}

fn read(dir: &Path, name: &str) -> Result<Vec<u8>, AuthorityError> {
    let path = dir.join(name);
    file::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => AuthorityError::Absent(dir.to_owned()),
        _ => AuthorityError::Io(path, error),
    })
}

fn write(dir: &Path, name: &str, bytes: &[u8], readers: Readers) -> Result<(), AuthorityError> {
    let path = dir.join(name);
    file::replace(&path, bytes, readers).map_err(|error| AuthorityError::Io(path, error))
}
