//! Where a screen may be: buses of the header, and framebuffers. What hangs on a bus cannot be told without asking it.

use super::{
    Root,
    found::{Found, Kind, quoted},
};

/// Framebuffers and buses.
pub fn find(root: &Root) -> Vec<Found> {
    let devices = root.names("/dev");
    devices
        .iter()
        .filter_map(|name| framebuffer(root, name).or_else(|| i2c(root, name)).or_else(|| spi(name)))
        .collect()
}

fn framebuffer(root: &Root, name: &str) -> Option<Found> {
    name.strip_prefix("fb")?.parse::<u8>().ok()?;
    let folder = format!("/sys/class/graphics/{name}");
    let what = root.text(format!("{folder}/name")).unwrap_or_else(|| "framebuffer".to_owned());
    let size = root.text(format!("{folder}/virtual_size"));
    let depth = root.text(format!("{folder}/bits_per_pixel"));
    let size = match (size, depth) {
        (Some(size), Some(depth)) => format!("{} dots, {depth} bits each", size.replace(',', " × ")),
        _ => "the kernel does not say its size".to_owned(),
    };
    let at = format!("/dev/{name}");
    Some(Found {
        kind: Kind::Screen,
        what,
        evidence: format!("the kernel's framebuffer: {size}"),
        configured: None,
        usb: None,
        remark: None,
        toml: format!("[[screen]]\nkind = \"framebuffer\"\npath = {}\n", quoted(&at)),
        at,
    })
}

fn i2c(root: &Root, name: &str) -> Option<Found> {
    name.strip_prefix("i2c-")?.parse::<u8>().ok()?;
    let what = root.text(format!("/sys/class/i2c-dev/{name}/name")).unwrap_or_else(|| "I2C bus".to_owned());
    Some(Found {
        kind: Kind::Unknown,
        what,
        at: format!("/dev/{name}"),
        evidence: "an I2C bus, which does not tell what hangs on it".to_owned(),
        configured: None,
        usb: None,
        remark: Some(format!("an OLED of 128 × 64 dots? `waypost try screen kind=ssd1306 bus=/dev/{name}`")),
        toml: String::new(),
    })
}

fn spi(name: &str) -> Option<Found> {
    let (bus, select) = name.strip_prefix("spidev")?.split_once('.')?;
    let _: (u8, u8) = (bus.parse().ok()?, select.parse().ok()?);
    Some(Found {
        kind: Kind::Unknown,
        what: "SPI bus".to_owned(),
        at: format!("/dev/{name}"),
        evidence: "an SPI bus, which does not tell what hangs on it".to_owned(),
        configured: None,
        usb: None,
        remark: Some(format!(
            "a TFT? `waypost try screen kind=st7789 bus=/dev/{name} dc=25`, with the pins as they are wired"
        )),
        toml: String::new(),
    })
}
