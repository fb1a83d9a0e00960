//! A secret for one gateway: a COSE_Encrypt (RFC 9052), tagged 96, with ECDH-ES + HKDF-256 over X25519 (RFC 9053,
//! algorithm -25) and AES-256-GCM (algorithm 3). Standard tools can open it with the gateway's key.
//!
//! It is bound to what it was made for, see [`Bound`]: taken out of its order and put into another, it does not open. The
//! bound stands in the external data, and the gateway's id also in the derivation's context as PartyV's identity.
//!
//! Nothing here is random by itself: who encrypts gives a new ephemeral key each time, and with it the content key is
//! new, so that the nonce of zeros is used once.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use ciborium::Value;
use coset::{
    Algorithm, CborSerializable, CoseEncrypt, CoseEncryptBuilder, CoseKdfContextBuilder, CoseRecipient,
    CoseRecipientBuilder, Header, HeaderBuilder, Label, PartyInfoBuilder, ProtectedHeader,
    RegisteredLabelWithPrivate, SuppPubInfo, TaggedCborSerializable, iana,
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    keys::Seed,
    secret_key::{SecretKey, SecretPublicKey},
};
use crate::fact::id::GatewayId;

/// Longest secret, in bytes: the keys of all seals that an order may list, 17 bytes each.
pub const SECRET_BYTES_MAX: usize = 88_000;

/// Bytes that the envelope adds to a secret, at most.
pub const EXTRA_BYTES_MAX: usize = 256;

/// What the external data begins with.
const PURPOSE: &str = "waypost-secret-v1";

/// AES-256 in bits, as the derivation's context says it.
const KEY_BITS: u64 = 256;

/// The only nonce: each content key encrypts once.
const NONCE: [u8; 12] = [0; 12];

/// The curve's key in the recipient's header (RFC 9053, section 6.3.1): label -1.
const EPHEMERAL: i64 = -1;

/// What a secret was made for, and where alone it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound<'a> {
    /// The gateway.
    pub gateway: &'a GatewayId,
    /// The order's kind.
    pub kind: &'a str,
    /// The order's id.
    pub id: &'a str,
    /// The order's version: epoch and number.
    pub version: (u64, u64),
}

/// Why a secret cannot be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// It is longer than [`SECRET_BYTES_MAX`].
    #[error("a secret has at most {SECRET_BYTES_MAX} bytes")]
    TooLong,
    /// The gateway's key is of small order: everybody could read what is encrypted to it.
    #[error("the key of gateway {0} for secrets is none: everybody could read what is encrypted to it")]
    WeakKey(GatewayId),
    /// The encoder refused it.
    #[error("the secret cannot be encoded")]
    Encoding,
}

/// Why a secret does not open. It tells nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// Longer than a secret may be; nothing of it was read.
    #[error("the secret is too long")]
    TooLong,
    /// Not a COSE_Encrypt as Waypost writes it.
    #[error("the secret is not encrypted as it should be")]
    Malformed,
    /// Made for another gateway, order or version, or changed on the way.
    #[error("the secret is not for this gateway and this version of this order")]
    NotOurs,
}

/// Encrypts a secret to a gateway. `ephemeral` is 32 new random bytes that are used for nothing else.
pub fn encrypt(
    secret: &[u8],
    bound: &Bound<'_>,
    to: &SecretPublicKey,
    ephemeral: &Seed,
) -> Result<Vec<u8>, EncryptError> {
    if secret.len() > SECRET_BYTES_MAX {
        return Err(EncryptError::TooLong);
    }
    let pair = SecretKey::new(ephemeral);
    let shared = pair.agree(to).ok_or_else(|| EncryptError::WeakKey(bound.gateway.clone()))?;
    let recipient = CoseRecipientBuilder::new()
        .protected(HeaderBuilder::new().algorithm(iana::Algorithm::ECDH_ES_HKDF_256).build())
        .unprotected(HeaderBuilder::new().value(EPHEMERAL, okp(&pair.public())).build())
        .build();
    let key = content_key(&shared, bound, &recipient.protected).ok_or(EncryptError::Encoding)?;
    let aad = external_data(bound).ok_or(EncryptError::Encoding)?;
    let message = CoseEncryptBuilder::new()
        .protected(HeaderBuilder::new().algorithm(iana::Algorithm::A256GCM).build())
        .unprotected(HeaderBuilder::new().iv(NONCE.to_vec()).build())
        .add_recipient(recipient)
        .try_create_ciphertext(secret, &aad, |plain, aad| {
            key.encrypt(&Nonce::from(NONCE), Payload { msg: plain, aad }).map_err(|_| EncryptError::Encoding)
        })?
        .build();
    message.to_tagged_vec().map_err(|_| EncryptError::Encoding)
}

