//! A Bluetooth adapter that the kernel knows, and the way to it.

use std::fmt;
use std::str::FromStr;

/// An adapter by the kernel's name, such as `hci0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adapter(pub u16);

/// How to share the adapter with the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// [`Self::User`] where the adapter is free, else [`Self::Raw`].
    #[default]
    Auto,
    /// Beside the kernel and other programs, which must leave the scan alone. Needs CAP_NET_RAW, and CAP_NET_ADMIN to
    /// switch the adapter on.
    Raw,
    /// Alone: the kernel's own Bluetooth lets go of the adapter, which must be switched off before. Needs CAP_NET_ADMIN.
    User,
}

/// Text that is no adapter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Bluetooth adapter is named hci0, hci1 and so on")]
pub struct BadAdapter;

impl FromStr for Adapter {
    type Err = BadAdapter;

    fn from_str(text: &str) -> Result<Self, BadAdapter> {
        /// Stands for "no adapter" in the kernel's interface.
        const NONE: u16 = 0xFFFF;
        let digits = text.strip_prefix("hci").ok_or(BadAdapter)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| plain && *number != NONE);
        number.map(Self).ok_or(BadAdapter)
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hci{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_has_the_kernels_name() {
        assert_eq!("hci0".parse(), Ok(Adapter(0)));
        assert_eq!(Adapter(12).to_string(), "hci12");
        for text in ["", "hci", "hci-1", "hci+1", "hci65535", "hci99999", "usb0", "0", "HCI0"] {
            assert_eq!(text.parse::<Adapter>(), Err(BadAdapter), "{text}");
        }
    }
}
