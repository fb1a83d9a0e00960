//! Which keys of the hub may do what, signed by the root.
//!
//! The root key lies in a safe and signs nothing else. A gateway pins it when it is enrolled; an order key that was stolen
//! is then revoked with a new version of this document, and no gateway has to be visited. It is published, retained, at
//! [`topic`], and stored by every gateway.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    keys::{PublicKey, SignKey},
    sign::{self, Kind, OpenError, SignError},
    topic::order_to_all,
};

/// The name that the root signs with.
pub const ROOT_KEY_NAME: &str = "root";

/// Most keys of one role.
pub const ROLE_KEYS_MAX: usize = 8;

/// Bytes of a root's fingerprint: nobody makes another key with the same 128 bits.
pub const FINGERPRINT_BYTES: usize = 16;

/// The document: version 1 is made with the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRoles {
    /// Grows with each change; a lower one than the one held is refused.
    pub version: u64,
    /// Keys that may sign orders, and answers to gateways that enrol.
    pub order: Vec<PublicKey>,
    /// Keys that may sign acknowledgements and nothing else.
    pub ack: Vec<PublicKey>,
    /// Keys that may sign nothing any more, whatever else names them.
    #[serde(default)]
    pub revoked: Vec<PublicKey>,
}

impl KeyRoles {
    /// Signs it with the root.
    pub fn sign(&self, root: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(root, Kind::Keys, serde_json::to_vec(self).map_err(|_| SignError::Encoding)?)
    }

    /// Opens one that the root signed.
    pub fn open(bytes: &[u8], root: &PublicKey) -> Result<Self, OpenError> {
        let resolve = |name: &str| (name == ROOT_KEY_NAME).then_some(*root);
        let opened = sign::open(bytes, &[Kind::Keys], resolve)?;
        let roles: Self =
            serde_json::from_slice(&opened.payload).map_err(|_| OpenError::Content("not a list of keys"))?;
        if roles.order.len() > ROLE_KEYS_MAX || roles.ack.len() > ROLE_KEYS_MAX {
            return Err(OpenError::Content("too many keys of one role"));
        }
        Ok(roles)
    }

    /// Keys whose orders are believed.
    pub fn order_keys(&self) -> impl Iterator<Item = PublicKey> {
        self.order.iter().copied().filter(|key| !self.revoked.contains(key))
    }

    /// Keys whose acknowledgements are believed.
    pub fn ack_keys(&self) -> impl Iterator<Item = PublicKey> {
        self.ack.iter().copied().filter(|key| !self.revoked.contains(key))
    }
}

/// What a code for enrolment says of the root: the first bytes of the SHA-256 of its public key.
pub fn fingerprint(root: &PublicKey) -> [u8; FINGERPRINT_BYTES] {
    let mut first = [0; FINGERPRINT_BYTES];
    first.iter_mut().zip(Sha256::digest(root.as_bytes())).for_each(|(to, from)| *to = from);
    first
}

/// Where it is published, retained: an order to all.
pub fn topic() -> String {
    order_to_all("keys", ROOT_KEY_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::keys::Seed;

    fn key(name: &str, byte: u8) -> SignKey {
        SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
    }

    #[test]
    fn only_the_root_says_which_keys_may_do_what() {
        let (root, order, ack) = (key(ROOT_KEY_NAME, 1), key("order", 2).public(), key("ack", 3).public());
        let roles = KeyRoles { version: 1, order: vec![order], ack: vec![ack], revoked: vec![order] };
        let bytes = roles.sign(&root).unwrap();
        let opened = KeyRoles::open(&bytes, &root.public()).unwrap();
        assert_eq!(opened, roles);
        assert_eq!((opened.order_keys().count(), opened.ack_keys().count()), (0, 1));
        assert_eq!(KeyRoles::open(&bytes, &order), Err(OpenError::Signature));
        let by_another = roles.sign(&key("order", 1)).unwrap();
        assert!(matches!(KeyRoles::open(&by_another, &root.public()), Err(OpenError::UnknownKey(_))));
    }
}
