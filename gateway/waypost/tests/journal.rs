//! `waypost journal verify` and `export`, on journals that a writer makes and keeps open.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use std::{
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;
use uuid::Uuid;
use waypost_core::{
    fact::{
        AlarmKind, Link, SiteKind, WallTime,
        id::{GatewayId, SiteId},
    },
    rule::Act,
};
use waypost_edge::{
    clock::Clock,
    journal::{Acknowledged, JournalConfig, Request, RequestId, Upkeep, Verdict, Writer, open},
};

fn waypost(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waypost")).arg("journal").args(arguments).arg(dir).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A journal with the two records of its start and one of the gateway's own a request.
fn journal(dir: &Path, requests: u32) -> Writer {
    let config = JournalConfig {
        dir: dir.to_owned(),
        gateway: GatewayId::new("warehouse-1").unwrap(),
        site: SiteId::new("SITE-WH1").unwrap(),
        kind: SiteKind::Warehouse,
        box_tubes_max: 50,
        par: Vec::new(),
        clock: Clock::simulated(WallTime(1_599_091_200_000), 1.0),
        track_max: 10,
        journal: Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001),
    };
    let (writer, _) = open(config).unwrap();
    for number in 0..requests {
        let act = Act::RaiseAlarm { alarm: AlarmKind::StockLow, subject: format!("item-{number}") };
        let id = RequestId::new(format!("r{number}")).unwrap();
        let verdict = writer.ask_blocking(Request { id, by: None, act });
        assert!(matches!(verdict, Verdict::Granted { first: 1.., .. }), "{verdict:?}");
    }
    writer
}

#[test]
fn verify_names_the_last_record_and_its_link_while_the_writer_runs() {
    let dir = TempDir::new().unwrap();
    let writer = journal(dir.path(), 5);
    let output = waypost(&["verify"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (last, link) = writer.last();
    assert_eq!((report["whole"].as_bool(), report["last"].as_u64()), (Some(true), Some(last)));
    assert_eq!(report["link"], link.to_string());
    assert!(text(&output.stderr).contains("7 records, from 1 to 7"), "{output:?}");
    let quiet = waypost(&["verify", "--json"], dir.path());
    assert_eq!((&quiet.stdout, text(&quiet.stderr)), (&output.stdout, ""));
}

#[test]
fn verify_names_the_first_altered_record() {
    let dir = TempDir::new().unwrap();
    let writer = journal(dir.path(), 5);
    let file = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    let changed = file
        .execute("UPDATE ledger SET line = replace(line, 'item-2', 'item-9') WHERE line LIKE '%item-2%'", [])
        .unwrap();
    assert_eq!(changed, 1);
    let output = waypost(&["verify"], dir.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["bad"].as_u64(), report["last"].as_u64()), (Some(5), Some(4)), "{report}");
    assert!(text(&output.stderr).contains("Record 5 is the first bad one"), "{output:?}");
    drop(writer);
}

#[test]
fn the_exported_links_are_what_sha256sum_gives() {
    let dir = TempDir::new().unwrap();
    let writer = journal(dir.path(), 5);
    let output = waypost(&["export", "--links"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut before = "0".repeat(64);
    for row in text(&output.stdout).lines() {
        let (link, line) = row.split_once(' ').unwrap();
        let script = "printf %s \"$0$1\" | sha256sum | cut -c1-64";
        let sum = Command::new("sh").args(["-c", script, &before, line]).output().unwrap();
        assert_eq!(text(&sum.stdout).trim(), link, "{line}");
        before = link.to_owned();
    }
    assert_eq!(before.parse::<Link>(), Ok(writer.last().1));
}

#[test]
fn export_begins_behind_the_number_it_is_told_and_prints_lines_alone() {
    let dir = TempDir::new().unwrap();
    let _writer = journal(dir.path(), 5);
    let output = waypost(&["export", "--since", "5"], dir.path());
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 2, "{output:?}");
    assert!(lines[0].starts_with(r#"{"seq":6,"boot":1,"#), "{output:?}");
    let track = waypost(&["export", "--stream", "track"], dir.path());
    assert_eq!((track.status.code(), text(&track.stdout)), (Some(0), ""));
    let mixed = waypost(&["export", "--stream", "track", "--links"], dir.path());
    assert_eq!(mixed.status.code(), Some(2));
    assert!(text(&mixed.stderr).contains("positions are not linked"), "{mixed:?}");
}

#[test]
fn a_pruned_journal_is_verified_from_its_boundary_and_an_export_of_what_is_gone_says_so() {
    const DAY_MS: i64 = 86_400_000;
    let dir = TempDir::new().unwrap();
    let writer = journal(dir.path(), 5);
    let journal = Uuid::from_u128(0x0190_5c2a_0000_7000_8000_0000_0000_0001);
    let (held, link) = writer.last();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for day in [0, 8] {
            let time = WallTime(1_599_091_200_000 + day * DAY_MS);
            let ack = Acknowledged { epoch: 1, time, journal, held, safe: 4, link, track_held: 0 };
            writer.acknowledged(ack).await.unwrap();
        }
        let every = std::time::Duration::from_secs(60);
        let upkeep = Upkeep { dir: dir.path().to_owned(), keep_ms: 7 * DAY_MS, every };
        assert_eq!(upkeep.look(&writer).await.unwrap().unwrap().0, 4);
    });
    let output = waypost(&["verify"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (report["pruned_through"].as_u64(), report["records"].as_u64()),
        (Some(4), Some(3)),
        "{report}"
    );
    assert_eq!(report["snapshot"].as_u64(), Some(7), "{report}");
    assert!(text(&output.stderr).contains("Records up to 4 were pruned"), "{output:?}");

    for (since, told, lines) in [("0", true, 3), ("3", true, 3), ("4", false, 3), ("6", false, 1)] {
        let output = waypost(&["export", "--since", since], dir.path());
        assert_eq!((output.status.code(), text(&output.stdout).lines().count()), (Some(0), lines), "{since}");
        assert_eq!(text(&output.stderr).contains("Records up to 4 were pruned"), told, "{since}: {output:?}");
    }

    let snapshot = dir.path().join("snapshot.jsonl");
    let spoilt = std::fs::read_to_string(&snapshot).unwrap().replacen("kind", "kine", 1);
    std::fs::write(&snapshot, spoilt).unwrap();
    let output = waypost(&["verify"], dir.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("The snapshot of the ledger is of no use"), "{output:?}");
}

#[test]
fn a_directory_without_a_journal_is_said_so_and_nothing_is_made_there() {
    let dir = TempDir::new().unwrap();
    for command in ["verify", "export"] {
        let output = waypost(&[command], dir.path());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains("there is no journal in"), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
