//! How hot the machine is. A Raspberry Pi slows down from 80 °C on and holds at 85 °C (Raspberry Pi documentation,
//! "Frequency management and thermal control").

use super::{Check, Finding, Patient};

/// Hotter than this is worth a look, in thousandths of a degree Celsius.
const WARN_MC: i64 = 70_000;
/// From here on the machine slows down.
const SLOW_MC: i64 = 80_000;

pub struct Temperature;

impl Check for Temperature {
    fn id(&self) -> &'static str {
        "temperature"
    }

    fn description(&self) -> &'static str {
        "temperature of the processor"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let zones = patient.root.names("/sys/class/thermal");
        let hottest = zones
            .iter()
            .filter(|name| name.starts_with("thermal_zone"))
            .filter_map(|name| {
                patient.root.text(format!("/sys/class/thermal/{name}/temp"))?.parse::<i64>().ok()
            })
            .max();
        let Some(hottest) = hottest else { return Finding::skipped("this machine does not tell it") };
        let found = format!("{}.{} °C", hottest / 1000, (hottest % 1000).abs() / 100);
        match hottest {
            SLOW_MC.. => Finding::failure(
                format!("{found}: the machine slows itself down"),
                "give it air and shade; look whether its fan turns",
            ),
            WARN_MC.. => Finding::warning(found, "give it air and shade before it slows itself down"),
            _ => Finding::ok(found),
        }
    }
}
