//! `waypost devices` on copies of machines, and `waypost try` with devices on pseudo-terminals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use waypost_drivers::{
    bench::{VirtualPrinter, VirtualScanner},
    printer::Dialect,
};

fn waypost(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(args);
    command
}

/// A machine's files.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn link(&self, path: &str, to: &str) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
        self
    }

    /// A USB device at a port of the bus.
    fn usb(&self, port: &str, ids: (&str, &str), product: &str, serial: Option<&str>) -> &Self {
        let folder = format!("sys/devices/usb1/{port}");
        self.file(&format!("{folder}/idVendor"), format!("{}\n", ids.0));
        self.file(&format!("{folder}/idProduct"), format!("{}\n", ids.1));
        self.file(&format!("{folder}/product"), format!("{product}\n"));
        if let Some(serial) = serial {
            self.file(&format!("{folder}/serial"), format!("{serial}\n"));
        }
        self.link(&format!("sys/bus/usb/devices/{port}"), &format!("../../../devices/usb1/{port}"))
    }

    /// Its serial line, with a name by udev.
    fn tty(&self, port: &str, tty: &str, by_id: Option<&str>) -> &Self {
        self.file(&format!("dev/{tty}"), "");
        fs::create_dir_all(self.0.path().join(format!("sys/devices/usb1/{port}/{port}:1.0"))).unwrap();
        self.link(
            &format!("sys/class/tty/{tty}/device"),
            &format!("../../../devices/usb1/{port}/{port}:1.0"),
        );
        if let Some(name) = by_id {
            self.link(&format!("dev/serial/by-id/{name}"), &format!("../../{tty}"));
        }
        self
    }

    /// One of its interfaces.
    fn interface(&self, port: &str, class: &str) -> &Self {
        self.file(&format!("sys/devices/usb1/{port}/{port}:1.0/bInterfaceClass"), format!("{class}\n"));
        self.link(
            &format!("sys/bus/usb/devices/{port}:1.0"),
            &format!("../../../devices/usb1/{port}/{port}:1.0"),
        )
    }

    fn devices(&self, args: &[&str]) -> Output {
        let root = self.0.path().to_str().unwrap();
        waypost(&["devices", "--root", root]).args(args).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.devices(&[args, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The device at this place.
fn at<'a>(listed: &'a Value, at: &str) -> &'a Value {
    let devices = listed["devices"].as_array().unwrap();
    devices.iter().find(|device| device["at"] == at).unwrap_or_else(|| panic!("{at} in {listed}"))
}

/// A scanner in HID point-of-sale mode, as its report descriptor begins: usage page 0x8C, usage 0x02.
const POINT_OF_SALE: [u8; 24] = [
    0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00,
    0x75, 0x08, 0x95, 0x01, 0x81, 0x02, 0xc0,
];

fn counter() -> Machine {
    let machine = Machine::new();
    machine
        .usb("1-1", ("0c2e", "0b61"), "Granit 1981i", Some("17062B"))
        .tty("1-1", "ttyACM0", Some("usb-Honeywell_Granit_1981i_17062B-if00"))
        .usb("1-2", ("1546", "01a8"), "u-blox GNSS receiver", None)
        .tty("1-2", "ttyACM1", Some("usb-u-blox_AG_-_www.u-blox.com_u-blox_GNSS_receiver-if00"))
        .usb("1-3", ("0403", "6001"), "FT232R USB UART", Some("A5069RR4"))
        .tty("1-3", "ttyUSB0", None)
        .usb("1-4", ("05e0", "1900"), "Symbol Bar Code Scanner", Some("S/N \"7\""))
        .interface("1-4", "03")
        .file("sys/devices/usb1/1-4/1-4:1.0/0003:05E0:1900.0001/report_descriptor", POINT_OF_SALE)
        .usb("1-5", ("0a5f", "0166"), "ZTC ZD421", Some("D2J1"))
        .interface("1-5", "07")
        .file("sys/class/bluetooth/hci0/address", "b8:27:eb:00:00:01\n")
        .file("sys/class/bluetooth/hci0:64/address", "")
        .file("dev/i2c-1", "")
        .file("dev/spidev0.0", "")
        .file("dev/fb0", "")
        .file("sys/class/graphics/fb0/name", "simple\n")
        .file("sys/class/graphics/fb0/virtual_size", "800,480\n")
        .file("sys/class/graphics/fb0/bits_per_pixel", "32\n")
        .file("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
        .file(
            "sys/devices/platform/soc/fe200000.gpio/uevent",
            "DRIVER=x\nOF_COMPATIBLE_0=brcm,bcm2711-gpio\n",
        )
        .file("sys/devices/platform/soc/fe200000.gpio/gpiochip0/dev", "254:0\n")
        .link("sys/bus/gpio/devices/gpiochip0", "../../../devices/platform/soc/fe200000.gpio/gpiochip0");
    machine
}

#[test]
fn a_point_of_sale_scanner_is_told_also_while_a_gateway_has_it_and_after_one_was_killed() {
    let scanner = |subclass: &str| {
        let machine = Machine::new();
        machine
            .usb("1-4", ("05e0", "1900"), "Bar Code Scanner", Some("S7"))
            .interface("1-4", "03")
            .file("sys/devices/usb1/1-4/1-4:1.0/bInterfaceSubClass", format!("{subclass}\n"))
            .file("sys/bus/usb/drivers/usbfs/bind", "")
            .file("sys/bus/usb/drivers/usbhid/bind", "");
        machine
    };
    let driver = "sys/devices/usb1/1-4/1-4:1.0/driver";
    let taken = scanner("00");
    taken.link(driver, "../../../../bus/usb/drivers/usbfs");
    for machine in [taken, scanner("00")] {
        let listed = machine.json(&[]);
        let one = at(&listed, "USB 1-4");
        assert_eq!(one["kind"], "scanner", "{one}");
        assert!(one["evidence"].as_str().unwrap().contains("a program has taken"), "{one}");
    }
    // A keyboard that a program has, and a HID device whose driver shows no such usage, are none.
    let driven = scanner("00");
    driven.link(driver, "../../../../bus/usb/drivers/usbhid");
    let keyboard = scanner("01");
    keyboard.link(driver, "../../../../bus/usb/drivers/usbfs");
    for machine in [driven, keyboard] {
        assert_eq!(machine.json(&[])["devices"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn each_device_is_told_with_its_evidence_and_the_lines_to_write() {
    let machine = counter();
    let listed = machine.json(&[]);
    for (place, kind, evidence, toml) in [
        (
            "/dev/serial/by-id/usb-Honeywell_Granit_1981i_17062B-if00",
            "scanner",
            "Honeywell",
            "[[scanner]]\nname = \"Granit 1981i\"\nport = \"/dev/serial/by-id/usb-Honeywell_Granit_1981i_17062B-if00\"\n",
        ),
        (
            "/dev/serial/by-id/usb-u-blox_AG_-_www.u-blox.com_u-blox_GNSS_receiver-if00",
            "gnss",
            "gnss",
            "[receiver]\nport = \"/dev/serial/by-id/usb-u-blox_AG_-_www.u-blox.com_u-blox_GNSS_receiver-if00\"\n",
        ),
        ("/dev/ttyUSB0", "unknown", "an adapter", ""),
        (
            "USB 1-4",
            "scanner",
            "0x8C",
            "[[scanner]]\nname = \"Symbol Bar Code Scanner\"\nkind = \"hid_pos\"\nusb_serial = ",
        ),
        ("USB 1-5", "printer", "printer class", "[[printer]]\n"),
        ("hci0", "seal", "b8:27:eb:00:00:01", "[seal_reader]\nadapter = \"hci0\"\n"),
        ("/dev/gpiochip0", "board", "brcm,bcm2711-gpio", "[board]\n"),
        ("/dev/fb0", "screen", "800 × 480", "[[screen]]\n"),
        ("/dev/i2c-1", "unknown", "I2C", ""),
        ("/dev/spidev0.0", "unknown", "SPI", ""),
    ] {
        let device = at(&listed, place);
        assert_eq!(device["kind"], kind, "{device}");
        assert!(device["evidence"].as_str().unwrap().contains(evidence), "{device}");
        assert!(device["toml"].as_str().unwrap().starts_with(toml), "{device}");
    }
    assert_eq!(listed["devices"].as_array().unwrap().len(), 10, "{listed}");
    assert_eq!(machine.devices(&[]).status.code(), Some(0));
    let said = String::from_utf8(machine.devices(&[]).stdout).unwrap();
    assert!(said.contains("barcode scanner: Granit 1981i\n  at /dev/serial/by-id/"), "{said}");
    assert!(said.contains("this name may be another device's tomorrow"), "{said}");
}

#[test]
fn the_lines_of_every_device_are_right_in_a_configuration() {
    let machine = counter();
    let listed = machine.json(&[]);
    let example = waypost(&["config", "example", "post_office"]).output().unwrap();
    let plain = String::from_utf8(example.stdout).unwrap();
    for device in listed["devices"].as_array().unwrap() {
        let toml = device["toml"].as_str().unwrap();
        let path = machine.0.path().join("gateway.toml");
        fs::write(&path, format!("{plain}\n{toml}")).unwrap();
        let check = waypost(&["run", "--check", "--config", path.to_str().unwrap()]).output().unwrap();
        assert!(check.status.success(), "{toml}\n{}", String::from_utf8_lossy(&check.stderr));
    }
}

#[test]
fn what_is_configured_and_not_plugged_in_is_told_with_what_it_may_be() {
    let machine = counter();
    let config = |scanner: &str| {
        let text = format!(
            "gateway = \"g\"\ndata = \"d\"\n[site]\nid = \"S-1\"\nname = \"s\"\nkind = \"laboratory\"\n[[scanner]]\nname = \"dock\"\n{scanner}\n[seal_reader]\nadapter = \"hci0\"\n"
        );
        machine.file("gateway.toml", text);
        machine.0.path().join("gateway.toml")
    };
    let there = config("port = \"/dev/serial/by-id/usb-Honeywell_Granit_1981i_17062B-if00\"");
    let args = ["--config", there.to_str().unwrap()];
    assert_eq!(machine.devices(&args).status.code(), Some(0));
    let listed = machine.json(&args);
    assert_eq!(listed["missing"], Value::Array(Vec::new()));
    assert_eq!(at(&listed, "hci0")["configured"], true);
    assert_eq!(at(&listed, "/dev/fb0")["configured"], false);
    // By another name of the same port.
    config("port = \"/dev/ttyACM0\"");
    assert_eq!(machine.devices(&args).status.code(), Some(0));
    config("port = \"/dev/serial/by-id/usb-old\"");
    assert_eq!(machine.devices(&args).status.code(), Some(1));
    let missing = &machine.json(&args)["missing"][0];
    assert_eq!(
        (missing["what"].as_str(), missing["at"].as_str()),
        (Some("dock"), Some("/dev/serial/by-id/usb-old"))
    );
    assert!(missing["remedy"].as_str().unwrap().contains("Granit"), "{missing}");
    config("kind = \"hid_pos\"\nusb_port = \"1-4\"");
    assert_eq!(machine.devices(&args).status.code(), Some(0));
    config("kind = \"hid_pos\"\nusb_serial = \"other\"");
    assert_eq!(machine.devices(&args).status.code(), Some(1));
    config("port = 7");
    assert_eq!(machine.devices(&args).status.code(), Some(2));
}

#[test]
fn an_empty_machine_and_one_that_lies_are_no_trouble() {
    let machine = Machine::new();
    let output = machine.devices(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Nothing is plugged in"));
    machine
        .usb("1-1", ("\x1b[2J", ""), &"x".repeat(10_000), None)
        .tty("1-1", "ttyUSB0", Some("usb-\"\n[board]"))
        .interface("1-1", "03")
        .file("sys/devices/usb1/1-1/1-1:1.0/0003/report_descriptor", [0xff; 5000])
        .link("sys/bus/usb/devices/2-1:1.0", "2-1:1.0");
    let output = machine.devices(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.contains(&0x1b), "no control character reaches the terminal");
}

/// A `waypost try` that runs, and its lines.
struct Trial(Child, std::io::Lines<BufReader<std::process::ChildStdout>>);

impl Trial {
    fn start(args: &[&str]) -> Self {
        let mut child = waypost(&[&["try"], args].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(child, lines)
    }

    fn line(&mut self) -> String {
        self.1.next().expect("another line").unwrap()
    }
}

fn scanner_at(dir: &Path) -> VirtualScanner {
    VirtualScanner::new(dir, "scanner").unwrap()
}

#[tokio::test]
async fn a_scanner_is_tried_by_itself_and_no_number_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let scanner = scanner_at(dir.path());
    let port = format!("port={}", scanner.path().display());
    let mut trial = Trial::start(&["scanner", &port, "--once", "--json"]);
    let up: Value = serde_json::from_str(&trial.line()).unwrap();
    assert_eq!((up["device"].as_str(), up["up"].as_bool()), (Some("scanner 1"), Some(true)));
    scanner.scan("A123456(3)").unwrap();
    let line = trial.line();
    assert!(!line.contains("123456"), "{line}");
    let scan: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (scan["scan"]["kind"].as_str(), scan["scan"]["masked"].as_str()),
        (Some("hkid"), Some("A123****"))
    );
    assert_eq!(trial.0.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_reading_in_time_the_status_is_1_and_the_reason_is_told() {
    let mut trial = Trial::start(&["gnss", "port=/nowhere/receiver", "--seconds", "1"]);
    let line = trial.line();
    assert!(line.starts_with("receiver: away: ") && line.contains("No such file"), "{line}");
    assert_eq!(trial.0.wait().unwrap().code(), Some(1));
}

#[test]
fn a_board_without_pins_says_so() {
    if fs::read_to_string("/proc/device-tree/model").is_ok_and(|model| model.contains("Raspberry")) {
        eprintln!("SKIPPED: this machine has pins");
        return;
    }
    let mut trial = Trial::start(&["board", "red=17", "--seconds", "1"]);
    let line = trial.line();
    assert!(line.starts_with("board: away: the pins of this machine cannot be used"), "{line}");
    assert_eq!(trial.0.wait().unwrap().code(), Some(1));
}

#[test]
fn a_board_of_the_page_plays_its_signals() {
    let mut trial = Trial::start(&["board", "kind=page", "--seconds", "4"]);
    assert_eq!(trial.line(), "board: it is there");
    assert_eq!(trial.line(), "board: plays amber, silent");
    assert_eq!(trial.line(), "board: plays green, two short sounds: yes");
    assert_eq!(trial.0.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_prints_one_test_page_and_says_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::serial(Dialect::Zpl, dir.path(), "printer").unwrap();
    printer.load(0);
    let port = format!("port={}", printer.path().display());
    let mut trial = Trial::start(&["printer", "kind=zpl", &port, "--once", "--seconds", "30"]);
    assert_eq!(trial.line(), "printer 1: it is there");
    assert_eq!(trial.line(), "printer 1: the paper is used up: put some in");
    printer.load(5);
    assert_eq!(trial.line(), "printer 1: ready");
    assert_eq!(trial.line(), "printer 1: the test page is printed: do its codes scan?");
    assert_eq!(trial.0.wait().unwrap().code(), Some(0));
    assert_eq!(printer.papers().len(), 1);
}

#[test]
fn a_screen_shows_its_test_card() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("card.png");
    let setting = format!("path={}", path.display());
    let mut trial = Trial::start(&["screen", "kind=png", &setting, "--once", "--seconds", "30"]);
    assert!(trial.line().starts_with("screen 1: it shows the test card"));
    assert_eq!(trial.0.wait().unwrap().code(), Some(0));
    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    let mut none = Trial::start(&["screen", "kind=ssd1306", "bus=/dev/i2c-99", "--seconds", "1"]);
    assert!(none.line().starts_with("screen 1: away: "));
    assert_eq!(none.0.wait().unwrap().code(), Some(1));
}

#[test]
fn wrong_settings_are_told_with_the_remedy() {
    for (args, said) in [
        (&["board", "red=99"][..], "BCM numbers 0 to 27"),
        (&["board", "rot=17"], "did you mean `no`?"),
        (&["scanner", "baud"], "`baud` is no setting"),
        (&["seal", "adapter=usb0"], "such as \"hci0\""),
    ] {
        let output = waypost(&[&["try"], args].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(said), "{args:?}: {error}");
    }
}

#[test]
fn without_settings_the_one_device_of_its_kind_is_taken() {
    let machine = counter();
    let root = machine.0.path().to_str().unwrap();
    let several = waypost(&["try", "scanner", "--root", root]).output().unwrap();
    assert_eq!(several.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&several.stderr).contains("there are several"));
    let empty = Machine::new();
    let none = waypost(&["try", "scanner", "--root", empty.0.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    let mut one = Trial::start(&["gnss", "--root", root, "--seconds", "1"]);
    assert!(one.line().starts_with("receiver: away: "));
    assert_eq!(one.0.wait().unwrap().code(), Some(1));
}

#[tokio::test]
async fn watching_shows_what_stands_in_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let scanner = scanner_at(dir.path());
    let example = waypost(&["config", "example", "post_office"]).output().unwrap();
    let text = String::from_utf8(example.stdout).unwrap();
    let text = text.replace("/dev/serial/by-id/usb-scanner", scanner.path().to_str().unwrap());
    let config = dir.path().join("gateway.toml");
    fs::write(&config, text).unwrap();
    let args = ["devices", "--watch", "--config", config.to_str().unwrap()];
    let mut child = waypost(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "counter scanner: it is there");
    scanner.scan("T-00001234").unwrap();
    let line = lines.next().unwrap().unwrap();
    assert!(line.ends_with("A specimen tube: T-00001234"), "{line}");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
