//! The kernel's files, bounded: a device may say anything of itself.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Entries of one folder that are looked at.
pub const ENTRIES_MAX: usize = 256;
/// Bytes of one file that are read: more than a report descriptor has.
const FILE_BYTES_MAX: u64 = 8 * 1024;
/// Longest text of a device that is shown, in characters.
const TEXT_CHARS_MAX: usize = 120;

/// Where `/dev` and `/sys` are: `/`, or the copy of a machine.
#[derive(Debug)]
pub struct Root(PathBuf);

impl Root {
    /// A machine's files under `folder`.
    pub fn new(folder: PathBuf) -> Self {
        // Real, as links are compared with it.
        Self(folder.canonicalize().unwrap_or(folder))
    }

    /// Where a path of the machine is.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Names in a folder, sorted, the first [`ENTRIES_MAX`]; none where there is no such folder.
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.at(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .take(ENTRIES_MAX)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Is there such a file?
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.at(path).exists()
    }

    /// A file's bytes, as far as they are looked at.
    pub fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.at(path)).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A file's text in one line that a terminal can show; none where it is empty.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.bytes(path)?;
        let text: String = String::from_utf8_lossy(&bytes)
            .trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .chars()
            .filter(|c| !c.is_control())
            .take(TEXT_CHARS_MAX)
            .collect();
        (!text.is_empty()).then_some(text)
    }

    /// Where a path leads, as a path of the machine.
    pub fn real(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let real = self.at(path).canonicalize().ok()?;
        Some(Path::new("/").join(real.strip_prefix(&self.0).ok()?))
    }
}
