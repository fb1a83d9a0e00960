//! Starts: one process a journal, one journal an identity, and the next start goes on.

use waypost_core::fact::{Record, Stream};

use super::*;
use crate::journal::{JournalError, Reader, verify};

#[tokio::test]
async fn a_second_writer_on_the_same_journal_is_refused() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    let error = open_with(config(dir.path()), rules()).err().unwrap();
    assert!(matches!(&error, JournalError::InUse { holder: Some(pid), .. } if *pid == std::process::id()));
    assert!(error.to_string().contains("in use by another process"), "{error}");
    // The first is none the worse for it, and a reader may look on.
    granted(&writer.ask(goods("a", 1)).await);
    assert_eq!(Reader::open(dir.path()).unwrap().last(Stream::Ledger).unwrap(), 3);
    writer.stop().await;
    assert_eq!(open(&dir).1.boot, 2);
}

#[tokio::test]
async fn the_next_start_goes_on_with_number_link_and_boot() {
    let dir = TempDir::new().unwrap();
    let (writer, first) = open(&dir);
    assert_eq!((first.boot, first.last), (1, 2));
    granted(&writer.ask(goods("a", 1)).await);
    let before = writer.last();
    writer.stop().await;
    let (writer, second) = open(&dir);
    assert_eq!((second.boot, second.last, second.journal), (2, 4, JOURNAL));
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.link_at(3).unwrap(), Some(before.1));
    let lines = reader.lines(Stream::Ledger, 0, 10, usize::MAX).unwrap();
    let records: Vec<Record> = lines.iter().map(|line| Record::from_line(&line.line).unwrap()).collect();
    assert!(matches!(&records[0].fact, Fact::JournalStarted { journal: JOURNAL, previous: None, .. }));
    assert!(matches!(&records[1].fact, Fact::GatewayStarted { .. }));
    assert_eq!((records[2].boot, records[3].boot), (1, 2));
    assert!(matches!(&records[3].fact, Fact::GatewayStarted { .. }));
    granted(&writer.ask(goods("b", -1)).await);
    assert!(verify(&reader, |_, _| ()).unwrap().is_whole());
}

#[test]
fn another_identity_does_not_go_on_with_this_journal() {
    let dir = TempDir::new().unwrap();
    drop(engine(&dir));
    let other = JournalConfig { journal: Uuid::from_u128(7), ..config(dir.path()) };
    assert!(matches!(Engine::open(other, rules()), Err(JournalError::OtherJournal { .. })));
}

#[tokio::test]
async fn a_yes_that_was_not_shown_is_told_at_the_next_start() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    granted(&writer.ask(goods("shown", 1)).await);
    writer.shown(id("shown")).await;
    granted(&writer.ask(goods("not shown", 2)).await);
    // Nobody waits for what the gateway notes by itself.
    granted(&writer.ask(Request { by: None, ..goods("gateway", 1) }).await);
    writer.stop().await;
    let (writer, opened) = open(&dir);
    let ids: Vec<&str> = opened.unshown.iter().map(|yes| yes.id.as_str()).collect();
    assert_eq!(ids, ["not shown"]);
    assert!(matches!(opened.unshown[0].facts[..], [Fact::StockMoved { quantity: 2, .. }]));
    writer.shown(id("not shown")).await;
    writer.stop().await;
    assert_eq!(open(&dir).1.unshown, []);
}

#[test]
fn a_file_of_something_else_is_not_taken_for_a_journal() {
    let dir = TempDir::new().unwrap();
    let other = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(other);
    assert!(matches!(Engine::open(config(dir.path()), rules()), Err(JournalError::NotAJournal { .. })));
    assert!(matches!(Reader::open(&dir.path().join("none")), Err(JournalError::Missing { .. })));
}

#[test]
fn a_journal_of_a_later_format_is_left_alone() {
    let dir = TempDir::new().unwrap();
    drop(engine(&dir));
    let file = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let error = Engine::open(config(dir.path()), rules()).err().unwrap();
    assert!(matches!(error, JournalError::NewerFormat { found: 99, .. }), "{error}");
}

#[test]
fn nobody_else_on_the_machine_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let _engine = engine(&dir);
    for name in ["journal.db", "journal.db-wal"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
