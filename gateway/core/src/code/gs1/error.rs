//! Why a text is no GS1 code.

use std::fmt;

pub use super::value::Fault;

/// An application identifier that is known: its number, which prints with its leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ai(pub(super) u16);

impl fmt::Display for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Why a text is no GS1 code. No part of a value stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Error {
    /// No element at all.
    #[error("no data")]
    Empty,
    /// Where an application identifier must stand there is none that is known.
    #[error("no such application identifier")]
    NoSuchAi,
    /// A value is not what its identifier asks for.
    #[error("({ai}): {fault}")]
    Value {
        /// The identifier.
        ai: Ai,
        /// What is wrong with its value.
        fault: Fault,
    },
    /// The same identifier twice with different values.
    #[error("({0}) stands twice with different values")]
    Repeated(Ai),
    /// Two identifiers that exclude each other.
    #[error("({0}) and ({1}) exclude each other")]
    Exclusive(Ai, Ai),
    /// A retail bar code whose data are not 13 or 8 digits.
    #[error("not the digits of a retail bar code")]
    Retail,
    /// More elements than a code holds.
    #[error("too many elements")]
    TooMany,
}
