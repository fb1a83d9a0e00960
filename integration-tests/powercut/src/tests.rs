//! What a cut takes and what it leaves, with SQLite's own promises as the measure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, OpenFlags};

use crate::{Dice, Disk, Power, VFS, mount, register, unmount};

fn connect(folder: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags_and_vfs(folder.join("a.db"), OpenFlags::default(), VFS)?;
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", synchronous)?;
    db.pragma_update(None, "wal_autocheckpoint", 20)?;
    db.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, pad BLOB)")?;
    Ok(db)
}

/// Inserts until power fails; what was committed.
fn insert(folder: &Path, synchronous: &str, from: i64) -> Option<i64> {
    let db = connect(folder, synchronous).ok()?;
    for n in from.. {
        if db.execute("INSERT INTO t VALUES (?1, randomblob(700))", [n]).is_err() {
            return Some(n - 1);
        }
    }
    None
}

/// Cuts again and again; the rows that were committed and are gone, and the rows that nobody was told of.
fn lost_and_more(name: &str, synchronous: &str, cuts: u64) -> (i64, i64) {
    register().unwrap();
    let folder = PathBuf::from(format!("/powercut/{name}"));
    let mut dice = Dice::new(1, 0);
    let (mut lost, mut unanswered) = (0, 0);
    let mut disk = Disk::new(Arc::new(Power::stays()));
    let mut committed = 0;
    for _ in 0..cuts {
        let power = Arc::new(Power::stays());
        disk = disk.after_cut(&mut dice, Arc::clone(&power));
        power.fails_after(1 + dice.below(400));
        let mounted = Arc::new(disk);
        mount(&folder, Arc::clone(&mounted));
        committed = insert(&folder, synchronous, committed + 1).unwrap_or(committed);
        unmount(&folder);
        let power = Arc::new(Power::stays());
        let after = Arc::new(mounted.after_cut(&mut dice, power));
        mount(&folder, Arc::clone(&after));
        let found = connect(&folder, synchronous)
            .and_then(|db| db.query_row("SELECT coalesce(max(n), 0) FROM t", [], |row| row.get::<_, i64>(0)));
        unmount(&folder);
        match found {
            Ok(found) => {
                lost += (committed - found).max(0);
                unanswered += (found - committed).max(0);
                committed = found;
                disk = after.after_cut(&mut dice, Arc::new(Power::stays()));
            }
            Err(_) => {
                lost += committed;
                committed = 0;
                disk = Disk::new(Arc::new(Power::stays()));
            }
        }
    }
    (lost, unanswered)
}

#[test]
fn what_was_synced_is_there_after_a_cut_and_a_commit_may_be_there_unanswered() {
    let (lost, unanswered) = lost_and_more("full", "full", 300);
    assert_eq!(lost, 0);
    assert!(unanswered > 0, "power never failed between a sync and its answer");
}

#[test]
fn what_was_not_synced_can_be_lost() {
    assert!(lost_and_more("off", "off", 50).0 > 0);
}

#[test]
fn a_file_made_since_the_folder_was_synced_may_be_gone_and_a_synced_one_is_not() {
    let mut dice = Dice::new(3, 0);
    let mut seen = [false; 2];
    for _ in 0..50 {
        let disk = Disk::new(Arc::new(Power::stays()));
        let (inode, made) = disk.open("old", true).unwrap().unwrap();
        assert!(made);
        assert_eq!(disk.write(&inode, 0, b"content").unwrap(), None);
        disk.sync(&inode).unwrap();
        disk.sync_folder().unwrap();
        disk.open("new", true).unwrap().unwrap();
        let after = disk.after_cut(&mut dice, Arc::new(Power::stays()));
        assert_eq!(after.length("old").unwrap(), Some(7));
        seen[usize::from(after.length("new").unwrap().is_some())] = true;
        assert!(disk.open("old", false).is_err(), "the old disk is without power");
    }
    assert_eq!(seen, [true, true]);
}

#[test]
fn unsynced_writes_come_in_any_subset_and_some_are_torn() {
    let mut dice = Dice::new(4, 0);
    let (mut later_alone, mut torn) = (false, false);
    for _ in 0..300 {
        let disk = Disk::new(Arc::new(Power::stays()));
        let (inode, _) = disk.open("f", true).unwrap().unwrap();
        disk.write(&inode, 0, &[1; 2048]).unwrap();
        disk.sync(&inode).unwrap();
        disk.sync_folder().unwrap();
        disk.write(&inode, 0, &[2; 1024]).unwrap();
        disk.write(&inode, 1024, &[3; 1024]).unwrap();
        let after = disk.after_cut(&mut dice, Arc::new(Power::stays()));
        let (inode, _) = after.open("f", false).unwrap().unwrap();
        let mut bytes = [0; 2048];
        assert!(after.read(&inode, 0, &mut bytes).unwrap());
        later_alone |= bytes[..1024] == [1; 1024] && bytes[1024..] == [3; 1024];
        torn |= bytes[0] != bytes[1023];
        for sector in bytes.chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is whole");
        }
    }
    assert!(later_alone && torn);
}

#[test]
fn the_same_seed_leaves_the_same_disk() {
    let left = |seed| {
        let disk = Disk::new(Arc::new(Power::stays()));
        let (inode, _) = disk.open("f", true).unwrap().unwrap();
        disk.sync_folder().unwrap();
        for part in 0..20_u8 {
            disk.write(&inode, usize::from(part) * 600, &[part; 600]).unwrap();
        }
        let after = disk.after_cut(&mut Dice::new(seed, 0), Arc::new(Power::stays()));
        let (inode, _) = after.open("f", false).unwrap().unwrap();
        let mut bytes = vec![0; after.length("f").unwrap().unwrap()];
        after.read(&inode, 0, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(left(7), left(7));
    assert_ne!(left(7), left(8));
}
