//! What is damaged is set aside: `quarantine/<number>/` holds the damaged files as they were, and the report.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{database::FILE, error::JournalError, salvaged::Salvaged};

/// Where damaged files lie, within the data directory.
pub const QUARANTINE_DIR: &str = "quarantine";
/// Says of which journal the files are. Written once they are all there.
const BEGUN_FILE: &str = "begun.json";
/// What came of it. Written last.
const REPORT_FILE: &str = "report.json";
/// Most damaged journals that are kept apart; more is a card to be replaced.
const KEPT_MAX: u32 = 999;

#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    journal: Uuid,
}

/// Something that was set aside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetAside {
    /// Its number, from 1.
    pub number: u32,
    /// Where it lies.
    pub path: PathBuf,
    /// Of which journal.
    pub journal: Option<Uuid>,
    /// Bytes of the damaged files.
    pub bytes: u64,
    /// What was brought back. None: the salvage did not come to its end; call it again.
    pub report: Option<serde_json::Value>,
}

/// All that was set aside, oldest first.
///
/// # Errors
/// The directory cannot be read.
pub fn list(dir: &Path) -> Result<Vec<SetAside>, JournalError> {
    let mut found = Vec::new();
    for number in 1..=KEPT_MAX {
        let path = path_of(dir, number);
        if !path.is_dir() {
            break;
        }
        let bytes = ["", "-wal"]
            .iter()
            .filter_map(|end| fs::metadata(path.join(format!("{FILE}{end}"))).ok())
            .map(|file| file.len())
            .sum();
        let text = |name: &str| fs::read_to_string(path.join(name)).ok();
        let begun: Option<Begun> = text(BEGUN_FILE).and_then(|text| serde_json::from_str(&text).ok());
        let report = text(REPORT_FILE).and_then(|text| serde_json::from_str(&text).ok());
        found.push(SetAside { number, path, journal: begun.map(|begun| begun.journal), bytes, report });
    }
    Ok(found)
}

/// Sets the files of a journal aside, by a second name for each: nothing is copied, nothing changed. Files of the same
/// journal whose salvage did not end are taken as they lie there already.
pub(super) fn set_aside(dir: &Path, journal: Uuid) -> Result<PathBuf, JournalError> {
    let all = list(dir)?;
    if let Some(last) = all.last()
        && last.journal == Some(journal)
        && last.report.is_none()
    {
        return Ok(last.path.clone());
    }
    if !dir.join(FILE).is_file() {
        return Err(JournalError::Missing { dir: dir.to_owned(), file: FILE });
    }
    // One whose files were not all there yet holds nothing that is not still in its place.
    let unfinished = all.last().filter(|last| last.journal.is_none()).map(|last| last.number);
    let number = unfinished.unwrap_or(all.last().map_or(1, |last| last.number + 1));
    let path = path_of(dir, number);
    let failed = |source| JournalError::Io { path: path.clone(), source };
    make_dir(&path).map_err(failed)?;
    for end in ["", "-wal"] {
        let name = format!("{FILE}{end}");
        match fs::hard_link(dir.join(&name), path.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !end.is_empty() => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked.map_err(failed)?,
        }
    }
    write(&path, BEGUN_FILE, &Begun { journal })?;
    Ok(path)
}

/// Writes what came of it.
pub(super) fn report(aside: &Path, salvaged: &Salvaged) -> Result<(), JournalError> {
    write(aside, REPORT_FILE, salvaged)
}

/// The report of what was set aside last.
pub(super) fn last_report(dir: &Path) -> Result<Salvaged, JournalError> {
    let last = list(dir)?.pop().and_then(|last| last.report);
    last.and_then(|report| serde_json::from_value(report).ok())
        .ok_or_else(|| JournalError::Missing { dir: dir.join(QUARANTINE_DIR), file: REPORT_FILE })
}

/// Makes a directory for its owner only.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whole or not at all.
fn write(dir: &Path, name: &str, value: &impl Serialize) -> Result<(), JournalError> {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    serde_json::to_vec(value)
        .map_err(io::Error::from)
        .and_then(|text| {
            let mut file = File::create(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(dir)?.sync_all()
        })
        .map_err(|source| JournalError::Io { path, source })
}

fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(QUARANTINE_DIR).join(format!("{number:03}"))
}
