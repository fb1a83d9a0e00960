//! Slots and what is pinned, without a hub.

use waypost_core::wire::{
    keys::{Seed, SignKey},
    roles::{KeyRoles, ROOT_KEY_NAME},
};

use super::*;

fn root() -> SignKey {
    SignKey::new(ROOT_KEY_NAME, &Seed::from_bytes([1; 32])).unwrap()
}

fn roles(version: u64, byte: u8) -> KeyRoles {
    let order = SignKey::new("order", &Seed::from_bytes([byte; 32])).unwrap().public();
    KeyRoles { version, order: vec![order], ack: Vec::new(), revoked: Vec::new() }
}

fn certificate(slot: Slot, ends: i64) -> Certificate {
    Certificate { slot, renew_from: WallTime(ends - 10), ends: WallTime(ends) }
}

fn granted(next: Option<Certificate>) -> Granted {
    Granted {
        gateway: GatewayId::new("post-1").unwrap(),
        hub: "hub:8091".to_owned(),
        root: root().public(),
        broker: BrokerAddress { host: "broker".to_owned(), port: 8883 },
        current: certificate(Slot::A, 100),
        next,
        lowest: vec![Lowest { kind: "staff".to_owned(), id: "-".to_owned(), epoch: 2, number: 7 }],
    }
}

fn enrolment(dir: &Path, next: Option<Certificate>) -> Enrolment {
    replace_secret(&dir.join(ENROLMENT_FILE), &granted(next)).unwrap();
    Trust::keep(dir, root().public(), &roles(3, 2).sign(&root()).unwrap()).unwrap();
    Enrolment::read(dir).unwrap().unwrap()
}

fn slot_tried(enrolment: &Enrolment) -> String {
    let tls = enrolment.broker().tls.unwrap();
    tls.cert.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_renewed_certificate_is_in_use_only_after_a_connection_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let enrolment = enrolment(dir.path(), Some(certificate(Slot::B, 500)));
    // Tried first, then both in turn.
    assert_eq!([slot_tried(&enrolment), slot_tried(&enrolment)], ["b", "a"]);
    enrolment.connected().unwrap();
    assert_eq!(enrolment.granted().current.slot, Slot::A, "the old one made this connection");
    assert_eq!(slot_tried(&enrolment), "b");
    enrolment.connected().unwrap();
    assert_eq!((enrolment.granted().current.slot, enrolment.granted().next), (Slot::B, None));
    let again = Enrolment::read(dir.path()).unwrap().unwrap();
    assert_eq!(again.granted().current.slot, Slot::B, "also after a restart");
}

#[test]
fn a_certificate_has_ended_only_when_both_have() {
    let dir = tempfile::tempdir().unwrap();
    let enrolment = enrolment(dir.path(), Some(certificate(Slot::B, 500)));
    assert!(!enrolment.has_ended(WallTime(200)) && enrolment.has_ended(WallTime(501)));
    assert!(!enrolment.is_due(WallTime(200)) && enrolment.is_due(WallTime(490)));
}

#[test]
fn only_the_pinned_root_changes_the_keys_and_never_backwards() {
    let dir = tempfile::tempdir().unwrap();
    let enrolment = enrolment(dir.path(), None);
    let trust = enrolment.trust();
    assert_eq!(trust.order_keys(), roles(3, 2).order);
    let other = SignKey::new(ROOT_KEY_NAME, &Seed::from_bytes([9; 32])).unwrap();
    assert!(matches!(trust.take(&roles(9, 5).sign(&other).unwrap()), Err(TrustError::Open(_))));
    let older = trust.take(&roles(2, 5).sign(&root()).unwrap());
    assert!(matches!(older, Err(TrustError::Older { found: 2, held: 3 })));
    assert!(trust.take(&roles(3, 5).sign(&root()).unwrap()).is_err(), "one version says one thing");
    let mut new = roles(4, 5);
    new.revoked = roles(3, 2).order;
    assert!(trust.take(&new.sign(&root()).unwrap()).unwrap());
    assert_eq!(trust.order_keys(), new.order);
    let again = Enrolment::read(dir.path()).unwrap().unwrap();
    assert!(again.trust().is_revoked(&roles(3, 2).order[0]), "also after a restart");
}

#[test]
fn an_order_below_the_lowest_version_of_the_enrolment_is_too_old() {
    use waypost_core::rule::order::Order;
    let dir = tempfile::tempdir().unwrap();
    let enrolment = enrolment(dir.path(), None);
    let order = |epoch, number| OrderDocument {
        id: "-".to_owned(),
        epoch,
        number,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order: Order::Staff { people: Vec::new() },
    };
    assert!(enrolment.is_too_old(&order(2, 6)) && enrolment.is_too_old(&order(1, 99)));
    assert!(!enrolment.is_too_old(&order(2, 7)) && !enrolment.is_too_old(&order(3, 1)));
}
