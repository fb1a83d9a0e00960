//! What journals and the store hold, by the commands that an auditor has.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{process, program};

/// Lines of one stream of a journal behind `since`, in order. Works while the gateway runs.
pub fn journal(data: &Path, stream: &str, since: u64) -> Vec<String> {
    let mut export = Command::new(program::waypost());
    export.args(["journal", "export"]).arg(data).args(["--stream", stream]);
    export.args(["--since", &since.to_string()]);
    process::run(&mut export).lines().map(str::to_owned).collect()
}

/// Rows of one stream in the hub's store, as pairs of gateway and line. Works while the hub runs.
pub fn store(dir: &Path, stream: &str) -> Vec<(String, String)> {
    let mut export = Command::new(program::waypost());
    export.args(["hub", "export"]).arg(dir).args(["--stream", stream]);
    let row = |text: &str| {
        let row: Value = serde_json::from_str(text).unwrap();
        (row["gateway"].as_str().unwrap().to_owned(), row["line"].as_str().unwrap().to_owned())
    };
    process::run(&mut export).lines().map(row).collect()
}

/// The number of a record's line.
pub fn seq(line: &str) -> u64 {
    record(line)["seq"].as_u64().unwrap()
}

/// A record's line as JSON.
pub fn record(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}
