//! The configuration: every example is right, every fault is told with file, line and remedy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::path::Path;

use waypost_core::fact::SiteKind;
use waypost_drivers::scanner::Ending;
use waypost_edge::config::{Config, ConfigError, ScannerLink, example};

const KINDS: [SiteKind; 5] = [
    SiteKind::TestingCentre,
    SiteKind::PostOffice,
    SiteKind::Vehicle,
    SiteKind::Laboratory,
    SiteKind::Warehouse,
];

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("conf/gateway.toml"))
}

/// What is said of the example with one text in place of another: the line, what is wrong, the remedy.
fn fault(from: &str, to: &str) -> (usize, String) {
    let text = example::example(SiteKind::Vehicle);
    assert!(text.contains(from), "{from}");
    let said = parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
    let place = said.strip_prefix("conf/gateway.toml:").unwrap_or_else(|| panic!("{said}"));
    (place.split(':').next().unwrap().parse().unwrap(), said)
}

fn line_of(text: &str) -> usize {
    let example = example::example(SiteKind::Vehicle);
    let at = example.find(text).unwrap();
    example.get(..at).unwrap().matches('\n').count() + 1
}

#[test]
fn every_example_is_right() {
    for kind in KINDS {
        let config = parse(&example::example(kind)).unwrap();
        assert_eq!(config.site.kind, kind);
        assert_eq!(config.data, Path::new("conf/waypost-data"), "beside the file");
        assert!(config.console.unwrap().listen.ip().is_loopback());
    }
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    for (from, to, nearest) in [
        ("gateway = ", "gatway = ", "`gateway`"),
        ("time_zone = ", "timezone = ", "`time_zone`"),
        ("listen = ", "listn = ", "`listen`"),
        ("silent_after_s = ", "silent_after = ", "`silent_after_s`"),
        ("[receiver]", "[reciever]", "`receiver`"),
        ("suffix = ", "sufix = ", "`suffix`"),
    ] {
        let (line, said) = fault(from, to);
        assert_eq!(line, line_of(from), "{said}");
        assert!(said.contains(&format!("did you mean {nearest}?")), "{said}");
    }
    let (_, said) = fault("listen = ", "colour = ");
    assert!(said.contains("use one of listen, bench"), "{said}");
}

#[test]
fn each_fault_says_line_and_remedy() {
    for (from, to, what) in [
        ("gateway = \"van-001\"", "gateway = 7", "invalid type"),
        ("gateway = \"van-001\"", "gateway = \"a/b\"", "MQTT topics"),
        ("kind = \"vehicle\"", "kind = \"spaceship\"", "unknown variant"),
        ("time_zone = \"Asia/Hong_Kong\"", "time_zone = \"Asia/Kowloon\"", "no time zone"),
        ("box_tubes_max = 50", "box_tubes_max = 0", "1 to 1000"),
        ("listen = \"127.0.0.1:8080\"", "listen = \"0.0.0.0:8080\"", "to the network"),
        ("listen = \"127.0.0.1:8080\"", "listen = \"here\"", "no address"),
        ("host = \"127.0.0.1\"", "host = \"mqtt.example.org\"", "plain MQTT"),
        ("order_keys = []", "order_keys = [\"00\"]", "no public key"),
        ("tube = \"T-#{8}\"", "tube = \"@#{7}\"", "identity card numbers"),
        ("box = \"B-#{4,8}\"", "box = \"T-0#{7}\"", "match the same label"),
        ("tube = \"T-#{8}\"", "tube = \"T-[0-9]\"", "not understood"),
        ("port = \"/dev/serial/by-id/usb-scanner\"", "port = \"\"", "port is empty"),
        ("baud = 115200", "baud = 12", "no serial line"),
        ("silent_after_s = 30", "silent_after_s = 1", "5 to 3600"),
        ("[site]", "[site", "not TOML"),
    ] {
        let (line, said) = fault(from, to);
        assert!(said.contains(what) && said.contains("\n  remedy: "), "{to}: {said}");
        let wanted = line_of(from);
        assert!(line == wanted, "{to}: line {wanted}: {said}");
    }
}

#[test]
fn records_are_kept_for_days_that_make_sense() {
    let with = |days: &str| {
        format!("{}[journal]\nretention_days = {days}\n", example::example(SiteKind::Laboratory))
    };
    assert_eq!(parse(&example::example(SiteKind::Laboratory)).unwrap().retention_days, 90);
    assert_eq!(parse(&with("366")).unwrap().retention_days, 366);
    for wrong in ["0", "367", "-1", "\"90\""] {
        let said = parse(&with(wrong)).unwrap_err().to_string();
        assert!(said.contains("\n  remedy: "), "{wrong}: {said}");
    }
}

#[test]
fn a_missing_port_is_told_with_its_section_and_what_to_write() {
    for (port, section) in [
        ("port = \"/dev/serial/by-id/usb-scanner\"\n", "[[scanner]]"),
        ("port = \"/dev/serial/by-id/usb-radio\"\n", "[seal_reader]"),
        ("port = \"/dev/serial/by-id/usb-gnss\"\n", "[receiver]"),
    ] {
        let (line, said) = fault(port, "");
        assert_eq!(line, line_of(section), "{said}");
        assert!(said.contains("missing key `port`") && said.contains("/dev/serial/by-id"), "{said}");
    }
}

