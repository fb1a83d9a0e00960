//! `waypost hub order`: sign orders, show them, print examples.

mod example;
mod person;

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;
use waypost_core::{
    rule::order::OrderDocument,
    wire::{
        keys::{HubSeeds, PublicKey, SignKey},
        order::{self, ORDER_BYTES_MAX},
    },
};
use waypost_edge::identity::read_secret;
use waypost_hub::{config::Config, enrol::registry::Registry, places::Places, secrets, store::view::View};

use super::init::KEYS_FILE;

/// Arguments of `waypost hub order`.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sign an order and write it beside its file, as FILE.cose
    Sign(Sign),
    /// Check a signed order and print it without its secrets
    Show(Show),
    /// Print an order of a kind, to be changed and signed
    #[command(after_help = EXAMPLE_HELP)]
    Example {
        /// What the order is about
        kind: example::Kind,
    },
    /// Make a person's entry of a staff order, from badge and PIN
    Person(person::Args),
}

#[derive(clap::Args)]
#[command(after_help = SIGN_HELP)]
struct Sign {
    /// The order, as JSON: see `waypost hub order example`
    file: PathBuf,

    /// The hub's directory, where `waypost hub init` made its keys
    #[arg(long, value_name = "HUBDIR", default_value = ".")]
    dir: PathBuf,

    /// The hub's configuration: an order's secrets are encrypted to its gateways. HUBDIR/hub.toml where it is not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Sign although some gateways have no known key: they cannot read the order's secrets
    #[arg(long)]
    skip_unknown: bool,

    /// Sign with the secrets as they are: the broker, and whoever sees the file, can read them
    #[arg(long, conflicts_with_all = ["config", "skip_unknown"])]
    plain: bool,

    /// Where to write the signed order instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Print what was signed as one JSON object on one line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Show {
    /// The signed order
    file: PathBuf,

    /// The hub's directory: its order key is the one to check with
    #[arg(long, value_name = "HUBDIR", conflicts_with = "key", required_unless_present = "key")]
    dir: Option<PathBuf>,

    /// A public order key to check with, as in a gateway's configuration; may be given again
    #[arg(long, value_name = "HEX")]
    key: Vec<PublicKey>,
}

const SIGN_HELP: &str = "\
The signed order goes into the hub's directory `orders/`, from where it is published, or by hand into `orders/` of a \
gateway's data directory. Its version (epoch, number) must be above the one in force. Its secrets (the key of a \
campaign, keys of seals) are encrypted to each gateway that it is for, and to all post offices where a campaign's order \
names none; that of a campaign with `disputes_until` to the pairs that gateways made for it, so lay its JSON itself into \
the hub's `orders/`: the hub signs it anew as they do. The JSON file holds them as they are: keep it like a key. An existing file is not written over.

Example:
  waypost hub order sign campaign.json --dir /etc/waypost-hub --config /etc/waypost-hub/hub.toml

Exit status: 0 if it was signed, 1 if not.";

const EXAMPLE_HELP: &str = "\
Keys in it are new ones at each call. A person's entry, with badge and PIN, is made by
`waypost hub order person`; those of the example have the badge alone: \"pin\": \"none\"";

/// What was signed, without its content.
#[derive(Serialize)]
struct Signed<'a> {
    file: &'a Path,
    kind: &'a str,
    id: &'a str,
    epoch: u64,
    number: u64,
    bytes: usize,
    topics: Vec<String>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot use {0}")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} is longer than an order may be: {ORDER_BYTES_MAX} bytes")]
    TooLong(PathBuf),
    #[error(
        "no key is known to encrypt the order's secrets to for {0}: enrol them, or sign with --skip-unknown"
    )]
    NoKey(String),
    #[error("{0} is no order")]
    NoOrder(PathBuf, #[source] serde_json::Error),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let outcome = match &args.command {
        Command::Sign(args) => sign(args),
        Command::Show(args) => show(args),
        Command::Example { kind } => example::print(*kind),
        Command::Person(args) => person::print(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::cmd::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn sign(args: &Sign) -> Result<(), Box<dyn Error>> {
    let seeds: HubSeeds = read_secret(&args.dir.join(KEYS_FILE))?;
    let text = read(&args.file)?;
    let document: OrderDocument =
        serde_json::from_slice(&text).map_err(|error| Trouble::NoOrder(args.file.clone(), error))?;
    let bytes = sign_document(args, &document, &seeds.order())?;
    let file = args.out.clone().unwrap_or_else(|| args.file.with_extension("cose"));
    write_new(&file, &bytes).map_err(|error| Trouble::File(file.clone(), error))?;
    let signed = Signed {
        file: &file,
        kind: document.order.kind(),
        id: &document.id,
        epoch: document.epoch,
        number: document.number,
        bytes: bytes.len(),
        topics: order::topics(&document),
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&signed)?)?;
    } else {
        let Signed { kind, id, epoch, number, bytes, .. } = signed;
        writeln!(out, "Signed {kind} {id}, version {epoch}.{number}, {bytes} bytes: {}", file.display())?;
    }
    Ok(())
}

/// With the secrets encrypted, where there are any.
fn sign_document(args: &Sign, document: &OrderDocument, key: &SignKey) -> Result<Vec<u8>, Box<dyn Error>> {
    if args.plain || document.order.secrets().is_empty() {
        return Ok(order::sign(document, key)?);
    }
    let config = Config::read(&args.config.clone().unwrap_or_else(|| args.dir.join("hub.toml")))?;
    let places = Places::new(config.places);
    places.refresh(&Registry::new(&config.dir));
    if secrets::ending_campaign(document).is_some() {
        // Before the hub ran once no gateway can have made a pair.
        let view = View::open(&config.dir, Arc::new(places.clone()));
        places.set_pairs(view.and_then(|view| view.campaign_pairs()).unwrap_or_default());
    }
    let secrets::Signed { bytes, without_key } = secrets::sign(document, key, &places)?;
    if without_key.is_empty() || args.skip_unknown {
        return Ok(bytes);
    }
    Err(Trouble::NoKey(without_key.join(", ")).into())
}

fn show(args: &Show) -> Result<(), Box<dyn Error>> {
    let keys = match &args.dir {
        Some(dir) => vec![read_secret::<HubSeeds>(&dir.join(KEYS_FILE))?.order().public()],
        None => args.key.clone(),
    };
    let document = order::open(&read(&args.file)?, &keys)?;
    let mut value = serde_json::to_value(&document)?;
    hide_keys(&mut value);
    writeln!(io::stdout().lock(), "{value}")?;
    Ok(())
}

/// Takes every secret out of an order: each stands under the name `key`.
fn hide_keys(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "key" {
                    *field = Value::String("(secret)".to_owned());
                } else {
                    hide_keys(field);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_keys),
        _ => {}
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let failed = |error| Trouble::File(path.to_owned(), error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(ORDER_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > ORDER_BYTES_MAX { Err(Trouble::TooLong(path.to_owned())) } else { Ok(bytes) }
}

/// Writes a file for its owner only; one that is there stays. A half-written one is taken away again.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        fs::remove_file(path)?;
    }
    written
}
