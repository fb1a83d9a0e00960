//! `waypost hub conflicts DIR`: who was served more than once in a round.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_hub::{project::services::report, store::export::ExportError};

/// Arguments of `waypost hub conflicts`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The hub's directory
    dir: PathBuf,
}

const HELP: &str = "\
Prints one JSON object for each person and round with more than one service that was not taken back: {\"campaign\":…,\
\"round\":…,\"claim\":…,\"services\":[…]}. The services are told with gateway, time, record, packs, whether the gateway \
was certain (`provisional`) and which supervisor decided (`approved_by`), the earliest first. The store is only read, \
and may be in use.

Exit status: 0 if all was printed, 1 if not.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = report(&args.dir, &mut out).and_then(|_| out.flush().map_err(ExportError::from));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(&error);
            ExitCode::FAILURE
        }
    }
}
