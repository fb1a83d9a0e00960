//! The command line: one subcommand a file.

mod cert;
mod config;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod devices;
mod doctor;
mod enrol;
mod explain;
mod find;
mod guard;
#[cfg(feature = "hub")]
mod hub;
mod init;
mod journal;
mod label;
mod listen;
mod log;
#[cfg(feature = "manual")]
mod manual;
mod radio;
mod run;
#[cfg(feature = "soak")]
mod soak;
mod try_device;

#[cfg(feature = "hub")]
use std::{ffi::OsStr, path::Path};
use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// The software of an edge gateway: custody of specimens, masks over a counter, offline first.
#[derive(Parser)]
#[command(name = "waypost", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a scanned or typed code means
    Explain(explain::Args),
    /// Read what a device sent, as Waypost reads it
    Decode(decode::Args),
    /// Play a whole day of eight gateways in about a minute: no broker, no database, no hardware needed
    #[cfg(feature = "demo")]
    Demo(demo::Args),
    /// Say what is plugged in, and how to write it into the configuration
    Devices(devices::Args),
    /// Say whether a gateway is well, and what to do where it is not
    Doctor(doctor::Args),
    /// Try one device by itself
    Try(try_device::Args),
    /// Run one gateway
    Run(run::Args),
    /// Hold a Bluetooth adapter for a gateway that has no rights over it
    Radio(radio::Args),
    /// Print a configuration to begin with, or check one
    Config(config::Args),
    /// Say where a tube or a box is, by one gateway's journal
    Find(find::Args),
    /// Make a new gateway's identity: its first journal's id and its key
    Init(init::Args),
    /// Get a gateway its certificate with a one-time code of the hub
    Enrol(enrol::Args),
    /// Show or renew a gateway's certificate
    Cert(cert::Args),
    /// Check and print what a gateway wrote down
    Journal(journal::Args),
    /// Draw a label or a sheet of commands, as a picture for any printer
    Label(label::Args),
    /// The central end, and the tools beside it
    #[cfg(feature = "hub")]
    Hub(hub::Args),
    /// Cut the power of journals and store, again and again, and count what was lost
    #[cfg(feature = "soak")]
    Soak(soak::Args),
    /// Write manual pages and completions
    #[cfg(feature = "manual")]
    #[command(hide = true)]
    Manual(manual::Args),
}

/// The same binary under the name of the hub's package: `waypost-hub` is `waypost hub`.
#[cfg(feature = "hub")]
#[derive(Parser)]
#[command(name = HUB, version, about = "The central end of Waypost, and the tools beside it")]
struct HubCli {
    #[command(flatten)]
    args: hub::Args,
}

/// The name under which the hub's package installs the binary.
#[cfg(feature = "hub")]
const HUB: &str = "waypost-hub";

/// Parses the command line and runs the subcommand. Its exit status is the process's.
pub fn main() -> ExitCode {
    #[cfg(feature = "hub")]
    if std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(HUB))) {
        return hub::run(&HubCli::parse().args);
    }
    match Cli::parse().command {
        Command::Explain(args) => explain::run(&args),
        Command::Decode(args) => decode::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Try(args) => try_device::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Radio(args) => radio::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Enrol(args) => enrol::run(&args),
        Command::Cert(args) => cert::run(&args),
        Command::Journal(args) => journal::run(&args),
        Command::Label(args) => label::run(&args),
        #[cfg(feature = "hub")]
        Command::Hub(args) => hub::run(&args),
        #[cfg(feature = "soak")]
        Command::Soak(args) => soak::run(&args),
        #[cfg(feature = "manual")]
        Command::Manual(args) => manual::run(&args),
    }
}

/// Says on standard error what went wrong, with its causes.
pub(crate) fn complain(error: &dyn std::error::Error) {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    // Where even standard error is closed nobody is left to be told.
    let _ = writeln!(io::stderr(), "waypost: {words}");
}
