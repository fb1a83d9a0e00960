//! Commits that fail: nothing is tried again; what the file has was granted, of the rest nothing was recorded.

use waypost_core::{
    fact::Stream,
    rule::{Ledger, RowKind},
};

use super::*;
use crate::journal::{Health, JournalFailure, Reader, engine::Fault, verify};

#[tokio::test]
async fn a_commit_that_failed_and_is_not_in_the_file_is_answered_with_failed() {
    let dir = TempDir::new().unwrap();
    let (writer, opened) = open(&dir);
    writer.inject(Fault::CommitFails).await;
    let verdict = writer.ask(goods("a", 1)).await;
    assert!(matches!(verdict, Verdict::Failed(JournalFailure::Io { .. })), "{verdict:?}");
    assert_eq!(writer.last(), (opened.last, opened.link));
    // The clerk scans again: another request, or the same one; it is decided anew, once.
    assert_eq!(granted(&writer.ask(goods("a", 1)).await), (opened.last + 1, opened.last + 1));
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.body(RowKind::Stock, "packs").unwrap().as_deref(), Some("1"));
    assert!(verify(&reader, |_, _| ()).unwrap().is_whole());
}

#[tokio::test]
async fn a_commit_that_failed_and_is_in_the_file_is_answered_with_granted() {
    let dir = TempDir::new().unwrap();
    let (writer, opened) = open(&dir);
    writer.inject(Fault::CommitLies).await;
    let verdict = writer.ask(goods("a", 1)).await;
    assert!(
        matches!(&verdict, Verdict::Granted { first, facts, repeated: false, .. }
            if *first == opened.last + 1 && facts.len() == 1),
        "{verdict:?}"
    );
    assert_eq!(writer.last().0, opened.last + 1);
    granted(&writer.ask(goods("b", 1)).await);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.body(RowKind::Stock, "packs").unwrap().as_deref(), Some("2"));
    assert_eq!(writer.health(), Health::Well);
}

#[test]
fn a_refusal_in_a_group_that_failed_is_no_verdict() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    engine.fault = Some(Fault::CommitFails);
    let asked = [goods("a", 1), goods("b", -5)];
    engine.group(&asked.each_ref()).unwrap_err();
    assert_eq!(engine.recover(&asked.each_ref()).unwrap(), [None, None]);
}

#[tokio::test]
async fn a_full_disk_fails_requests_with_its_own_word_until_there_is_room() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    granted(&writer.ask(goods("a", 1)).await);
    writer.inject(Fault::DiskFull).await;
    let mut number = 0;
    let verdict = loop {
        number += 1;
        let verdict = writer.ask(tube(&format!("f{number}"), &format!("T-{number}"))).await;
        if !matches!(verdict, Verdict::Granted { .. }) {
            break verdict;
        }
        assert!(number < 1000, "the bound did not bite");
    };
    assert_eq!(verdict, Verdict::Failed(JournalFailure::Full));
    assert_eq!(writer.health(), Health::Stopped(JournalFailure::Full));
    // Opened again, the file has no bound of the test any more: there is room.
    granted(&writer.ask(goods("b", 1)).await);
    assert_eq!(writer.health(), Health::Well);
    assert!(verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap().is_whole());
}

#[tokio::test]
async fn when_the_file_cannot_be_opened_again_everything_fails_and_health_says_so() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    granted(&writer.ask(goods("a", 1)).await);
    writer.inject(Fault::CommitFails).await;
    // What stands in the file's place is no database.
    let (file, aside) = (dir.path().join("journal.db"), dir.path().join("aside.db"));
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    for number in 0..3 {
        let verdict = writer.ask(goods(&format!("b{number}"), 1)).await;
        assert!(matches!(verdict, Verdict::Failed(_)), "{verdict:?}");
    }
    assert!(matches!(writer.health(), Health::Stopped(_)));
    // It comes back: within the time of a try or two there are verdicts again.
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    let mut health = writer.watch_health();
    let mut number = 0;
    while *health.borrow_and_update() != Health::Well {
        number += 1;
        let _ = writer.ask(goods(&format!("c{number}"), 1)).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(number < 200, "still down: {:?}", writer.health());
    }
    granted(&writer.ask(goods("d", 1)).await);
    writer.stop().await;
    assert!(Reader::open(dir.path()).unwrap().last(Stream::Ledger).unwrap() >= 4);
}
