//! `waypost explain`: what a scanned or keyed code means.
//!
//! A document number appears in no output, and neither does a badge's code.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;

use serde::Serialize;
use waypost_core::code::{self, LabelKinds, Meaning, Zeroizing, gs1::Elements};

/// Arguments of `waypost explain`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Print one JSON object on one line for each code
    #[arg(long)]
    json: bool,

    /// The code as it was scanned or keyed; `-` reads standard input, one code a line
    // Words that were not put in quotes are one code: a complaint about the second would print it.
    #[arg(value_name = "CODE", required = true, num_args = 1..)]
    code: Vec<String>,
}

const HELP: &str = "\
Shells keep what is typed in their history. For document numbers use `-` and standard input; the answer shows \
prefix and three digits only.

GS, the separator of GS1 codes, is written \\x1d or ^. A leading ^ or identifiers in brackets say that a code is \
GS1; an AIM identifier such as ]C1 says what the scanner read.

Examples:
  waypost explain T-00001234
  waypost explain '(01)12345678901231(10)AB12'
  waypost explain --json '^800302112345678900ABC'
  waypost explain ']d2011231231231233310ABC123\\x1d99TESTING'
  waypost explain -                                 then key the number and press Enter

Exit status: 0 if every code is known, 1 if one was refused, 2 if nothing can be read or written.";

/// Bytes of the longest line that is read: longer than any code, so that the reason is that of a code too long.
const LINE_LEN_MAX: u64 = 16 * 1024;
/// Nothing to read, or nowhere to write to.
const TROUBLE: u8 = 2;

/// One code explained. The names stand in the command's contract.
#[derive(Serialize)]
struct Explained {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elements: Option<Elements>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    let mut out = io::stdout().lock();
    let code = Zeroizing::new(args.code.join(" "));
    let result = if *code == "-" {
        explain_lines(&mut io::stdin().lock(), args.json, &mut out)
    } else {
        answer(&code, &LabelKinds::default(), args.json, &mut out)
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the answers has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "waypost explain: {error}");
            ExitCode::from(TROUBLE)
        }
    }
}

/// What a scanned text means, in words and as JSON: the same as this command prints.
pub(super) fn scanned(
    text: &str,
    symbology: Option<&str>,
    labels: &LabelKinds,
) -> (String, serde_json::Value) {
    let symbology = symbology.and_then(|symbology| symbology.parse().ok());
    let explained = Explained::new(code::read(text, symbology, labels), || code::elements(text));
    let mut words = Vec::new();
    // A vector takes everything.
    let _ = explained.print(&mut words);
    let json = serde_json::to_value(&explained).unwrap_or_default();
    (String::from_utf8_lossy(&words).into_owned(), json)
}

/// Explains every line that is not empty. Whether all of them are known.
fn explain_lines(input: &mut impl BufRead, json: bool, out: &mut impl Write) -> io::Result<bool> {
    let labels = LabelKinds::default();
    let (mut known, mut codes) = (true, 0);
    // Made once and as large as a line may be, so that no copy of a number is left behind when it grows.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_LEN_MAX as usize));
    loop {
        line.clear();
        if input.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == LINE_LEN_MAX && !line.ends_with(b"\n") {
            skip_line(input)?;
        }
        let text = Zeroizing::new(String::from_utf8_lossy(&line).into_owned());
        if !text.trim().is_empty() {
            known &= answer(&text, &labels, json, out)?;
            codes += 1;
        }
    }
    if codes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "standard input holds no code"));
    }
    Ok(known)
}

/// Reads on to the end of a line that is too long.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|&b| b == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// Prints what one code means. Whether it is known.
fn answer(code: &str, labels: &LabelKinds, json: bool, out: &mut impl Write) -> io::Result<bool> {
    let text = separators(code);
    let explained = Explained::new(code::read(&text, None, labels), || code::elements(&text));
    if json {
        writeln!(out, "{}", serde_json::to_string(&explained)?)?;
    } else {
        explained.print(out)?;
    }
    out.flush()?;
    Ok(explained.reason.is_none())
}