/// What comes of the example with this in place of its scanner's section.
fn with_scanners(sections: &str) -> Result<Vec<ScannerLink>, String> {
    let example = example::example(SiteKind::Warehouse);
    let (before, rest) = example.split_once("[[scanner]]").unwrap();
    let (_, behind) = rest.split_once("# Scanners that").unwrap();
    let parsed = parse(&format!("{before}{sections}\n#{behind}"));
    parsed
        .map(|config| config.scanners.into_iter().map(|one| one.link).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn a_scanner_is_on_a_serial_line_where_nothing_else_is_said_and_each_kind_takes_its_keys() {
    let links = with_scanners(
        "[[scanner]]\nport = \"/dev/serial/by-id/a\"\nbaud = 115200\nsuffix = \"##\"\nprefix = \"~\"\n\
         code_ids = { A = \"]E0\", P00 = \"]d1\" }\n\
         [[scanner]]\nkind = \"ssi\"\nport = \"/dev/serial/by-id/b\"\n\
         [[scanner]]\nkind = \"hid_pos\"\nusb_serial = \"S1\"\nusb_port = \"1-1.2\"\n\
         [[scanner]]\nkind = \"hid_pos\"\nusb_serial = \"S2\"\n\
         [[scanner]]\nkind = \"keyboard\"\nport = \"/dev/input/by-id/c\"\nseparator_key = \"F8\"\nsuffix = \"\\t\"\n",
    )
    .unwrap();
    let [
        ScannerLink::Serial(serial),
        ScannerLink::Ssi(ssi),
        ScannerLink::HidPos(first),
        ScannerLink::HidPos(_),
        ScannerLink::Keyboard(keyboard),
    ] = links.as_slice()
    else {
        panic!("{links:?}")
    };
    assert_eq!((serial.port.baud, ssi.port.baud), (115_200, 9_600));
    assert_eq!(serial.framing.ending, Ending::Text(b"##".to_vec()));
    assert_eq!(serial.framing.code_ids.split("P00x"), Some(("]d1", "x")));
    assert_eq!((first.serial.as_deref(), first.usb_port.as_deref()), (Some("S1"), Some("1-1.2")));
    assert_eq!((keyboard.typing.separator_key, keyboard.typing.tab_ends), (Some(8), true));
}

#[test]
fn a_wrong_key_of_a_scanner_is_told_with_line_and_remedy() {
    let serial = "[[scanner]]\nport = \"/dev/serial/by-id/a\"\n";
    let keyboard = "[[scanner]]\nkind = \"keyboard\"\nport = \"/dev/input/by-id/c\"\n";
    for (section, more, what) in [
        (serial, "baud = 4800", "9600 to 115200"),
        (serial, "suffix = \"crfl\"", "no suffix has this name"),
        (serial, "suffix = \"\"", "1 to 16 bytes"),
        (serial, "code_ids = { ABCD = \"]E0\" }", "visible ASCII"),
        (serial, "code_ids = { A = \"EAN\" }", "no AIM identifier"),
        (serial, "usb_port = \"1-1\"", "`usb_port` does nothing"),
        ("[[scanner]]\nkind = \"hid_pos\"\n", "port = \"/dev/ttyACM0\"", "`port` does nothing"),
        ("[[scanner]]\nkind = \"hid_pos\"\n", "usb_port = \"left\"", "no place on the USB"),
        ("[[scanner]]\nkind = \"hid_pos\"\n", "usb_serial = \"\"", "usb_serial is empty"),
        (keyboard, "separator_key = \"f13\"", "group separator"),
        (keyboard, "suffix = \"lf\"", "no key of a keyboard"),
        (keyboard, "baud = 9600", "`baud` does nothing"),
    ] {
        let said = with_scanners(&format!("{section}{more}\n")).unwrap_err();
        assert!(said.contains(what) && said.contains("\n  remedy: "), "{more}: {said}");
        let example = example::example(SiteKind::Warehouse);
        let start = example.split_once("[[scanner]]").unwrap().0.matches('\n').count();
        let line = start + section.matches('\n').count() + 1;
        assert!(said.starts_with(&format!("conf/gateway.toml:{line}:")), "{more}: line {line}: {said}");
    }
}

#[test]
fn two_sections_that_may_lead_to_one_scanner_are_refused() {
    let same = "[[scanner]]\nport = \"/dev/serial/by-id/a\"\n".repeat(2);
    for sections in [
        same.as_str(),
        "[[scanner]]\nkind = \"hid_pos\"\n[[scanner]]\nkind = \"hid_pos\"\nusb_serial = \"S1\"\n",
    ] {
        let said = with_scanners(sections).unwrap_err();
        assert!(said.contains("may be the same device as \"scanner 1\""), "{said}");
    }
}

#[test]
fn tls_lets_the_broker_be_anywhere_and_its_files_stand_beside_the_configuration() {
    let tls = "[mqtt.tls]\nca = \"ca.pem\"\ncert = \"/etc/cert.pem\"\nkey = \"key.pem\"\n";
    let text = example::example(SiteKind::Vehicle)
        .replace("host = \"127.0.0.1\"\nport = 1883\n", &format!("host = \"mqtt.example.org\"\n{tls}"));
    let mqtt = parse(&text).unwrap().mqtt.unwrap();
    assert_eq!(mqtt.port, 8883);
    let tls = mqtt.tls.unwrap();
    assert_eq!((tls.ca, tls.cert), (Path::new("conf/ca.pem").into(), Path::new("/etc/cert.pem").into()));
}
