//! The hub's own keys: one signs acknowledgements and nothing else, one signs orders.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use waypost_core::wire::keys::{HubSeeds, SignKey};

/// The file within the hub's folder, made by `waypost hub init`.
pub const KEYS_FILE: &str = "keys.json";

/// More is no file of keys.
const FILE_BYTES_MAX: u64 = 4096;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is none.
    #[error("there are no keys at {0}: make them with `waypost hub init`")]
    Absent(PathBuf),
    /// Others can read them.
    #[error("others can read {0}: `chmod 600` it; if anyone may have, make new keys")]
    Open(PathBuf),
    /// Not what `waypost hub init` wrote.
    #[error("{0} is not a file of keys: put it back from a copy")]
    Malformed(PathBuf),
    /// The file system.
    #[error("{0} cannot be read")]
    Io(PathBuf, #[source] io::Error),
}

/// Both keys.
pub(crate) struct Keys {
    /// Signs acknowledgements.
    pub ack: SignKey,
    /// Signs orders.
    pub order: SignKey,
}

impl Keys {
    /// Reads the file of a folder. One that others can read is refused.
    pub(crate) fn read(dir: &Path) -> Result<Self, KeysError> {
        let path = dir.join(KEYS_FILE);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => KeysError::Absent(path.clone()),
            _ => KeysError::Io(path.clone(), error),
        };
        let file = File::open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeysError::Open(path));
        }
        let seeds: HubSeeds =
            serde_json::from_reader(file.take(FILE_BYTES_MAX)).map_err(|_| KeysError::Malformed(path))?;
        Ok(Self { ack: seeds.ack(), order: seeds.order() })
    }
}
