//! What is readable of a damaged journal comes back, and nothing that the chain does not prove.

use std::{collections::BTreeMap, fs};

use waypost_core::{
    fact::{Fact, PreviousJournal, Record, Stream},
    rule::{Ledger, RowKind},
};

use super::*;
use crate::journal::{
    JournalError, Reader, quarantine, renew,
    salvage::{Salvage, Salvaged, salvage_with},
    verify,
};

const NEW: Uuid = Uuid::from_bytes([9; 16]);
/// Requests of the journal that is damaged: each of a tube writes two records.
const TUBES: usize = 40;

fn order(dir: &Path) -> Salvage {
    Salvage { dir: dir.to_owned(), gateway: GatewayId::new("ctc-1").unwrap(), journal: JOURNAL, new: NEW }
}

fn bring_back(dir: &Path) -> Salvaged {
    salvage_with(&order(dir), rules(), |_| Ok::<(), ()>(())).unwrap().unwrap()
}

/// The lines of a journal that was written and closed, and its files: with the log in the file, or beside it.
fn written(logged: bool) -> (Vec<String>, Vec<u8>, Vec<u8>) {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    for number in 0..TUBES {
        engine.group(&[&tube(&format!("t{number}"), &format!("T-{number}"))]).unwrap();
        engine.group(&[&goods(&format!("g{number}"), 1)]).unwrap();
    }
    let lines = lines(dir.path());
    let log = || fs::read(dir.path().join("journal.db-wal")).unwrap_or_default();
    if logged {
        let (file, log) = (fs::read(dir.path().join("journal.db")).unwrap(), log());
        assert!(!log.is_empty());
        return (lines, file, log);
    }
    drop(engine);
    let log = log();
    assert!(log.is_empty(), "closing brings the log into the file");
    (lines, fs::read(dir.path().join("journal.db")).unwrap(), log)
}

