//! The search for keyed document numbers in all files of a folder, and in memory.
//!
//! [`find`] looks for many numbers as text at once, [`Canaries`] for a few in every encoding that a search would think
//! of: text in either case, forwards and backwards, UTF-16, hex, and base64 at each of its three alignments in either
//! alphabet. The letter is left out there: prefix and digits may be kept apart.

use std::{collections::BTreeSet, fs, path::Path};

/// Files under `dir`, with their content.
pub fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

/// Numbers (`A123456`, without the check digit) that stand in the bytes, in either case.
pub fn find(bytes: &[u8], numbers: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits = 0;
    for (end, byte) in (1..).zip(bytes) {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        // Six digits, and what one or two letters stand before them.
        if digits != 6 {
            continue;
        }
        for letters in [1, 2] {
            let Some(start) = end_minus(end, 6 + letters) else { continue };
            let text = String::from_utf8_lossy(&bytes[start..end]).to_ascii_uppercase();
            if numbers.contains(&text) && !is_in_hex(bytes, start, end) {
                found.push(text);
            }
        }
    }
    found
}

/// Numbers to be looked for in every encoding.
pub struct Canaries {
    /// What is looked for, and what it is called. By its first byte.
    needles: Vec<Vec<(Vec<u8>, String)>>,
}

impl Canaries {
    /// Takes numbers without their check digits, `A123456`.
    pub fn new<'a>(numbers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Vec<(Vec<u8>, String)>> = vec![Vec::new(); 256];
        for number in numbers {
            for (bytes, way) in encodings(number) {
                needles[usize::from(bytes[0])].push((bytes, format!("{number} as {way}")));
            }
        }
        Self { needles }
    }

    /// What of them stands in the bytes, each once.
    pub fn find(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (start, byte) in bytes.iter().enumerate() {
            for (needle, name) in &self.needles[usize::from(*byte)] {
                if bytes[start..].starts_with(needle) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }
}

/// Every way in which a number may have been written.
fn encodings(number: &str) -> Vec<(Vec<u8>, String)> {
    let mut ways = Vec::new();
    for text in [number.to_ascii_uppercase(), number.to_ascii_lowercase()] {
        let backwards: String = text.chars().rev().collect();
        for (text, order) in [(text, "forwards"), (backwards, "backwards")] {
            let bytes = text.as_bytes();
            let utf16 = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut add = |bytes: Vec<u8>, way: &str| ways.push((bytes, format!("{way}, {order}")));
            add(bytes.to_vec(), "text");
            add(utf16(u16::to_le_bytes), "UTF-16, little end first");
            add(utf16(u16::to_be_bytes), "UTF-16, big end first");
            add(hex.to_ascii_uppercase().into_bytes(), "hex in upper case");
            add(hex.into_bytes(), "hex");
            for before in 0..3 {
                // Digits have no `+` or `/` in base64 whatever stands beside them: both alphabets agree on them.
                add(inner_base64(bytes, before), "base64");
            }
        }
    }
    ways
}

/// The characters of base64 that depend on these bytes alone, where `before` bytes stand before them.
fn inner_base64(bytes: &[u8], before: usize) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| bytes[at / 8 - before] >> (7 - at % 8) & 1;
    let (first, end) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
    let sextet = |n: usize| (0..6).fold(0, |value, k| value << 1 | bit(n * 6 + k));
    (first..end).map(|n| ALPHABET[usize::from(sextet(n))]).collect()
}

fn end_minus(end: usize, length: usize) -> Option<usize> {
    end.checked_sub(length)
}

/// A hash or a token in hex holds any seven characters by chance; a number that was written down stands by itself or
/// has its check digit behind it.
fn is_in_hex(bytes: &[u8], start: usize, end: usize) -> bool {
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let run = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|byte| hex(byte)).count();
    bytes[start..end].iter().all(hex)
        && run(&mut bytes[..start].iter().rev()) + run(&mut bytes[end..].iter()) >= 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_wherever_it_stands_and_hex_is_none() {
        let numbers = BTreeSet::from(["A123456".to_owned(), "WX654321".to_owned()]);
        for text in
            ["A123456", "\"a123456\"", "A123456(3)", "xxA1234563", "\0A123456\0", "wx654321", "qWX6543210"]
        {
            assert_eq!(find(text.as_bytes(), &numbers).len(), 1, "{text}");
        }
        for text in ["A12345", "B123456", "123456", "T-00123456", "00aa123456deadbeef0011"] {
            assert_eq!(find(text.as_bytes(), &numbers), Vec::<String>::new(), "{text}");
        }
    }

    /// What coreutils' `base64`, `xxd -p`, `rev` and `iconv` make of texts with the number in them.
    #[test]
    fn a_canary_is_found_in_every_encoding() {
        let canaries = Canaries::new(["Z683365"]);
        for (text, way) in [
            ("id=Z683365(0)", "text, forwards"),
            ("z683365", "text, forwards"),
            ("563386Z", "text, backwards"),
            ("5a363833333635", "hex, forwards"),
            ("5A363833333635", "hex in upper case, forwards"),
            ("WjY4MzM2NQ==", "base64, forwards"),
            ("eFo2ODMzNjV5", "base64, forwards"),
            ("eHhaNjgzMzY1", "base64, forwards"),
            ("Z\x006\x008\x003\x003\x006\x005\x00", "UTF-16, little end first, forwards"),
            ("\x00Z\x006\x008\x003\x003\x006\x005", "UTF-16, big end first, forwards"),
        ] {
            let found = canaries.find(text.as_bytes());
            assert!(found.contains(&format!("Z683365 as {way}")), "{text}: {found:?}");
        }
        assert!(canaries.find(b"Z683364 and Z68336 5").is_empty());
    }
}
