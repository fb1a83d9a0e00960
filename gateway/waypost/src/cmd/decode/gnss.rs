//! `waypost decode gnss`: a recording of a satellite receiver, one line of JSON for each position sentence.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use waypost_drivers::gnss::{Decoded, Decoder, Fix};

/// Arguments of `waypost decode gnss`.
#[derive(clap::Args)]
#[command(
    after_help = "Exit status: 0 if there was a fix, 1 if there was none, 2 if the recording cannot be read.\n\
Lines that begin with # are comments of the recording."
)]
pub struct Args {
    /// What the receiver sent, as it came over the line; `-` reads standard input
    #[arg(value_name = "FILE")]
    recording: PathBuf,
}

/// One line of the output. The names stand in the command's contract.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Fix { fix: &'a Fix },
    Refused { refused: String, sentence: &'a str },
}

/// Nothing to read, or nowhere to write to.
const TROUBLE: u8 = 2;

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let decoded = open(&args.recording)
        .and_then(|recording| decode(recording, &mut BufWriter::new(io::stdout().lock())));
    match decoded {
        Ok(0) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waypost: cannot read the recording {}: {error}", args.recording.display());
            ExitCode::from(TROUBLE)
        }
    }
}

fn open(recording: &Path) -> io::Result<Box<dyn Read>> {
    Ok(if recording == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(recording)?)
    })
}

/// Writes a line for each position sentence and gives the number of fixes.
fn decode(mut recording: impl Read, out: &mut impl Write) -> io::Result<usize> {
    let mut decoder = Decoder::default();
    let mut comments = Comments::default();
    let mut fixes = 0;
    let mut written = Ok(());
    let mut write = |decoded: Decoded| {
        fixes += usize::from(matches!(decoded, Decoded::Fix(_)));
        if written.is_ok() {
            written = line(&decoded, out);
        }
    };
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let length = match recording.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for &byte in chunk.get(..length).unwrap_or_default() {
            if !comments.swallow(byte) {
                decoder.push(&[byte], &mut write);
            }
        }
    }
    decoder.finish(&mut write);
    written?;
    out.flush()?;
    Ok(fixes)
}

fn line(decoded: &Decoded, out: &mut impl Write) -> io::Result<()> {
    let line = match decoded {
        Decoded::Fix(fix) => Line::Fix { fix },
        Decoded::Refused { refusal, sentence, .. } => {
            Line::Refused { refused: refusal.to_string(), sentence }
        }
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Knows lines that begin with `#`: people's notes in a recording, with sentences quoted in them at times.
#[derive(Default)]
struct Comments {
    line: Place,
}

#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Start,
    Text,
    Comment,
}

impl Comments {
    /// Whether `byte`, the next of the recording, belongs to a comment. The line's end does not.
    fn swallow(&mut self, byte: u8) -> bool {
        self.line = match (self.line, byte) {
            (_, b'\n') => Place::Start,
            (Place::Start, b'#') | (Place::Comment, _) => Place::Comment,
            _ => Place::Text,
        };
        matches!(self.line, Place::Comment)
    }
}
