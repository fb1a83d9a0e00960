//! `waypost`: one binary for the gateway, the central end, the demonstration and the tools around them.

mod cmd;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "soak")]
mod soak;

use std::process::ExitCode;

fn main() -> ExitCode {
    cmd::main()
}