/// Opens a secret that was encrypted to this gateway.
pub fn decrypt(bytes: &[u8], bound: &Bound<'_>, key: &SecretKey) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    if bytes.len() > SECRET_BYTES_MAX + EXTRA_BYTES_MAX {
        return Err(DecryptError::TooLong);
    }
    let message = CoseEncrypt::from_tagged_slice(bytes).map_err(|_| DecryptError::Malformed)?;
    let [recipient] = message.recipients.as_slice() else { return Err(DecryptError::Malformed) };
    let well_formed = has_algorithm(&message.protected.header, iana::Algorithm::A256GCM)
        && message.unprotected.iv == NONCE
        && has_algorithm(&recipient.protected.header, iana::Algorithm::ECDH_ES_HKDF_256)
        && recipient.ciphertext.is_none()
        && recipient.recipients.is_empty()
        && message.ciphertext.is_some();
    let ephemeral = ephemeral_of(recipient).filter(|_| well_formed).ok_or(DecryptError::Malformed)?;
    let shared = key.agree(&ephemeral).ok_or(DecryptError::Malformed)?;
    let content = content_key(&shared, bound, &recipient.protected).ok_or(DecryptError::Malformed)?;
    let aad = external_data(bound).ok_or(DecryptError::Malformed)?;
    message
        .decrypt_ciphertext(
            &aad,
            || DecryptError::Malformed,
            |sealed, aad| {
                content
                    .decrypt(&Nonce::from(NONCE), Payload { msg: sealed, aad })
                    .map_err(|_| DecryptError::NotOurs)
            },
        )
        .map(Zeroizing::new)
}

/// HKDF over SHA-256 without salt; the context is that of RFC 9053, section 5.2.
fn content_key(
    shared: &Zeroizing<[u8; 32]>,
    bound: &Bound<'_>,
    recipient: &ProtectedHeader,
) -> Option<Aes256Gcm> {
    let context = CoseKdfContextBuilder::new()
        .algorithm(iana::Algorithm::A256GCM)
        .party_v_info(PartyInfoBuilder::new().identity(bound.gateway.as_str().as_bytes().to_vec()).build())
        .supp_pub_info(SuppPubInfo { key_data_length: KEY_BITS, protected: recipient.clone(), other: None })
        .build();
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, shared.as_ref()).expand(&context.to_vec().ok()?, key.as_mut()).ok()?;
    Aes256Gcm::new_from_slice(key.as_ref()).ok()
}

fn external_data(bound: &Bound<'_>) -> Option<Vec<u8>> {
    let Bound { gateway, kind, id, version: (epoch, number) } = *bound;
    let text = |text: &str| Value::Text(text.to_owned());
    let parts = [text(PURPOSE), text(gateway.as_str()), text(kind), text(id), epoch.into(), number.into()];
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Array(parts.into()), &mut bytes).ok()?;
    Some(bytes)
}

/// A public key of the curve as a COSE_Key: key type OKP, curve X25519, x.
fn okp(key: &SecretPublicKey) -> Value {
    let pair = |label: i64, value: Value| (Value::from(label), value);
    Value::Map(vec![
        pair(1, Value::from(1)),
        pair(-1, Value::from(4)),
        pair(-2, Value::Bytes(key.as_bytes().to_vec())),
    ])
}

