//! How a gateway comes to its certificate: a one-time code, a request, a grant.
//!
//! The hub answers plain HTTP, and nothing in it is secret: what matters is signed both ways. The code carries the
//! fingerprint of the hub's root, so the gateway believes a [`Grant`] only if a key signed it that this root names. The
//! request proves the code without telling it (HMAC-SHA256), and is signed by the gateway's own key. A renewal proves the
//! key of the certificate that the gateway has, expired or not, in place of a code.

use std::net::Ipv6Addr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    keys::{PublicKey, SignKey},
    roles::{self, FINGERPRINT_BYTES, KeyRoles},
    secret_key::SecretPublicKey,
    sign::{self, Kind, OpenError, SignError},
};
use crate::fact::{WallTime, id::GatewayId};

/// Bytes of a code's secret.
pub const CODE_SECRET_BYTES: usize = 10;

/// Where the hub takes first requests.
pub const ENROL_PATH: &str = "/enrol";

/// Where the hub takes renewals.
pub const RENEW_PATH: &str = "/renew";

/// Longest answer of the hub, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What a code begins with; the number grows when it is read in another way.
const CODE_START: &str = "WP1-";

/// Digits of a code: no I, L, O or U, which people misread (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits between two hyphens of a code.
const GROUP: usize = 6;

/// Fingerprint, secret and a byte of check.
const CODE_BYTES: usize = FINGERPRINT_BYTES + CODE_SECRET_BYTES + 1;

/// A one-time code: `WP1-XXXXXX-…@host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// Of the hub's root.
    pub fingerprint: [u8; FINGERPRINT_BYTES],
    /// What the gateway proves that it has.
    pub secret: Zeroizing<[u8; CODE_SECRET_BYTES]>,
    /// Where the hub takes requests, as `host:port`; none where the person says it.
    pub address: Option<String>,
}

/// A text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no code for enrolment, or a character of it is wrong")]
pub struct BadCode;

impl Code {
    /// The code as it is read out or printed.
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(CODE_BYTES));
        bytes.extend(self.fingerprint);
        bytes.extend(self.secret.iter());
        let last = check(&bytes);
        bytes.push(last);
        let mut text = Zeroizing::new(CODE_START.to_owned());
        let (mut held, mut bits, mut digits) = (0_u32, 0, 0);
        let mut push = |value: u32| {
            if digits > 0 && digits % GROUP == 0 {
                text.push('-');
            }
            digits += 1;
            text.push(DIGITS.get((value & 31) as usize).copied().map_or('0', char::from));
        };
        for byte in bytes.iter() {
            held = (held << 8 | u32::from(*byte)) & 0xffff;
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                push(held >> bits);
            }
        }
        push(held << (5 - bits));
        if let Some(address) = &self.address {
            text.push('@');
            text.push_str(address);
        }
        text
    }

    /// Does a text begin as a code does, whatever follows?
    pub fn begins(text: &str) -> bool {
        text.trim().get(..CODE_START.len()).is_some_and(|start| start.eq_ignore_ascii_case(CODE_START))
    }

    /// Reads a code; case, hyphens and spaces do not matter, and misread digits are put right.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let (digits, address) = match text.trim().split_once('@') {
            Some((_, address)) if !is_address(address) => return Err(BadCode),
            Some((digits, address)) => (digits, Some(address.to_owned())),
            None => (text.trim(), None),
        };
        let upper = Zeroizing::new(digits.to_ascii_uppercase());
        let digits = upper.strip_prefix(CODE_START).ok_or(BadCode)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(CODE_BYTES));
        let (mut held, mut bits) = (0_u32, 0);
        for digit in digits.bytes().filter(|digit| !matches!(digit, b'-' | b' ')) {
            let digit = match digit {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                digit => digit,
            };
            let value = DIGITS.iter().position(|known| *known == digit).ok_or(BadCode)?;
            held = (held << 5 | u32::try_from(value).map_err(|_| BadCode)?) & 0xffff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits) as u8);
            }
            if bytes.len() > CODE_BYTES {
                return Err(BadCode);
            }
        }
        let (last, said) = bytes.split_last().ok_or(BadCode)?;
        if bytes.len() != CODE_BYTES || check(said) != *last {
            return Err(BadCode);
        }
        let (fingerprint, secret) = said.split_at(FINGERPRINT_BYTES);
        Ok(Self {
            fingerprint: fingerprint.try_into().map_err(|_| BadCode)?,
            secret: Zeroizing::new(secret.try_into().map_err(|_| BadCode)?),
            address,
        })
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Code(…)")
    }
}

