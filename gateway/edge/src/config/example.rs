//! A commented configuration for each kind of station. It runs as it is: no device needs to be plugged in.

use waypost_core::fact::SiteKind;

/// The configuration of a station, as text to be written to a file.
pub fn example(kind: SiteKind) -> String {
    let own = Own::of(kind);
    let mut text = format!(
        r##"# Waypost: configuration of one gateway ({what}).
# An unknown key is an error, so a typing mistake is found at the start: `waypost run --config FILE --check`.
# No secret stands in this file: keys are made by `waypost init`, campaign and seal keys come with signed orders.

# The gateway's id: also the beginning of its MQTT topics. The hub's configuration lists it with its public key.
gateway = "{gateway}"
# Where journal, identity and orders are kept. A relative path stands beside this file.
data = "waypost-data"

[site]
id = "{site}"
name = "{name}"
# testing_centre, post_office, vehicle, laboratory or warehouse
kind = "{kind}"
{closes}time_zone = "Asia/Hong_Kong"
# Minutes without a scan after which whoever is signed in is signed out
# session_idle_min = 15
# "badge": after a start, claims wait for the badge of somebody who has served here; a stolen card makes no tokens then.
# A badge is enough once it was scanned while claims were served; until then a colleague signs in first
# campaign_keys = "file"
# The panel's language at the start: "en" or "zh-HK"
language = "en"
{box_tubes}
# The gateway's own web pages, on this machine only.
[console]
listen = "127.0.0.1:8080"

# The broker. Plain MQTT is for a broker on this machine; for any other add [mqtt.tls].
[mqtt]
host = "127.0.0.1"
port = 1883
# [mqtt.tls]
# ca = "/etc/waypost/ca.pem"
# cert = "/etc/waypost/gateway.pem"
# key = "/etc/waypost/gateway.key"

# The hub's public keys, as `waypost hub init` prints them. Without them no acknowledgement and no order is believed.
[hub]
# ack_key = "…64 hexadecimal digits…"
order_keys = []

# A barcode scanner on a serial line, or on USB as one. It may be plugged in later: until then the panel says that it is
# missing.
[[scanner]]
name = "counter scanner"
port = "/dev/serial/by-id/usb-scanner"
baud = 9600
# What it sends after each code: "any" (CR, LF or both), "cr", "lf", "crlf", or the text itself, such as "\t"
suffix = "any"
# What it was set to send before each code, and its vendor's letters with what they mean
# prefix = "~"
# code_ids = {{ A = "]E0", K = "]C1" }}

# Scanners that are connected otherwise:
# [[scanner]]
# kind = "ssi"                  # Zebra's packets on a serial line, each acknowledged
# port = "/dev/serial/by-id/usb-scanner"
# [[scanner]]
# kind = "hid_pos"              # USB, in HID point-of-sale mode: found by itself
# usb_serial = "S/N0123"        # which of several, by serial number or by place; `waypost devices` shows both
# usb_port = "1-1.2"
# [[scanner]]
# kind = "keyboard"             # USB, as a keyboard; what is typed on it is taken, too
# port = "/dev/input/by-id/usb-scanner-event-kbd"
# separator_key = "ctrl-]"      # what it presses for a group separator, or "f1" to "f12"
"##,
        what = own.what,
        gateway = own.gateway,
        site = own.site,
        name = own.name,
        kind = own.kind,
        closes = own.closes,
        box_tubes = own.box_tubes,
    );
    if own.seals {
        text.push_str(
            r##"
# The radio that hears the seals: a Bluetooth controller on a serial line, or one that the kernel knows.
[seal_reader]
port = "/dev/serial/by-id/usb-radio"
baud = 115200
# In place of port and baud: the kernel's adapter, and its channel. "user" takes the adapter for the seals alone, "raw"
# shares it with other programs; "auto" is user where it is free, else raw.
# adapter = "hci0"
# channel = "auto"
# Or an adapter that waypost-radio@hci0.service holds, so that the gateway needs no rights over the network:
# socket = "/run/waypost-radio/hci0.sock"
# true asks each advertiser for a scan response; seals need none, and it costs their batteries
# active = false
# Seconds of real time without a frame until a seal counts as silent
silent_after_s = 30
"##,
        );
    }
    if own.receiver {
        text.push_str(
            r##"
# The satellite receiver. It also sets the clock.
[receiver]
port = "/dev/serial/by-id/usb-gnss"
# Its speed is found by listening, unless it is given here.
# baud = 9600
# A receiver that gpsd has, in place of the port or beside it, heard while the port is silent
# gpsd = "127.0.0.1:2947"
# A day that is past, in place of the day of this program's build: a receiver that tells an earlier date has a week
# counter that rolled over, and is 1,024 weeks (or twice that) behind.
# floor = "2026-01-01"
"##,
        );
    }
    text.push_str(BOARD);
    text.push_str(SCREEN);
    text.push_str(PRINTER);
    text.push_str(
        r##"
# How long records stay here after the hub has them twice, in days of the hub's time; and how many positions at most.
# [journal]
# retention_days = 90
# track_max = 200000

# How labels look here: # a digit, @ a letter, ? either, * either or a hyphen, {n} and {n,m} repetitions.
[labels]
tube = "T-#{8}"
box = "B-#{4,8}"
"##,
    );
    if own.stock.is_empty() {
        return text;
    }
    text.push_str("\n# Items that are counted here, each with the level below which more is asked for.\n");
    for (item, par) in own.stock {
        text.push_str(&format!("[[stock]]\nitem = \"{item}\"\npar = {par}\n"));
    }
    text
}

