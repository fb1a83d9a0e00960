//! The program inside the emulated guest: it plays devices at the kernel's edge (gadgets on a USB bus, a Bluetooth
//! controller, a serial adapter of the virtual machine) and shows that the shipped `waypost` does with them what it must.
//!
//! It speaks with the tests on its standard input and output, a JSON object a line: a result of each scenario, and what
//! only the tests outside can do (see [`host`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a scenario stops at the first thing that is wrong"
)]

mod bridge;
mod gadget;
mod hid_pos;
mod host;
mod keyboard;
mod printer;
mod radio;
mod screen;
mod serial;
mod sysfs;
mod trying;

use std::{sync::Arc, thread};

use host::Host;

/// One thing that is shown.
type Scenario = fn(&Host);

fn main() {
    let host = Arc::new(Host::new());
    // Keys are told apart by their timing, so nothing else happens meanwhile.
    show(&host, "keyboard", keyboard::show).join();
    // The watchdog waits for silences, so the radio has a thread of its own; the others follow each other.
    let radio = show(&host, "radio", radio::show);
    for (name, scenario) in [
        ("hid_pos", hid_pos::show as Scenario),
        ("serial", serial::show),
        ("printer", printer::show),
        ("screen", screen::show),
    ] {
        show(&host, name, scenario).join();
    }
    radio.join();
    host.end();
}

/// A scenario that runs; its result is told by [`Running::join`].
struct Running {
    host: Arc<Host>,
    name: &'static str,
    thread: thread::JoinHandle<()>,
}

fn show(host: &Arc<Host>, name: &'static str, scenario: Scenario) -> Running {
    let for_scenario = Arc::clone(host);
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || scenario(&for_scenario)).unwrap();
    Running { host: Arc::clone(host), name, thread }
}

impl Running {
    fn join(self) {
        let result = self.thread.join().map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
        });
        self.host.tell(self.name, result.err());
    }
}
