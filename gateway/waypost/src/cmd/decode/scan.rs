//! `waypost decode scan`: what a barcode scanner sent, one line of JSON for each code.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use tokio::time::Instant;
use waypost_drivers::scanner::hid::{joiner::Joiner, layout::Layout};
use waypost_drivers::scanner::ssi::reader::{Heard, Reader};
use waypost_drivers::scanner::{Assembled, Flaw, Framing, assembler::Assembler};
use waypost_drivers::seal::hex;

/// Bytes of a recorded HID report, and the longest that is read.
const REPORT_BYTES: usize = 64;
/// Exit status for arguments that cannot be read, as clap has it.
const BAD_ARGUMENTS: u8 = 2;

/// Arguments of `waypost decode scan`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What the scanner speaks
    #[arg(long, value_enum)]
    format: Format,

    /// A file with the bytes as they came (`-`: standard input), or a report or packet each in hexadecimal digits
    #[arg(value_name = "FILE|HEX", required = true)]
    inputs: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// USB HID point-of-sale reports, 64 bytes each, report id first
    Hidpos,
    /// Text with CR, LF or both behind each code
    Serial,
    /// Packets of Zebra's Simple Serial Interface
    Ssi,
}

/// clap wraps the lines, so a paragraph is one line.
const EXAMPLES: &str = "\
Each code gives one line, {\"scan\":{\"text\":…,\"symbology\":\"]Q0\"}}, with null where the scanner gave no AIM \
identifier; what is no whole code gives {\"refused\":\"reason\"}. Reports and packets of one code are joined, also from \
one argument to the next. An argument that is a file is read; else it must be hexadecimal digits.

The exit status is 0 if there was a code, 1 if there was none, 2 if the arguments cannot be read.

Examples:
  waypost decode scan --format serial recording.bin
  waypost decode scan --format ssi 08f300000b313233fe64
  printf ']C1010001234567890510A\\r' | waypost decode scan --format serial -";

/// One line of the output. The names stand in the command's contract.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Scan { text: &'a str, symbology: Option<&'a str> },
    Refused(String),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let inputs: io::Result<Vec<_>> = args.inputs.iter().map(|input| bytes_of(input)).collect();
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(BAD_ARGUMENTS);
        }
    };
    match decode(args.format, &inputs, &mut BufWriter::new(io::stdout().lock())) {
        Ok(0) => ExitCode::FAILURE,
        // Whoever reads the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn bytes_of(input: &str) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {input}: {error}"));
    let mut bytes = Vec::new();
    if input == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map_err(named)?;
    } else if Path::new(input).is_file() {
        File::open(input).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(named)?;
    } else {
        let neither = || {
            io::Error::other(format!(
                "`{input}` is neither a file nor pairs of hexadecimal digits and nothing else"
            ))
        };
        bytes = hex::decode(input).filter(|bytes| !bytes.is_empty()).ok_or_else(neither)?;
    }
    Ok(bytes)
}

/// Writes a line for each code and gives how many there were. All of it comes at one moment, as a recording has no times.
fn decode(format: Format, inputs: &[Vec<u8>], out: &mut impl Write) -> io::Result<usize> {
    let mut codes = 0;
    let mut written = Ok(());
    let mut tell = |found: Assembled| {
        codes += usize::from(matches!(found, Assembled::Scan(_)));
        if written.is_ok() {
            written = line(&found, out);
        }
    };
    let now = Instant::now();
    match format {
        Format::Hidpos => reports(inputs, now, &mut tell),
        Format::Serial => {
            let mut assembler = Assembler::new(Framing::default());
            for bytes in inputs {
                assembler.push(bytes, now, &mut tell);
            }
            assembler.reset(&mut tell);
        }
        Format::Ssi => {
            let mut reader = Reader::default();
            let mut hear = |heard| {
                if let Heard::Code(found) = heard {
                    tell(found);
                }
            };
            for bytes in inputs {
                reader.push(bytes, now, &mut hear);
            }
            reader.reset(&mut hear);
        }
    }
    written?;
    out.flush()?;
    Ok(codes)
}

fn reports(inputs: &[Vec<u8>], now: Instant, tell: &mut impl FnMut(Assembled)) {
    let mut joiner = Joiner::new(Layout::quirks().to_vec());
    for report in inputs.iter().flat_map(|bytes| bytes.chunks(REPORT_BYTES)) {
        // A recording holds nothing but reports of scans, so one that is none is told.
        if !joiner.push(report, now, tell) {
            tell(Assembled::Unreadable { flaw: Flaw::Malformed, length: report.len() });
        }
    }
    joiner.reset(tell);
}

fn line(found: &Assembled, out: &mut impl Write) -> io::Result<()> {
    let line = match found {
        Assembled::Scan(scan) => Line::Scan { text: &scan.text, symbology: scan.symbology.as_deref() },
        Assembled::Unreadable { flaw, .. } => Line::Refused(flaw.to_string()),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
