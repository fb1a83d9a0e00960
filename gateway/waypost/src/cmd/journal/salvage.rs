//! `waypost journal salvage`: what is readable of a damaged journal comes back.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_edge::{
    identity::{Identity, IdentityError},
    journal::{
        JournalError,
        salvage::{LostRange, Salvage, Salvaged, salvage},
    },
};

use super::TROUBLE;
use crate::cmd::complain;

const EXAMPLES: &str = "\
The gateway must be stopped. The damaged files are set aside as they are; nothing is deleted. Every record that can be \
read, and that the chain proves, comes back into old/JOURNAL/ and is still sent; what is gone is declared to the hub. A \
new journal follows, with the ledger that the records add up to, and the hub gives back what it has. If it is \
interrupted, run it again: it goes on. It needs room for the journal three times.

Exit status: 0 if every record came back, 1 if some did not (the report names them), 2 if nothing could be done.

Examples:
  After a panel that says that the journal is damaged:
    systemctl stop waypost-gateway
    waypost journal salvage /var/lib/waypost
    systemctl start waypost-gateway
  What was brought back, for machines:
    waypost journal salvage --json /var/lib/waypost | jq .lost";

/// Arguments of `waypost journal salvage`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The gateway's data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Print one line of JSON and no words
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let salvaged = match bring_back(args) {
        Ok(salvaged) => salvaged,
        Err(error) => {
            complain(&error);
            return ExitCode::from(TROUBLE);
        }
    };
    let said = if args.json { print(&salvaged) } else { say(&salvaged) };
    match said {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&error);
            ExitCode::from(TROUBLE)
        }
        _ if salvaged.is_whole() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn bring_back(args: &Args) -> Result<Salvaged, Failure> {
    let identity = Identity::read(&args.dir)?;
    let order = Salvage {
        dir: args.dir.clone(),
        gateway: identity.gateway.clone(),
        journal: identity.journal,
        new: Identity::new_journal_id()?,
    };
    Ok(salvage(&order, |journal| Identity::follow(&args.dir, journal))??)
}

fn print(salvaged: &Salvaged) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, salvaged)?;
    out.write_all(b"\n")
}

fn say(salvaged: &Salvaged) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Salvaged { journal, new, quarantine, read, proven, last, .. } = salvaged;
    writeln!(out, "Journal {journal}: {read} records seen, {proven} brought back, the last is {last}.")?;
    if *read == 0 {
        writeln!(out, "No record was found in it, and nobody here knows how many there were.")?;
    }
    for LostRange { first, last, after, .. } in &salvaged.lost {
        match after {
            Some(_) => writeln!(out, "Lost: records {first} to {last}. The hub is told, and may have them.")?,
            None => {
                writeln!(out, "Lost: what followed record {}, seen up to {last}.", first.saturating_sub(1))?
            }
        }
    }
    if !salvaged.unproven.is_empty() {
        let count = salvaged.unproven.len();
        writeln!(out, "Seen, but not proven by the chain, so not brought back: {count} records.")?;
    }
    if let Some(held) = salvaged.held {
        writeln!(out, "The hub had acknowledged records up to {held}.")?;
    }
    if salvaged.rows_bad > 0 {
        writeln!(out, "Rows of the ledger that were damaged: {}.", salvaged.rows_bad)?;
    }
    if salvaged.unapplied > 0 {
        writeln!(out, "Records that the ledger could not be given: {}.", salvaged.unapplied)?;
    }
    writeln!(out, "The ledger has {} rows. Journal {new} follows.", salvaged.rows)?;
    writeln!(out, "The damaged files lie unchanged in {}.", quarantine.display())?;
    writeln!(out, "Start the gateway: what was brought back is sent, and the hub gives back what it has.")
}
