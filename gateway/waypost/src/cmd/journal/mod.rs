//! `waypost journal`: what a gateway wrote down, for whoever checks it or brings it back. All but `salvage` only reads,
//! and works while the gateway runs.

mod export;
mod quarantine;
mod salvage;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

/// Arguments of `waypost journal`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check every record's link and every ledger row's checksum
    Verify(verify::Args),
    /// Print the records as they are stored and sent, one a line
    Export(export::Args),
    /// Bring back what is readable of a damaged journal, and begin a new one
    Salvage(salvage::Args),
    /// List the damaged files that were set aside
    Quarantine(quarantine::Args),
}

/// The journal cannot be read, or there is nowhere to write to.
const TROUBLE: u8 = 2;

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run(args),
        Command::Salvage(args) => salvage::run(args),
        Command::Quarantine(args) => quarantine::run(args),
    }
}
