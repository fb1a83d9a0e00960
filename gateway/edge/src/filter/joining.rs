//! Pieces of which some parts are here, each in a file of its own beside the whole ones.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use waypost_core::{
    filter::{FilterError, PIECE_BYTES_MAX},
    wire::part::{Part, PartHeader},
};

use super::PieceError;

/// Pieces that are put together at once.
pub const JOINING_MAX: usize = 40;

/// Most bytes of all of them.
pub const JOINING_BYTES_MAX: u64 = 2 * PIECE_BYTES_MAX;

/// How the name of such a file ends.
const ENDING: &str = ".joining";

struct Joining {
    header: PartHeader,
    path: PathBuf,
    file: File,
    here: Vec<bool>,
}

/// All of them, the one begun first in front.
#[derive(Default)]
pub(super) struct Joinings {
    joining: VecDeque<Joining>,
}

impl Joinings {
    /// Takes a part; true with the last one that was missing.
    pub(super) fn take(&mut self, dir: &Path, part: &Part) -> Result<bool, PieceError> {
        let header = &part.header;
        if header.bytes > PIECE_BYTES_MAX {
            return Err(FilterError::TooLong.into());
        }
        // Cut anew for another broker the same piece may come in other parts.
        let other = |one: &Joining| one.header.digest == header.digest && !one.header.is_of(header);
        if let Some(at) = self.joining.iter().position(other) {
            self.give_up(at);
        }
        if !self.joining.iter().any(|one| one.header.digest == header.digest) {
            self.make_room(header.bytes);
            self.joining.push_back(begin(dir, header)?);
        }
        let Some(one) = self.joining.iter_mut().find(|one| one.header.digest == header.digest) else {
            return Ok(false);
        };
        one.file.write_all_at(&part.data, header.offset())?;
        if let Some(here) = one.here.get_mut(header.part.saturating_sub(1) as usize) {
            *here = true;
        }
        Ok(one.here.iter().all(|here| *here))
    }

    /// The file of a piece whose parts are all here; it is no more looked after.
    pub(super) fn finish(&mut self, digest: &str) -> PathBuf {
        let at = self.joining.iter().position(|one| one.header.digest == digest);
        at.and_then(|at| self.joining.remove(at)).map(|one| one.path).unwrap_or_default()
    }

    /// Is that the name of a file of these?
    pub(super) fn is_file(&self, name: &str) -> bool {
        name.strip_suffix(ENDING)
            .is_some_and(|digest| self.joining.iter().any(|one| one.header.digest == digest))
    }

    /// Gives up the pieces that came for a filter.
    pub(super) fn give_up_all_of(&mut self, id: &str) {
        while let Some(at) = self.joining.iter().position(|one| one.header.id == id) {
            self.give_up(at);
        }
    }

    fn make_room(&mut self, bytes: u64) {
        let held = |all: &VecDeque<Joining>| all.iter().map(|one| one.header.bytes).sum::<u64>();
        while !self.joining.is_empty()
            && (self.joining.len() >= JOINING_MAX || held(&self.joining) + bytes > JOINING_BYTES_MAX)
        {
            self.give_up(0);
        }
    }

    fn give_up(&mut self, at: usize) {
        if let Some(one) = self.joining.remove(at) {
            // What stays is cleared away with the next list.
            let _later = fs::remove_file(one.path);
        }
    }
}

fn begin(dir: &Path, header: &PartHeader) -> io::Result<Joining> {
    fs::create_dir_all(dir)?;
    // The sum was checked to be hex digits when the part was opened: it is a plain name.
    let path = dir.join(format!("{}{ENDING}", header.digest));
    let file = File::options().create(true).truncate(true).write(true).read(true).open(&path)?;
    file.set_len(header.bytes)?;
    Ok(Joining { header: header.clone(), path, file, here: vec![false; header.parts as usize] })
}
