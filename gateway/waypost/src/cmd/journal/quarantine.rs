//! `waypost journal quarantine`: what was set aside.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_edge::journal::quarantine::{self, SetAside};

use super::TROUBLE;
use crate::cmd::complain;

const EXAMPLES: &str = "\
Lists the damaged files that `waypost journal salvage` set aside. Reads only, and works while the gateway runs. Nothing \
there is ever deleted by this program; a maintainer may, once the hub has what was brought back.

Exit status: 0 if nothing was ever set aside, 1 if something was, 2 if it cannot be read \
or there is none of that number.

Examples:
  What was set aside, and when is it safe to forget?
    waypost journal quarantine /var/lib/waypost
  The report of the second one:
    waypost journal quarantine --number 2 --json /var/lib/waypost | jq .report";

/// Arguments of `waypost journal quarantine`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The gateway's data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Show this one alone
    #[arg(long, value_name = "NUMBER")]
    number: Option<u32>,

    /// Print one line of JSON for each, and no words
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("nothing was set aside under the number {number}; {count} were, and without --number all are listed")]
struct NoSuchNumber {
    number: u32,
    count: usize,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let mut all = match quarantine::list(&args.dir) {
        Ok(all) => all,
        Err(error) => {
            complain(&error);
            return ExitCode::from(TROUBLE);
        }
    };
    if let Some(number) = args.number
        && !all.iter().any(|aside| aside.number == number)
    {
        complain(&NoSuchNumber { number, count: all.len() });
        return ExitCode::from(TROUBLE);
    }
    all.retain(|aside| args.number.is_none_or(|number| aside.number == number));
    match show(args, &all) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&error);
            ExitCode::from(TROUBLE)
        }
        _ if all.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn show(args: &Args, all: &[SetAside]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for aside in all {
        if args.json {
            serde_json::to_writer(&mut out, aside)?;
            out.write_all(b"\n")?;
            continue;
        }
        let journal = aside.journal.map_or_else(|| "unknown".to_owned(), |journal| journal.to_string());
        writeln!(
            out,
            "{:>3}  journal {journal}  {} bytes  {}",
            aside.number,
            aside.bytes,
            aside.path.display()
        )?;
        let number = |name: &str| aside.report.as_ref().and_then(|report| report.get(name)?.as_u64());
        match (number("proven"), number("read")) {
            (Some(proven), Some(read)) => {
                writeln!(out, "     {proven} records of {read} seen were brought back")?
            }
            _ => writeln!(out, "     not brought back yet: run `waypost journal salvage` again, it goes on")?,
        }
    }
    if all.is_empty() && !args.json {
        writeln!(out, "Nothing was set aside.")?;
    }
    Ok(())
}
