//! The receiver's section: a port, gpsd or both, and a floor under its dates.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::path::Path;

use waypost_core::fact::SiteKind;
use waypost_edge::config::{Config, ConfigError, example};

const PORT: &str = "port = \"/dev/serial/by-id/usb-gnss\"\n";

/// The example of a vehicle with these lines in place of the receiver's port.
fn parse(lines: &str) -> Result<Config, ConfigError> {
    let text = example::example(SiteKind::Vehicle);
    assert!(text.contains(PORT));
    Config::parse(&text.replacen(PORT, lines, 1), Path::new("conf/gateway.toml"))
}

#[test]
fn a_receiver_without_a_speed_is_listened_to_until_it_is_found() {
    let receiver = parse(PORT).unwrap().receiver.unwrap();
    let line = receiver.line.unwrap();
    assert_eq!((line.path.as_path(), line.baud), (Path::new("/dev/serial/by-id/usb-gnss"), None));
    assert_eq!((receiver.gpsd, receiver.floor), (None, None));
    let given = parse(&format!("{PORT}baud = 4800\n")).unwrap().receiver.unwrap();
    assert_eq!(given.line.unwrap().baud, Some(4_800));
}

#[test]
fn gpsd_stands_in_place_of_the_port_or_beside_it() {
    let alone = parse("gpsd = \"127.0.0.1:2947\"\n").unwrap().receiver.unwrap();
    assert_eq!((alone.line, alone.gpsd.as_deref()), (None, Some("127.0.0.1:2947")));
    let both = parse(&format!("{PORT}gpsd = \"gps.local:2947\"\nfloor = \"2026-01-01\"\n")).unwrap();
    let both = both.receiver.unwrap();
    assert!(both.line.is_some());
    assert_eq!(both.gpsd.as_deref(), Some("gps.local:2947"));
    assert_eq!(both.floor, Some("2026-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn each_fault_of_a_receiver_says_its_line_and_a_remedy() {
    let section =
        example::example(SiteKind::Vehicle).lines().position(|line| line == "[receiver]").unwrap() + 1;
    for (lines, line, what) in [
        ("", section, "missing key `port` or `gpsd`"),
        ("baud = 9600\ngpsd = \"127.0.0.1:2947\"\n", section + 1, "a speed without a port"),
        ("port = \"/dev/ttyS0\"\nbaud = 7\n", section + 2, "no serial line"),
        ("gpsd = \"127.0.0.1\"\n", section + 1, "has no port"),
        ("gpsd = \"127.0.0.1:0\"\n", section + 1, "no port"),
        ("gpsd = \"gps://here:2947\"\n", section + 1, "no host"),
        ("gpsd = \":2947\"\n", section + 1, "no host"),
        ("gpsd = \"[::1]:2947\"\nfloor = \"last week\"\n", section + 2, "a day that is past"),
        ("gpsd = \"[::1]:2947\"\nfloor = \"1970-01-01\"\n", section + 2, "a day that is past"),
        ("gpsd = \"[::1]:2947\"\nflor = \"2026-01-01\"\n", section + 2, "did you mean `floor`"),
    ] {
        let said = parse(lines).unwrap_err().to_string();
        assert!(said.starts_with(&format!("conf/gateway.toml:{line}:")), "{lines}: line {line}: {said}");
        assert!(said.contains(what) && said.contains("\n  remedy: "), "{lines}: {said}");
    }
}
