//! The findings as a table for people: words first, and colours only beside them.

use std::io::{self, Write};

use waypost_edge::doctor::{Examined, Outcome};

/// Lines are no longer than this, in characters, where words allow it.
const WIDTH: usize = 100;
/// Where the text of a finding begins: behind the outcome and the name.
const INDENT: usize = 27;

/// Prints the table and a line that counts.
pub fn print(examined: &[Examined], colours: bool, out: &mut impl Write) -> io::Result<()> {
    for one in examined {
        let (word, colour) = word(one.finding.outcome);
        let (on, off) = if colours { (colour, "\x1b[0m") } else { ("", "") };
        let mut lines = wrap(&one.finding.found).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "{on}{word:<8}{off}  {:<16} {first}", one.id)?;
        lines.try_for_each(|line| writeln!(out, "{:INDENT$}{line}", ""))?;
        if let Some(remedy) = &one.finding.remedy {
            for (number, line) in wrap(remedy).into_iter().enumerate() {
                let mark = if number == 0 { "→ " } else { "  " };
                writeln!(out, "{:INDENT$}{mark}{line}", "")?;
            }
        }
    }
    let count = |outcome| examined.iter().filter(|one| one.finding.outcome == outcome).count();
    writeln!(
        out,
        "\n{} checks: {} ok, {} warnings, {} failures, {} skipped",
        examined.len(),
        count(Outcome::Ok),
        count(Outcome::Warning),
        count(Outcome::Failure),
        count(Outcome::Skipped)
    )
}

fn word(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Ok => ("ok", "\x1b[32m"),
        Outcome::Warning => ("WARNING", "\x1b[33m"),
        Outcome::Failure => ("FAILURE", "\x1b[31m"),
        Outcome::Skipped => ("skipped", "\x1b[2m"),
    }
}

/// Breaks a text between words.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if INDENT + 2 + line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
