//! A journal whose last records are gone is not continued: its witness knows how far it had come.

use std::fs;

use waypost_core::fact::Stream;

use super::*;
use crate::journal::{BadRecord, JournalError, Reader, WITNESS_FILE, background, renew, verify, verify_tail};

const NEW: Uuid = Uuid::from_u128(0x0190_5c2b_0000_7000_8000_0000_0000_0002);

/// The files of a journal that power left as they are now, without its log where that is lost.
fn after_power_cut(dir: &TempDir, log_is_lost: bool) -> TempDir {
    let found = TempDir::new().unwrap();
    let mut names = vec!["journal.db", WITNESS_FILE];
    if !log_is_lost {
        names.push("journal.db-wal");
    }
    for name in names {
        fs::copy(dir.path().join(name), found.path().join(name)).unwrap();
    }
    found
}

fn open_error(dir: &TempDir) -> JournalError {
    open_with(config(dir.path()), rules()).err().unwrap()
}

#[tokio::test]
async fn a_journal_that_lost_its_log_is_not_continued_and_a_new_one_declares_what_is_gone() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    for number in 0..5 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
    let (last, link) = writer.last();
    // With its log it starts as ever.
    let whole = after_power_cut(&dir, false);
    let (again, opened) = open(&whole);
    assert_eq!(opened.last, last + 1);
    again.stop().await;

    let lost = after_power_cut(&dir, true);
    let error = open_error(&lost);
    assert!(
        matches!(&error, JournalError::TailLost { last: 0, seen } if seen.seq == last && seen.link == link),
        "{error}"
    );
    renew::renew(lost.path(), NEW, |_| Ok::<_, ()>(())).unwrap().unwrap();
    let old = Reader::open(&renew::old_dir(lost.path(), JOURNAL)).unwrap();
    assert_eq!(old.journal().unwrap(), JOURNAL);
    let seen = old.lost_tail().unwrap().unwrap();
    assert_eq!((seen.journal, seen.seq, seen.link), (JOURNAL, last, link), "for the hub to hear");
    let (new, _) = open_with(JournalConfig { journal: NEW, ..config(lost.path()) }, rules()).unwrap();
    new.stop().await;
    assert_eq!(Reader::open(lost.path()).unwrap().lost_tail().unwrap(), None);
}

#[tokio::test]
async fn a_damaged_frame_of_the_log_ends_the_journal_early_and_is_noticed() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    for number in 0..5 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
    let (last, _) = writer.last();
    let damaged = after_power_cut(&dir, false);
    let log = damaged.path().join("journal.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    // Zeros lie ahead of it.
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let middle = written / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    // SQLite takes what is whole, and says nothing.
    let reader = Reader::open(damaged.path()).unwrap();
    let ends = reader.last(Stream::Ledger).unwrap();
    assert!(ends < last, "{ends}");
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert!(matches!(&verified.bad, Some(BadRecord { seq, .. }) if *seq == ends + 1), "{verified:?}");
    assert!(matches!(verify_tail(&reader), Err(JournalError::TailLost { .. })));
    assert!(matches!(open_error(&damaged), JournalError::TailLost { .. }));
}

#[tokio::test]
async fn an_older_witness_is_no_witness_against_the_journal() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    granted(&writer.ask(goods("a", 1)).await);
    let older = fs::read(dir.path().join(WITNESS_FILE)).unwrap();
    granted(&writer.ask(goods("b", 1)).await);
    writer.stop().await;
    for witness in [older.as_slice(), b"", b"rubbish", &[0xff; 512]] {
        fs::write(dir.path().join(WITNESS_FILE), witness).unwrap();
        let (writer, _) = open(&dir);
        writer.stop().await;
    }
}

#[tokio::test]
async fn the_background_finds_a_record_that_does_not_fit_and_a_row_that_is_not_found() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    for number in 0..40 {
        granted(&writer.ask(tube(&format!("t{number}"), &format!("T-{number}"))).await);
    }
    for number in 0..600 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
    writer.stop().await;
    let look = |dir: &TempDir| {
        let mut pauses = 0;
        let found = background::look(&Reader::open(dir.path()).unwrap(), &mut || {
            pauses += 1;
            true
        });
        (found.unwrap(), pauses)
    };
    let (found, pauses) = look(&dir);
    assert_eq!(found, None);
    assert!(pauses > 3, "it rests after each few hundred records and rows: {pauses}");
    for (statement, in_ledger) in [
        ("UPDATE ledger SET line = replace(line, 'T-', 'X-') WHERE seq = 9", false),
        ("DELETE FROM ledger WHERE seq = 500", false),
        ("DELETE FROM row WHERE kind = 2 AND id = 'T-7'", true),
        ("UPDATE row SET body = '{\"a\":1}' WHERE kind = 2 AND id = 'T-8'", true),
    ] {
        let damaged = TempDir::new().unwrap();
        fs::copy(dir.path().join("journal.db"), damaged.path().join("journal.db")).unwrap();
        let file = rusqlite::Connection::open(damaged.path().join("journal.db")).unwrap();
        assert!(file.execute(statement, []).unwrap() > 0, "{statement}");
        drop(file);
        let (found, _) = look(&damaged);
        match found {
            Some(background::Flaw::Ledger(_)) => assert!(in_ledger, "{statement}"),
            Some(background::Flaw::Record(_)) => assert!(!in_ledger, "{statement}"),
            None => panic!("{statement} is not found"),
        }
    }
}
