//! `waypost hub enrol`: a one-time code for a gateway.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_core::{
    fact::id::GatewayId,
    wire::{enrolment::Code, roles},
};
use waypost_edge::identity::write_secret;
use waypost_hub::{
    config::Config,
    enrol::{
        authority,
        registry::{Registry, is_plain},
    },
};

use crate::cmd::enrol::CodeFile;

/// Arguments of `waypost hub enrol`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's id, as the hub's configuration lists it
    #[arg(value_parser = crate::cmd::init::gateway_id)]
    gateway: GatewayId,

    /// The hub's configuration, with [enrol]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// How long the code may be used
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    minutes: u32,

    /// Write the code into a file for `waypost enrol --file`, instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Draw the code as a QR code as well, for the scanner of the gateway's counter
    #[arg(long, conflicts_with_all = ["out", "json"])]
    qr: bool,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
The code enrols this gateway once, within its time and five tries; a code made before is void. Give it to the gateway \
on a way of its own: read out, on paper, on a stick. Without a shell it is scanned or keyed at the gateway's counter. A \
gateway that was enrolled before gets new keys, and its old certificates are revoked.

Examples:
  waypost hub enrol post-mong-kok --config hub.toml --qr
  waypost hub enrol post-mong-kok --config hub.toml --minutes 1440 --out /media/usb/post-mong-kok.json

Exit status: 0 if the code was made, 1 if not.";

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the hub enrols nobody: its configuration has no [enrol] listen")]
    NotConfigured,
    #[error("the hub does not list {0}: add [[gateway]] with its site, kind and name; it needs no key there")]
    NotListed(GatewayId),
    #[error(
        "{0} cannot be enrolled: letters, digits, hyphens and underscores only, and not `all` or `waypost-hub`"
    )]
    Name(GatewayId),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match enrol(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn enrol(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::read(&args.config)?;
    let settings = config.enrol.as_ref().ok_or(Trouble::NotConfigured)?;
    if !config.places.iter().any(|place| place.gateway == args.gateway) {
        return Err(Trouble::NotListed(args.gateway.clone()).into());
    }
    if !is_plain(&args.gateway) {
        return Err(Trouble::Name(args.gateway.clone()).into());
    }
    let fingerprint = roles::fingerprint(&authority::root(&config.dir)?);
    let ends = config.clock.now().plus_ms(i64::from(args.minutes) * 60_000);
    let secret = Registry::new(&config.dir).make_code(&args.gateway, ends)?;
    let code = Code { fingerprint, secret: secret.into(), address: Some(settings.address.clone()) };
    let file = CodeFile { gateway: args.gateway.clone(), code: code.text().to_string(), ends };
    let mut out = io::stdout().lock();
    if let Some(path) = &args.out {
        write_secret(path, &file)?;
        writeln!(out, "Wrote {}. It is the code itself: keep it from others until {ends}.", path.display())?;
    } else if args.json {
        writeln!(out, "{}", serde_json::to_string(&file)?)?;
    } else {
        let gateway = &args.gateway;
        writeln!(out, "{}\n", file.code)?;
        if args.qr {
            super::qr::write(&mut out, &file.code)?;
            writeln!(out)?;
        }
        writeln!(
            out,
            "Until {ends}: scan it at the counter of {gateway}, or key it there; or on the gateway:"
        )?;
        writeln!(out, "  waypost enrol DATA-DIRECTORY --gateway {gateway} --code {}", file.code)?;
    }
    Ok(())
}
