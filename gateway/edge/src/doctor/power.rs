//! Does the power supply hold its voltage? The kernel's `raspberrypi-hwmon` asks the firmware (sysfs: hwmon `rpi_volt`,
//! `in0_lcrit_alarm`: 1 while or since the voltage fell below 4.63 V).

use super::{Check, Finding, Patient};

pub struct Undervoltage;

impl Check for Undervoltage {
    fn id(&self) -> &'static str {
        "undervoltage"
    }

    fn description(&self) -> &'static str {
        "voltage of the power supply"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let root = &patient.root;
        let monitors = root.names("/sys/class/hwmon");
        let folder = monitors
            .iter()
            .map(|name| format!("/sys/class/hwmon/{name}"))
            .find(|folder| root.text(format!("{folder}/name")).as_deref() == Some("rpi_volt"));
        let alarm = folder.and_then(|folder| root.text(format!("{folder}/in0_lcrit_alarm")));
        match alarm.as_deref() {
            Some("0") => Finding::ok("the voltage holds"),
            Some(_) => Finding::failure(
                "the voltage fell below 4.63 V: cards are damaged that way",
                "use the supply made for this board, a short thick cable, and a powered hub for what hangs on USB",
            ),
            None => Finding::skipped("this machine does not tell it"),
        }
    }
}
