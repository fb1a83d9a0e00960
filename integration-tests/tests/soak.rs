//! Power cuts: nothing that was shown or acknowledged is lost, and the harness sees what loses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may stop at once"
)]

use std::process::Command;

use serde_json::Value;

/// Cuts if `WAYPOST_CUTS` is not set.
const CUTS: &str = "1000";

/// Runs `waypost soak`: whether it ended well, and its last line. None: the binary has no such command.
fn soak(arguments: &[&str]) -> Option<(bool, Value)> {
    let Ok(binary) = std::env::var("WAYPOST_FAULTS_BIN") else {
        assert!(std::env::var("CI").is_err(), "WAYPOST_FAULTS_BIN is not set");
        println!("SKIPPED: WAYPOST_FAULTS_BIN is not set (integration-tests/run builds it)");
        return None;
    };
    let ran = Command::new(binary).arg("soak").args(arguments).arg("--json").output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    let words = String::from_utf8_lossy(&ran.stderr);
    println!("{words}");
    let last = out.lines().last().unwrap_or_else(|| panic!("no result: {words}"));
    Some((ran.status.success(), serde_json::from_str(last).unwrap()))
}

fn number(result: &Value, name: &str) -> u64 {
    result[name].as_u64().unwrap_or_else(|| panic!("no {name} in {result}"))
}

#[test]
fn power_cuts_lose_double_and_invent_nothing() {
    let cuts = std::env::var("WAYPOST_CUTS").unwrap_or_else(|_| CUTS.to_owned());
    let Some((well, result)) = soak(&["--cuts", &cuts]) else { return };
    assert!(well, "{result}");
    assert!(number(&result, "cuts") >= cuts.parse().unwrap(), "{result}");
    assert!(number(&result, "verdicts") > number(&result, "cuts"), "{result}");
    assert_eq!(["lost", "doubled", "phantom"].map(|name| number(&result, name)), [0, 0, 0], "{result}");
}

/// Nothing lost, doubled or invented.
fn is_whole(well: bool, result: &Value) {
    assert!(well, "{result}");
    assert_eq!(["lost", "doubled", "phantom"].map(|name| number(result, name)), [0, 0, 0], "{result}");
}

fn more(result: &Value, name: &str) -> f64 {
    result[name].as_f64().unwrap_or_else(|| panic!("no {name} in {result}"))
}

#[test]
fn a_disk_that_is_full_or_read_only_at_any_write_loses_nothing_and_work_goes_on() {
    for profile in ["full", "read-only"] {
        let Some((well, result)) = soak(&["--profile", profile]) else { return };
        is_whole(well, &result);
        assert!(more(&result, "faults") > 100.0, "{result}");
        assert!(more(&result, "recovered_ms_max") < 5_000.0, "{result}");
    }
}

#[test]
fn a_slow_disk_gives_right_verdicts_and_holds_up_nobody_who_reads() {
    let Some((well, result)) = soak(&["--profile", "slow"]) else { return };
    is_whole(well, &result);
    // A commit waits for one sync; a checkpoint can come before it, with two more.
    assert!(more(&result, "verdict_ms_half") < 700.0, "{result}");
    assert!(more(&result, "read_ms_half") < 100.0, "{result}");
}

#[test]
fn a_flipped_bit_gives_no_wrong_verdict_and_what_the_chain_proves_comes_back() {
    // All pages where WAYPOST_FLIPS is 0.
    let pages = std::env::var("WAYPOST_FLIPS").unwrap_or_else(|_| "60".to_owned());
    let Some((well, result)) = soak(&["--profile", "flip", "--pages", &pages]) else { return };
    is_whole(well, &result);
    assert!(more(&result, "faults") > more(&result, "harmless"), "most flips are seen: {result}");
    for kind in ["flips", "cuts"] {
        let count = |what: &str| more(&result, &format!("{kind}_{what}"));
        assert_eq!(count("brought_back") + count("named_lost"), count("records_there"), "{result}");
        assert!(count("brought_back") >= count("readable_before"), "{result}");
    }
    assert!(more(&result, "flips_lost_records_max") <= 1.0, "one bit costs one record: {result}");
    assert!(more(&result, "flips_brought_back_share") > 0.99, "{result}");
}

#[test]
fn a_month_leaves_memory_flat_and_files_bounded() {
    let seconds = std::env::var("WAYPOST_MONTH_S").unwrap_or_else(|_| "40".to_owned());
    let Some((well, result)) = soak(&["--profile", "month", "--seconds", &seconds]) else { return };
    is_whole(well, &result);
    assert!(more(&result, "records_kept") < more(&result, "records") / 3.0, "{result}");
}

#[test]
fn journals_that_do_not_sync_are_seen_to_lose() {
    let Some((well, result)) = soak(&["--cuts", "60", "--spoil=synchronous-off"]) else { return };
    assert!(!well && number(&result, "lost") > 0, "{result}");
}

#[test]
fn a_hub_that_acknowledges_before_it_commits_is_seen_to_lose() {
    let Some((well, result)) = soak(&["--cuts", "60", "--spoil=ack-before-commit"]) else { return };
    assert!(!well && number(&result, "lost") > 0, "{result}");
}
