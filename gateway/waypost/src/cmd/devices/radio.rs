//! Bluetooth adapters that the kernel knows.

use super::{
    Root,
    found::{Found, Kind, quoted},
    usb::Names,
};

/// All adapters.
pub fn find(root: &Root) -> Vec<Found> {
    root.names("/sys/class/bluetooth")
        .into_iter()
        // Connections stand there too, as hci0:64.
        .filter(|name| name.strip_prefix("hci").is_some_and(|number| number.parse::<u16>().is_ok()))
        .map(|name| {
            let folder = format!("/sys/class/bluetooth/{name}");
            let what = match Names::above(root, format!("{folder}/device")) {
                Some(names) => names.what,
                None => "Bluetooth adapter of the machine".to_owned(),
            };
            Found {
                kind: Kind::Seal,
                what,
                evidence: match root.text(format!("{folder}/address")) {
                    Some(address) => {
                        format!("the kernel drives it as a Bluetooth adapter, address {address}")
                    }
                    None => "the kernel drives it as a Bluetooth adapter".to_owned(),
                },
                configured: None,
                usb: None,
                remark: None,
                toml: format!("[seal_reader]\nadapter = {}\n", quoted(&name)),
                at: name,
            }
        })
        .collect()
}