/// Nothing is connected to a fresh machine, so all of it is commented out.
const BOARD: &str = r##"
# Lamps, buzzer, buttons, a hatch and a lid switch on the pins of a Raspberry Pi, by BCM numbers 0 to 27, each as far as it
# is there. The buttons choose what the panel offers first; the hatch opens after a yes that gives something away.
# [board]
# red = 17
# green = 27
# amber = 22
# buzzer = 18
# yes = 23
# no = 24
# relay = 25
# The level while the hatch is shut. When the power fails, wiring must hold it, not this program
# relay_safe = "low"
# relay_ms = 3000
# The lid's switch closes to ground while the lid is closed, as the buttons do while they are pressed
# lid = 5
# Without pins: the panel's page draws it
# [board]
# kind = "page"
"##;

/// Many gateways have none but the web page, so it is commented out.
const SCREEN: &str = r##"
# Screens that show the panel: an OLED on I2C ("ssd1306"), a TFT on SPI ("ili9341", "st7789"), the kernel's framebuffer
# ("framebuffer"), or a file ("png"). `waypost try screen` shows whether it is wired and turned right.
# [[screen]]
# name = "counter display"
# kind = "ssd1306"
# bus = "/dev/i2c-1"
# address = 0x3c
# rotation = 180
# [[screen]]
# kind = "ili9341"
# bus = "/dev/spidev0.0"
# speed_hz = 16000000
# GPIO numbers of the wires
# dc = 25
# reset = 27
# backlight = 22
# Clockwise in degrees; where red shows as blue, colours = "rgb"; where it shows as a negative, invert = true
# rotation = 0
# [[screen]]
# kind = "framebuffer"
# path = "/dev/fb0"
# Its own language; without it that of the counter
# language = "zh-HK"
# [[screen]]
# kind = "png"
# path = "/run/waypost/panel.png"
# width = 320
# height = 240
"##;

/// Many sites have none, so it is commented out.
const PRINTER: &str = r##"
# Printers of labels (kind = "zpl") and of receipts and end-of-shift reports (kind = "escpos"). Each is at one place: on
# the network (address), on a serial line (port, baud) or on USB (usb, as `lsusb` shows it).
# [[printer]]
# name = "label printer"
# kind = "zpl"
# address = "192.168.1.20:9100"
# dpi = 203
# width_mm = 100
# height_mm = 60
# [[printer]]
# name = "receipt printer"
# kind = "escpos"
# usb = "04b8:0202"
# width_mm = 72
# prints = ["receipts", "reports"]
# A printer that answers nothing when it is asked how it is: status = false
# Seconds that a paper waits for a printer that is away or out of paper
# wait_s = 600
"##;

/// What differs from one kind of station to the next.
struct Own {
    what: &'static str,
    gateway: &'static str,
    site: &'static str,
    name: &'static str,
    kind: &'static str,
    closes: &'static str,
    box_tubes: &'static str,
    seals: bool,
    receiver: bool,
    stock: &'static [(&'static str, u32)],
}

impl Own {
    fn of(kind: SiteKind) -> Self {
        let bare = Self {
            what: "a laboratory: receives boxes, compares tubes",
            gateway: "laboratory-1",
            site: "SITE-LAB1",
            name: "Laboratory 1",
            kind: "laboratory",
            closes: "",
            box_tubes: "# Tubes that a box holds\nbox_tubes_max = 50\n",
            seals: true,
            receiver: false,
            stock: &[],
        };
        match kind {
            SiteKind::Laboratory => bare,
            SiteKind::TestingCentre => Self {
                what: "a testing centre: collects tubes, packs and seals boxes",
                gateway: "ctc-kwai-chung",
                site: "SITE-CTC1",
                name: "Kwai Chung testing centre",
                kind: "testing_centre",
                closes: "# When its sessions close: boxes are due at a laboratory 90 minutes later.\ncloses = [\"13:30\", \"20:00\"]\n",
                stock: &[("tubes", 200), ("boxes", 4), ("seals", 4)],
                ..bare
            },
            SiteKind::Vehicle => Self {
                what: "a vehicle: carries boxes",
                gateway: "van-001",
                site: "V-001",
                name: "Vehicle 001",
                kind: "vehicle",
                receiver: true,
                ..bare
            },
            SiteKind::PostOffice => Self {
                what: "a post office: hands out masks",
                gateway: "post-office-1",
                site: "SITE-PO1",
                name: "Kwai Fong post office",
                kind: "post_office",
                closes: "closes = [\"17:00\"]\n",
                box_tubes: "",
                seals: false,
                stock: &[("packs", 200)],
                ..bare
            },
            SiteKind::Warehouse => Self {
                what: "a warehouse: supplies empty tubes and boxes, seals and packs",
                gateway: "warehouse-1",
                site: "SITE-WH1",
                name: "Warehouse",
                kind: "warehouse",
                box_tubes: "",
                seals: false,
                stock: &[("tubes", 5000), ("boxes", 100), ("seals", 100), ("packs", 5000)],
                ..bare
            },
        }
    }
}
