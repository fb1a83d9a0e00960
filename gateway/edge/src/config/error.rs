//! Faults of a configuration file: where they are, what is wrong, what to write instead.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: the configuration cannot be read; give an existing file with --config", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is longer than [`super::FILE_BYTES_MAX`].
    #[error("{}: more than {} bytes; this is no configuration of Waypost", path.display(), super::FILE_BYTES_MAX)]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {what}\n  remedy: {remedy}", path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
        /// What to write instead.
        remedy: String,
    },
}

/// A fault with its place in the text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where; none: the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl Fault {
    /// A fault at a place.
    pub fn at(span: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { span: Some(span), what: what.into(), remedy: remedy.into() }
    }
}

impl ConfigError {
    pub(super) fn new(path: &Path, text: &str, fault: Fault) -> Self {
        let start = fault.span.map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        Self::Wrong { path: path.to_owned(), line, what: fault.what, remedy: fault.remedy }
    }
}
