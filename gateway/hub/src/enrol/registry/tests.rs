//! What a code gives, and to whom.

use waypost_core::wire::{keys::Seed, keys::SignKey, secret_key::SecretKey};

use super::*;

const HOUR_MS: i64 = 3_600_000;

struct World {
    registry: Registry,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    World { registry: Registry::new(dir.path()), _dir: dir }
}

fn asked(name: &str, byte: u8, secret: &[u8; CODE_SECRET_BYTES]) -> EnrolRequest {
    let gateway = GatewayId::new(name).unwrap();
    let seed = Seed::from_bytes([byte; 32]);
    let mut asked = EnrolRequest {
        sign_key: SignKey::of_gateway(&gateway, &seed).public(),
        gateway,
        nonce: "00".repeat(16),
        secret_key: SecretKey::new(&seed).public(),
        request: String::new(),
        journal: Uuid::nil(),
        code_mac: None,
        old_key_proof: None,
    };
    asked.prove_code(secret);
    asked
}

fn issued(serial: &str) -> Result<Issued, RegistryError> {
    let (certificate, tls_key) = (String::new(), format!("key of {serial}"));
    Ok(Issued { certificate, serial: serial.to_owned(), tls_key, ends: WallTime(10 * HOUR_MS) })
}

#[test]
fn a_code_enrols_one_gateway_once_and_a_lost_answer_may_be_asked_for_again() {
    let World { registry, _dir } = world();
    let gateway = GatewayId::new("post-1").unwrap();
    let secret = registry.make_code(&gateway, WallTime(HOUR_MS)).unwrap();
    let first = asked("post-1", 1, &secret);
    registry.enrol(&first, WallTime(1), || issued("01")).unwrap();
    let other = registry.enrol(&asked("post-1", 2, &secret), WallTime(2), || issued("02"));
    assert!(matches!(other, Err(RegistryError::Code)), "another key has no use of a used code");
    registry.enrol(&first, WallTime(3), || issued("03")).unwrap();
    let known = registry.read(&gateway).unwrap().unwrap();
    assert_eq!(known.sign_key, first.sign_key);
    let serials: Vec<_> = known.certificates.iter().map(|given| given.revoked.is_none()).collect();
    assert_eq!(serials, [false, true], "only the last one given holds");
    let elsewhere = registry.enrol(&asked("post-2", 1, &secret), WallTime(4), || issued("04"));
    assert!(matches!(elsewhere, Err(RegistryError::Code)), "a code is one gateway's");
}

#[test]
fn a_code_ends_with_its_time_and_with_its_tries() {
    let World { registry, _dir } = world();
    let gateway = GatewayId::new("post-1").unwrap();
    let secret = registry.make_code(&gateway, WallTime(HOUR_MS)).unwrap();
    let late = registry.enrol(&asked("post-1", 1, &secret), WallTime(HOUR_MS + 1), || issued("01"));
    assert!(matches!(late, Err(RegistryError::Code)));
    for _ in 0..TRIES_MAX {
        let wrong =
            registry.enrol(&asked("post-1", 1, &[0; CODE_SECRET_BYTES]), WallTime(1), || issued("01"));
        assert!(matches!(wrong, Err(RegistryError::Code)));
    }
    let right = registry.enrol(&asked("post-1", 1, &secret), WallTime(1), || issued("01"));
    assert!(matches!(right, Err(RegistryError::Code)), "the tries are used up");
    let secret = registry.make_code(&gateway, WallTime(HOUR_MS)).unwrap();
    assert!(registry.enrol(&asked("post-1", 1, &secret), WallTime(1), || issued("01")).is_ok());
}

#[test]
fn a_certificate_renews_with_its_key_also_when_it_ended_but_not_when_it_is_revoked() {
    let World { registry, _dir } = world();
    let gateway = GatewayId::new("post-1").unwrap();
    let secret = registry.make_code(&gateway, WallTime(HOUR_MS)).unwrap();
    let request = asked("post-1", 1, &secret);
    registry.enrol(&request, WallTime(1), || issued("01")).unwrap();
    let long_after = WallTime(1_000 * HOUR_MS);
    let unproved = registry.renew(&request, long_after, |_| false, || issued("02"));
    assert!(matches!(unproved, Err(RegistryError::Proof)));
    let another = registry.renew(&asked("post-1", 2, &secret), long_after, |_| true, || issued("02"));
    assert!(matches!(another, Err(RegistryError::Proof)));
    registry.renew(&request, long_after, |key| key == "key of 01", || issued("02")).unwrap();
    // The answer was lost: the gateway still has only the first.
    registry.renew(&request, long_after, |key| key == "key of 01", || issued("03")).unwrap();
    assert!(registry.revoked().unwrap().is_empty(), "the slot that is left keeps its certificate");
    registry.revoke(&gateway, long_after).unwrap();
    let revoked = registry.renew(&request, long_after, |_| true, || issued("04"));
    assert!(matches!(revoked, Err(RegistryError::Revoked)));
    assert_eq!(registry.revoked().unwrap().len(), 3);
    let again = registry.enrol(&request, WallTime(1), || issued("05"));
    assert!(matches!(again, Err(RegistryError::Code)), "its old code is void too");
}

#[test]
fn a_name_that_could_leave_the_folder_or_the_topics_is_no_gateway() {
    for name in ["../x", "a/b", "all", "waypost-hub", "#", "a+", "ä"] {
        assert!(!GatewayId::new(name).is_ok_and(|id| is_plain(&id)), "{name}");
    }
    assert!(is_plain(&GatewayId::new("ctc-kwai_chung-2").unwrap()));
}
