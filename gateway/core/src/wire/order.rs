//! A signed order: an [`OrderDocument`] as JSON under the signature of an order key.
//!
//! Secrets stand in it encrypted to each gateway that needs them, by [`sign_sealed`]: the document says `encrypted` where
//! a key would stand, and its field `secrets` has one COSE_Encrypt a gateway, base64url, see [`encrypt`](mod@encrypt). In
//! one are all secrets of the order: a CBOR array of byte strings, in the order in which the document names them.
//!
//! At most [`ORDER_BYTES_MAX`] bytes: the tool that signs refuses a longer one. Whether a version may come into force is
//! the rules' affair; here it is only proved who says it.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ciborium::Value;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{
    encrypt::{self, Bound, DecryptError, EncryptError},
    keys::{PublicKey, Seed, SignKey},
    secret_key::{SecretKey, SecretPublicKey},
    sign::{self, Kind, OpenError, SignError},
    topic,
};
use crate::{
    fact::id::GatewayId,
    rule::order::{OrderDocument, Secret},
};

pub use super::{keys::ORDER_KEY_NAME, sign::ORDER_BYTES_MAX};

/// Most order keys that a gateway trusts at once.
pub const ORDER_KEYS_MAX: usize = 8;

/// Signs an order.
pub fn sign(document: &OrderDocument, key: &SignKey) -> Result<Vec<u8>, SignError> {
    let json = serde_json::to_vec(document).map_err(|_| SignError::Encoding)?;
    sign::sign(key, Kind::Order, json)
}

/// Opens an order signed by any of these keys (the first [`ORDER_KEYS_MAX`] of them). Encrypted secrets stay so.
pub fn open(bytes: &[u8], keys: &[PublicKey]) -> Result<OrderDocument, OpenError> {
    serde_json::from_slice(&open_payload(bytes, keys)?).map_err(|_| OpenError::Content("not an order"))
}

fn open_payload(bytes: &[u8], keys: &[PublicKey]) -> Result<Vec<u8>, OpenError> {
    let mut outcome = Err(OpenError::UnknownKey(ORDER_KEY_NAME.to_owned()));
    for key in keys.iter().take(ORDER_KEYS_MAX) {
        outcome = sign::open(bytes, &[Kind::Order], |_| Some(*key));
        if outcome != Err(OpenError::Signature) {
            break;
        }
    }
    outcome.map(|opened| opened.payload)
}

/// A gateway that secrets of an order are encrypted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its id.
    pub gateway: GatewayId,
    /// Its key for secrets.
    pub key: SecretPublicKey,
    /// 32 new random bytes, used for nothing else.
    pub ephemeral: Seed,
}

/// Why an order with secrets is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key in it is not hex.
    #[error("a key in the order is not written as hex characters")]
    NoKey,
    /// Encryption.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// Signing.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Why an order whose signature holds gives its secrets not to this gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenSecretsError {
    /// It is not believed at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its secrets are encrypted, and none of it to this gateway.
    #[error("the order's secrets are encrypted to other gateways")]
    ForOthers,
    /// What was encrypted to this gateway does not open.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// What was in it are not the order's secrets.
    #[error("what was encrypted is not the secrets that the order names")]
    Content,
}

/// An order as it is signed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    document: OrderDocument,
    /// By gateway.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<GatewayId, String>,
}

/// Signs an order whose secrets only these gateways can read. An order without secrets is signed as it is.
pub fn sign_sealed(document: &OrderDocument, key: &SignKey, to: &[Recipient]) -> Result<Vec<u8>, SealError> {
    let plain = secrets_of(document)?;
    let mut sealed = Sealed { document: document.clone(), secrets: BTreeMap::new() };
    if document.order.secrets().is_empty() {
        return Ok(sign(document, key)?);
    }
    for Recipient { gateway, key, ephemeral } in to {
        let message = encrypt::encrypt(&plain, &bound(document, gateway), key, ephemeral)?;
        sealed.secrets.insert(gateway.clone(), BASE64.encode(message));
    }
    for secret in sealed.document.order.secrets_mut() {
        *secret = Secret::encrypted();
    }
    let json = serde_json::to_vec(&sealed).map_err(|_| SignError::Encoding)?;
    Ok(sign::sign(key, Kind::Order, json)?)
}

