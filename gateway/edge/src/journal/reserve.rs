//! The reserve: a file of a fixed size that holds room for the last records, and is given up when the disk is full.
//!
//! A full disk does not only stop new records: what lies in the log cannot even be brought into the journal's file, as
//! that has to grow. With the room of the reserve it can, the alarm that says so is recorded, and whoever is in the middle
//! of a box or a claim comes to its end. It is made again once there is room beyond the watermark `low`.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate};

use super::room::{Room, Space};

/// The file's name in the data directory.
pub const RESERVE_FILE: &str = "reserve";
/// What it holds, on a large card: some 450 commits of a tube at 9 KB each, or the whole log once more.
pub const RESERVE_BYTES: u64 = 4 * 1024 * 1024;
/// On a small card no more than this share of it.
const SHARE: u64 = 16;

/// Makes the reserve where it is missing and room is `ok` also without it. True: it is there.
///
/// # Errors
/// The disk does not take it. Nothing is left of it then.
pub fn keep(dir: &Path) -> io::Result<bool> {
    let path = dir.join(RESERVE_FILE);
    if path.exists() {
        return Ok(true);
    }
    let space = Space::of(dir)?;
    let bytes = RESERVE_BYTES.min(space.total_bytes / SHARE);
    let after = Space { free_bytes: space.free_bytes.saturating_sub(bytes), ..space };
    if space.read_only || after.room() != Room::Ok {
        return Ok(false);
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|file| {
        // Blocks that are really taken: a file with holes would reserve nothing.
        fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()
    });
    if let Err(error) = made {
        // What is left of it holds no room.
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(true)
}

/// Gives the reserve up. True: there was one.
pub fn give_up(dir: &Path) -> bool {
    fs::remove_file(dir.join(RESERVE_FILE)).is_ok()
}