fn ephemeral_of(recipient: &CoseRecipient) -> Option<SecretPublicKey> {
    let [(Label::Int(EPHEMERAL), Value::Map(fields))] = recipient.unprotected.rest.as_slice() else {
        return None;
    };
    let [_, _, (_, Value::Bytes(x))] = fields.as_slice() else { return None };
    let key = SecretPublicKey::from_bytes(x.as_slice().try_into().ok()?);
    // Type and curve too, in the order in which they are written.
    (okp(&key) == Value::Map(fields.clone())).then_some(key)
}

fn has_algorithm(header: &Header, algorithm: iana::Algorithm) -> bool {
    let given: &Option<Algorithm> = &header.alg;
    *given == Some(RegisteredLabelWithPrivate::Assigned(algorithm)) && header.crit.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"thirty-two bytes of a campaign's";

    fn gateway(id: &str) -> GatewayId {
        GatewayId::new(id).unwrap()
    }

    fn key(byte: u8) -> SecretKey {
        SecretKey::new(&Seed::from_bytes([byte; 32]))
    }

    fn bound(gateway: &GatewayId) -> Bound<'_> {
        Bound { gateway, kind: "campaign", id: "masks", version: (1, 7) }
    }

    fn sealed(gateway: &GatewayId) -> Vec<u8> {
        encrypt(SECRET, &bound(gateway), &key(1).public(), &Seed::from_bytes([9; 32])).unwrap()
    }

    #[test]
    fn what_is_encrypted_opens_with_the_gateways_key_and_nothing_of_it_shows() {
        let post = gateway("post-1");
        let bytes = sealed(&post);
        assert_eq!(bytes.get(..2), Some([0xd8, 96].as_slice()), "CBOR tag 96: COSE_Encrypt");
        assert_eq!(decrypt(&bytes, &bound(&post), &key(1)).unwrap().as_slice(), SECRET);
        assert!(bytes.len() <= SECRET.len() + EXTRA_BYTES_MAX);
        assert!(!bytes.windows(8).any(|window| SECRET.windows(8).any(|part| part == window)));
    }

    #[test]
    fn a_secret_opens_for_no_other_gateway_kind_id_or_version() {
        let (post, other) = (gateway("post-1"), gateway("post-2"));
        let bytes = sealed(&post);
        let right = bound(&post);
        for wrong in [
            Bound { gateway: &other, ..right },
            Bound { kind: "seals", ..right },
            Bound { id: "masks-2", ..right },
            Bound { version: (1, 8), ..right },
            Bound { version: (2, 7), ..right },
        ] {
            assert_eq!(decrypt(&bytes, &wrong, &key(1)), Err(DecryptError::NotOurs));
        }
        assert_eq!(decrypt(&bytes, &right, &key(2)), Err(DecryptError::NotOurs));
    }

    #[test]
    fn one_changed_bit_anywhere_and_it_does_not_open() {
        let post = gateway("post-1");
        let bytes = sealed(&post);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // X25519 ignores the top bit of a public key (RFC 7748, section 5): the same key, the same secret.
            let opened = decrypt(&bytes, &bound(&post), &key(1));
            assert!(opened.is_err() || opened.unwrap().as_slice() == SECRET, "bit {bit}");
        }
    }

    #[test]
    fn nothing_is_encrypted_to_a_key_that_everybody_has() {
        let post = gateway("post-1");
        let weak = SecretPublicKey::from_bytes([0; 32]);
        let outcome = encrypt(SECRET, &bound(&post), &weak, &Seed::from_bytes([9; 32]));
        assert_eq!(outcome, Err(EncryptError::WeakKey(post)));
    }

    #[test]
    fn what_is_too_long_is_neither_encrypted_nor_read() {
        let post = gateway("post-1");
        let long = vec![0; SECRET_BYTES_MAX + 1];
        let outcome = encrypt(&long, &bound(&post), &key(1).public(), &Seed::from_bytes([9; 32]));
        assert_eq!(outcome, Err(EncryptError::TooLong));
        let long = vec![0; SECRET_BYTES_MAX + EXTRA_BYTES_MAX + 1];
        assert_eq!(decrypt(&long, &bound(&post), &key(1)), Err(DecryptError::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let post = gateway("post-1");
            prop_assert!(decrypt(&bytes, &bound(&post), &key(1)).is_err());
        }
    }
}