/// Opens an order and its secrets, where they are encrypted, for the gateway that has this key.
pub fn open_sealed(
    bytes: &[u8],
    keys: &[PublicKey],
    gateway: &GatewayId,
    secret_key: &SecretKey,
) -> Result<OrderDocument, OpenSecretsError> {
    let payload = open_payload(bytes, keys)?;
    let Sealed { mut document, secrets } =
        serde_json::from_slice(&payload).map_err(|_| OpenError::Content("not an order"))?;
    let mut places = document.order.secrets_mut();
    if !places.iter().any(|secret| secret.is_encrypted()) {
        return Ok(document);
    }
    let text = secrets.get(gateway).ok_or(OpenSecretsError::ForOthers)?;
    let message = BASE64.decode(text).map_err(|_| DecryptError::Malformed)?;
    let version = (document.epoch, document.number);
    let bound = Bound { gateway, kind: document.order.kind(), id: &document.id, version };
    let plain = encrypt::decrypt(&message, &bound, secret_key)?;
    places = document.order.secrets_mut();
    let Ok(Value::Array(values)) = ciborium::from_reader(plain.as_slice()) else {
        return Err(OpenSecretsError::Content);
    };
    if values.len() != places.len() {
        return Err(OpenSecretsError::Content);
    }
    for (place, value) in places.into_iter().zip(values) {
        let Value::Bytes(mut bytes) = value else { return Err(OpenSecretsError::Content) };
        *place = Secret::of_bytes(&bytes);
        bytes.zeroize();
    }
    Ok(document)
}

fn secrets_of(document: &OrderDocument) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let bytes = |secret: &&Secret| secret.all_bytes().map(|bytes| Value::Bytes(bytes.to_vec()));
    let values: Option<Vec<Value>> = document.order.secrets().iter().map(bytes).collect();
    let mut plain = Zeroizing::new(Vec::new());
    let written = ciborium::into_writer(&Value::Array(values.ok_or(SealError::NoKey)?), &mut *plain);
    written.map_err(|_| SignError::Encoding)?;
    Ok(plain)
}

fn bound<'a>(document: &'a OrderDocument, gateway: &'a GatewayId) -> Bound<'a> {
    let version = (document.epoch, document.number);
    Bound { gateway, kind: document.order.kind(), id: &document.id, version }
}

/// Is the order meant for this gateway?
pub fn is_for(document: &OrderDocument, gateway: &GatewayId) -> bool {
    document.to.is_empty() || document.to.iter().any(|to| to == gateway.as_str())
}

