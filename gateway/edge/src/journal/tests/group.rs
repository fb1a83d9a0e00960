//! Groups: decided in order, committed together, each request for itself.

use waypost_core::{
    fact::{AlarmKind, Stream},
    rule::{Act, Already, Ledger, Refusal, RowKind},
};

use super::*;
use crate::journal::{JournalFailure, Reader, verify};

#[test]
fn a_request_sees_what_its_neighbours_before_it_changed() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    let asked = [goods("a", 3), goods("b", -2), goods("c", -2), tube("d", "T-1"), tube("e", "T-1")];
    let verdicts = engine.group(&asked.each_ref()).unwrap();
    assert_eq!(granted(&verdicts[0]), (3, 3));
    assert_eq!(granted(&verdicts[1]), (4, 4));
    assert_eq!(verdicts[2], Verdict::Refused(Refusal::OutOfStock { on_hand: 1 }));
    assert_eq!(granted(&verdicts[3]), (5, 6));
    assert_eq!(verdicts[4], Verdict::Already(Already::InThisBox));
}

#[test]
fn lists_are_of_the_disk_and_of_the_neighbours() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    engine.group(&[&tube("a", "T-1"), &tube("b", "T-2")]).unwrap();
    // Takes T-2 out, which is on the disk; then T-3, which is in the group alone; then T-1.
    let asked = [
        request("c", Act::UndoTube),
        tube("d", "T-3"),
        request("e", Act::UndoTube),
        request("f", Act::UndoTube),
        request("g", Act::UndoTube),
    ];
    let verdicts = engine.group(&asked.each_ref()).unwrap();
    let taken: Vec<String> = verdicts.iter().map(|verdict| format!("{verdict:?}")).collect();
    assert!(taken[0].contains("T-2") && taken[2].contains("T-3") && taken[3].contains("T-1"), "{taken:?}");
    assert_eq!(verdicts[4], Verdict::Refused(Refusal::NothingToUndo));
    assert_eq!(Reader::open(dir.path()).unwrap().children(RowKind::Tube, BOX, 10).unwrap(), [""; 0]);
}

#[test]
fn the_same_id_gets_the_first_answer() {
    let dir = TempDir::new().unwrap();
    let mut writer = engine(&dir);
    let both = [goods("a", 5), goods("a", 5)];
    let verdicts = writer.group(&both.each_ref()).unwrap();
    let Verdict::Granted { first, last, facts, repeated: false } = &verdicts[0] else {
        panic!("{verdicts:?}")
    };
    let again = Verdict::Granted { first: *first, last: *last, facts: facts.clone(), repeated: true };
    assert_eq!(verdicts[1], again, "within the group");
    assert_eq!(writer.group(&[&goods("a", 5)]).unwrap(), std::slice::from_ref(&again), "in a later group");
    drop(writer);
    assert_eq!(engine(&dir).group(&[&goods("a", 5)]).unwrap(), [again], "after a restart");
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.body(RowKind::Stock, "packs").unwrap().as_deref(), Some("5"));
}

#[test]
fn the_same_id_gets_the_first_answer_though_it_would_be_refused_now() {
    let dir = TempDir::new().unwrap();
    let mut writer = engine(&dir);
    let asked = [goods("a", 3), goods("b", -3), goods("b", -3), tube("c", "T-1"), tube("c", "T-1")];
    let verdicts = writer.group(&asked.each_ref()).unwrap();
    assert_eq!(
        (granted(&verdicts[2]), granted(&verdicts[4])),
        (granted(&verdicts[1]), granted(&verdicts[3]))
    );
    let again = writer.group(&[&asked[2], &asked[4]]).unwrap();
    assert_eq!(again, [verdicts[2].clone(), verdicts[4].clone()]);
}

#[test]
fn a_refusal_leaves_no_record_and_the_ledger_as_it_was() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    let before = engine.tail();
    engine.group(&[&goods("a", -1)]).unwrap();
    assert_eq!(engine.tail(), before);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.body(RowKind::Stock, "packs").unwrap(), None);
    assert_eq!(reader.last(Stream::Ledger).unwrap(), before.ledger_last);
    // The id is free: when there are goods, the same request is granted.
    assert!(matches!(engine.group(&[&goods("b", 1), &goods("a", -1)]).unwrap()[1], Verdict::Granted { .. }));
}

#[test]
fn a_record_that_is_too_long_takes_back_its_own_request_alone() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    let long = Act::RaiseAlarm { alarm: AlarmKind::StockLow, subject: "x".repeat(5000) };
    let asked = [goods("a", 1), request("b", long), goods("c", 1)];
    let verdicts = engine.group(&asked.each_ref()).unwrap();
    assert!(
        matches!(verdicts[1], Verdict::Failed(JournalFailure::TooLong { bytes: 5000.. })),
        "{verdicts:?}"
    );
    assert_eq!((granted(&verdicts[0]), granted(&verdicts[2])), ((3, 3), (4, 4)));
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.body(RowKind::Stock, "tubes").unwrap(), None);
    assert!(verify(&reader, |_, _| ()).unwrap().is_whole());
    // Its id is not kept: it can be asked again.
    assert!(matches!(
        engine.group(&[&asked[1]]).unwrap()[0],
        Verdict::Failed(JournalFailure::TooLong { .. })
    ));
}

#[test]
fn nothing_worth_writing_is_granted_without_a_record() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    let verdict = engine.group(&[&request("a", Act::Tick)]).unwrap().remove(0);
    assert_eq!(verdict, Verdict::Granted { first: 0, last: 0, facts: vec![], repeated: false });
}

#[tokio::test]
async fn many_at_once_are_each_answered_once_and_the_chain_fits() {
    let dir = TempDir::new().unwrap();
    let (writer, opened) = open(&dir);
    let asked = (0..500).map(|number| {
        let writer = writer.clone();
        async move { writer.ask(goods(&format!("r{number}"), 1)).await }
    });
    let verdicts = futures_util::future::join_all(asked).await;
    let mut numbers: Vec<u64> = verdicts.iter().map(|verdict| granted(verdict).0).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (opened.last + 1..=opened.last + 500).collect::<Vec<_>>());
    let reader = Reader::open(dir.path()).unwrap();
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert!(verified.is_whole());
    assert_eq!((verified.last, verified.link), writer.last());
    assert_eq!(reader.body(RowKind::Stock, "packs").unwrap().as_deref(), Some("500"));
}

#[tokio::test]
async fn a_commit_does_not_make_the_log_longer() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    let log = || std::fs::metadata(dir.path().join("journal.db-wal")).unwrap().len();
    let length = log();
    for number in 0..10 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
        assert_eq!(log(), length);
    }
    for number in 10..200 {
        granted(&writer.ask(goods(&format!("r{number}"), 1)).await);
    }
    assert!(writer.comes_round().await);
    let longer = log();
    assert!(longer > length, "and more was put ahead once that was used");
    granted(&writer.ask(goods("last", 1)).await);
    assert_eq!(log(), longer);
}
