//! Acknowledgements are believed only where our chain agrees, and nothing above `safe` is pruned.

use std::time::Duration;

use waypost_core::fact::{Link, Stream};

use super::*;
use crate::journal::{AckError, Acknowledged, JournalError, Reader, verify};

fn ack(epoch: u64, held: u64, link: Link) -> Acknowledged {
    Acknowledged { epoch, time: WallTime(0), journal: JOURNAL, held, safe: held, link, track_held: 0 }
}

/// A journal of ten records after the two of its start.
fn ten(dir: &TempDir) -> Engine {
    let mut engine = engine(dir);
    for number in 0..10 {
        engine.group(&[&goods(&format!("r{number}"), 1)]).unwrap();
    }
    engine
}

fn link(dir: &TempDir, seq: u64) -> Link {
    Reader::open(dir.path()).unwrap().link_at(seq).unwrap().unwrap()
}

#[test]
fn an_acknowledgement_with_another_link_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut engine = ten(&dir);
    let wrong = engine.acknowledge(ack(1, 5, link(&dir, 4)));
    assert!(matches!(wrong, Err(AckError::OtherLink { held: 5, .. })), "{wrong:?}");
    assert_eq!(engine.tail().held, None);
    assert_eq!(engine.acknowledge(ack(1, 5, link(&dir, 5))), Ok(true));
    assert!(matches!(engine.acknowledge(ack(1, 13, Link::START)), Err(AckError::Ahead { last: 12, .. })));
    let other = Acknowledged { journal: Uuid::from_u128(1), ..ack(1, 0, Link::START) };
    assert!(matches!(engine.acknowledge(other), Err(AckError::OtherJournal { .. })));
    let unsafe_one = Acknowledged { safe: 7, ..ack(1, 6, link(&dir, 6)) };
    assert!(matches!(engine.acknowledge(unsafe_one), Err(AckError::SafeAboveHeld { .. })));
}

#[test]
fn a_lower_epoch_is_refused_and_a_higher_one_may_take_held_back() {
    let dir = TempDir::new().unwrap();
    let mut engine = ten(&dir);
    assert_eq!(engine.acknowledge(ack(2, 8, link(&dir, 8))), Ok(true));
    assert_eq!(engine.tail().unsynced(), 4);
    assert!(matches!(engine.acknowledge(ack(1, 9, link(&dir, 9))), Err(AckError::EpochLower { .. })));
    // An old one that comes late says nothing new.
    assert_eq!(engine.acknowledge(ack(2, 3, link(&dir, 3))), Ok(false));
    assert_eq!(engine.acknowledge(ack(3, 0, Link::START)), Ok(true));
    assert_eq!(engine.tail().unsynced(), 12);
}

#[tokio::test]
async fn an_acknowledgement_outlives_a_restart() {
    let dir = TempDir::new().unwrap();
    let (writer, opened) = open(&dir);
    let believed = ack(4, opened.last, opened.link);
    assert_eq!(writer.acknowledged(believed).await, Ok(true));
    assert_eq!(writer.tail().held, Some(believed));
    writer.stop().await;
    assert_eq!(open(&dir).1.held, Some(believed));
}

#[tokio::test]
async fn the_first_acknowledgement_goes_to_the_disk_at_once_and_others_with_the_next_record() {
    let dir = TempDir::new().unwrap();
    let (writer, opened) = open(&dir);
    let reader = Reader::open(dir.path()).unwrap();
    let first = ack(4, opened.last, opened.link);
    assert_eq!(writer.acknowledged(first).await, Ok(true));
    while reader.held().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let next = Acknowledged { epoch: 5, ..first };
    assert_eq!(writer.acknowledged(next).await, Ok(true));
    assert!(writer.comes_round().await);
    assert_eq!(reader.held().unwrap(), Some(first), "for it alone no commit is made yet");
    granted(&writer.ask(goods("a", 1)).await);
    assert_eq!(reader.held().unwrap(), Some(next));
}

#[test]
fn a_journal_that_ends_before_what_the_hub_holds_is_not_continued() {
    let dir = TempDir::new().unwrap();
    let mut engine = ten(&dir);
    assert_eq!(engine.acknowledge(ack(1, 12, link(&dir, 12))), Ok(true));
    engine.group(&[&goods("more", 1)]).unwrap();
    drop(engine);
    let file = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    file.execute("DELETE FROM ledger WHERE seq > 10", []).unwrap();
    let error = Engine::open(config(dir.path()), rules()).err().unwrap();
    assert!(
        matches!(&error, JournalError::Damaged { what } if what.contains("the hub holds record 12")),
        "{error}"
    );
    let verified = verify(&Reader::open(dir.path()).unwrap(), |_, _| ()).unwrap();
    assert_eq!(verified.bad.unwrap().seq, 11);
}

#[test]
fn a_prune_leaves_what_is_not_safe_and_a_boundary_where_verify_starts() {
    let dir = TempDir::new().unwrap();
    let mut writer = ten(&dir);
    assert_eq!(writer.prune(6), Ok(0), "nothing is safe yet");
    let link_of_8 = link(&dir, 8);
    writer.acknowledge(Acknowledged { safe: 8, ..ack(1, 10, link(&dir, 10)) }).unwrap();
    assert_eq!(writer.prune(11), Ok(8));
    let reader = Reader::open(dir.path()).unwrap();
    let boundary = reader.boundary().unwrap().unwrap();
    assert_eq!((boundary.seq, boundary.link, boundary.ack.held), (8, link_of_8, 10));
    assert_eq!(reader.lines(Stream::Ledger, 0, 10, usize::MAX).unwrap()[0].seq, 9);
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!((verified.after, verified.last), (8, 12));
    drop(writer);
    // The ledger of the rules is not pruned with the journal.
    let mut next = engine(&dir);
    granted(&next.group(&[&goods("last", -10)]).unwrap()[0]);
}
