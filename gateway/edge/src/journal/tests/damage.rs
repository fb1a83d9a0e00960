//! Bits that flipped on the disk are errors and never wrong verdicts.

use rusqlite::Connection;

use super::*;
use crate::journal::{BadRecord, Health, JournalError, JournalFailure, Reader, verify};

/// Changes the file as no writer of ours would.
fn tamper(dir: &TempDir, statement: &str) {
    let changed = Connection::open(dir.path().join("journal.db")).unwrap().execute(statement, []).unwrap();
    assert!(changed > 0, "nothing was changed by {statement}");
}

#[tokio::test]
async fn a_damaged_row_is_no_verdict_and_stops_the_writer() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    granted(&writer.ask(goods("a", 1)).await);
    writer.stop().await;
    tamper(&dir, "UPDATE row SET body = '9' WHERE id = 'packs'");
    let verified = verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap();
    assert_eq!((verified.bad.clone(), verified.bad_rows.as_slice()), (None, &["7 packs".to_owned()][..]));
    let (writer, _) = open(&dir);
    // With nine packs this would be a yes.
    let verdict = writer.ask(goods("b", -5)).await;
    assert!(matches!(&verdict, Verdict::Failed(JournalFailure::Damaged { .. })), "{verdict:?}");
    assert!(matches!(writer.ask(tube("c", "T-1")).await, Verdict::Failed(JournalFailure::Damaged { .. })));
    assert!(matches!(writer.health(), Health::Stopped(JournalFailure::Damaged { .. })));
}

#[test]
fn a_flipped_bit_in_a_row_or_in_the_index_that_finds_it_is_found() {
    let dir = TempDir::new().unwrap();
    engine(&dir).group(&[&tube("a", "T-FLIPPED")]).unwrap();
    let file = dir.path().join("journal.db");
    let whole = std::fs::read(&file).unwrap();
    let id = b"T-FLIPPED";
    let places: Vec<usize> =
        (0..whole.len()).filter(|at| whole.get(*at..*at + id.len()) == Some(id.as_slice())).collect();
    assert!(places.len() >= 3, "two lines, the row and its indexes: {places:?}");
    for place in places {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        std::fs::write(&file, flipped).unwrap();
        let verified = verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap();
        assert!(!verified.is_whole(), "byte {place}: {verified:?}");
    }
}

#[tokio::test]
async fn an_altered_line_is_found_and_named() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    for number in 0..100 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
    writer.stop().await;
    tamper(&dir, "UPDATE ledger SET line = replace(line, '\"quantity\":1', '\"quantity\":2') WHERE seq = 20");
    let reader = Reader::open(dir.path()).unwrap();
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert_eq!(verified.last, 19);
    assert!(matches!(verified.bad, Some(BadRecord { seq: 20, .. })), "{verified:?}");
}

#[test]
fn a_line_that_is_missing_or_unreadable_is_found_and_named() {
    for (statement, seq) in [
        ("DELETE FROM ledger WHERE seq = 2", 2),
        ("UPDATE ledger SET line = CAST(X'FF00' AS TEXT) WHERE seq = 3", 3),
        ("UPDATE ledger SET line = replace(line, 'ctc-1', 'ctc-2') WHERE seq = 1", 1),
    ] {
        let dir = TempDir::new().unwrap();
        let mut writer = engine(&dir);
        writer.group(&[&goods("a", 1), &goods("b", 1)]).unwrap();
        drop(writer);
        tamper(&dir, statement);
        let verified = verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap();
        assert_eq!(verified.bad.as_ref().map(|bad| bad.seq), Some(seq), "{statement}: {verified:?}");
    }
}

#[test]
fn a_start_refuses_a_journal_whose_end_does_not_fit() {
    let dir = TempDir::new().unwrap();
    let mut writer = engine(&dir);
    writer.group(&[&goods("a", 1)]).unwrap();
    drop(writer);
    tamper(&dir, "UPDATE ledger SET line = line || ' ' WHERE seq = 3");
    let error = Engine::open(config(dir.path()), rules()).err().unwrap();
    assert!(matches!(&error, JournalError::Damaged { what } if what.contains("record 3")), "{error}");
}
