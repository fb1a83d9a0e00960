//! Codes to scan: made up, and valid.

use sha2::{Digest, Sha256};
use waypost_core::code::hkid::check_digit;

/// A clerk's badge.
pub const STAFF_BADGE: &str = "STAFF-0123456789ABCDEF";
/// A supervisor's badge.
pub const SUPERVISOR_BADGE: &str = "STAFF-FEDCBA9876543210";

/// A badge's verifier in a staff order: SHA-256 of its code, hex.
pub fn badge_hash(badge: &str) -> String {
    Sha256::digest(badge.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The n-th tube.
pub fn tube(n: u64) -> String {
    format!("T-{n:08}")
}

/// The n-th box.
pub fn box_code(n: u64) -> String {
    format!("B-{n:06}")
}

/// An identity card number, letter and six digits, spread over the range so that no two look alike.
pub fn hkid_body(n: u32) -> String {
    let spread = (u64::from(n) * 7_919 + 104_729) % 900_000 + 100_000;
    let letter = char::from(b'A' + u8::try_from(n % 26).unwrap());
    format!("{letter}{spread}")
}

/// The number with its right check digit, as it is keyed.
pub fn hkid(n: u32) -> String {
    let body = hkid_body(n);
    let check = check_digit(&body).unwrap();
    format!("{body}({check})")
}

/// The number with a wrong check digit.
pub fn wrong_hkid(n: u32) -> String {
    let body = hkid_body(n);
    let check = match check_digit(&body).unwrap() {
        '0' => '1',
        _ => '0',
    };
    format!("{body}({check})")
}
