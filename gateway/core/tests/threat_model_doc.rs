//! `docs/threat-model.md` is true as far as a test can say so: each test that it names exists.
#![allow(clippy::unwrap_used, reason = "helpers of tests: what is not as it should be ends the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The head of every table of threats.
const HEAD: &str = "| What is tried | What holds, what does not, at what cost | Test |";

/// In place of a test where nothing holds that one could show.
const NONE: &str = "–";

#[test]
fn every_threat_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tests = BTreeSet::new();
    for folder in ["gateway", "drivers", "integration-tests"] {
        tests_under(&root.join(folder), &mut tests);
    }
    let page = fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let rows: Vec<_> = rows(&page).collect();
    assert!(rows.len() > 50, "only {} rows were found", rows.len());
    for row in rows {
        let (_, cell) = row.trim_end_matches(" |").rsplit_once("| ").unwrap();
        let name = cell.trim_matches('`');
        assert!(name == NONE || tests.contains(name), "no such test: {name}, in {row}");
    }
}

#[test]
fn every_threat_of_the_plan_has_its_section() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    for title in [
        "A stolen gateway",
        "A stolen badge",
        "A dishonest clerk",
        "A cloned seal",
        "A hostile advertisement",
        "A hostile barcode",
        "A rogue broker",
        "The hub's store",
    ] {
        assert!(page.contains(&format!("\n## {title}")), "{title}");
    }
}

fn rows(page: &str) -> impl Iterator<Item = &str> {
    let mut in_table = false;
    page.lines().filter(move |line| {
        let head = *line == HEAD;
        in_table = head || in_table && line.starts_with('|');
        in_table && !head && !line.starts_with("|---")
    })
}

/// Names of the functions marked as tests in all sources of a folder.
fn tests_under(folder: &PathBuf, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_under(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for mark in ["#[test]", "#[tokio::test", "proptest! {"] {
                names.extend(text.split(mark).skip(1).filter_map(first_function));
            }
        }
    }
}

fn first_function(text: &str) -> Option<String> {
    let (_, after) = text.split_once("fn ")?;
    let (name, _) = after.split_once('(')?;
    Some(name.to_owned())
}