/// The topics where an order is published, retained. Names that are no gateway's id are left out.
pub fn topics(document: &OrderDocument) -> Vec<String> {
    let kind = document.order.kind();
    if document.to.is_empty() {
        return vec![topic::order_to_all(kind, &document.id)];
    }
    let gateways = document.to.iter().filter_map(|to| GatewayId::new(to.clone()).ok());
    gateways.map(|gateway| topic::order(&gateway, kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rule::order::Order, wire::keys::Seed};

    fn order(to: &[&str]) -> OrderDocument {
        OrderDocument {
            id: "-".into(),
            epoch: 1,
            number: 4,
            not_before: None,
            expires: None,
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            order: Order::Staff { people: Vec::new() },
        }
    }

    fn key(byte: u8) -> SignKey {
        SignKey::new(ORDER_KEY_NAME, &Seed::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    fn an_order_opens_with_any_of_the_order_keys_and_with_no_other() {
        let bytes = sign(&order(&[]), &key(2)).unwrap();
        let keys = [key(1).public(), key(2).public()];
        assert_eq!(open(&bytes, &keys), Ok(order(&[])));
        assert_eq!(open(&bytes, &keys[..1]), Err(OpenError::Signature));
        assert!(matches!(open(&bytes, &[]), Err(OpenError::UnknownKey(_))));
    }

    #[test]
    fn the_acknowledging_key_signs_no_order() {
        // The kind is under the signature: an acknowledgement whose payload is an order stays an acknowledgement.
        let payload = serde_json::to_vec(&order(&[])).unwrap();
        let bytes = sign::sign(&key(1), Kind::Ack, payload).unwrap();
        assert_eq!(open(&bytes, &[key(1).public()]), Err(OpenError::Kind));
    }

    fn with_secret() -> OrderDocument {
        let entry = |number: u8, key| crate::rule::order::SealEntry {
            seal: crate::fact::id::SealId::new(format!("S{number}")).unwrap(),
            address: format!("54:48:E6:8F:80:{number:02}"),
            key,
            format: Default::default(),
            beside: None,
            interval_ms: None,
            pairing: 0,
        };
        let key = |byte: &str| Some(Secret::new(byte.repeat(16)));
        let seals = vec![entry(1, key("a1")), entry(2, None), entry(3, key("c3"))];
        OrderDocument { order: Order::Seals { seals }, ..order(&["post-1", "post-2"]) }
    }

    fn recipient(id: &str, byte: u8) -> (Recipient, SecretKey) {
        let pair = SecretKey::new(&Seed::from_bytes([byte; 32]));
        let ephemeral = Seed::from_bytes([byte + 100; 32]);
        (Recipient { gateway: GatewayId::new(id).unwrap(), key: pair.public(), ephemeral }, pair)
    }

    #[test]
    fn secrets_of_an_order_are_read_by_the_gateways_that_it_is_for_and_by_nobody_else() {
        let ((one, one_key), (two, two_key)) = (recipient("post-1", 1), recipient("post-2", 2));
        let keys = [key(2).public()];
        let bytes = sign_sealed(&with_secret(), &key(2), &[one.clone(), two.clone()]).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(&"a1".repeat(16)) && !text.contains(&"c3".repeat(16)));
        for (recipient, pair) in [(&one, &one_key), (&two, &two_key)] {
            assert_eq!(open_sealed(&bytes, &keys, &recipient.gateway, pair), Ok(with_secret()));
        }
        let third = GatewayId::new("post-3").unwrap();
        assert_eq!(open_sealed(&bytes, &keys, &third, &one_key), Err(OpenSecretsError::ForOthers));
        let swapped = open_sealed(&bytes, &keys, &one.gateway, &two_key);
        assert_eq!(swapped, Err(DecryptError::NotOurs.into()));
        // Whoever only checks the signature reads everything but the secrets.
        let opened = open(&bytes, &keys).unwrap();
        assert!(opened.order.secrets().iter().all(|secret| secret.is_encrypted()));
    }

    #[test]
    fn an_encrypted_secret_moved_into_another_version_does_not_open() {
        let (one, pair) = recipient("post-1", 1);
        let bytes = sign_sealed(&with_secret(), &key(2), std::slice::from_ref(&one)).unwrap();
        let payload = open_payload(&bytes, &[key(2).public()]).unwrap();
        // Even an order key cannot: it has no key of a gateway.
        let newer = String::from_utf8(payload).unwrap().replace("\"number\":4", "\"number\":5");
        let bytes = sign::sign(&key(2), Kind::Order, newer.into_bytes()).unwrap();
        let opened = open_sealed(&bytes, &[key(2).public()], &one.gateway, &pair);
        assert_eq!(opened, Err(DecryptError::NotOurs.into()));
    }

    #[test]
    fn an_order_for_six_hundred_post_offices_fits() {
        let to: Vec<_> = (0..600)
            .map(|n: u32| Recipient {
                gateway: GatewayId::new(format!("post-office-{n:03}")).unwrap(),
                ..recipient("x", 1).0
            })
            .collect();
        let mut document = with_secret();
        let Order::Seals { seals } = &mut document.order else { unreachable!() };
        seals.truncate(1);
        assert!(sign_sealed(&document, &key(2), &to).unwrap().len() < ORDER_BYTES_MAX * 3 / 4);
    }

    #[test]
    fn an_order_goes_to_all_or_to_those_it_names() {
        let gateway = GatewayId::new("post-1").unwrap();
        assert!(is_for(&order(&[]), &gateway) && is_for(&order(&["post-1"]), &gateway));
        assert!(!is_for(&order(&["post-2"]), &gateway));
        assert_eq!(topics(&order(&[])), ["waypost/v1/all/order/staff/-"]);
        assert_eq!(topics(&order(&["post-1"])), ["waypost/v1/post-1/order/staff"]);
    }
}
