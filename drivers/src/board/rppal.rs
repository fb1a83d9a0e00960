//! A board on the pins of a Raspberry Pi.
//!
//! Lamps, buzzer and hatch are driven high to switch on (the hatch by its safe level); buttons and the lid's switch
//! close to ground and are pulled up by the pin. Reading a level is a load from mapped memory, so the inputs are polled:
//! that costs next to nothing, misses no press that a hand can make, and needs no interrupt, which emulators lack.

use std::time::Duration;

use rppal::gpio::{Gpio, InputPin, OutputPin, Pin};

use super::{Board, BoardError, Inputs, Outputs};

/// Pins of the header, by their BCM numbers.
pub const PIN_MAX: u8 = 27;
/// How often the inputs are read.
const POLL: Duration = Duration::from_millis(10);

/// A level on a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Ground.
    #[default]
    Low,
    /// 3.3 V.
    High,
}

/// What is connected where, by BCM numbers 0 to [`PIN_MAX`]; none where it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pins {
    /// The red lamp.
    pub red: Option<u8>,
    /// The green lamp.
    pub green: Option<u8>,
    /// The amber lamp.
    pub amber: Option<u8>,
    /// The buzzer.
    pub buzzer: Option<u8>,
    /// The yes button, to ground.
    pub yes: Option<u8>,
    /// The no button, to ground.
    pub no: Option<u8>,
    /// The relay or hatch.
    pub relay: Option<u8>,
    /// The relay's level while the hatch is shut: from the start on, and at the end.
    pub relay_safe: Level,
    /// The lid's switch, to ground while the lid is closed.
    pub lid: Option<u8>,
}

/// A board on pins.
pub struct RppalBoard {
    pins: Pins,
    lines: Option<Lines>,
}

struct Lines {
    red: Option<OutputPin>,
    green: Option<OutputPin>,
    amber: Option<OutputPin>,
    buzzer: Option<OutputPin>,
    relay: Option<OutputPin>,
    relay_safe: Level,
    yes: Option<InputPin>,
    no: Option<InputPin>,
    lid: Option<InputPin>,
}

impl RppalBoard {
    /// A board on these pins, not opened yet.
    pub fn new(pins: Pins) -> Self {
        Self { pins, lines: None }
    }

    fn has_inputs(&self) -> bool {
        let Pins { yes, no, lid, .. } = self.pins;
        yes.or(no).or(lid).is_some()
    }
}

impl Board for RppalBoard {
    fn open(&mut self) -> Result<(), BoardError> {
        // What is held must be given back first, or its pins are taken.
        self.lines = None;
        let gpio = Gpio::new().map_err(BoardError::Pins)?;
        let get = |number: Option<u8>, what| {
            number
                .map(|pin| gpio.get(pin).map_err(|source| BoardError::Pin { pin, what, source }))
                .transpose()
        };
        let output = |number, what| Ok(get(number, what)?.map(Pin::into_output_low));
        let input = |number, what| Ok(get(number, what)?.map(Pin::into_input_pullup));
        let relay_safe = self.pins.relay_safe;
        // First, so that the hatch is at its safe level as early as can be. The level is set before the direction.
        let relay = get(self.pins.relay, "relay")?.map(|pin| match relay_safe {
            Level::Low => pin.into_output_low(),
            Level::High => pin.into_output_high(),
        });
        self.lines = Some(Lines {
            relay,
            relay_safe,
            red: output(self.pins.red, "red")?,
            green: output(self.pins.green, "green")?,
            amber: output(self.pins.amber, "amber")?,
            buzzer: output(self.pins.buzzer, "buzzer")?,
            yes: input(self.pins.yes, "yes")?,
            no: input(self.pins.no, "no")?,
            lid: input(self.pins.lid, "lid")?,
        });
        Ok(())
    }

    fn write(&mut self, outputs: &Outputs) -> Result<(), BoardError> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let lamps = outputs.lamps;
        let safe_is_high = lines.relay_safe == Level::High;
        for (line, high) in [
            (&mut lines.relay, outputs.hatch != safe_is_high),
            (&mut lines.red, lamps.red),
            (&mut lines.green, lamps.green),
            (&mut lines.amber, lamps.amber),
            (&mut lines.buzzer, outputs.buzzer),
        ] {
            if let Some(line) = line {
                line.write(if high { rppal::gpio::Level::High } else { rppal::gpio::Level::Low });
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Inputs, BoardError> {
        let Some(lines) = &self.lines else { return Ok(Inputs::default()) };
        let pressed = |line: &Option<InputPin>| line.as_ref().is_some_and(InputPin::is_low);
        Ok(Inputs {
            yes: pressed(&lines.yes),
            no: pressed(&lines.no),
            lid_open: lines.lid.as_ref().map(InputPin::is_high),
        })
    }

    fn poll_every(&self) -> Option<Duration> {
        self.has_inputs().then_some(POLL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_machine_that_is_no_pi_the_reason_is_told_and_nothing_else_happens() {
        // On a Pi this would take its pins, so it is not for there.
        if std::fs::read_to_string("/proc/device-tree/model").is_ok_and(|model| model.contains("Raspberry")) {
            eprintln!("SKIPPED: this machine is a Raspberry Pi");
            return;
        }
        let mut board = RppalBoard::new(Pins { red: Some(17), yes: Some(23), ..Pins::default() });
        let error = board.open().unwrap_err();
        assert!(matches!(error, BoardError::Pins(_)), "{error}");
        assert_eq!(board.poll_every(), Some(POLL));
        assert_eq!(board.read().unwrap(), Inputs::default());
        board.write(&Outputs::default()).unwrap();
    }
}
