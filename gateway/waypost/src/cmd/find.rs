//! `waypost find`: where a tube or a box is, by one gateway's journal, and everything that was recorded about it.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use waypost_core::{
    code::{self, LabelKinds, Meaning},
    fact::Stream,
    rule::{Ledger, RowKind},
};
use waypost_edge::{
    config::{Config, ConfigError},
    journal::{JournalError, Reader},
};

/// Arguments of `waypost find`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What is scanned or typed: a tube, a box or a seal
    code: String,

    /// The gateway's configuration
    #[arg(long, value_name = "FILE", conflicts_with = "data", required_unless_present = "data")]
    config: Option<PathBuf>,

    /// The gateway's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Reads the journal of one gateway, also while it runs, and changes nothing. The hub knows the whole chain of hands: its \
page, or GET /api/trace/CODE.

Example:
  waypost find T-00000001 --config gateway.toml

Exit status: 0 if something is known of it, 1 if not.";

/// Records that are read at once.
const LINES_MAX: usize = 4_096;
/// Bytes that are read at once.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why nothing could be looked up.
#[derive(Debug, thiserror::Error)]
enum FindError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("this is no tube, box or seal: {0}")]
    Code(&'static str),
    #[error("the journal cannot be read")]
    Journal(#[from] JournalError),
    #[error("the ledger cannot be read")]
    Ledger(#[from] waypost_core::rule::LedgerError),
}

/// What is known of a code.
#[derive(Serialize)]
struct Found {
    kind: &'static str,
    id: String,
    /// The ledger's row: where it is now.
    state: Option<Box<RawValue>>,
    /// Records that name it, in order.
    records: Vec<Box<RawValue>>,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let found = match find(args) {
        Ok(found) => found,
        Err(error) => {
            super::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let known = found.state.is_some() || !found.records.is_empty();
    let said = if args.json { machine(&found) } else { person(&found) };
    if said.is_ok() && known { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn find(args: &Args) -> Result<Found, FindError> {
    let (data, labels) = match (&args.data, &args.config) {
        (Some(data), _) => (data.clone(), LabelKinds::default()),
        (None, Some(file)) => {
            let config = Config::load(file)?;
            (config.data, config.labels)
        }
        (None, None) => return Err(FindError::Code("give --config or --data")),
    };
    let (kind, row, id) = match code::read(&args.code, None, &labels) {
        Meaning::Tube(id) => ("tube", RowKind::Tube, id),
        Meaning::Box(id) => ("box", RowKind::Box, id),
        Meaning::Seal(id) => ("seal", RowKind::Seal, id),
        Meaning::Hkid(_) => return Err(FindError::Code("persons are not looked up; no number is stored")),
        _ => return Err(FindError::Code("scan or type the whole code")),
    };
    let reader = Reader::open(&data)?;
    let state = reader.body(row, &id)?.and_then(|body| RawValue::from_string(body).ok());
    Ok(Found { kind, state, records: records(&reader, &id)?, id })
}

/// Records that name the id as a whole value, not as part of another.
fn records(reader: &Reader, id: &str) -> Result<Vec<Box<RawValue>>, FindError> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let lines = reader.lines(Stream::Ledger, after, LINES_MAX, BYTES_MAX)?;
        let Some(last) = lines.last() else { return Ok(found) };
        after = last.seq;
        for line in lines {
            if line.line.contains(id)
                && serde_json::from_str(&line.line).is_ok_and(|value: Value| names(&value, id))
            {
                found.extend(RawValue::from_string(line.line));
            }
        }
    }
}

fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text == id,
        Value::Array(values) => values.iter().any(|value| names(value, id)),
        Value::Object(map) => map.values().any(|value| names(value, id)),
        _ => false,
    }
}

fn machine(found: &Found) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, found)?;
    out.write_all(b"\n")
}

fn person(found: &Found) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match &found.state {
        Some(state) => writeln!(out, "{} {}: {}", found.kind, found.id, words(state.get()))?,
        None => writeln!(out, "{} {}: not in this gateway's ledger", found.kind, found.id)?,
    }
    for record in &found.records {
        let Ok(record) = serde_json::from_str::<Value>(record.get()) else { continue };
        let text = |name: &str| record.get(name).map(plain).unwrap_or_default();
        let fact = record.get("fact").map(|fact| words(&fact.to_string())).unwrap_or_default();
        writeln!(out, "  {:>8}  {}  {:<10}  {fact}", text("seq"), text("at"), text("by"))?;
    }
    Ok(())
}

/// A JSON object as `name value, name value`.
fn words(json: &str) -> String {
    let Ok(Value::Object(map)) = serde_json::from_str(json) else { return json.to_owned() };
    let kind = map.get("kind").map(|kind| format!("{}: ", plain(kind).replace('_', " "))).unwrap_or_default();
    let rest = map.iter().filter(|(name, value)| *name != "kind" && !value.is_null() && **value != false);
    let rest: Vec<_> =
        rest.map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value))).collect();
    kind + &rest.join(", ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => format!("({})", words(&value.to_string())),
        other => other.to_string(),
    }
}
