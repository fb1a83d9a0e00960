//! `waypost journal export`: the records, byte for byte.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::ValueEnum;
use waypost_core::fact;
use waypost_edge::journal::{JournalError, Reader};

use super::TROUBLE;
use crate::cmd::complain;

/// Records read at a time.
const CHUNK: usize = 1024;
/// Bytes of lines read at a time.
const CHUNK_BYTES: usize = 1 << 20;

const EXAMPLES: &str = "\
Prints the exact bytes that are stored, linked and sent. Reads only, and works while the gateway runs: it ends with the
last record that was there when it came to the end. Where it is to begin with records that were pruned, it says so on
standard error, and begins behind them.

Examples:
  What happened after record 1000:
    waypost journal export --since 1000 /var/lib/waypost
  With the link before each line, to check the chain with sha256sum:
    waypost journal export --links /var/lib/waypost
  Where the vehicle was:
    waypost journal export --stream track /var/lib/waypost";

/// Arguments of `waypost journal export`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The gateway's data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Which stream
    #[arg(long, value_enum, default_value_t = Stream::Ledger)]
    stream: Stream,

    /// Begin behind the record of this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    since: u64,

    /// Put each record's link and a space before its line (ledger only: positions are not linked)
    #[arg(long)]
    links: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Stream {
    /// Custody, claims, stock, clocks, losses: without gaps, linked
    Ledger,
    /// Positions
    Track,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot write the records")]
    Write(#[from] io::Error),
    #[error("positions are not linked: --links goes with --stream ledger")]
    NoLinks,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match export(args, &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(Trouble::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(TROUBLE)
        }
    }
}

fn export(args: &Args, out: &mut impl Write) -> Result<(), Trouble> {
    let stream = match args.stream {
        Stream::Track if args.links => return Err(Trouble::NoLinks),
        Stream::Track => fact::Stream::Track,
        Stream::Ledger => fact::Stream::Ledger,
    };
    let reader = Reader::open(&args.dir)?;
    if args.stream == Stream::Ledger
        && let Some(boundary) = reader.boundary()?
        && args.since < boundary.seq
    {
        let (seq, link, time) = (boundary.seq, boundary.link, boundary.ack.time);
        let words = format!(
            "Records up to {seq} were pruned; by its word of {time} the hub has them. What follows begins at record \
             {}, behind the link {link}.",
            seq + 1
        );
        // Where nobody reads it, the records are printed all the same.
        let _ = writeln!(io::stderr(), "{words}");
    }
    let mut after = args.since;
    loop {
        let lines = reader.lines(stream, after, CHUNK, CHUNK_BYTES)?;
        for line in &lines {
            if let Some(link) = line.link.filter(|_| args.links) {
                write!(out, "{link} ")?;
            }
            writeln!(out, "{}", line.line)?;
        }
        match lines.last() {
            Some(line) => after = line.seq,
            None => break,
        }
    }
    out.flush()?;
    Ok(())
}
