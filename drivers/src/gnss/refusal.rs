//! Why a sentence gave no position: what any of the gates may say.

/// Why a sentence gave no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It ends without a checksum.
    #[error("no checksum")]
    NoChecksum,
    /// The checksum says that it was damaged.
    #[error("wrong checksum")]
    WrongChecksum,
    /// Another sentence begins inside it.
    #[error("another sentence begins inside it")]
    Spliced,
    /// It contains bytes that are no text.
    #[error("bytes inside it are no text")]
    Garbled,
    /// It is longer than any sentence.
    #[error("too long for a sentence")]
    TooLong,
    /// The receiver says that the position does not hold.
    #[error("the receiver has no valid position")]
    Void,
    /// The receiver warns of the position (Quectel's modes C and U).
    #[error("the receiver warns of this position")]
    Doubtful,
    /// The position comes from a simulator.
    #[error("a simulated position")]
    Simulated,
    /// The position is dead reckoning.
    #[error("an estimated position")]
    Estimated,
    /// The position was typed in.
    #[error("a position set by hand")]
    Manual,
    /// A valid status, and no position.
    #[error("no position in it")]
    Missing,
    /// 0° N 0° E: what receivers send for nothing.
    #[error("position 0,0")]
    Zero,
    /// A field cannot be what it says.
    #[error("impossible {0}")]
    Impossible(&'static str),
}

impl Refusal {
    /// Whether the position is made up, though the receiver may call it valid in another sentence.
    pub fn is_made_up(self) -> bool {
        matches!(self, Self::Simulated | Self::Estimated | Self::Manual)
    }
}
