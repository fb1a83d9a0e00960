//! A scanner: each code, as far as it may be shown.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use waypost_core::code::LabelKinds;
use waypost_drivers::scanner::{Scan, ScannerEvent};
use waypost_edge::{config::Scanner, device};

use super::{Line, Teller};
use crate::cmd::explain;

/// Starts it.
pub fn start(config: &Scanner, labels: &LabelKinds, teller: Teller, tasks: &mut JoinSet<()>) {
    let labels = labels.clone();
    let mut events = device::scanner::listen(config, tasks);
    tasks.spawn(async move {
        while let Some(event) = events.recv().await {
            if !teller.say(line(event, &labels)).await {
                return;
            }
        }
    });
}

fn line(event: ScannerEvent, labels: &LabelKinds) -> Line {
    match event {
        ScannerEvent::Up => Line::up(),
        ScannerEvent::Down(reason) => Line::down(&reason),
        ScannerEvent::Scan(scan) => code(&scan, "scan", labels),
        ScannerEvent::Typed(scan) => code(&scan, "typed", labels),
        ScannerEvent::Unreadable { flaw, length } => Line {
            words: format!("no whole code, {length} bytes: {flaw}"),
            json: json!({ "unreadable": flaw.to_string(), "length": length }),
            works: false,
        },
    }
}

/// A text may be an identity number: only what it means is shown.
fn code(scan: &Scan, how: &'static str, labels: &LabelKinds) -> Line {
    let length = scan.text.chars().count();
    let (meaning, mut json) = explain::scanned(&scan.text, scan.symbology.as_deref(), labels);
    let symbology = scan.symbology.as_deref();
    if let Value::Object(object) = &mut json {
        object.insert("length".to_owned(), length.into());
        object.insert("symbology".to_owned(), symbology.into());
    }
    let symbology = symbology.unwrap_or("no symbology told");
    let words = format!("{how}, {symbology}, {length} characters. {}", meaning.trim_end().replace('\n', ";"));
    Line { words, json: json!({ how: json }), works: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Line {
        let scan = Scan { text: text.to_owned(), symbology: Some("]C0".to_owned()) };
        line(ScannerEvent::Scan(scan), &LabelKinds::default())
    }

    #[test]
    fn no_document_number_is_ever_told() {
        // A right number, one with a wrong check digit, and a passport's.
        for (number, digits) in [("A123456(3)", "123456"), ("A1234567", "1234567"), ("K01234567", "01234567")]
        {
            let line = told(number);
            let all = format!("{}{}", line.words, line.json);
            assert!(!all.contains(digits), "{all}");
            assert!(all.contains("]C0") && line.works, "{all}");
        }
        assert!(told("A123456(3)").words.contains("A123****"));
    }

    #[test]
    fn a_label_is_told_whole() {
        let line = told("T-00001234");
        assert_eq!(line.words, "scan, ]C0, 10 characters. A specimen tube: T-00001234");
        assert_eq!(line.json["scan"]["id"], "T-00001234");
    }
}
