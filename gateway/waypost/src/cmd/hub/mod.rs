//! `waypost hub`: the central end and the tools beside it.

mod acl;
mod conflicts;
mod enrol;
mod export;
mod init;
mod order;
mod qr;
mod revoke;
mod root;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

/// Arguments of `waypost hub`.
#[derive(clap::Args)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true, after_help = HELP)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// Run the hub with this configuration, until SIGTERM
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make the hub's keys and its authority
    Init(init::Args),
    /// Sign orders, show them, print examples
    Order(order::Args),
    /// Make a one-time code that enrols a gateway
    Enrol(enrol::Args),
    /// Revoke a gateway, or one of the hub's own keys
    Revoke(revoke::Args),
    /// Print the broker's access list
    Acl(acl::Args),
    /// Print every line in the store
    Export(export::Args),
    /// Print who was served more than once in a round, the earlier service first
    Conflicts(conflicts::Args),
}

const HELP: &str = "\
Once its pages answer, the hub prints {\"http\":\"http://…\",\"epoch\":N} on one line. WAYPOST_LOG=debug logs more.

A configuration that runs, with one [[gateway]] for each (paths are relative to the file):
  dir = \"hub\"                        # store, keys.json (see `waypost hub init`), orders/
  pair_within_min = 45               # between the two ends of a handover
  filters_every_s = 300              # how often the filters of claims are made anew
  [mqtt]
  host = \"127.0.0.1\"                 # another machine needs [mqtt.tls] with ca, cert and key
  port = 1883
  [http]
  listen = \"127.0.0.1:8090\"
  time_zone = \"Asia/Hong_Kong\"
  [enrol]                            # where gateways ask for certificates: see `waypost hub enrol`
  listen = \"10.0.0.5:8091\"
  broker = \"mqtt.example.org:8883\"   # what they are told; without it host and port of [mqtt]
  days = 180                         # a certificate holds so long; renewed 3 times offline_days before its end
  offline_days = 14
  [[gateway]]
  id = \"post-mong-kok\"
  site = \"SITE-PO1\"
  kind = \"post_office\"               # testing_centre, post_office, vehicle, laboratory, warehouse
  name = \"Mong Kok post office\"
  key = \"…\"                          # printed by `waypost init` on the gateway";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match (&args.command, &args.config) {
        (Some(Command::Init(args)), _) => init::run(args),
        (Some(Command::Order(args)), _) => order::run(args),
        (Some(Command::Enrol(args)), _) => enrol::run(args),
        (Some(Command::Revoke(args)), _) => revoke::run(args),
        (Some(Command::Acl(args)), _) => acl::run(args),
        (Some(Command::Export(args)), _) => export::run(args),
        (Some(Command::Conflicts(args)), _) => conflicts::run(args),
        (None, Some(config)) => serve::run(config),
        // The command line is refused before it comes to this.
        (None, None) => ExitCode::FAILURE,
    }
}
