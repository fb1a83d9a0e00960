//! Names of things: opaque texts that are checked once, where they come in, and shared from then on.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

/// Longest identifier, in bytes. A GRAI with its serial has 30, a UUID 36.
pub const ID_BYTES_MAX: usize = 64;

/// A text that cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Nothing was given.
    #[error("an identifier cannot be empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("an identifier has at most {ID_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// A space, a control character or a letter outside ASCII.
    #[error("an identifier is made of visible ASCII characters; the one at byte {0} is not")]
    Character(usize),
}

/// Checks a text against the rules that hold for every identifier.
fn check(text: &str) -> Result<(), BadId> {
    if text.is_empty() {
        return Err(BadId::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(BadId::TooLong(text.len()));
    }
    match text.bytes().position(|byte| !byte.is_ascii_graphic()) {
        Some(at) => Err(BadId::Character(at)),
        None => Ok(()),
    }
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text of 1 to [`ID_BYTES_MAX`] visible ASCII characters.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                check(&text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                String::from(&*id.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// One appliance. Also its topic prefix and, later, its certificate's name.
    GatewayId,
    /// A place with gateways; a vehicle is one too.
    SiteId,
    /// A specimen tube's opaque serial.
    TubeId,
    /// A returnable box: the whole value of a GRAI with serial, or a plain number.
    BoxId,
    /// An electronic seal's printed number.
    SealId,
    /// A member of staff, by pseudonym.
    OperatorId,
    /// A mask campaign.
    CampaignId,
    /// A round of a campaign.
    RoundId,
    /// A booking's number: it leads to a person only in the booking system.
    BookingId,
    /// What is counted in stock: `tubes`, `boxes`, `seals`, `packs`.
    ItemId,
    /// A fence on the map.
    FenceId,
    /// A numbered mechanical seal.
    MechanicalSealId,
}
