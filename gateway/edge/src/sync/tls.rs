//! TLS to the broker, for a machine that may not know what time it is.
//!
//! A gateway without a clock battery wakes in 1970, and learns the time from the hub, through the broker. So while
//! nothing has confirmed its clock, the dates of the broker's certificate are left aside; its chain and its name are
//! checked always.

use std::{fs, io, path::PathBuf, sync::Arc};

use rumqttc::TlsConfiguration;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem, pem::PemObject},
};
use waypost_core::fact::ClockQuality;

use crate::{clock::Clock, config::Tls};

/// Each certificate of a chain may have dates of its own; so many are looked at.
const CHAIN_MAX: usize = 4;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {0}")]
    File(PathBuf, #[source] io::Error),
    /// A file is not PEM, or has nothing of what it should hold.
    #[error("{0} holds no certificate or key in PEM")]
    Pem(PathBuf, #[source] pem::Error),
    /// The authority's file has no certificate that can be used.
    #[error("{0} has no certificate of an authority that can be used")]
    NoAuthority(PathBuf, #[source] VerifierBuilderError),
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("the gateway's certificate and key cannot be used")]
    Own(#[source] Error),
}

/// The broker's authority, and this gateway's certificate and key.
pub fn configuration(tls: &Tls, clock: Clock) -> Result<TlsConfiguration, TlsError> {
    let verifier = BrokerVerifier { inner: chain_verifier(&tls.ca)?, clock };
    let own = CertificateDer::pem_slice_iter(&read(&tls.cert)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Pem(tls.cert.clone(), error))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?)
        .map_err(|error| TlsError::Pem(tls.key.clone(), error))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Own)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(own, key)
        .map_err(TlsError::Own)?;
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

fn chain_verifier(ca: &PathBuf) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&read(ca)?) {
        let certificate = certificate.map_err(|error| TlsError::Pem(ca.clone(), error))?;
        roots.add_parsable_certificates([certificate]);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map_err(|error| TlsError::NoAuthority(ca.clone(), error))
}

fn read(path: &PathBuf) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::File(path.clone(), error))
}

/// Checks chain and name always, and dates once the clock is confirmed.
#[derive(Debug)]
struct BrokerVerifier {
    inner: Arc<WebPkiServerVerifier>,
    clock: Clock,
}

impl ServerCertVerifier for BrokerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let now = self.clock.now();
        let seconds = u64::try_from(now.at.as_millis() / 1000).unwrap_or(0);
        let mut time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let mut tries = 0;
        loop {
            let verified =
                self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, time);
            tries += 1;
            // Only the date is wrong: everything is checked again, as of a date that the certificate names.
            match verified {
                Err(Error::InvalidCertificate(
                    CertificateError::ExpiredContext { not_after: within, .. }
                    | CertificateError::NotValidYetContext { not_before: within, .. },
                )) if now.clock < ClockQuality::Ntp && tries <= CHAIN_MAX => time = within,
                verified => return verified,
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use waypost_core::fact::WallTime;

    use super::*;

    /// A certificate of `broker.example`, valid in the year 2020, and its authority, valid from 2019 to 2039.
    const BROKER: &[u8] = include_bytes!("tls/broker.pem");

    fn check(ca: &str, at: &str, quality: ClockQuality, name: &str) -> Result<(), Error> {
        let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync/tls").join(ca);
        let at: WallTime = at.parse().unwrap();
        let clock = Clock::simulated(at, 1.0);
        if quality > ClockQuality::Unset {
            assert!(clock.set(at.as_millis(), quality));
        }
        let verifier = BrokerVerifier { inner: chain_verifier(&ca).unwrap(), clock };
        let certificate = CertificateDer::from_pem_slice(BROKER).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        verifier.verify_server_cert(&certificate, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn a_clock_that_is_not_confirmed_leaves_the_dates_aside() {
        for at in
            ["1970-01-01T00:00:05Z", "2020-06-01T00:00:00Z", "2026-01-01T00:00:00Z", "2050-01-01T00:00:00Z"]
        {
            for quality in [ClockQuality::Unset, ClockQuality::Rtc] {
                assert_eq!(check("ca.pem", at, quality, "broker.example"), Ok(()), "{at}");
            }
        }
    }

    #[test]
    fn a_confirmed_clock_does_not() {
        let check = |at| check("ca.pem", at, ClockQuality::Ntp, "broker.example");
        assert_eq!(check("2020-06-01T00:00:00Z"), Ok(()));
        assert!(check("1970-01-01T00:00:05Z").is_err());
        assert!(check("2026-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn chain_and_name_are_checked_whatever_the_clock() {
        for quality in [ClockQuality::Unset, ClockQuality::Ntp] {
            for at in ["1970-01-01T00:00:05Z", "2020-06-01T00:00:00Z", "2026-01-01T00:00:00Z"] {
                assert!(check("other-ca.pem", at, quality, "broker.example").is_err(), "{at}");
                assert!(check("ca.pem", at, quality, "other.example").is_err(), "{at}");
            }
        }
    }
}