/// May it stand behind a code: `host:port`, the host a name or an address (IPv6 in brackets)?
pub fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn check(bytes: &[u8]) -> u8 {
    Sha256::digest(bytes).first().copied().unwrap_or(0)
}

/// What a gateway asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// Who it is.
    pub gateway: GatewayId,
    /// Random, 32 hex characters: the grant names it, so that an old grant is no answer to a new request.
    pub nonce: String,
    /// The key that it signs with.
    pub sign_key: PublicKey,
    /// The key that secrets are encrypted to.
    pub secret_key: SecretPublicKey,
    /// A certificate request (PKCS #10, PEM), signed with the new TLS key.
    pub request: String,
    /// The id of the journal that it begins or continues.
    pub journal: Uuid,
    /// HMAC-SHA256 with the code's secret over [`Self::proved`], hex; only at the first enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_mac: Option<String>,
    /// Signature (ECDSA P-256 with SHA-256, ASN.1) with the key of the certificate that it has, over [`Self::proved`],
    /// hex; only at a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_key_proof: Option<String>,
}

impl EnrolRequest {
    /// The bytes that code and old key vouch for: all but their own fields.
    pub fn proved(&self) -> Vec<u8> {
        let plain = Self { code_mac: None, old_key_proof: None, ..self.clone() };
        let mut bytes = b"waypost-enrol-v1\n".to_vec();
        // A struct of texts is always JSON; were it not, nothing would agree with an empty one.
        bytes.extend(serde_json::to_vec(&plain).unwrap_or_default());
        bytes
    }

    /// Proves the code.
    pub fn prove_code(&mut self, secret: &[u8; CODE_SECRET_BYTES]) {
        let mac = code_mac(secret, &self.proved()).map(|mac| to_hex(&mac.finalize().into_bytes()));
        self.code_mac = mac;
    }

    /// Does it prove this code? Compared in constant time.
    pub fn proves_code(&self, secret: &[u8]) -> bool {
        let Some(said) = self.code_mac.as_deref().and_then(from_hex) else { return false };
        code_mac(secret, &self.proved()).is_some_and(|mac| mac.verify_slice(&said).is_ok())
    }

    /// Signs it with the gateway's key.
    pub fn sign(&self, key: &SignKey) -> Result<Vec<u8>, SignError> {
        sign::sign(key, Kind::Enrol, serde_json::to_vec(self).map_err(|_| SignError::Encoding)?)
    }

    /// Opens a request that the gateway signed with the key that it names itself: whoever sent it has that key.
    pub fn open_first(bytes: &[u8]) -> Result<Self, OpenError> {
        let said: Self = read(&sign::peek(bytes, Kind::Enrol)?)?;
        let key = said.sign_key;
        Self::open(bytes, |name| (name == said.gateway.as_str()).then_some(key))
    }

