//! `waypost hub init`: the hub's keys, its authority, and the root that the operator takes away.

use std::{
    error::Error,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;
use waypost_core::wire::{
    keys::{HubSeeds, PublicKey},
    roles::KeyRoles,
};
use waypost_edge::identity::{IdentityError, random_seed, read_secret, write_secret};
use waypost_hub::{clock::Clock, enrol::authority::Authority};

use super::root::{RootFile, root_pair};

/// The file's name in the hub's directory.
pub const KEYS_FILE: &str = "keys.json";

/// Where the root is written if nothing else is said.
const ROOT_FILE: &str = "root.json";

/// Arguments of `waypost hub init`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The hub's directory; made where it is missing
    dir: PathBuf,

    /// Where the root's private key is written, instead of DIR/root.json: best a stick that is taken away
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,

    /// A name or address of the broker: its certificate bears it; may be given again
    #[arg(long, value_name = "NAME")]
    broker: Vec<String>,

    /// Make root and authority for a hub whose keys.json is from before there were any
    #[arg(long)]
    authority: bool,

    /// Print the public keys as one JSON object on one line, and nothing else
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Makes DIR/keys.json, readable by its owner only: a key that signs acknowledgements and nothing else, and a key that \
signs orders. An existing one is never written over: the gateways know its keys.

Beside it DIR/authority/ with the authority of broker and gateways: ca.pem and its key, an empty revocation list, a \
certificate for the hub and, with --broker, one for the broker. The root says which keys may sign what; gateways pin \
it. Its private key is needed only to revoke a key of the hub: take its file away and lock it up.

Examples:
  waypost hub init hub --broker mqtt.example.org --root /media/usb/root.json
  waypost hub init hub --authority --broker mqtt.example.org --root /media/usb/root.json

Exit status: 0 if it was made, 1 if not.";

/// What gateways must know.
#[derive(Serialize)]
struct Public {
    ack_key: PublicKey,
    order_keys: [PublicKey; 1],
    root: PublicKey,
    root_file: PathBuf,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match create(args) {
        Ok(public) => print(args, &public).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            crate::cmd::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn create(args: &Args) -> Result<Public, Box<dyn Error>> {
    let keys = args.dir.join(KEYS_FILE);
    // Before anything is written: an authority without its keys would be of no use.
    if !args.authority && keys.exists() {
        return Err(IdentityError::Exists(keys).into());
    }
    let root_key = random_seed()?;
    let root = root_pair(&root_key)?;
    let root_file = args.root.clone().unwrap_or_else(|| args.dir.join(ROOT_FILE));
    let seeds = match args.authority {
        true => read_secret(&keys)?,
        false => HubSeeds { ack_key: random_seed()?, order_key: random_seed()? },
    };
    let (ack_key, order_key) = (seeds.ack().public(), seeds.order().public());
    let roles = KeyRoles { version: 1, order: vec![order_key], ack: vec![ack_key], revoked: Vec::new() };
    write_secret(&root_file, &RootFile { root_key })?;
    let made = Authority::create(&args.dir, &root, &roles, &args.broker, Clock::system().now());
    if let Err(error) = made {
        // A root that signed nothing is of no use.
        let _ = std::fs::remove_file(&root_file);
        return Err(error.into());
    }
    if !args.authority {
        write_secret(&keys, &seeds)?;
    }
    Ok(Public { ack_key, order_keys: [order_key], root: root.public(), root_file })
}

fn print(args: &Args, public: &Public) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        return writeln!(out, "{}", serde_json::to_string(public)?);
    }
    let Public { ack_key, order_keys: [order_key], root, root_file } = public;
    let keys: &Path = &args.dir.join(KEYS_FILE);
    writeln!(out, "Made {}. Keep it: it holds the hub's keys.", keys.display())?;
    writeln!(
        out,
        "Made {}, the root. Take it away: only to revoke a key is it needed.",
        root_file.display()
    )?;
    writeln!(
        out,
        "Made {}: files for the broker, and its authority's key.",
        args.dir.join("authority").display()
    )?;
    writeln!(
        out,
        "\nGateways that are enrolled (`waypost hub enrol`) learn the keys under the root {root}."
    )?;
    writeln!(out, "\nFor others put this into each gateway's configuration:\n")?;
    writeln!(out, "[hub]\nack_key = \"{ack_key}\"\norder_keys = [\"{order_key}\"]")
}
