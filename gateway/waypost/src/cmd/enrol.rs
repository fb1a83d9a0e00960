//! `waypost enrol`: a gateway gets its certificate and pins the hub's root.

use std::{
    error::Error,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::{Deserialize, Serialize};
use waypost_core::{
    fact::{WallTime, id::GatewayId},
    wire::enrolment::Code,
};
use waypost_edge::{
    enrol::Granted,
    identity::{Identity, IdentityError},
};

/// Arguments of `waypost enrol`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's data directory; made where it is missing
    dir: PathBuf,

    /// The gateway's id, where the directory has no identity yet
    #[arg(long, value_name = "ID", value_parser = super::init::gateway_id)]
    gateway: Option<GatewayId>,

    /// The one-time code that `waypost hub enrol` printed
    #[arg(long, value_name = "CODE", conflicts_with = "file", required_unless_present = "file")]
    code: Option<String>,

    /// Where the hub enrols, as HOST:PORT, instead of the address in the code
    #[arg(long, value_name = "ADDRESS")]
    hub: Option<String>,

    /// The file that `waypost hub enrol --out` wrote, instead of a code
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print what was granted as one JSON object on one line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Makes the gateway's keys in its data directory, where they stay, and asks the hub for a certificate. The code is used \
up by it. The hub's answer is believed only under the root key that the code names, so the way to the hub may be plain \
HTTP. `waypost run` then uses the broker that the hub named: its configuration needs neither [mqtt] nor [hub].

Examples:
  waypost enrol /var/lib/waypost --gateway post-mong-kok --code WP1-8ZK3QF-…@10.0.0.5:8091
  waypost enrol /var/lib/waypost --file /media/usb/post-mong-kok.json

Exit status: 0 if it was enrolled, 1 if not.";

/// The file that carries a code.
#[derive(Serialize, Deserialize)]
pub(crate) struct CodeFile {
    /// For whom.
    pub gateway: GatewayId,
    /// The code, with the hub's address.
    pub code: String,
    /// Until when, by the hub's clock.
    pub ends: WallTime,
}

/// Why a gateway is not enrolled.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the code names no address: add --hub HOST:PORT")]
    NoAddress,
    #[error("the directory has no identity yet: add --gateway ID")]
    NoName,
    #[error("this directory is the identity of {found}, not of {wanted}")]
    Other { found: GatewayId, wanted: GatewayId },
    #[error("{0} cannot be read")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} is no file of `waypost hub enrol --out`")]
    NoCode(PathBuf),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match enrol(args).and_then(|granted| Ok(print(args, &granted)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn enrol(args: &Args) -> Result<Granted, Box<dyn Error>> {
    let file = args.file.as_deref().map(read).transpose()?;
    let text = args.code.as_deref().or(file.as_ref().map(|file| file.code.as_str())).unwrap_or_default();
    let code = Code::parse(text)?;
    let hub = args.hub.clone().or_else(|| code.address.clone()).ok_or(Trouble::NoAddress)?;
    let wanted = args.gateway.clone().or(file.map(|file| file.gateway));
    let identity = match (Identity::read(&args.dir), wanted) {
        (Err(IdentityError::Missing(_)), Some(gateway)) => Identity::create(&args.dir, gateway)?,
        (Err(IdentityError::Missing(_)), None) => return Err(Trouble::NoName.into()),
        (Ok(identity), Some(wanted)) if identity.gateway != wanted => {
            return Err(Trouble::Other { found: identity.gateway, wanted }.into());
        }
        (identity, _) => identity?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(waypost_edge::enrol::enrol(&args.dir, &identity, &code, &hub))?)
}

fn read(path: &Path) -> Result<CodeFile, Trouble> {
    let bytes = fs::read(path).map_err(|error| Trouble::File(path.to_owned(), error))?;
    // The cause is left out: it could quote a part of the code.
    serde_json::from_slice(&bytes).map_err(|_| Trouble::NoCode(path.to_owned()))
}

fn print(args: &Args, granted: &Granted) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Granted { gateway, broker, current, root, .. } = granted;
    if args.json {
        let said = serde_json::json!({
            "gateway": gateway,
            "broker": format!("{}:{}", broker.host, broker.port),
            "root": root,
            "ends": current.ends,
            "renew_from": current.renew_from,
        });
        return writeln!(out, "{said}");
    }
    writeln!(out, "{gateway} is enrolled.")?;
    writeln!(out, "  broker       {}:{}", broker.host, broker.port)?;
    writeln!(
        out,
        "  certificate  holds until {}, is renewed by itself from {}",
        current.ends, current.renew_from
    )?;
    writeln!(out, "  hub's root   {root}")
}
