//! The code of a staff badge, which is a credential.

use std::fmt;

use zeroize::Zeroizing;

/// What a badge's bar code says. It cannot be printed and is wiped when dropped; only its verifier is ever stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Badge(Zeroizing<String>);

impl Badge {
    /// Takes the code of a badge, in upper case.
    pub fn new(code: &str) -> Self {
        let mut badge = Zeroizing::new(String::with_capacity(code.len()));
        badge.extend(code.chars().map(|c| c.to_ascii_uppercase()));
        Self(badge)
    }

    /// The code, for its verifier and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length of the code in bytes: all that is said of one.
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Badge({} characters)", self.length())
    }
}
