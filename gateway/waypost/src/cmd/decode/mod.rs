//! `waypost decode`: what a device sent, as Waypost reads it. One device a file.

mod gnss;
mod scan;
mod seal;

use std::process::ExitCode;

use clap::Subcommand;

/// Arguments of `waypost decode`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    device: Device,
}

#[derive(Subcommand)]
enum Device {
    /// Positions from a satellite receiver's recording
    Gnss(gnss::Args),
    /// Codes from a barcode scanner's bytes
    Scan(scan::Args),
    /// Frames of an electronic seal
    Seal(seal::Args),
}

/// Runs the decoder of the device that was named.
pub fn run(args: &Args) -> ExitCode {
    match &args.device {
        Device::Gnss(args) => gnss::run(args),
        Device::Scan(args) => scan::run(args),
        Device::Seal(args) => seal::run(args),
    }
}
