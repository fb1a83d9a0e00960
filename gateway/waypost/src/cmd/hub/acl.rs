//! `waypost hub acl`: the broker's access list.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_hub::{
    config::Config,
    enrol::{acl, registry::Registry},
};

/// Arguments of `waypost hub acl`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The hub's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

const HELP: &str = "\
Prints mosquitto's access list: a gateway writes only what it sends and reads only what is for it. For the broker:

  listener 8883
  cafile   HUBDIR/authority/ca.pem
  certfile HUBDIR/authority/broker.pem
  keyfile  HUBDIR/authority/broker-key.pem
  crlfile  HUBDIR/authority/ca.crl.pem
  require_certificate true
  use_identity_as_username true
  allow_anonymous false
  acl_file acl

Example:
  waypost hub acl --config hub.toml > /etc/mosquitto/acl && systemctl reload mosquitto

Exit status: 0 if it was printed, 1 if not.";

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match print(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn print(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::read(&args.config)?;
    let all = Registry::new(&config.dir).all()?;
    let revoked = all.iter().filter(|known| known.revoked.is_some()).map(|known| known.gateway.as_str());
    write!(io::stdout().lock(), "{}", acl::mosquitto(revoked))?;
    Ok(())
}
