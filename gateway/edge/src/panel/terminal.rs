//! The panel on a terminal.

use std::fmt::Write;

use super::{Language, PanelView, Tone, words};

/// The panel as text. With `ansi` the verdict stands on its colour; without it the words and the sign say the same.
pub fn terminal(view: &PanelView, ansi: bool) -> String {
    let language = Language::from_tag(view.lang).unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "── {} ──", view.title);
    let verdict = format!(" {}  {} ", sign(view.tone), view.main);
    let _ = match ansi {
        true => writeln!(text, "\x1b[1;97;48;2;{}m{verdict}\x1b[0m", ground(view.colour)),
        false => writeln!(text, "{verdict}"),
    };
    for line in &view.lines {
        let _ = writeln!(text, "   {line}");
    }
    if let Some(progress) = view.progress {
        let _ = writeln!(text, "   {} / {}", progress.done, progress.of);
    }
    for choice in &view.choices {
        let _ = writeln!(text, "   [{}] {}", choice.code, choice.label);
    }
    let _ = write!(text, "── {}", words::status_line(&view.status, language));
    text
}

fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Ready => "›",
        Tone::Busy => "…",
        Tone::Yes => "✔",
        Tone::No => "✘",
        Tone::Already => "=",
        Tone::Ask => "?",
        Tone::Alarm => "▲",
    }
}

/// `#rrggbb` as the three decimal numbers of an ANSI colour.
fn ground(colour: &str) -> String {
    let value = u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap_or_default();
    let [_, red, green, blue] = value.to_be_bytes();
    format!("{red};{green};{blue}")
}
