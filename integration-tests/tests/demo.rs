//! `waypost demo`: the day is played, and its own count must find what was spoilt.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;
use waypost_integration_tests::{export, leak, process, program};

/// Keys of the last line that are times (another run, another number), and those that a spoilt store changes.
const CHANGES: [&str; 8] =
    ["outage_s", "verdict_ms", "hash_ms", "fsync_ms", "recorded", "at_hub", "lost", "doubled"];
/// When a seal falls silent for a reader, and whether it is heard again, hangs on how fast the machine plays the day.
const OF_THE_AIR: [&str; 2] = ["seal_changed", "seal_heard"];

/// Plays a day and reads its last line. It ends with a failure where the count finds something lost or doubled.
fn play(dir: &Path, spoil: Option<&str>) -> Value {
    let mut demo = Command::new(program::waypost());
    demo.args(["demo", "--exit", "--json", "--seed", "1", "--dir"]).arg(dir).args(spoil);
    let output = demo.output().unwrap();
    let (printed, said) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        output.status.success(),
        spoil.is_none(),
        "{spoil:?} ended with {}:\n{printed}{said}",
        output.status
    );
    let last = printed.trim_end().lines().last();
    serde_json::from_str(last.unwrap_or_else(|| panic!("it prints no line: {said}"))).unwrap()
}

fn number(day: &Value, path: &str) -> u64 {
    day.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number {path} in {day}"))
}

#[test]
fn a_day_arrives_once_and_only_once_a_seed_repeats_it_and_the_count_finds_what_was_spoilt() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    let day = play(&first, None);
    assert_eq!(number(&day, "/gateways"), 8);
    assert_eq!(number(&day, "/recorded"), number(&day, "/at_hub"));
    assert_eq!(number(&day, "/lost"), 0, "{day}");
    assert_eq!(number(&day, "/doubled"), 0, "{day}");
    let collected = number(&day, "/tubes/collected");
    assert!(collected >= 1_000, "{day}");
    assert_eq!(number(&day, "/tubes/packed"), collected);
    assert_eq!(number(&day, "/tubes/received"), collected);
    assert!(number(&day, "/boxes/sealed") > 0);
    assert_eq!(number(&day, "/boxes/received"), number(&day, "/boxes/sealed"));
    assert!(number(&day, "/boxes/alarmed") >= 1, "the one that was opened on the road: {day}");
    let (served, refused) = (number(&day, "/masks/served"), number(&day, "/masks/refused"));
    assert!(served >= 900 && served + refused >= 1_000, "{day}");
    assert!(refused >= 1 && number(&day, "/masks/packs") >= served, "{day}");
    assert!(number(&day, "/double_claims_found") >= 1, "{day}");
    assert!(number(&day, "/restarts") >= 1, "{day}");
    assert!(day["outage_s"].as_f64().unwrap() > 0.0, "{day}");
    for times in ["verdict_ms", "hash_ms", "fsync_ms"] {
        let (p50, p99) = (day[times]["p50"].as_f64().unwrap(), day[times]["p99"].as_f64().unwrap());
        assert!(p50 > 0.0 && p50 <= p99, "{times}: {day}");
    }
    assert!(day["verdict_ms"]["max"].as_f64().unwrap() >= day["verdict_ms"]["p99"].as_f64().unwrap());

    // Its own count is not believed: store and journals are compared here, line by line.
    let mut recorded = journals(&first);
    let mut store = export::store(&first.join("hub"), "ledger");
    store.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(u64::try_from(store.len()).unwrap(), number(&day, "/recorded"));
    assert!(store == recorded, "the store is not the union of the journals");

    no_number_is_in_any_file(&first);
    let facts = kinds(&recorded);

    // The same seed again, each time spoilt in another way: the same day, and the count finds what was spoilt.
    for (way, lost, doubled) in [("--spoil=lose", 1, 0), ("--spoil=double", 0, 1)] {
        let spoilt = dir.path().join(&way[2..]);
        let again = play(&spoilt, Some(way));
        assert_eq!((number(&again, "/lost"), number(&again, "/doubled")), (lost, doubled), "{way}: {again}");
        let off_by_one = if lost == 1 { -1 } else { 1 };
        assert_eq!(
            number(&again, "/at_hub").checked_add_signed(-off_by_one),
            Some(number(&again, "/recorded")),
            "{way}: {again}"
        );
        assert_eq!(
            without(&again, &CHANGES),
            without(&day, &CHANGES),
            "the same seed is the same day: {way}"
        );
        assert_eq!(kinds(&journals(&spoilt)), facts, "every gateway records the same: {way}");
    }
}

/// The records of every gateway, each with whose it is; every journal is verified.
fn journals(day: &Path) -> Vec<(String, String)> {
    let mut journals = Vec::new();
    for gateway in fs::read_dir(day.join("gateways")).unwrap() {
        let path = gateway.unwrap().path();
        let id = path.file_name().unwrap().to_string_lossy().into_owned();
        process::run(Command::new(program::waypost()).args(["journal", "verify"]).arg(&path));
        journals.extend(export::journal(&path, "ledger", 0).into_iter().map(|line| (id.clone(), line)));
    }
    journals
}

/// How many facts of each kind every gateway recorded, but for [`OF_THE_AIR`].
fn kinds(journals: &[(String, String)]) -> BTreeMap<(&str, String), u32> {
    let mut kinds = BTreeMap::new();
    for (gateway, line) in journals {
        let kind = export::record(line)["fact"]["kind"].as_str().unwrap().to_owned();
        if !OF_THE_AIR.contains(&kind.as_str()) {
            *kinds.entry((gateway.as_str(), kind)).or_default() += 1;
        }
    }
    kinds
}

/// The object without these keys.
fn without(day: &Value, keys: &[&str]) -> Value {
    let mut day = day.clone();
    for key in keys {
        day.as_object_mut().unwrap().remove(*key);
    }
    day
}

fn no_number_is_in_any_file(dir: &Path) {
    let keyed = fs::read_to_string(dir.join("keyed.jsonl")).unwrap();
    let numbers: BTreeSet<String> =
        keyed.lines().map(|line| export::record(line)["number"].as_str().unwrap().to_owned()).collect();
    assert!(numbers.len() >= 900, "{} numbers were keyed", numbers.len());
    let files = leak::files(dir);
    assert!(files.len() > 16, "eight gateways and a hub leave more than {} files", files.len());
    for (name, bytes) in files.iter().filter(|(name, _)| !name.ends_with("/keyed.jsonl")) {
        assert_eq!(leak::find(bytes, &numbers), Vec::<String>::new(), "keyed numbers stand in {name}");
    }
}
