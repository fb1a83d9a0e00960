//! `waypost journal verify`: does every record still fit the chain?

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use uuid::Uuid;
use waypost_core::fact::Link;
use waypost_edge::journal::{JournalError, Reader, Snapshot, Verified, read_snapshot, verify};

use super::TROUBLE;
use crate::cmd::complain;

/// Fewer records than this are checked before a progress display could be read.
const PROGRESS_FROM: u64 = 50_000;

const EXAMPLES: &str = "\
Prints one line of JSON: the journal, the number and link of the last record that fits, how many records were checked,
and, where something is wrong, the number of the first bad record and why. Says the same in words on standard error.
A pruned journal is checked from where the prune cut it, and with it the snapshot of the ledger that was made before.
Reads only, and works while the gateway runs.

Exit status: 0 if all is as it was written, 1 if something is not, 2 if the journal cannot be read.

Examples:
  Check a gateway's journal:
    waypost journal verify /var/lib/waypost
  Check the chain without this program, for a journal that was never pruned:
    waypost journal export --links /var/lib/waypost | {
        before=0000000000000000000000000000000000000000000000000000000000000000
        while IFS= read -r row; do
            link=$(printf %s \"$before${row#* }\" | sha256sum | cut -c1-64)
            [ \"$link\" = \"${row%% *}\" ] || { echo \"does not fit: $row\"; exit 1; }
            before=$link
        done
    }";

/// Arguments of `waypost journal verify`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The gateway's data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Print the line of JSON and no words
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    whole: bool,
    journal: Uuid,
    /// Number of the last record that fits.
    last: u64,
    link: Link,
    records: u64,
    /// Records up to this number were pruned; the check began behind it, with the link that was left there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned_through: Option<u64>,
    /// Up to which record the ledger's snapshot goes that a prune leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<u64>,
    /// Number of the first record that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// Rows of the ledger whose checksum is wrong, as `kind id`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bad_rows: &'a [String],
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let found = match check(args) {
        Ok(found) => found,
        Err(error) => {
            complain(&error);
            if error.is_damage() {
                complain(&Hint);
            }
            return ExitCode::from(TROUBLE);
        }
    };
    let printed = print(&found).and_then(|()| if args.json { Ok(()) } else { say(&found) });
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&error);
            ExitCode::from(TROUBLE)
        }
        _ if found.is_whole() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "stop the gateway and run `waypost journal salvage`: it brings back what can be read, and deletes nothing"
)]
struct Hint;

/// What was found, with the snapshot that lies beside the journal.
struct Found {
    verified: Verified,
    /// Up to which record it goes; or what is wrong with it.
    snapshot: Result<Option<u64>, String>,
}

impl Found {
    fn is_whole(&self) -> bool {
        self.verified.is_whole() && self.snapshot.is_ok()
    }
}

fn check(args: &Args) -> Result<Found, JournalError> {
    let reader = Reader::open(&args.dir)?;
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent} % of {len} records, {eta} left") {
        bar.set_style(style);
    }
    let found = verify(&reader, |done, of| {
        if bar.length().is_none() && of >= PROGRESS_FROM && io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let verified = found?;
    let snapshot = match read_snapshot(&args.dir, |_| ()) {
        Ok(snapshot) => wrong_snapshot(&verified, snapshot),
        Err(JournalError::Damaged { what }) => Err(what),
        Err(error) => return Err(error),
    };
    Ok(Found { verified, snapshot })
}

/// A snapshot must be of this journal, and go on where the records begin.
fn wrong_snapshot(verified: &Verified, snapshot: Option<Snapshot>) -> Result<Option<u64>, String> {
    let begin = verified.boundary.as_ref().map_or(0, |boundary| boundary.seq);
    match snapshot {
        Some(other) if other.journal != verified.journal => {
            Err(format!("it is of journal {}", other.journal))
        }
        Some(early) if early.seq < begin => {
            Err(format!("it ends at record {}, and the records up to {begin} are gone", early.seq))
        }
        Some(snapshot) => Ok(Some(snapshot.seq)),
        None => Ok(None),
    }
}

fn print(Found { verified: found, snapshot }: &Found) -> io::Result<()> {
    let report = Report {
        whole: found.is_whole() && snapshot.is_ok(),
        journal: found.journal,
        last: found.last,
        link: found.link,
        records: found.last - found.after,
        pruned_through: found.boundary.as_ref().map(|boundary| boundary.seq),
        snapshot: snapshot.as_ref().ok().copied().flatten(),
        bad: found.bad.as_ref().map(|bad| bad.seq),
        why: found.bad.as_ref().map(|bad| bad.why.as_str()).or(snapshot.as_ref().err().map(String::as_str)),
        bad_rows: &found.bad_rows,
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &report)?;
    out.write_all(b"\n")
}

fn say(all: &Found) -> io::Result<()> {
    let found = &all.verified;
    let mut words = io::stderr().lock();
    let records = found.last - found.after;
    if let Some(bad) = &found.bad {
        writeln!(words, "Record {} is the first bad one: {}. Those before it fit.", bad.seq, bad.why)?;
    }
    for row in &found.bad_rows {
        writeln!(words, "The ledger's row {row} is not as it was written.")?;
    }
    if let Err(why) = &all.snapshot {
        writeln!(words, "The snapshot of the ledger is of no use: {why}.")?;
    }
    if !found.is_whole() {
        writeln!(words, "{Hint}.")?;
    }
    if let Some(boundary) = &found.boundary {
        let (seq, time) = (boundary.seq, boundary.ack.time);
        writeln!(words, "Records up to {seq} were pruned; by its word of {time} the hub has them.")?;
    }
    if all.is_whole() {
        let from = found.after + 1;
        writeln!(words, "All is as it was written: {records} records, from {from} to {}.", found.last)?;
    }
    Ok(())
}