    /// Opens a request signed with a key that is known already.
    pub fn open(bytes: &[u8], resolve: impl FnOnce(&str) -> Option<PublicKey>) -> Result<Self, OpenError> {
        let opened = sign::open(bytes, &[Kind::Enrol], resolve)?;
        let said: Self = read(&opened.payload)?;
        if said.gateway.as_str() == opened.signer {
            Ok(said)
        } else {
            Err(OpenError::Content("another's name"))
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(payload: &[u8]) -> Result<T, OpenError> {
    serde_json::from_slice(payload).map_err(|_| OpenError::Content("not an enrolment"))
}

fn code_mac(secret: &[u8], proved: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(proved);
    Some(mac)
}

/// The lowest version of an order that a new gateway may accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowest {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Epoch of the lowest version.
    pub epoch: u64,
    /// Number of the lowest version.
    pub number: u64,
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAddress {
    /// Name or address; the broker's certificate bears it.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What the hub grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The request's.
    pub nonce: String,
    /// Whom it is for.
    pub gateway: GatewayId,
    /// The gateway's certificate, PEM.
    pub certificate: String,
    /// The authority of broker and gateways, PEM.
    pub ca: String,
    /// The hub's time.
    pub time: WallTime,
    /// When to renew: early enough for three times the longest time offline.
    pub renew_from: WallTime,
    /// When the certificate ends.
    pub ends: WallTime,
    /// The broker.
    pub broker: BrokerAddress,
    /// Lowest versions of orders.
    #[serde(default)]
    pub lowest: Vec<Lowest>,
}

/// The hub's answer, as JSON: all parts that a gateway checks, beginning with the fingerprint that it knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The root's public key.
    pub root: PublicKey,
    /// The [`KeyRoles`] that the root signed, hex.
    pub keys: String,
    /// The [`Grant`] that one of its order keys signed, hex.
    pub grant: String,
}

/// Why an answer is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not from the hub that the code is of.
    #[error("the answer is not of the hub that gave the code: its root key is another")]
    OtherRoot,
    /// Its list of keys or its grant is not signed as it must be.
    #[error("the hub's answer is not signed as it must be")]
    Open(#[from] OpenError),
    /// Not for this request.
    #[error("the hub's answer is to another request")]
    OtherRequest,
}

impl Answer {
    /// Makes an answer.
    pub fn make(root: PublicKey, keys: &[u8], grant: &Grant, order: &SignKey) -> Result<Self, SignError> {
        let json = serde_json::to_vec(grant).map_err(|_| SignError::Encoding)?;
        Ok(Self { root, keys: to_hex(keys), grant: to_hex(&sign::sign(order, Kind::Grant, json)?) })
    }

    /// Opens it for this request; gives the root's list of keys, as signed, and the grant.
    pub fn open(
        &self,
        fingerprint: &[u8; FINGERPRINT_BYTES],
        asked: &EnrolRequest,
    ) -> Result<(Vec<u8>, Grant), AnswerError> {
        if roles::fingerprint(&self.root) != *fingerprint {
            return Err(AnswerError::OtherRoot);
        }
        let keys = from_hex(&self.keys).ok_or(OpenError::Malformed)?;
        let roles = KeyRoles::open(&keys, &self.root)?;
        let grant = from_hex(&self.grant).ok_or(OpenError::Malformed)?;
        let mut opened = Err(OpenError::UnknownKey(super::keys::ORDER_KEY_NAME.to_owned()));
        for key in roles.order_keys() {
            opened = sign::open(&grant, &[Kind::Grant], |_| Some(key));
            if opened.is_ok() {
                break;
            }
        }
        let grant: Grant = read(&opened?.payload)?;
        if grant.nonce != asked.nonce || grant.gateway != asked.gateway {
            return Err(AnswerError::OtherRequest);
        }
        Ok((keys, grant))
    }
}

/// Bytes as lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hex of either case; at most [`ANSWER_BYTES_MAX`] characters.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > ANSWER_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{
        keys::{ORDER_KEY_NAME, Seed},
        roles::ROOT_KEY_NAME,
        secret_key::SecretKey,
    };

    fn key(name: &str, byte: u8) -> SignKey {
        SignKey::new(name, &Seed::from_bytes([byte; 32])).unwrap()
    }

    fn request() -> EnrolRequest {
        EnrolRequest {
            gateway: GatewayId::new("post-1").unwrap(),
            nonce: "00".repeat(16),
            sign_key: key("post-1", 5).public(),
            secret_key: SecretKey::new(&Seed::from_bytes([6; 32])).public(),
            request: "-----BEGIN CERTIFICATE REQUEST-----".to_owned(),
            journal: Uuid::nil(),
            code_mac: None,
            old_key_proof: None,
        }
    }

    fn grant() -> Grant {
        Grant {
            nonce: "00".repeat(16),
            gateway: GatewayId::new("post-1").unwrap(),
            certificate: String::new(),
            ca: String::new(),
            time: WallTime(1),
            renew_from: WallTime(2),
            ends: WallTime(3),
            broker: BrokerAddress { host: "broker".to_owned(), port: 8883 },
            lowest: Vec::new(),
        }
    }

