//! The wall clock of a machine, to be set wrong: Debian's libfaketime before a process. Time since the start is left
//! alone, as a machine's is when somebody sets its clock.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use waypost_core::fact::WallTime;

use crate::program;

/// The clock that all processes share which wear it. It can be set while they run.
#[derive(Debug, Clone)]
pub struct Wall {
    file: PathBuf,
}

impl Wall {
    /// One that is right, kept in `dir`. None, and the test is skipped, where libfaketime is missing.
    pub fn make(dir: &Path) -> Option<Self> {
        if library().is_none() {
            program::skip("libfaketime is not installed");
            return None;
        }
        fs::create_dir_all(dir).unwrap();
        let wall = Self { file: dir.join("wall-clock") };
        wall.set_off(0);
        Some(wall)
    }

    /// From now on it is this many milliseconds ahead of the right time.
    pub fn set_off(&self, ms: i64) {
        let sign = if ms < 0 { '-' } else { '+' };
        let ms = ms.unsigned_abs();
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{sign}{}.{:03}\n", ms / 1_000, ms % 1_000)).unwrap();
        // In one step: it is read with every look at the clock.
        fs::rename(new, &self.file).unwrap();
    }

    /// From now on it shows this time, and goes on from there.
    pub fn set(&self, at: &str) {
        let at: WallTime = at.parse().unwrap();
        self.set_off(at.as_millis() - now().as_millis());
    }

    /// A process that is to start shows this clock.
    pub fn put_on<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", library().unwrap())
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    }
}

/// Puts a clock on a command, where there is one.
pub fn put_on(wall: Option<&Wall>, command: &mut Command) {
    if let Some(wall) = wall {
        wall.put_on(command);
    }
}

/// The right time.
#[allow(clippy::disallowed_methods, reason = "what the clocks of gateways are compared with")]
pub fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    WallTime(i64::try_from(since.as_millis()).unwrap())
}

fn library() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let folders = fs::read_dir("/usr/lib").ok()?.flatten();
            folders
                .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
                .find(|file| file.is_file())
        })
        .as_deref()
}
