//! `waypost doctor`: is this gateway well, and what is to be done where it is not?

mod devices;
mod table;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use serde::Serialize;
use waypost_core::fact::{WallTime, id::GatewayId};
use waypost_edge::{
    clock::Clock,
    config::Config,
    device::root::Root,
    doctor::{self, Examined, Outcome, Patient},
};

/// Where an installed gateway has its configuration.
const INSTALLED: &str = "/etc/waypost/gateway.toml";

/// Arguments of `waypost doctor`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's configuration; without it the installed one, and where there is none only the machine is looked at
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Look at the whole journal, not at its end only: seconds for a million records
    #[arg(long)]
    full: bool,

    /// Print one JSON object and no table
    #[arg(long)]
    json: bool,

    /// Where sys, proc, run and dev are, for a copy of another machine
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,

    /// What the clock says, in place of the machine's
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<WallTime>,
}

const HELP: &str = "\
Only reads, and works beside a running gateway. Run it as root or as the gateway's account: what this account may not \
read is told as skipped or as a failure.

Examples:
  waypost doctor
  waypost doctor --config gateway.toml --full
  waypost doctor --json | jq -r '.checks[] | select(.outcome == \"failure\") | .remedy'

Exit status: 0 if all is well or there are warnings only, 1 if a check failed, 2 if the configuration is wrong or cannot \
be read.";

/// The configuration cannot be used, or nobody reads the output.
const TROUBLE: u8 = 2;

/// The whole answer. The names stand in the command's contract.
#[derive(Serialize)]
struct Report<'a> {
    gateway: Option<&'a GatewayId>,
    outcome: Outcome,
    checks: &'a [Examined],
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let installed = || Some(Path::new(INSTALLED)).filter(|path| path.exists());
    let config = match args.config.as_deref().or_else(installed).map(Config::load).transpose() {
        Ok(config) => config,
        Err(error) => {
            super::complain(&error);
            return ExitCode::from(TROUBLE);
        }
    };
    // For the broker's check; a second call finds it there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut checks = doctor::checks();
    // After the hub's word, before the machine's own state.
    checks.insert(checks.len().min(DEVICES_AT), Arc::new(devices::Devices));
    let now = args.now.unwrap_or_else(|| Clock::system().now().at);
    let root = Root::new(args.root.clone());
    let patient = Arc::new(Patient { config, root, now, full: args.full });
    let examined = doctor::examine(&checks, &patient);
    let outcome = doctor::worst(&examined);
    let gateway = patient.config.as_ref().map(|config| &config.gateway);
    let mut out = io::stdout().lock();
    let written = if args.json {
        let report = Report { gateway, outcome, checks: &examined };
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        table::print(&examined, colours, &mut out)
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            super::complain(&error);
            ExitCode::from(TROUBLE)
        }
        _ if outcome == Outcome::Failure => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// The place of the devices in the table.
const DEVICES_AT: usize = 8;
