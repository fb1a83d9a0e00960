//! Sections of printers: what may stand in them, and what is said of what may not.

use std::{path::Path, time::Duration};

use waypost_core::fact::SiteKind;
use waypost_drivers::printer::{Dialect, Place};
use waypost_edge::{
    config::{Config, ConfigError, PrinterSettings, example::example},
    print::Kind,
};

fn with(lines: &str) -> Result<PrinterSettings, ConfigError> {
    let text = format!("{}\n[[printer]]\n{lines}", example(SiteKind::PostOffice));
    Ok(Config::parse(&text, Path::new("gateway.toml"))?.printers.remove(0))
}

#[test]
fn a_printer_needs_its_kind_and_its_place_alone() {
    let label = with("kind = \"zpl\"\naddress = \"printer.local:9100\"").unwrap();
    assert_eq!(
        (label.name.as_str(), label.driver.dialect, label.driver.answers),
        ("printer 1", Dialect::Zpl, true)
    );
    assert_eq!(label.driver.place, Place::Tcp("printer.local:9100".into()));
    assert_eq!(label.driver.job_age_max, Duration::from_secs(600));
    // 100 × 60 mm at 203 dots an inch.
    assert_eq!((label.media.width, label.media.height, label.prints), (799, Some(480), vec![Kind::Labels]));
    let receipt = with(
        "kind = \"escpos\"\nname = \"till\"\nusb = \"04b8:0202:X1\"\nstatus = false\nprints = [\"receipts\"]",
    )
    .unwrap();
    assert_eq!((receipt.name.as_str(), receipt.driver.answers), ("till", false));
    assert_eq!(
        (receipt.media.width, receipt.media.height, receipt.prints),
        (575, None, vec![Kind::Receipts])
    );
    let serial = with("kind = \"escpos\"\nport = \"/dev/ttyS0\"\nbaud = 19200").unwrap();
    assert!(matches!(serial.driver.place, Place::Serial(port) if port.baud == 19_200));
}

#[test]
fn each_fault_says_where_it_is_and_what_to_do() {
    for (lines, what, remedy) in [
        ("kind = \"zpl\"", "one place", "address ="),
        ("kind = \"zpl\"\naddress = \"a:9100\"\nusb = \"04b8:0202\"", "one place", "address ="),
        ("kind = \"zpl\"\naddress = \"192.168.1.20\"", "no address with a port", ":9100"),
        ("kind = \"zpl\"\naddress = \"http://a:9100\"", "no address with a port", ":9100"),
        ("kind = \"zpl\"\naddress = \"a:0\"", "no address with a port", ":9100"),
        ("kind = \"zpl\"\nusb = \"epson\"", "vid:pid", "lsusb"),
        ("kind = \"zpl\"\nport = \"\"", "port is empty", "by-id"),
        ("kind = \"zpl\"\naddress = \"a:1\"\nbaud = 9600", "no serial line", "add port"),
        ("kind = \"zpl\"\naddress = \"a:1\"\nprints = [\"receipts\"]", "something else", "labels"),
        ("kind = \"escpos\"\naddress = \"a:1\"\nprints = []", "something else", "receipts"),
        ("kind = \"escpos\"\naddress = \"a:1\"\nheight_mm = 60", "no height", "take the line out"),
        ("kind = \"zpl\"\naddress = \"a:1\"\ndpi = 72", "dpi", "150"),
        ("kind = \"zpl\"\naddress = \"a:1\"\nwidth_mm = 210\ndpi = 600", "dots", "width"),
        ("kind = \"zpl\"\naddress = \"a:1\"\nwait_s = 1", "wait_s", "10"),
        ("kind = \"pcl\"\naddress = \"a:1\"", "pcl", "waypost config example"),
        ("kind = \"zpl\"\nadress = \"a:1\"", "unknown key `adress`", "`address`"),
        ("address = \"a:1\"", "missing key `kind`", "escpos"),
    ] {
        let said = with(lines).unwrap_err().to_string();
        assert!(
            said.contains(what) && said.contains(remedy) && said.contains("gateway.toml:"),
            "{lines}: {said}"
        );
    }
}
