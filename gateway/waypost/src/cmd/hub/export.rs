//! `waypost hub export DIR`: every line in the store.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::ValueEnum;
use waypost_core::fact::Stream;
use waypost_hub::store::export::{ExportError, export};

/// Arguments of `waypost hub export`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The hub's directory
    dir: PathBuf,

    /// Which stream
    #[arg(long, value_enum, default_value_t = StreamName::Ledger)]
    stream: StreamName,
}

#[derive(Clone, Copy, ValueEnum)]
enum StreamName {
    /// Custody, claims, stock: the journals
    Ledger,
    /// Positions
    Track,
}

const HELP: &str = "\
Prints one JSON object a line, {\"gateway\":…,\"line\":\"…\"}, journal by journal in order; `line` is the record exactly \
as it was sent. The store is only read, and may be in use.

Exit status: 0 if all was printed, 1 if not.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let stream = match args.stream {
        StreamName::Ledger => Stream::Ledger,
        StreamName::Track => Stream::Track,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = export(&args.dir, stream, &mut out).and_then(|_| out.flush().map_err(ExportError::from));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(&error);
            ExitCode::FAILURE
        }
    }
}
