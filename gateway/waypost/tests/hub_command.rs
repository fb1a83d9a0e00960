//! `waypost hub` on the command line: what a wrong configuration says, that SIGTERM is a clean end, what export prints.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]
#![cfg(feature = "hub")]

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

fn waypost(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(args);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn configuration(dir: &Path, mqtt: &str) -> String {
    let file = dir.join("hub.toml");
    // Port 9 discards; nobody answers there, and the hub keeps trying.
    let text =
        format!("dir = \".\"\n[mqtt]\nhost = \"127.0.0.1\"\n{mqtt}\n[http]\nlisten = \"127.0.0.1:0\"\n");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn an_unknown_key_is_told_with_file_line_and_the_nearest_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = configuration(dir.path(), "prot = 9");
    let output = waypost(&["hub", "--config", &file]).output().unwrap();
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.contains("hub.toml:4: unknown key `prot` in [mqtt]") && said.contains("`port`"), "{said}");
}

#[test]
fn a_hub_without_keys_says_how_to_make_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = configuration(dir.path(), "port = 9");
    let output = waypost(&["hub", "--config", &file]).output().unwrap();
    assert!(!output.status.success());
    assert!(said(&output).contains("waypost hub init"), "{}", said(&output));
}

#[test]
fn sigterm_is_a_clean_end_and_the_store_can_be_read_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let none = waypost(&["hub", "export", folder]).output().unwrap();
    assert!(!none.status.success() && said(&none).contains("there is no store"), "{}", said(&none));
    assert!(waypost(&["hub", "init", folder]).output().unwrap().status.success());
    let file = configuration(dir.path(), "port = 9");
    let mut hub =
        waypost(&["hub", "--config", &file]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let up: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(up["epoch"], 1);
    assert!(up["http"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    for stream in ["ledger", "track"] {
        let export = waypost(&["hub", "export", folder, "--stream", stream]).output().unwrap();
        assert!(export.status.success() && export.stdout.is_empty(), "{}", said(&export));
    }
    let id = hub.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = hub.wait().unwrap();
    let mut log = String::new();
    hub.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(status.success(), "{log}");
}
