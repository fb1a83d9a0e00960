//! The section of the radio that hears seals: what may stand in it, and what is said of what may not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::path::Path;

use waypost_core::fact::SiteKind;
use waypost_drivers::{
    port::PortConfig,
    seal::{Adapter, Channel, Source},
};
use waypost_edge::config::{Config, ConfigError, SealReader, example};

/// The example of a station without a radio, with these lines in a section for one.
fn with(lines: &str) -> Result<Config, ConfigError> {
    let example = example::example(SiteKind::PostOffice);
    Config::parse(&format!("{example}\n[seal_reader]\n{lines}"), Path::new("gateway.toml"))
}

fn reader(lines: &str) -> SealReader {
    with(lines).unwrap().seal_reader.unwrap()
}

#[test]
fn a_radio_is_at_a_port_or_is_an_adapter_of_the_kernel() {
    let port = PortConfig { path: "/dev/serial0".into(), baud: 115_200 };
    let plain = SealReader { source: Source::Serial(port.clone()), active: false, silent_after_s: 30 };
    assert_eq!(reader("port = \"/dev/serial0\""), plain);
    let fast = Source::Serial(PortConfig { baud: 921_600, ..port });
    assert_eq!(
        reader("port = \"/dev/serial0\"\nbaud = 921600\nactive = true"),
        SealReader { source: fast, active: true, ..plain.clone() }
    );
    for (lines, number, channel) in [
        ("adapter = \"hci0\"", 0, Channel::Auto),
        ("adapter = \"hci1\"\nchannel = \"auto\"", 1, Channel::Auto),
        ("adapter = \"hci0\"\nchannel = \"raw\"", 0, Channel::Raw),
        ("adapter = \"hci0\"\nchannel = \"user\"", 0, Channel::User),
    ] {
        let source = Source::Adapter(Adapter(number), channel);
        assert_eq!(reader(lines), SealReader { source, ..plain.clone() }, "{lines}");
    }
}

#[test]
fn a_radio_may_be_held_by_another_process() {
    let path = "/run/waypost-radio/hci0.sock";
    let held = reader(&format!("socket = \"{path}\""));
    assert_eq!(held.source, Source::Relay(path.into()));
}

#[test]
fn each_fault_says_line_and_remedy() {
    let section = example::example(SiteKind::PostOffice).matches('\n').count() + 2;
    for (lines, line, what, remedy) in [
        ("active = true", 0, "missing key `port`, `adapter` or `socket`", "adapter = \"hci0\""),
        ("port = \"/dev/serial0\"\nadapter = \"hci0\"", 2, "not both", "keep port"),
        ("port = \"/dev/serial0\"\nsocket = \"/run/s\"", 2, "a socket, or a port", "keep socket"),
        ("socket = \"/run/s\"\nchannel = \"raw\"", 2, "`channel` does nothing here", "take the line out"),
        ("adapter = \"bluetooth\"", 1, "no Bluetooth adapter", "\"hci0\""),
        ("adapter = \"hci0\"\nchannel = \"control\"", 2, "no channel", "\"raw\" or \"user\""),
        ("adapter = \"hci0\"\nbaud = 115200", 2, "`baud` does nothing here", "take the line out"),
        ("port = \"/dev/serial0\"\nchannel = \"raw\"", 2, "`channel` does nothing here", "take the line out"),
        ("port = \"/dev/serial0\"\nactive = 1", 2, "invalid type", "change the value"),
        ("port = \"/dev/serial0\"\nadaptor = \"hci0\"", 2, "unknown key", "did you mean `adapter`?"),
    ] {
        let said = with(lines).unwrap_err().to_string();
        let place = format!("gateway.toml:{}:", section + line);
        assert!(said.starts_with(&place) && said.contains(what), "{lines}: {place} {said}");
        assert!(said.split_once("remedy: ").unwrap().1.contains(remedy), "{lines}: {said}");
    }
}