/// Puts a GS where `\x1d` or `^` stands for one. Such a text is no document number.
fn separators(code: &str) -> Cow<'_, str> {
    if code.contains("\\x1d") || code.contains("\\x1D") || code.contains('^') {
        Cow::Owned(code.replace("\\x1d", "\u{1D}").replace("\\x1D", "\u{1D}").replace('^', "\u{1D}"))
    } else {
        Cow::Borrowed(code)
    }
}

impl Explained {
    fn new(meaning: Meaning, elements: impl FnOnce() -> Option<Elements>) -> Self {
        match meaning {
            Meaning::Tube(id) => Self::label("tube", id).with(elements()),
            Meaning::Box(id) => Self::label("box", id).with(elements()),
            Meaning::Consignment(id) => Self::label("consignment", id).with(elements()),
            Meaning::Seal(id) => Self::label("seal", id),
            Meaning::Vehicle(id) => Self::label("vehicle", id),
            Meaning::Site(id) => Self::label("site", id),
            Meaning::Booking(id) => Self::label("booking", id),
            Meaning::Command(id) => Self::label("command", id),
            Meaning::Badge(badge) => Self { length: Some(badge.length()), ..Self::of("badge") },
            Meaning::Gs1(elements) => Self::of("gs1").with(Some(elements)),
            Meaning::Hkid(number) => {
                Self { valid: Some(true), masked: Some(number.masked()), ..Self::of("hkid") }
            }
            Meaning::Refused(reason) => Self { reason: Some(reason.to_string()), ..Self::of("refused") },
        }
    }

    fn of(kind: &'static str) -> Self {
        Self { kind, valid: None, masked: None, id: None, length: None, elements: None, reason: None }
    }

    fn label(kind: &'static str, id: String) -> Self {
        Self { id: Some(id), ..Self::of(kind) }
    }

    fn with(self, elements: Option<Elements>) -> Self {
        Self { elements, ..self }
    }

    /// Says the same to a person.
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(reason) = &self.reason {
            return writeln!(out, "Refused: {reason}.");
        }
        let what = match self.kind {
            "tube" => "A specimen tube",
            "box" => "A returnable box",
            "consignment" => "A consignment",
            "seal" => "A seal",
            "vehicle" => "A vehicle",
            "site" => "A site",
            "booking" => "A booking",
            "command" => "A command to the station",
            "badge" => "A staff badge; its code is a secret and is not shown",
            "hkid" => "A Hong Kong identity card number with a right check digit",
            _ => "A GS1 code",
        };
        match self.masked.as_deref().or(self.id.as_deref()) {
            Some(name) => writeln!(out, "{what}: {name}")?,
            None => writeln!(out, "{what}.")?,
        }
        for element in self.elements.iter().flat_map(Elements::iter) {
            match title(element.ai) {
                Some(title) => writeln!(out, "  ({}) {}  {title}", element.ai, element.value)?,
                None => writeln!(out, "  ({}) {}", element.ai, element.value)?,
            }
        }
        Ok(())
    }
}

/// What the identifiers that are met here stand for.
fn title(ai: &str) -> Option<&'static str> {
    Some(match ai {
        "00" => "number of the consignment (SSCC)",
        "01" => "article (GTIN)",
        "02" => "article inside",
        "10" => "batch",
        "11" => "made on, YYMMDD",
        "15" => "best before, YYMMDD",
        "17" => "expires, YYMMDD",
        "21" => "serial",
        "30" | "37" => "count",
        "253" => "document (GDTI)",
        "414" => "location",
        "7003" => "expires, YYMMDDhhmm",
        "8003" => "returnable asset (GRAI)",
        "8004" => "asset (GIAI)",
        "90" | "91" | "92" | "93" | "94" | "95" | "96" | "97" | "98" | "99" => "internal",
        _ => return None,
    })
}
