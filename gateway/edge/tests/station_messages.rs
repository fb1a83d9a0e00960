//! Every text that a station can show is there in every language, with the same arguments.

#![allow(clippy::unwrap_used, reason = "a test stops at the first wrong thing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use waypost_edge::panel::Language;

/// What the keys of a station's messages begin with.
const FAMILIES: [&str; 21] = [
    "title-",
    "ask-",
    "yes-",
    "no-",
    "next-",
    "line-",
    "choice-",
    "state-",
    "role-",
    "reason-",
    "exception-",
    "refusal-",
    "already-",
    "scan-",
    "stock-",
    "alarm-",
    "item-",
    "busy-",
    "claim-",
    "compared-",
    "enrol-",
];

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|end| end == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// Text literals in the stations' sources that are keys.
fn keys_used() -> BTreeSet<String> {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/station"), &mut texts);
    let is_key = |text: &str| {
        let form =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        text == "journal-stopped" || form && FAMILIES.iter().any(|start| text.starts_with(start))
    };
    texts.iter().flat_map(|text| text.split('"')).filter(|text| is_key(text)).map(str::to_owned).collect()
}

/// Keys of a Fluent file with the arguments of each.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language).join("station.ftl");
    let text = fs::read_to_string(path).unwrap();
    let mut messages = BTreeMap::new();
    let mut key = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" =").filter(|(name, _)| !name.starts_with(' ')) {
            key = name.to_owned();
            assert!(messages.insert(key.clone(), BTreeSet::new()).is_none(), "{language}: {key} twice");
        }
        for part in line.split("{ $").skip(1) {
            let argument = part.split([' ', '}']).next().unwrap().to_owned();
            messages.get_mut(&key).unwrap().insert(argument);
        }
    }
    messages
}

#[test]
fn every_message_of_a_station_is_there_in_every_language() {
    let used = keys_used();
    assert!(used.len() > 200, "the sources were not found");
    for language in Language::ALL {
        let missing: Vec<_> = used.iter().filter(|key| !language.knows(key)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", language.tag());
    }
}

#[test]
fn no_message_of_a_station_is_left_over() {
    let used = keys_used();
    let left: Vec<_> = messages("en").into_keys().filter(|key| !used.contains(key)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_message_has_the_same_arguments_in_every_language() {
    assert_eq!(messages("en"), messages("zh-HK"));
}
