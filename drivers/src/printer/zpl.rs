//! ZPL II (Zebra's programming guide, 45541L): a label as one picture, and the printer's own word of how it is.
//!
//! The label is a `^GFA` field in the guide's alternative compression: `G` to `Y` and `g` to `z` count repeats of the
//! digit after them, `,` fills a row with white, `!` with black, `:` is the row before once more. A printer prints a
//! label when `^XZ` ends it: that is sent only when the printer has answered a question behind all the rest, so a label
//! whose line broke before is not printed and may be sent again.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Bitmap,
    link::Link,
    status::{Status, Trouble},
};

/// Asks for the status: answered at once, also by a printer that cannot print.
pub const ASK_STATUS: &[u8] = b"~HS";
/// Forgets labels that were begun or wait to be printed.
pub const FORGET: &[u8] = b"~JA\r\n";
/// Ends a label, which is printed then.
pub const END: &[u8] = b"^XZ\r\n";
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 256;
/// Reads of what was said before a question, and how long each waits.
const STALE_MAX: usize = 16;
const STALE_WAIT: Duration = Duration::from_millis(1);
/// Repeats of one digit that a single letter counts.
const REPEAT_MAX: usize = 400;

/// The label, but for [`END`]: what is sent to the printer.
pub fn label(picture: &Bitmap) -> Vec<u8> {
    let (width, height, row_bytes) = (picture.width(), picture.height(), picture.row_bytes());
    let total = row_bytes * height as usize;
    let head = format!("^XA^PW{width}^LL{height}^LH0,0^FO0,0^GFA,{total},{total},{row_bytes},");
    let mut out = head.into_bytes();
    let mut before: Option<&[u8]> = None;
    for row in picture.rows() {
        if before == Some(row) {
            out.push(b':');
        } else {
            compress(row, &mut out);
        }
        before = Some(row);
    }
    out.extend_from_slice(b"^FS^PQ1");
    out
}

/// One row, compressed.
fn compress(row: &[u8], out: &mut Vec<u8>) {
    let digits: Vec<u8> = row.iter().flat_map(|byte| [hex(byte >> 4), hex(byte & 0x0F)]).collect();
    let mut rest = digits.as_slice();
    while let Some(&digit) = rest.first() {
        let run = rest.iter().take_while(|other| **other == digit).count();
        match digit {
            b'0' if run == rest.len() => return out.push(b','),
            b'F' if run == rest.len() => return out.push(b'!'),
            _ => {}
        }
        let run = run.min(REPEAT_MAX + 19);
        count(run, out);
        out.push(digit);
        rest = rest.get(run..).unwrap_or_default();
    }
}

/// `run` as letters: twenties as `g` to `z`, ones as `G` to `Y`. One alone needs none.
fn count(run: usize, out: &mut Vec<u8>) {
    let (twenties, ones) = (run / 20, run % 20);
    // Each at most twenty.
    if twenties > 0 {
        out.push(b'g' + (twenties - 1) as u8);
    }
    if ones > 1 || (ones == 1 && twenties > 0) {
        out.push(b'G' + (ones - 1) as u8);
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'A' + digit - 10,
    }
}

/// Asks how the printer is; none where it does not answer within `wait`.
///
/// # Errors
/// The link is broken.
pub fn ask(link: &mut dyn Link, wait: Duration) -> io::Result<Option<Status>> {
    let mut buffer = [0; ANSWER_BYTES_MAX];
    // What came too late for an earlier question is no answer to this one.
    for _ in 0..STALE_MAX {
        if link.receive(&mut buffer, STALE_WAIT)? == 0 {
            break;
        }
    }
    let until = Instant::now() + wait;
    if link.send(ASK_STATUS, wait)? < ASK_STATUS.len() {
        return Ok(Some(Status { trouble: Some(Trouble::Busy), busy: true }));
    }
    let mut answer = Vec::with_capacity(ANSWER_BYTES_MAX);
    while answer.len() < ANSWER_BYTES_MAX {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let length = link.receive(&mut buffer, left)?;
        answer.extend(buffer.iter().take(length));
        if let Some(status) = read(&answer) {
            return Ok(Some(status));
        }
    }
    Ok(None)
}

