//! Old records go by the hub's time alone; what the ledger needs stays, and files stay as large as what they hold.

use std::{path::Path, time::Duration};

use waypost_core::fact::{Link, Stream};

use super::*;
use crate::journal::{
    Acknowledged, JournalError, Reader, SNAPSHOT_FILE, SnapshotRow, Upkeep, read_snapshot, verify,
    write_snapshot,
};

const DAY_MS: i64 = 86_400_000;
/// A morning by the hub's clock.
const MORNING: i64 = 1_599_091_200_000;

fn upkeep(dir: &TempDir, days: i64) -> Upkeep {
    Upkeep { dir: dir.path().to_owned(), keep_ms: days * DAY_MS, every: Duration::from_secs(60) }
}

/// What the hub says that many days after the first morning, of all that is recorded.
async fn hub_says(writer: &Writer, day: i64) -> (u64, Link) {
    let (held, link) = writer.last();
    let time = WallTime(MORNING + day * DAY_MS);
    let ack = Acknowledged { epoch: 1, time, journal: JOURNAL, held, safe: held, link, track_held: 0 };
    assert_eq!(writer.acknowledged(ack).await, Ok(true));
    (held, link)
}

async fn work(writer: &Writer, from: u32, count: u32) {
    for number in from..from + count {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
}

fn rows(dir: &Path) -> Vec<SnapshotRow> {
    let mut rows = Vec::new();
    read_snapshot(dir, |row| rows.push(row)).unwrap().unwrap();
    rows
}

#[tokio::test]
async fn records_are_pruned_by_the_hubs_time_whatever_the_gateways_clock_says() {
    let dir = TempDir::new().unwrap();
    let clock = Clock::simulated(WallTime(0), 1.0);
    let (writer, _) =
        open_with(JournalConfig { clock: clock.clone(), ..config(dir.path()) }, rules()).unwrap();
    work(&writer, 0, 10).await;
    let first = hub_says(&writer, 0).await;
    for year in [0, 10, -10, 3_000] {
        clock.step_to(WallTime(MORNING + year * 365 * DAY_MS));
        work(&writer, 100 + u32::try_from(year + 10).unwrap() * 10, 10).await;
        assert!(upkeep(&dir, 7).look(&writer).await.unwrap().is_none(), "the hub's clock has not moved");
    }
    hub_says(&writer, 6).await;
    assert!(upkeep(&dir, 7).look(&writer).await.unwrap().is_none(), "six days are not seven");
    hub_says(&writer, 7).await;
    let (through, snapshot) = upkeep(&dir, 7).look(&writer).await.unwrap().unwrap();
    assert_eq!((through, snapshot.seq), (first.0, writer.last().0));
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.lines(Stream::Ledger, 0, 1, usize::MAX).unwrap()[0].seq, first.0 + 1);
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    let boundary = verified.boundary.unwrap();
    assert_eq!((boundary.seq, boundary.link), first);
    assert!(upkeep(&dir, 7).look(&writer).await.unwrap().is_none(), "nothing more is old enough");
}

#[tokio::test]
async fn what_the_hub_has_only_once_is_not_pruned_however_old_it_is() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    work(&writer, 0, 10).await;
    let (held, link) = writer.last();
    for day in [0, 400] {
        let time = WallTime(MORNING + day * DAY_MS);
        let ack = Acknowledged { epoch: 1, time, journal: JOURNAL, held, safe: 4, link, track_held: 0 };
        assert_eq!(writer.acknowledged(ack).await, Ok(true));
    }
    assert_eq!(upkeep(&dir, 7).look(&writer).await.unwrap().unwrap().0, 4);
}

#[tokio::test]
async fn a_prune_leaves_the_ledger_and_a_snapshot_of_it_and_the_next_start_goes_on() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    // More than are pruned at once.
    work(&writer, 0, 1_100).await;
    granted(&writer.ask(tube("tube", "T-00000001")).await);
    let first = hub_says(&writer, 0).await;
    hub_says(&writer, 30).await;
    assert_eq!(upkeep(&dir, 7).look(&writer).await.unwrap().unwrap().0, first.0 - 1, "the last record stays");
    let rows = rows(dir.path());
    assert!(rows.iter().any(|row| row.id == "packs" && row.body == "1100"), "{rows:?}");
    assert!(rows.iter().any(|row| row.id == "T-00000001" && row.parent.as_deref() == Some(BOX)), "{rows:?}");
    let already = writer.ask(tube("again", "T-00000001")).await;
    assert!(matches!(already, Verdict::Already(Already::InThisBox)), "{already:?}");
    writer.stop().await;
    let (writer, opened) = open(&dir);
    assert_eq!((opened.boot, opened.last), (2, first.0 + 1));
    granted(&writer.ask(goods("all of it", -1_100)).await);
    assert!(verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap().is_whole());
}

#[tokio::test]
async fn the_file_does_not_grow_with_the_records_that_went_through_it() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    let bytes = || std::fs::metadata(dir.path().join("journal.db")).unwrap().len();
    let mut after_first = 0;
    for day in 0..12 {
        work(&writer, u32::try_from(day).unwrap() * 600, 600).await;
        hub_says(&writer, day).await;
        upkeep(&dir, 2).look(&writer).await.unwrap();
        if day == 4 {
            after_first = bytes();
        }
    }
    assert!(after_first > 100_000, "the log was brought into the file: {after_first}");
    assert!(bytes() < after_first * 5 / 4, "{after_first} grew to {}", bytes());
}

#[tokio::test]
async fn a_snapshot_that_is_not_as_it_was_written_is_not_used() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    work(&writer, 0, 3).await;
    assert!(matches!(read_snapshot(dir.path(), |_| ()), Ok(None)));
    let snapshot = write_snapshot(&Reader::open(dir.path()).unwrap(), dir.path()).unwrap();
    assert_eq!((snapshot.seq, snapshot.link), writer.last());
    assert_eq!(read_snapshot(dir.path(), |_| ()).unwrap(), Some(snapshot));
    let path = dir.path().join(SNAPSHOT_FILE);
    let whole = std::fs::read(&path).unwrap();
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let read = read_snapshot(dir.path(), |_| ());
        assert!(matches!(read, Err(JournalError::Damaged { .. })), "byte {byte}: {read:?}");
        std::fs::write(&path, &whole[..byte]).unwrap();
        let read = read_snapshot(dir.path(), |_| ());
        assert!(matches!(read, Err(JournalError::Damaged { .. })), "cut at {byte}: {read:?}");
    }
}

#[test]
fn a_journal_pruned_beyond_what_the_hub_vouched_for_is_told() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    for number in 0..10 {
        engine.group(&[&goods(&format!("r{number}"), 1)]).unwrap();
    }
    drop(engine);
    let reader = Reader::open(dir.path()).unwrap();
    let link = reader.link_at(8).unwrap().unwrap();
    let ack = Acknowledged {
        epoch: 1,
        time: WallTime(MORNING),
        journal: JOURNAL,
        held: 6,
        safe: 6,
        link,
        track_held: 0,
    };
    let boundary = crate::journal::Boundary { seq: 8, link, ack };
    let file = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    file.execute("DELETE FROM ledger WHERE seq <= 8", []).unwrap();
    let text = serde_json::to_string(&boundary).unwrap();
    file.execute("INSERT INTO meta (name, value) VALUES ('boundary', ?1)", [text]).unwrap();
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert_eq!(verified.bad.unwrap().seq, 7);
}
