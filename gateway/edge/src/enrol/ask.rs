//! Asking the hub for a certificate, and believing its answer.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde::Deserialize;
use waypost_core::wire::{
    enrolment::{
        ANSWER_BYTES_MAX, Answer, AnswerError, Code, ENROL_PATH, EnrolRequest, Grant, RENEW_PATH, to_hex,
    },
    roles,
    sign::SignError,
};

use super::{Certificate, ENROLMENT_FILE, Enrolment, Granted, Slot, Trust, TrustError};
use crate::identity::{Identity, IdentityError, replace_secret, replace_secret_bytes};

/// How long the hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Keys or files of the gateway.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The list of keys.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The gateway's key file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// The hub is not reached.
    #[error("the hub at {0} is not reached: check address and network")]
    Away(String, #[source] reqwest::Error),
    /// The hub said no. Why, in its word.
    #[error("{}", said(.0))]
    Refused(String),
    /// What came is no answer of a hub.
    #[error("what answered at that address is no hub of Waypost")]
    NoHub,
    /// Its answer is not believed.
    #[error("the hub's answer is not believed")]
    Answer(#[from] AnswerError),
    /// A key or a request cannot be made.
    #[error("a key for TLS cannot be made or used")]
    Key(#[from] rcgen::Error),
    /// The request cannot be signed.
    #[error("the request cannot be signed")]
    Sign(#[from] SignError),
    /// The certificate is not for the key.
    #[error("the hub's certificate does not belong to the key that was made")]
    OtherKey,
}

fn said(word: &str) -> &'static str {
    match word {
        "code" => {
            "the hub refused the code: it may be used already, too old, or for another gateway; make a new one there with `waypost hub enrol`"
        }
        "unknown" => "the hub does not list this gateway: add it to the hub's configuration",
        "revoked" => "this gateway is revoked at the hub: enrol it anew if that was a mistake",
        "proof" => "the hub does not know the keys of this gateway: enrol it anew",
        "busy" => "the hub is busy: try again in a moment",
        "malformed" => "the hub cannot read the request: are both of the same version?",
        _ => "the hub cannot grant anything now: its log says why",
    }
}

/// Enrols a gateway with a one-time code at `hub` (`host:port`): makes its TLS key, and keeps what the hub grants. A
/// gateway that was enrolled before uses its other slot, so that nothing that works is lost on the way.
pub async fn enrol(data: &Path, identity: &Identity, code: &Code, hub: &str) -> Result<Granted, EnrolError> {
    let (key, mut asked) = request(identity)?;
    asked.prove_code(&code.secret);
    let answer = post(hub, ENROL_PATH, asked.sign(&identity.sign_key())?).await?;
    let (keys, grant) = answer.open(&code.fingerprint, &asked)?;
    let before = Enrolment::read(data).ok().flatten().map(|before| before.granted().current.slot);
    let slot = before.map_or(Slot::A, Slot::other);
    write_slot(data, slot, &key, &grant)?;
    Trust::keep(data, answer.root, &keys)?;
    let granted = Granted {
        gateway: grant.gateway,
        hub: hub.to_owned(),
        root: answer.root,
        broker: grant.broker,
        current: Certificate { slot, renew_from: grant.renew_from, ends: grant.ends },
        next: None,
        lowest: grant.lowest,
    };
    replace_secret(&data.join(ENROLMENT_FILE), &granted)?;
    Ok(granted)
}

/// Renews the certificate, ended or not: a new key and certificate go into the slot that is not in use.
pub async fn renew(enrolment: &Enrolment, identity: &Identity) -> Result<Certificate, EnrolError> {
    let mut granted = enrolment.granted();
    let data = &enrolment.data;
    let (key, mut asked) = request(identity)?;
    let old = granted.current.slot.files(data).key;
    let pem =
        zeroize::Zeroizing::new(fs::read_to_string(&old).map_err(|error| EnrolError::Read(old, error))?);
    asked.old_key_proof = Some(to_hex(&KeyPair::from_pem(&pem)?.sign(&asked.proved())?));
    let answer = post(&granted.hub, RENEW_PATH, asked.sign(&identity.sign_key())?).await?;
    let (keys, grant) = answer.open(&roles::fingerprint(&granted.root), &asked)?;
    let slot = granted.current.slot.other();
    write_slot(data, slot, &key, &grant)?;
    match enrolment.trust().take(&keys) {
        Ok(_) | Err(TrustError::Older { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let next = Certificate { slot, renew_from: grant.renew_from, ends: grant.ends };
    granted.broker = grant.broker;
    granted.next = Some(next.clone());
    enrolment.take(granted)?;
    Ok(next)
}

/// A new key for TLS, and the request for its certificate.
fn request(identity: &Identity) -> Result<(KeyPair, EnrolRequest), EnrolError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, identity.gateway.as_str());
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(IdentityError::Random)?;
    let asked = EnrolRequest {
        gateway: identity.gateway.clone(),
        nonce: to_hex(&nonce),
        sign_key: identity.sign_key().public(),
        secret_key: identity.secret_key().public(),
        request: params.serialize_request(&key)?.pem()?,
        journal: identity.journal,
        code_mac: None,
        old_key_proof: None,
    };
    Ok((key, asked))
}

/// The word that a hub gives with a refusal.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

async fn post(hub: &str, path: &str, body: Vec<u8>) -> Result<Answer, EnrolError> {
    let away = |error| EnrolError::Away(hub.to_owned(), error);
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(away)?;
    let mut response = client.post(format!("http://{hub}{path}")).body(body).send().await.map_err(away)?;
    let granted = response.status().is_success();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(EnrolError::NoHub);
        }
    }
    if granted {
        return serde_json::from_slice(&bytes).map_err(|_| EnrolError::NoHub);
    }
    let refusal: Refusal = serde_json::from_slice(&bytes).map_err(|_| EnrolError::NoHub)?;
    Err(EnrolError::Refused(refusal.error))
}

/// Writes key, certificate and authority of a slot that is not in use, once they are known to belong together.
fn write_slot(data: &Path, slot: Slot, key: &KeyPair, grant: &Grant) -> Result<(), EnrolError> {
    let pem = zeroize::Zeroizing::new(key.serialize_pem());
    let chain = CertificateDer::pem_slice_iter(grant.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| EnrolError::NoHub)?;
    let private = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| EnrolError::OtherKey)?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|_| EnrolError::OtherKey)?;
    let files = slot.files(data);
    replace_secret_bytes(&files.key, pem.as_bytes())?;
    replace_secret_bytes(&files.cert, grant.certificate.as_bytes())?;
    Ok(replace_secret_bytes(&files.ca, grant.ca.as_bytes())?)
}
