//! `waypost init`: the identity of a new gateway.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use serde::Serialize;
use waypost_core::{
    fact::id::GatewayId,
    wire::{keys::PublicKey, secret_key::SecretPublicKey},
};
use waypost_edge::identity::{IDENTITY_FILE, Identity};

/// Arguments of `waypost init`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The gateway's data directory; made where it is missing
    dir: PathBuf,

    /// The gateway's id: 1 to 64 letters, digits and hyphens. It is its topic at the broker
    #[arg(long, value_name = "ID", value_parser = gateway_id)]
    gateway: GatewayId,

    /// Print the public part as one JSON object on one line, and nothing else
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Makes DIR/identity.json, readable by its owner only, with the id of the gateway's first journal and its keys. \
An existing one is never written over: its keys belong to a journal.

Example:
  waypost init /var/lib/waypost --gateway post-mong-kok

Exit status: 0 if it was made, 1 if not.";

/// What the hub may know.
#[derive(Serialize)]
struct Public<'a> {
    gateway: &'a GatewayId,
    journal: String,
    key: PublicKey,
    secret_key: SecretPublicKey,
}

/// A gateway's id that can stand in a topic.
pub(crate) fn gateway_id(text: &str) -> Result<GatewayId, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.bytes().all(is_plain) || text == "all" {
        return Err("letters, digits, hyphens and underscores only, and not the word `all`".to_owned());
    }
    GatewayId::new(text).map_err(|error| error.to_string())
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match Identity::create(&args.dir, args.gateway.clone()) {
        Ok(identity) => print(args, &identity).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            super::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn print(args: &Args, identity: &Identity) -> io::Result<()> {
    let Identity { gateway, journal, .. } = identity;
    let (key, secret_key) = (identity.sign_key().public(), identity.secret_key().public());
    let mut out = io::stdout().lock();
    if args.json {
        let public = Public { gateway, journal: journal.to_string(), key, secret_key };
        return writeln!(out, "{}", serde_json::to_string(&public)?);
    }
    writeln!(out, "Made {}. Keep it: it holds the gateway's keys.", args.dir.join(IDENTITY_FILE).display())?;
    writeln!(out, "\nPut this into the hub's configuration:\n")?;
    writeln!(out, "[[gateway]]\nid = \"{gateway}\"\nkey = \"{key}\"")?;
    writeln!(out, "secret_key = \"{secret_key}\"   # keys in its orders are encrypted to it")?;
    writeln!(out, "site = \"…\"   # the site's id, as in the gateway's configuration")?;
    writeln!(out, "kind = \"…\"   # testing_centre, post_office, vehicle, laboratory or warehouse")?;
    writeln!(out, "name = \"…\"   # what people call the site")
}
