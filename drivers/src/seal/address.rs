//! A seal's Bluetooth address.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Six bytes in the order in which they are printed: `54:48:E6:8F:80:A5` begins with 0x54.
///
/// On the air and in HCI packets the order is the other way round; [`Address::from_air`] turns it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 6]);

/// Text that is not six pairs of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Bluetooth address is six pairs of hexadecimal digits, such as 54:48:E6:8F:80:A5")]
pub struct BadAddress;

impl Address {
    /// The address from six bytes in the order in which the radio sends them, last printed byte first.
    #[must_use]
    pub fn from_air(mut bytes: [u8; 6]) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// The six bytes in the order in which the radio sends them.
    #[must_use]
    pub fn to_air(self) -> [u8; 6] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    /// Takes `54:48:E6:8F:80:A5`, `54-48-e6-8f-80-a5` and `5448E68F80A5`.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let separators = text.bytes().filter(|b| matches!(b, b':' | b'-')).count();
        let digits: Vec<u8> = match separators {
            0 => text.bytes().collect(),
            5 if text.split([':', '-']).all(|pair| pair.len() == 2) => {
                text.bytes().filter(|b| !matches!(b, b':' | b'-')).collect()
            }
            _ => return Err(BadAddress),
        };
        let bytes = super::hex::decode_bytes(&digits).ok_or(BadAddress)?;
        Ok(Self(bytes.try_into().map_err(|_| BadAddress)?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 6]> for Address {
    fn from(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_with_colons_dashes_or_nothing_and_prints_with_colons() {
        for text in ["54:48:E6:8F:80:A5", "54-48-e6-8f-80-a5", "5448e68f80A5"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), "54:48:E6:8F:80:A5");
            assert_eq!(Address::from_air(address.to_air()), address);
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in
            ["", "54", "54:48:E6:8F:80", "54:48:E6:8F:80:A5:00", "5:448:E6:8F:80:A5", "54:48:E6:8F:80:AG"]
        {
            assert_eq!(text.parse::<Address>(), Err(BadAddress), "{text}");
        }
        assert_eq!("５４４８e68f80A5".parse::<Address>(), Err(BadAddress));
    }
}