    #[test]
    fn a_request_proves_its_code_and_its_key() {
        let mut asked = request();
        asked.prove_code(&[9; CODE_SECRET_BYTES]);
        assert!(asked.proves_code(&[9; CODE_SECRET_BYTES]) && !asked.proves_code(&[8; CODE_SECRET_BYTES]));
        let bytes = asked.sign(&key("post-1", 5)).unwrap();
        assert_eq!(EnrolRequest::open_first(&bytes), Ok(asked.clone()));
        // Somebody who overhears it cannot put a key of his own into it.
        let stolen = EnrolRequest { sign_key: key("post-1", 7).public(), ..asked.clone() };
        assert!(!stolen.proves_code(&[9; CODE_SECRET_BYTES]));
        assert_eq!(
            EnrolRequest::open_first(&asked.sign(&key("post-1", 7)).unwrap()),
            Err(OpenError::Signature)
        );
    }

    #[test]
    fn an_answer_is_believed_only_under_the_root_of_the_code_and_to_its_own_request() {
        let (root, order) = (key(ROOT_KEY_NAME, 1), key(ORDER_KEY_NAME, 2));
        let roles =
            KeyRoles { version: 1, order: vec![order.public()], ack: Vec::new(), revoked: Vec::new() };
        let keys = roles.sign(&root).unwrap();
        let fingerprint = roles::fingerprint(&root.public());
        let answer = Answer::make(root.public(), &keys, &grant(), &order).unwrap();
        assert_eq!(answer.open(&fingerprint, &request()), Ok((keys.clone(), grant())));
        assert_eq!(answer.open(&[0; FINGERPRINT_BYTES], &request()), Err(AnswerError::OtherRoot));
        let other = EnrolRequest { nonce: "01".repeat(16), ..request() };
        assert_eq!(answer.open(&fingerprint, &other), Err(AnswerError::OtherRequest));
        let forged = Answer::make(root.public(), &keys, &grant(), &key(ORDER_KEY_NAME, 3)).unwrap();
        assert_eq!(forged.open(&fingerprint, &request()), Err(OpenError::Signature.into()));
        let revoked = KeyRoles { revoked: vec![order.public()], ..roles }.sign(&root).unwrap();
        let answer = Answer::make(root.public(), &revoked, &grant(), &order).unwrap();
        assert!(answer.open(&fingerprint, &request()).is_err());
    }

    proptest! {
        #[test]
        fn a_code_reads_back_and_a_wrong_digit_is_noticed(
            fingerprint: [u8; FINGERPRINT_BYTES],
            secret: [u8; CODE_SECRET_BYTES],
            address in proptest::option::of("[a-z]{1,9}:[1-9][0-9]{0,3}"),
        ) {
            let code = Code { fingerprint, secret: Zeroizing::new(secret), address };
            let text = code.text();
            prop_assert_eq!(Code::parse(&text).unwrap(), code.clone());
            let (digits, address) = text.split_once('@').map_or((&**text, String::new()), |(digits, address)| {
                (digits, format!("@{address}"))
            });
            let misread = digits.to_lowercase().replace('0', "o") + &address;
            prop_assert_eq!(Code::parse(&misread).unwrap(), code.clone());
        }

        #[test]
        fn what_stands_behind_a_code_is_an_address_or_the_code_is_wrong(
            fingerprint: [u8; FINGERPRINT_BYTES],
            secret: [u8; CODE_SECRET_BYTES],
        ) {
            let code = Code { fingerprint, secret: Zeroizing::new(secret), address: None }.text();
            for right in ["10.0.0.5:8091", "hub.example.org:443", "[fe80::1]:8091"] {
                let read = Code::parse(&format!("{}@{right}", *code));
                prop_assert_eq!(read.map(|read| read.address), Ok(Some(right.to_owned())));
            }
            for wrong in ["", "hub", "hub:", "hub:0", "hub:65536", ":8091", "hub:8091/path", "a b:1", "u@hub:1", "[hub]:1"] {
                prop_assert_eq!(Code::parse(&format!("{}@{wrong}", *code)), Err(BadCode));
            }
            prop_assert!(Code::begins(&code) && Code::begins("wp1-") && !Code::begins("WP1") && !Code::begins("T-0001"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(WP1-)?[ -~é]{0,80}") {
            let _ = Code::parse(&text);
        }
    }
}
