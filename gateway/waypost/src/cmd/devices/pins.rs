//! The header of a Raspberry Pi: by its chip's name, never by its number, which changes from kernel to kernel.

use waypost_drivers::header;

use super::{
    Root,
    found::{Found, Kind},
};

/// How the device tree's names of the chips behind the header begin.
const NAMES: [&str; 2] = ["brcm,bcm2", "raspberrypi,rp1-gpio"];

/// The header, if this machine has one.
pub fn find(root: &Root) -> Vec<Found> {
    let model =
        root.text("/proc/device-tree/model").or_else(|| root.text("/sys/firmware/devicetree/base/model"));
    root.names("/sys/bus/gpio/devices")
        .into_iter()
        .filter(|name| name.starts_with("gpiochip"))
        .find_map(|name| {
            let folder = format!("/sys/bus/gpio/devices/{name}");
            // The parent of a chip is its hardware; the label stands in the old interface's folder, where there is one.
            let label = root.text(format!("{folder}/label")).or_else(|| {
                let uevent = String::from_utf8(root.bytes(format!("{folder}/../uevent"))?).ok()?;
                let names = uevent.lines().filter_map(|line| line.strip_prefix("OF_COMPATIBLE_0="));
                names.map(str::to_owned).next()
            })?;
            header::LABELS.iter().chain(&NAMES).any(|known| label.starts_with(known)).then(|| Found {
                kind: Kind::Board,
                what: model.clone().unwrap_or_else(|| "Raspberry Pi".to_owned()),
                at: format!("/dev/{name}"),
                evidence: format!("a chip called {label}"),
                configured: None,
                usb: None,
                remark: Some(
                    "give the pins as they are wired: `waypost try board red=17 buzzer=18 yes=23`".to_owned(),
                ),
                toml: "[board]\nred = 17\ngreen = 27\namber = 22\nbuzzer = 18\nyes = 23\nno = 24\n"
                    .to_owned(),
            })
        })
        .into_iter()
        .collect()
}
