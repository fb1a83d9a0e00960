//! Does the gateway's certificate hold?

use std::{fs, path::Path};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use waypost_core::fact::WallTime;

use super::{Check, Finding, Patient, causes, clock, span};
use crate::{clock::Clock, config::Tls, enrol::Enrolment, sync::tls_configuration};

/// A configured certificate that ends sooner is a warning, in milliseconds: nobody renews it by itself.
const SOON_MS: i64 = 30 * 24 * 3_600_000;

pub struct Certificate;

impl Check for Certificate {
    fn id(&self) -> &'static str {
        "certificate"
    }

    fn description(&self) -> &'static str {
        "the gateway's certificate"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        // None: this clock cannot tell whether a date is past.
        let now = (!clock::is_in_doubt(patient)).then_some(patient.now);
        if let Some(mqtt) = &config.mqtt {
            return match &mqtt.tls {
                Some(tls) => configured(tls, now),
                None => Finding::skipped("the configured broker is on this machine and needs none"),
            };
        }
        match Enrolment::read(&config.data) {
            Ok(Some(enrolment)) => granted(&enrolment, now),
            Ok(None) => Finding::skipped("the gateway was not enrolled: `waypost enrol` does it"),
            Err(error) => Finding::failure(causes(&error), "enrol the gateway anew with `waypost enrol`"),
        }
    }
}

fn granted(enrolment: &Enrolment, now: Option<WallTime>) -> Finding {
    let granted = enrolment.granted();
    let latest =
        granted.next.as_ref().map_or(granted.current.ends, |next| next.ends.max(granted.current.ends));
    let found = format!("it holds until {latest}");
    let Some(now) = now else { return in_doubt(&found) };
    if enrolment.has_ended(now) {
        return Finding::failure(
            format!("it ended at {latest}"),
            "connect the gateway: it renews by itself at the hub; or stop it and run `waypost cert renew`",
        );
    }
    if enrolment.is_due(now) {
        return Finding::warning(
            format!("{found}; it should have been renewed by now"),
            "connect the gateway: it renews by itself at the hub",
        );
    }
    Finding::ok(found)
}

fn configured(tls: &Tls, now: Option<WallTime>) -> Finding {
    const REMEDY: &str =
        "put a new certificate and key at the paths of [mqtt.tls], and start the gateway again";
    if let Err(error) = tls_configuration(tls, Clock::system()) {
        return Finding::failure(causes(&error), REMEDY);
    }
    let Some(ends) = ends(&tls.cert) else {
        return Finding::warning(format!("the end of {} cannot be read", tls.cert.display()), REMEDY);
    };
    let found = format!("{} holds until {ends}", tls.cert.display());
    let Some(now) = now else { return in_doubt(&found) };
    match ends.as_millis().saturating_sub(now.as_millis()) {
        ..0 => Finding::failure(format!("{} ended at {ends}", tls.cert.display()), REMEDY),
        left @ ..SOON_MS => Finding::warning(format!("{found}, in {}", span(left)), REMEDY),
        _ => Finding::ok(found),
    }
}

fn in_doubt(found: &str) -> Finding {
    Finding::warning(format!("{found}; this clock cannot tell whether that is past"), "see the clock check")
}

/// The last moment of a certificate in a PEM file (RFC 5280, 4.1): the second time of its validity, which is the fifth
/// field of what was signed, or the fourth where the version is left out.
fn ends(path: &Path) -> Option<WallTime> {
    let file = fs::read(path).ok()?;
    let certificate = CertificateDer::from_pem_slice(&file).ok()?;
    let (_, outer, _) = element(&certificate)?;
    let (_, mut signed, _) = element(outer)?;
    const VERSION: u8 = 0xA0;
    let before = if signed.first() == Some(&VERSION) { 4 } else { 3 };
    for _ in 0..before {
        signed = element(signed)?.2;
    }
    let (_, validity, _) = element(signed)?;
    let (_, _, after) = element(validity)?;
    let (kind, text, _) = element(after)?;
    time(kind, std::str::from_utf8(text).ok()?)
}

/// The first element of some DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let digits = rest.get(..length - 0x80).filter(|digits| digits.len() <= 4)?;
        length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = rest.get(digits.len()..)?;
    }
    Some((*tag, rest.get(..length)?, rest.get(length..)?))
}

/// UTCTime `YYMMDDhhmmssZ` (a year from 50 on is of the last century) or GeneralizedTime `YYYYMMDDhhmmssZ`.
fn time(tag: u8, text: &str) -> Option<WallTime> {
    const UTC_TIME: u8 = 0x17;
    let text = if tag == UTC_TIME {
        format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" })
    } else {
        text.to_owned()
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    format!("{year}-{month}-{day}T{}:{}:{}Z", part(8, 10)?, part(10, 12)?, part(12, 14)?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let of = |name: &str| ends(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync/tls").join(name));
        assert_eq!(of("broker.pem").unwrap().to_string(), "2021-01-01T00:00:00.000Z");
        assert_eq!(of("other-ca.pem").unwrap().to_string(), "2126-10-30T16:01:54.000Z");
        assert_eq!(of("none.pem"), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let der = CertificateDer::from_pem_slice(include_bytes!("../sync/tls/broker.pem")).unwrap();
        for length in 0..der.len() {
            // Never a panic, however it is cut.
            let _ = element(&der[..length]);
        }
        assert_eq!(element(&[0x30, 0x85, 1, 1, 1, 1, 1]), None);
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(time(0x18, "2026"), None);
    }
}