fn lines(dir: &Path) -> Vec<String> {
    let reader = Reader::open(dir).unwrap();
    let lines = reader.lines(Stream::Ledger, 0, usize::MAX >> 1, usize::MAX).unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

fn lay(file: &[u8], log: &[u8]) -> TempDir {
    let dir = quick_dir();
    fs::write(dir.path().join("journal.db"), file).unwrap();
    if !log.is_empty() {
        fs::write(dir.path().join("journal.db-wal"), log).unwrap();
    }
    dir
}

/// In memory where the system has such a place: a disk would be waited for some thousand times.
fn quick_dir() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// All that was written came back, or is named.
fn holds(dir: &Path, salvaged: &Salvaged, before: &[String], what: &str) {
    let old = renew::old_dir(dir, JOURNAL);
    let back: BTreeMap<u64, String> = Reader::open(&old)
        .unwrap()
        .lines(Stream::Ledger, 0, usize::MAX >> 1, usize::MAX)
        .unwrap()
        .into_iter()
        .map(|line| (line.seq, line.line))
        .collect();
    for (seq, line) in (1..).zip(before) {
        let lost = salvaged.lost.iter().any(|range| range.first <= seq && seq <= range.last);
        match back.get(&seq) {
            Some(found) => assert!(found == line && !lost, "{what}: record {seq} came back as another"),
            None => assert!(lost || seq > salvaged.last, "{what}: record {seq} is gone without a word"),
        }
    }
    assert_eq!(back.len() as u64, salvaged.proven, "{what}");
    assert!(back.keys().all(|seq| *seq <= before.len() as u64), "{what}: something that was never written");
}

#[test]
fn a_whole_journal_comes_back_whole_and_a_new_one_follows_it() {
    for logged in [false, true] {
        let (before, file, log) = written(logged);
        let dir = lay(&file, &log);
        let salvaged = bring_back(dir.path());
        assert!(salvaged.is_whole() && salvaged.unproven.is_empty(), "{salvaged:?}");
        assert_eq!((salvaged.proven, salvaged.last), (before.len() as u64, before.len() as u64));
        holds(dir.path(), &salvaged, &before, "whole");
        assert_eq!(fs::read(salvaged.quarantine.join("journal.db")).unwrap(), file);
        let aside = quarantine::list(dir.path()).unwrap();
        assert_eq!(aside.len(), 1);
        assert!(aside[0].report.is_some() && aside[0].journal == Some(JOURNAL));

        let mut config = config(dir.path());
        config.journal = NEW;
        let mut engine = Engine::open(config, rules()).unwrap().0;
        // What the old journal knew holds: the tube is in its box.
        let verdicts = engine.group(&[&tube("again", "T-7")]).unwrap();
        assert!(matches!(verdicts[0], Verdict::Already(_)), "{verdicts:?}");
        drop(engine);
        let reader = Reader::open(dir.path()).unwrap();
        assert_eq!(reader.body(RowKind::Stock, "packs").unwrap(), Some(TUBES.to_string()));
        let first = Record::from_line(&lines(dir.path())[0]).unwrap();
        let previous = PreviousJournal { journal: JOURNAL, last: salvaged.last, link: salvaged.link };
        assert!(
            matches!(&first.fact, Fact::JournalStarted { journal: NEW, previous: Some(found), .. } if *found == previous),
            "{first:?}"
        );
        assert!(verify(&reader, |_, _| ()).unwrap().is_whole());
    }
}

/// For each page in turn: the start, the check and the salvage of a journal in which one bit of it is flipped.
#[test]
fn a_flipped_bit_in_any_page_is_no_wrong_verdict_and_costs_no_record_without_a_word() {
    for logged in [false, true] {
        let (before, file, log) = written(logged);
        let (victim, head, page) = if logged { (&log, 32, 24 + 512) } else { (&file, 0, 512) };
        let pages = (victim.len() - head) / page;
        assert!(pages > 60, "{pages} pages");
        let mut lost = 0;
        // A log has a page for each commit and more: some of them stand for all.
        for number in (0..pages).step_by(if logged { 7 } else { 1 }) {
            // Another place of each page: its header, its cells, its content.
            let at = head + number * page + (number * 37) % page;
            let mut flipped = victim.clone();
            flipped[at] ^= 1 << (number % 8);
            let what = format!("page {number}, byte {at}, in the log: {logged}");
            let dir = if logged { lay(&file, &flipped) } else { lay(&flipped, &log) };
            starts_or_says_why(&before, &dir, &what);
            let dir = if logged { lay(&file, &flipped) } else { lay(&flipped, &log) };
            let salvaged = bring_back(dir.path());
            holds(dir.path(), &salvaged, &before, &what);
            let missing = before.len() as u64 - salvaged.proven;
            assert!(missing <= 1, "{what}: one bit cost {missing} records: {:?}", salvaged.lost);
            lost += missing;
        }
        println!(
            "{pages} pages (of a log each seventh), in the log: {logged}; {lost} records lost, each named"
        );
    }
}

/// No panic, no yes to what a no is due for, as far as the check finds nothing wrong.
fn starts_or_says_why(before: &[String], dir: &TempDir, what: &str) {
    let mut engine = match Engine::open(config(dir.path()), rules()) {
        Ok((engine, _)) => engine,
        Err(
            JournalError::Damaged { .. }
            | JournalError::Sqlite { .. }
            | JournalError::NotAJournal { .. }
            | JournalError::OtherJournal { .. }
            | JournalError::Setting { .. }
            | JournalError::NewerFormat { .. },
        ) => return,
        Err(error) => panic!("{what}: {error}"),
    };
    let again = tube("again", &format!("T-{}", TUBES / 2));
    let asked = engine.group(&[&again]);
    drop(engine);
    let said = Reader::open(dir.path()).and_then(|reader| verify(&reader, |_, _| ()));
    let Ok(found) = said else { return };
    // A log whose damaged end is not read is a shorter journal, which only its witness tells.
    if found.is_whole()
        && found.last > before.len() as u64
        && let Ok(verdicts) = asked
    {
        assert!(
            matches!(verdicts[0], Verdict::Already(_) | Verdict::Failed(_)),
            "{what}: a wrong verdict from a journal that is called whole: {verdicts:?}"
        );
    }
}

#[test]
fn a_truncated_file_gives_back_what_is_before_the_cut() {
    let (before, file, log) = written(false);
    for part in 1..10 {
        let cut = file.len() * part / 10 + part;
        let dir = lay(&file[..cut], &log);
        let salvaged = bring_back(dir.path());
        holds(dir.path(), &salvaged, &before, &format!("cut at {cut} of {}", file.len()));
    }
}

#[test]
fn a_salvage_that_was_interrupted_goes_on_from_the_files_set_aside() {
    let (before, file, log) = written(true);
    let dir = lay(&file, &log);
    let failed = salvage_with(&order(dir.path()), rules(), |_| Err::<(), _>("no power")).unwrap();
    assert_eq!(failed.unwrap_err(), "no power");
    let salvaged = bring_back(dir.path());
    assert!(salvaged.is_whole(), "{salvaged:?}");
    holds(dir.path(), &salvaged, &before, "interrupted");
    assert_eq!(quarantine::list(dir.path()).unwrap().len(), 1);
}
