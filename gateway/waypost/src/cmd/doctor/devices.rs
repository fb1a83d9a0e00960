//! Is everything plugged in that the configuration names?

use waypost_edge::doctor::{Check, Finding, Patient};

use crate::cmd::devices::{compare, find};

pub struct Devices;

impl Check for Devices {
    fn id(&self) -> &'static str {
        "devices"
    }

    fn description(&self) -> &'static str {
        "configured devices are there"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let Some(config) = &patient.config else { return Finding::skipped("no configuration was given") };
        let mut devices = find(&patient.root);
        let missing = compare(config, &patient.root, &mut devices);
        let Some(first) = missing.first() else {
            return Finding::ok("all that is configured is plugged in");
        };
        let names: Vec<_> =
            missing.iter().map(|missing| format!("{} at {}", missing.what, missing.at)).collect();
        // Work goes on by keyboard and page, and a device is used once it is there.
        Finding::warning(format!("missing: {}", names.join(", ")), &*first.remedy)
    }
}
