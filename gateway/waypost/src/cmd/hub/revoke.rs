//! `waypost hub revoke`: a gateway, or one of the hub's own keys.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use waypost_core::{fact::id::GatewayId, wire::keys::PublicKey};
use waypost_edge::identity::read_secret;
use waypost_hub::{
    config::Config,
    enrol::{
        authority::{self, Authority},
        registry::Registry,
    },
};

use super::root::{RootFile, root_pair};

/// Arguments of `waypost hub revoke`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's id; or a public key of the hub, 64 hex characters
    what: String,

    /// The hub's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The root key's file, for a key of the hub: the operator brings it
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,

    /// The key that takes the revoked one's place
    #[arg(long, value_name = "HEX", requires = "root")]
    replace: Option<PublicKey>,

    /// Print one JSON object on one line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
A gateway: the hub believes its signature no more, gives it no certificate, and writes authority/ca.crl.pem anew. The \
broker must read that list (crlfile, at its restart) and the new access list (`waypost hub acl`, on SIGHUP).
A key of the hub: signs a new list of keys with the root; every gateway takes it from the broker.

Examples:
  waypost hub revoke post-mong-kok --config hub.toml
  waypost hub revoke 5f0e… --config hub.toml --root /media/usb/root.json --replace 88ab…

Exit status: 0 if it was revoked, 1 if not.";

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("a key of the hub is revoked by the root: add --root FILE")]
    NoRoot,
    #[error("the list of keys does not name this key")]
    NotListed,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match revoke(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn revoke(args: &Args) -> Result<(), Box<dyn Error>> {
    let config = Config::read(&args.config)?;
    match args.what.parse::<PublicKey>() {
        Ok(key) => revoke_key(args, &config, key),
        Err(_) => revoke_gateway(args, &config),
    }
}

fn revoke_gateway(args: &Args, config: &Config) -> Result<(), Box<dyn Error>> {
    let gateway = GatewayId::new(args.what.clone())?;
    let registry = Registry::new(&config.dir);
    let authority = Authority::open(&config.dir)?;
    let now = config.clock.now();
    let known = registry.revoke(&gateway, now)?;
    authority.write_revoked(&registry.revoked()?, now)?;
    let mut out = io::stdout().lock();
    if args.json {
        let certificates = known.certificates.len();
        writeln!(out, "{}", serde_json::json!({ "revoked": gateway, "certificates": certificates }))?;
    } else {
        writeln!(
            out,
            "{gateway} is revoked. Now: `waypost hub acl` for the broker, then restart the broker."
        )?;
    }
    Ok(())
}

fn revoke_key(args: &Args, config: &Config, key: PublicKey) -> Result<(), Box<dyn Error>> {
    let path = args.root.as_ref().ok_or(Trouble::NoRoot)?;
    let RootFile { root_key } = read_secret::<RootFile>(path)?;
    let root = root_pair(&root_key)?;
    let (_, held) = authority::key_roles(&config.dir)?;
    if !held.order.contains(&key) && !held.ack.contains(&key) {
        return Err(Trouble::NotListed.into());
    }
    let roles = authority::change_roles(&config.dir, &root, |roles| {
        for list in [&mut roles.order, &mut roles.ack] {
            if list.contains(&key) {
                list.retain(|listed| *listed != key);
                list.extend(args.replace);
            }
        }
        if !roles.revoked.contains(&key) {
            roles.revoked.push(key);
        }
    })?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&roles)?)?;
    } else {
        writeln!(out, "The list of keys has version {} now; the hub publishes it.", roles.version)?;
    }
    Ok(())
}
