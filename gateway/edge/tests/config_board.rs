//! The board's section of a configuration: what may stand in it, and what is said of what may not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::{path::Path, time::Duration};

use waypost_core::fact::SiteKind;
use waypost_drivers::{board::Pins, header::Level};
use waypost_edge::config::{BoardKind, Config, ConfigError, example};

/// The example with these lines in its board's section.
fn with(lines: &str) -> Result<Config, ConfigError> {
    let example = example::example(SiteKind::PostOffice);
    Config::parse(&format!("{example}\n[board]\n{lines}"), Path::new("gateway.toml"))
}

#[test]
fn a_board_has_what_is_named_and_nothing_else() {
    let board =
        with("red = 17\nyes = 23\nrelay = 25\nrelay_safe = \"high\"\nlid = 0").unwrap().board.unwrap();
    let pins = Pins {
        red: Some(17),
        yes: Some(23),
        relay: Some(25),
        relay_safe: Level::High,
        lid: Some(0),
        ..Pins::default()
    };
    assert_eq!(board.kind, BoardKind::Pins(pins));
    assert_eq!(board.hatch, Some(Duration::from_secs(3)));
    let board = with("buzzer = 18").unwrap().board.unwrap();
    assert_eq!(board.hatch, None, "no relay, no hatch");
    let board = with("kind = \"page\"\nrelay_ms = 500").unwrap().board.unwrap();
    assert_eq!((board.kind, board.hatch), (BoardKind::Page, Some(Duration::from_millis(500))));
}

#[test]
fn pins_are_what_a_board_has_also_by_the_name_of_before() {
    for kind in ["", "kind = \"pins\"", "kind = \"rppal\""] {
        let board = with(&format!("{kind}\nred = 17")).unwrap().board.unwrap();
        assert_eq!(board.kind, BoardKind::Pins(Pins { red: Some(17), ..Pins::default() }), "{kind}");
    }
}

#[test]
fn the_commented_example_is_right_once_it_is_uncommented() {
    let example = example::example(SiteKind::TestingCentre);
    let start = example.find("# [board]\n").unwrap();
    let end = start + example.get(start..).unwrap().find("# Without pins").unwrap();
    let section: String = example
        .get(start..end)
        .unwrap()
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap())
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = example.replace(example.get(start..end).unwrap(), &section);
    let BoardKind::Pins(pins) = Config::parse(&text, Path::new("g.toml")).unwrap().board.unwrap().kind else {
        panic!("a board on pins");
    };
    assert_eq!((pins.red, pins.relay, pins.lid), (Some(17), Some(25), Some(5)));
}

#[test]
fn each_fault_says_line_and_remedy() {
    let section = example::example(SiteKind::PostOffice).matches('\n').count() + 2;
    for (lines, line, what) in [
        ("red = 28", 1, "BCM numbers 0 to 27"),
        ("red = -1", 1, "BCM numbers 0 to 27"),
        ("red = \"17\"", 1, "invalid type"),
        ("red = 17\ngreen = 17", 2, "green and red are both on pin 17"),
        ("yes = 5\nlid = 5", 2, "lid and yes are both on pin 5"),
        ("", 0, "no pins"),
        ("red = 17\nrelay_safe = \"low\"", 2, "no relay"),
        ("red = 17\nrelay_ms = 1000", 2, "no relay"),
        ("relay = 25\nrelay_ms = 60001", 2, "100 to 60000"),
        ("relay = 25\nrelay_safe = \"open\"", 2, "unknown variant"),
        ("kind = \"page\"\nred = 17", 2, "has no pins"),
        ("kind = \"gpiod\"", 1, "unknown variant"),
        ("gren = 17", 1, "did you mean `green`?"),
        (
            "relay = 25\n[[screen]]\nname = \"dock\"\nkind = \"st7789\"\ndc = 25",
            0,
            "pin 25 is the board's and that of \"dock\" too",
        ),
    ] {
        let said = with(lines).unwrap_err().to_string();
        assert!(said.contains(what) && said.contains("\n  remedy: "), "{lines}: {said}");
        assert!(said.starts_with(&format!("gateway.toml:{}:", section + line)), "{lines}: {said}");
    }
}