/// Reads the three lines of an answer to `~HS`, each between STX and ETX; none where they are not all there.
pub fn read(answer: &[u8]) -> Option<Status> {
    const ETX: char = '\u{3}';
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.split_terminator(ETX).map(|line| line.trim_start_matches(['\u{2}', '\r', '\n']));
    let (first, second) = (lines.next()?, lines.next()?);
    if text.matches(ETX).count() < 3 {
        return None;
    }
    let field =
        |line: &str, nth: usize| line.split(',').nth(nth).and_then(|text| text.trim().parse::<u64>().ok());
    let is_set = |line: &str, nth: usize| field(line, nth).is_some_and(|flag| flag != 0);
    // Places as the guide's table names them: b, c, eee, h, k, l; o, p, uuuuuuuu.
    let trouble = if is_set(second, 2) {
        Some(Trouble::CoverOpen)
    } else if is_set(first, 1) {
        Some(Trouble::PaperOut)
    } else if is_set(second, 3) {
        Some(Trouble::RibbonOut)
    } else if is_set(first, 10) || is_set(first, 11) {
        Some(Trouble::Temperature)
    } else if is_set(first, 2) {
        Some(Trouble::Paused)
    } else {
        None
    };
    Some(Status { trouble, busy: field(first, 4)? > 0 || is_set(first, 7) || is_set(second, 8) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_as_the_guide_says() {
        let mut picture = Bitmap::new(32, 5).unwrap();
        picture.fill(0, 1, 32, 1);
        picture.fill(0, 2, 3, 2);
        picture.set(31, 4);
        let text = String::from_utf8(label(&picture)).unwrap();
        assert_eq!(text, "^XA^PW32^LL5^LH0,0^FO0,0^GFA,20,20,4,,!E,:M01^FS^PQ1");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_is_too_strange(answer in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            // Whatever it reads as: it does not panic.
            let _ = read(&answer);
        }
    }

    #[test]
    fn long_runs_are_counted_with_two_letters() {
        for (run, letters) in [(1, ""), (2, "H"), (19, "Y"), (20, "g"), (21, "gG"), (43, "hI"), (419, "zY")] {
            let mut out = Vec::new();
            count(run, &mut out);
            assert_eq!(out, letters.as_bytes(), "{run}");
        }
    }

    #[test]
    fn an_answer_says_what_is_wrong() {
        let answer = |first: &str, second: &str| {
            format!("\u{2}{first}\u{3}\r\n\u{2}{second}\u{3}\r\n\u{2}1234,0\u{3}\r\n")
        };
        let (good, still) = ("030,0,0,0480,000,0,0,0,000,0,0,0", "000,0,0,0,0,2,4,0,00000000,1,000");
        let idle = Status { trouble: None, busy: false };
        assert_eq!(read(answer(good, still).as_bytes()), Some(idle));
        for (first, second, trouble, busy) in [
            ("030,1,1,0480,001,0,0,0,000,0,0,0", still, Some(Trouble::PaperOut), true),
            (
                "030,1,1,0480,000,0,0,0,000,0,0,0",
                "000,0,1,0,0,2,4,0,00000001,1,000",
                Some(Trouble::CoverOpen),
                true,
            ),
            (good, "000,0,0,1,1,2,4,0,00000000,1,000", Some(Trouble::RibbonOut), false),
            ("030,0,1,0480,000,0,0,0,000,0,0,0", still, Some(Trouble::Paused), false),
            ("030,0,0,0480,000,0,0,1,000,0,0,0", still, None, true),
            ("030,0,0,0480,000,0,0,0,000,0,0,1", still, Some(Trouble::Temperature), false),
        ] {
            let read = read(answer(first, second).as_bytes());
            assert_eq!(read, Some(Status { trouble, busy }), "{first} {second}");
        }
        let whole = answer(good, still);
        for cut in 0..whole.len() - 2 {
            assert_eq!(read(&whole.as_bytes()[..cut]), None, "{cut} bytes are no answer");
        }
        assert_eq!(read(b"\x02nonsense\x03\x02\x03\x02\x03"), None);
    }
}
