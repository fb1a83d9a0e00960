//! `docs/rules.md` is true: each test that it names exists, and each test of a rule is named in it.
#![allow(clippy::unwrap_used, reason = "helpers of tests: what is not as it should be ends the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use waypost_core::rule::roles::{May, TABLE};

/// Where tests are.
const CRATES: [&str; 6] =
    ["gateway/core", "gateway/edge", "gateway/hub", "gateway/waypost", "drivers", "integration-tests"];

#[test]
fn every_rule_names_a_test_that_exists() {
    // What journal, stations, drivers and hub make of a rule is tested where they are.
    let tests: BTreeSet<_> = CRATES.iter().flat_map(|folder| tests_under(&root().join(folder))).collect();
    let named = named_tests();
    let missing: Vec<_> = named.difference(&tests).collect();
    assert!(missing.is_empty(), "docs/rules.md names tests that do not exist: {missing:?}");
}

#[test]
fn every_row_of_a_rule_names_a_test() {
    let page = page();
    let rows: Vec<_> = rule_rows(&page).collect();
    assert!(rows.len() > 50, "only {} rows were found", rows.len());
    for row in rows {
        assert!(test_of(row).is_some(), "no test in this row of docs/rules.md: {row}");
    }
}

#[test]
fn every_test_of_a_rule_stands_in_the_page() {
    let tests = tests_under(&root().join("gateway/core/tests/rules"));
    let named = named_tests();
    let unlisted: Vec<_> = tests.difference(&named).collect();
    assert!(unlisted.is_empty(), "docs/rules.md has no row for: {unlisted:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/rules.md")).unwrap()
}

fn named_tests() -> BTreeSet<String> {
    rule_rows(&page()).filter_map(test_of).map(str::to_owned).collect()
}

/// Rows of the tables whose head is `| Rule | Test |`.
fn rule_rows(page: &str) -> impl Iterator<Item = &str> {
    let mut in_table = false;
    page.lines().filter(move |line| {
        let head = *line == "| Rule | Test |";
        in_table = head || in_table && line.starts_with('|');
        in_table && !head && !line.starts_with("|---")
    })
}

/// The name in back quotes in the last cell.
fn test_of(row: &str) -> Option<&str> {
    row.strip_suffix("` |")?.rsplit_once("| `").map(|(_, name)| name)
}

/// Names of the functions marked `#[test]` or `#[tokio::test]` in all sources of a folder.
fn tests_under(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(tests_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // The first piece stands before the first mark.
            for mark in ["#[test]", "#[tokio::test"] {
                names.extend(text.split(mark).skip(1).filter_map(first_function));
            }
        }
    }
    names
}

fn first_function(text: &str) -> Option<String> {
    let (_, after) = text.split_once("fn ")?;
    let (name, _) = after.split_once('(')?;
    Some(name.to_owned())
}

#[test]
fn the_table_of_roles_is_the_one_in_the_page() {
    let mut table = String::from(
        "| Work | Testing centre | Post office | Vehicle | Laboratory | Warehouse |\n|---|---|---|---|---|---|\n",
    );
    for (_, words, cells) in TABLE {
        table += &format!("| {words} |");
        for cell in cells {
            table += &match cell {
                May::Gateway => " the gateway |".to_owned(),
                May::AnyBadge => " any badge |".to_owned(),
                May::NotHere => " – |".to_owned(),
                May::Roles(roles) => {
                    let names: Vec<_> = roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
                    format!(" {} |", names.join(", "))
                }
            };
        }
        table.push('\n');
    }
    let page = page();
    let from = page.find("| Work |").unwrap();
    let found = page[from..].split_once("\n\n").unwrap().0;
    assert_eq!(found, table.trim_end(), "docs/rules.md shows another table than the one in force");
}
