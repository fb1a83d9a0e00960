//! `waypost config`: configurations to begin with, and a check of one.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use waypost_core::fact::SiteKind;
use waypost_edge::config::{Config, example};

/// Arguments of `waypost config`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a commented configuration that runs, for one kind of station
    #[command(after_help = "Example:\n  waypost config example testing_centre > gateway.toml")]
    Example {
        /// The kind of station
        #[arg(value_enum, ignore_case = true)]
        station: Station,
    },
    /// Check a configuration: says file, line and remedy of what is wrong
    Check {
        /// The configuration
        file: PathBuf,
    },
}

/// Kinds of stations as they are written in a configuration; hyphens do as well.
#[derive(Clone, Copy, ValueEnum)]
enum Station {
    /// Collects tubes, packs and seals boxes
    #[value(name = "testing_centre", alias = "testing-centre")]
    TestingCentre,
    /// Hands out masks
    #[value(name = "post_office", alias = "post-office")]
    PostOffice,
    /// Carries boxes
    #[value(name = "vehicle")]
    Vehicle,
    /// Receives boxes, compares tubes
    #[value(name = "laboratory")]
    Laboratory,
    /// Supplies empties
    #[value(name = "warehouse")]
    Warehouse,
}

impl From<Station> for SiteKind {
    fn from(station: Station) -> Self {
        match station {
            Station::TestingCentre => Self::TestingCentre,
            Station::PostOffice => Self::PostOffice,
            Station::Vehicle => Self::Vehicle,
            Station::Laboratory => Self::Laboratory,
            Station::Warehouse => Self::Warehouse,
        }
    }
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let text = match &args.command {
        Command::Example { station } => example::example((*station).into()),
        Command::Check { file } => match Config::load(file) {
            Ok(_) => format!("{}: the configuration is right\n", file.display()),
            Err(error) => {
                super::complain(&error);
                return ExitCode::FAILURE;
            }
        },
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
