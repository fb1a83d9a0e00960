//! `waypost decode seal`: frames of an electronic seal or beacon, one line of JSON each.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use waypost_drivers::seal::{
    Address, BadKey, Format, Limits, Refusal, SealKey, SealWatch, Stored, Taken, ad, format, hex,
};

/// Frames that are given in one call come at one moment, so packet ids must go forward.
const NOW_MS: u64 = 0;
/// Length and type before the value of an advertisement's structure.
const AD_HEAD_LEN: usize = 2;
/// Frames of one advertisement; all that fit into the longest.
const FRAMES_MAX: usize = 64;
/// Exit status for arguments that cannot be read, as clap has it.
const BAD_ARGUMENTS: u8 = 2;

/// Arguments of `waypost decode seal`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Bluetooth address the frames came from, such as 54:48:E6:8F:80:A5. An address inside a frame goes before it
    #[arg(long, value_name = "ADDRESS")]
    mac: Address,

    /// The seal's key, 32 hexadecimal digits. With a key, plain frames are refused
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Frames in hexadecimal digits, oldest first: service data or manufacturer data without the UUID or company that
    /// stands before it, of BTHome v2 from the device information byte on; or an advertisement's whole data
    #[arg(value_name = "HEX", required = true, value_parser = parse_hex)]
    frames: Vec<Frame>,
}

/// clap wraps the lines, so a paragraph is one line.
const EXAMPLES: &str = "\
Each frame gives one line: what it says, or {\"refused\":\"reason\"}. The same bytes again are a repeat; a counter that \
is not above the highest before it is a replay. Each call starts fresh and writes nothing to disk.

Beside BTHome v2, frames of ELA, Minew, Teltonika EYE, Eddystone and iBeacon are recognised by their bytes; their lines \
name the \"format\". None of them is authentic, and with a key they are refused: a downgrade.

The exit status is 0 if a frame was accepted, 1 if none was, 2 if the arguments cannot be read.

Examples:
  A sealed box, then opened and tampered with:
    waypost decode seal --mac 54:48:E6:8F:80:A5 --key 231d39c1d7cc1ab1aee224cd096db932 \\
        415942906920750802e8030000ad89b592 41e2e35978b460627ce90300004ba40650
  A window sensor without encryption:
    waypost decode seal --mac 54:48:E6:8F:80:A5 402d01
  A door magnet of Minew, then the advertisement of one of ELA:
    waypost decode seal --mac 54:48:E6:8F:80:A5 a40163010001ff6745233123ac1234 02010606ff5707320a00";

/// A frame's bytes; a type of its own, as `Vec<u8>` means "many arguments" to clap.
#[derive(Clone)]
struct Frame(Vec<u8>);

#[derive(Serialize)]
struct Refused {
    refused: String,
}

fn parse_hex(text: &str) -> Result<Frame, String> {
    hex::decode(text)
        .map(Frame)
        .ok_or_else(|| "a frame is pairs of hexadecimal digits and nothing else".to_owned())
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    // Not clap's to parse, as its message would repeat the key.
    let key = match args.key.as_deref().map(str::parse).transpose() {
        Ok(key) => key,
        Err(bad) => {
            let bad: BadKey = bad;
            eprintln!("error: --key: {bad}");
            return ExitCode::from(BAD_ARGUMENTS);
        }
    };
    match decode(args, key.as_ref(), &mut io::stdout().lock(), &mut io::stderr().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        // A reader that went away wants no more lines; there is nobody to tell.
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

fn decode(
    args: &Args,
    key: Option<&SealKey>,
    out: &mut impl Write,
    warnings: &mut impl Write,
) -> io::Result<bool> {
    let mut seals = BTreeMap::new();
    let mut accepted = false;
    for Frame(bytes) in &args.frames {
        for (format, frame) in frames(bytes) {
            match take(&mut seals, args.mac, key, format, frame) {
                Ok(Taken { frame, restarted, .. }) => {
                    accepted = true;
                    for warning in &frame.warnings {
                        writeln!(warnings, "waypost: {}: {warning}", hex::encode(bytes))?;
                    }
                    if restarted {
                        writeln!(warnings, "waypost: {}: the sender was started anew", hex::encode(bytes))?;
                    }
                    line(out, &frame)?;
                }
                Err(refusal) => line(out, &Refused { refused: refusal.to_string() })?,
            }
        }
    }
    Ok(accepted)
}

/// What was given: an advertisement with frames that are known here, else one frame by itself.
fn frames(bytes: &[u8]) -> Vec<(Format, &[u8])> {
    let whole =
        ad::structures(bytes).map(|(_, value)| value.len() + AD_HEAD_LEN).sum::<usize>() == bytes.len();
    let found: Vec<_> = if whole { format::find(bytes).take(FRAMES_MAX).collect() } else { Vec::new() };
    if found.is_empty() { vec![(format::guess(bytes), bytes)] } else { found }
}

/// Each seal has its own counter. A frame may name another seal than `--mac`.
fn take(
    seals: &mut BTreeMap<Address, SealWatch>,
    on_air: Address,
    key: Option<&SealKey>,
    format: Format,
    frame: &[u8],
) -> Result<Taken, Refusal> {
    if key.is_some() && !format.is_bthome() {
        return Err(Refusal::Downgrade);
    }
    let address = format::address_of(format, frame, on_air)?;
    let watch = seals
        .entry(address)
        .or_insert_with(|| SealWatch::new(address, key.cloned(), Stored::default(), Limits::default()));
    watch.take(NOW_MS, format, frame)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
