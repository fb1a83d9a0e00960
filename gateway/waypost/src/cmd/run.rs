//! `waypost run`: one gateway, until it is told to stop.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use tokio::signal::unix::{SignalKind, signal};
use waypost_edge::config::Config;

/// Arguments of `waypost run`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's configuration; `waypost config example STATION` prints one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Only check the configuration, and change nothing
    #[arg(long)]
    check: bool,
}

const HELP: &str = "\
Prints `panel http://ADDRESS/` when the panel can be opened, and writes the address to console.addr in the data \
directory. Devices may be missing: the panel shows it, and they are used once they are there. SIGTERM and SIGINT stop \
it: what was asked is answered first. The log goes to standard error; WAYPOST_LOG=debug says more, \
WAYPOST_LOG_FORMAT=json is for machines.

Examples:
  waypost config example testing_centre > gateway.toml
  waypost run --config gateway.toml --check
  waypost run --config gateway.toml

Exit status: 0 if it was stopped, or the configuration is right; 1 if not.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            super::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    if args.check {
        let said = writeln!(io::stdout(), "{}: the configuration is right", args.config.display());
        return if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    super::log::start();
    super::guard::keep_memory_private();
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    // The first thing: whoever makes a TLS connection later finds it. A second call finds it there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let told = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        waypost_edge::run::run(config, told).await.map_err(Box::<dyn std::error::Error>::from)
    });
    // A thread that does not come back is left behind: stopping does not wait for it.
    runtime.shutdown_background();
    outcome
}
