//! `waypost radio`: holds a Bluetooth adapter for a gateway that has no rights over it.

use std::{error::Error, path::PathBuf, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use waypost_drivers::seal::{Adapter, Channel, relay};

/// Arguments of `waypost radio`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The adapter, by the kernel's name
    #[arg(long, default_value = "hci0", value_parser = adapter)]
    adapter: Adapter,

    /// How to share it: user where it is free, else raw; or one of both
    #[arg(long, value_parser = ["auto", "user", "raw"], default_value = "auto")]
    channel: String,

    /// Where to listen for the gateway
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
}

const HELP: &str = "\
Opens the adapter while a gateway is connected, and passes packets on: commands of a scan one way, events the other. \
The gateway's configuration names the socket:

  [seal_reader]
  socket = \"/run/waypost-radio/hci0.sock\"

Needs CAP_NET_RAW and CAP_NET_ADMIN; the gateway then needs neither. The unit waypost-radio@hci0.service runs it.

Exit status: 0 if it was stopped, 1 if it cannot listen.";

fn adapter(name: &str) -> Result<Adapter, String> {
    name.parse().map_err(|error: waypost_drivers::seal::BadAdapter| error.to_string())
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    super::log::start();
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let channel = match args.channel.as_str() {
        "raw" => Channel::Raw,
        "user" => Channel::User,
        _ => Channel::Auto,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listening = relay::listen_at(&args.socket)?;
        waypost_edge::alive::ready();
        let outcome = tokio::select! {
            ended = relay::serve(listening, args.adapter, channel) => ended,
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        };
        waypost_edge::alive::stopping();
        // It says where nobody listens any more; the next start takes it away too.
        let _ = std::fs::remove_file(&args.socket);
        outcome
    });
    // An adapter that is being opened is not waited for.
    runtime.shutdown_background();
    Ok(outcome?)
}
