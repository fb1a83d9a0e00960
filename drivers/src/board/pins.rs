//! A board on the pins of a Raspberry Pi.
//!
//! Lamps, buzzer and hatch are driven high to switch on (the hatch by its safe level); buttons and the lid's switch
//! close to ground and are pulled up by the pin. The inputs are polled, a call of the kernel for each: that costs next to
//! nothing, misses no press that a hand can make (none is shorter than 50 ms), and needs no interrupt, which emulators
//! lack.

use std::time::Duration;

use super::{Board, BoardError, Inputs, Outputs};
use crate::header::{Header, Input, Level, Output, PinError};

/// How often the inputs are read.
const POLL: Duration = Duration::from_millis(10);

/// What is connected where, by BCM numbers 0 to [`PIN_MAX`](crate::header::PIN_MAX); none where it is not there.
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
pub struct PinsBoard {
    pins: Pins,
    wires: Option<Wires>,
}

struct Wires {
    red: Option<Wire<Output>>,
    green: Option<Wire<Output>>,
    amber: Option<Wire<Output>>,
    buzzer: Option<Wire<Output>>,
    relay: Option<Wire<Output>>,
    yes: Option<Wire<Input>>,
    no: Option<Wire<Input>>,
    lid: Option<Wire<Input>>,
}

impl PinsBoard {
    /// A board on these pins, not opened yet.
    pub fn new(pins: Pins) -> Self {
        Self { pins, wires: None }
    }

    fn has_inputs(&self) -> bool {
        let Pins { yes, no, lid, .. } = self.pins;
        yes.or(no).or(lid).is_some()
    }
}

impl Board for PinsBoard {
    fn open(&mut self) -> Result<(), BoardError> {
        // What is held must be given back first, or its pins are taken.
        self.wires = None;
        let header = Header::find().map_err(BoardError::Pins)?;
        let output = |pin, what| Wire::take(pin, what, |pin| header.output(pin, Level::Low));
        let input = |pin, what| Wire::take(pin, what, |pin| header.input(pin));
        let Pins { red, green, amber, buzzer, yes, no, relay, relay_safe, lid } = self.pins;
        self.wires = Some(Wires {
            // First, so that the hatch is at its safe level as early as can be.
            relay: Wire::take(relay, "relay", |pin| header.output(pin, relay_safe))?,
            red: output(red, "red")?,
            green: output(green, "green")?,
            amber: output(amber, "amber")?,
            buzzer: output(buzzer, "buzzer")?,
            yes: input(yes, "yes")?,
            no: input(no, "no")?,
            lid: input(lid, "lid")?,
        });
        Ok(())
    }

    fn write(&mut self, outputs: &Outputs) -> Result<(), BoardError> {
        let Some(wires) = &mut self.wires else { return Ok(()) };
        let lamps = outputs.lamps;
        let safe = self.pins.relay_safe;
        for (wire, level) in [
            (&mut wires.relay, if outputs.hatch { !safe } else { safe }),
            (&mut wires.red, Level::high_if(lamps.red)),
            (&mut wires.green, Level::high_if(lamps.green)),
            (&mut wires.amber, Level::high_if(lamps.amber)),
            (&mut wires.buzzer, Level::high_if(outputs.buzzer)),
        ] {
            if let Some(wire) = wire {
                wire.line.set(level).map_err(|source| wire.failed(source))?;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Inputs, BoardError> {
        let Some(wires) = &self.wires else { return Ok(Inputs::default()) };
        let level = |wire: &Option<Wire<Input>>| {
            let level = wire.as_ref().map(|wire| wire.line.level().map_err(|source| wire.failed(source)));
            level.transpose()
        };
        Ok(Inputs {
            yes: level(&wires.yes)? == Some(Level::Low),
            no: level(&wires.no)? == Some(Level::Low),
            lid_open: level(&wires.lid)?.map(|level| level == Level::High),
        })
    }

    fn poll_every(&self) -> Option<Duration> {
        self.has_inputs().then_some(POLL)
    }
}

/// A pin, with what is connected to it.
struct Wire<L> {
    pin: u8,
    what: &'static str,
    line: L,
}

impl<L> Wire<L> {
    fn take(
        pin: Option<u8>,
        what: &'static str,
        take: impl FnOnce(u8) -> Result<L, PinError>,
    ) -> Result<Option<Self>, BoardError> {
        let Some(pin) = pin else { return Ok(None) };
        match take(pin) {
            Ok(line) => Ok(Some(Self { pin, what, line })),
            Err(source) => Err(BoardError::Pin { pin, what, source }),
        }
    }

    fn failed(&self, source: PinError) -> BoardError {
        BoardError::Pin { pin: self.pin, what: self.what, source }
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
        let mut board = PinsBoard::new(Pins { red: Some(17), yes: Some(23), ..Pins::default() });
        let error = board.open().unwrap_err();
        assert!(matches!(error, BoardError::Pins(_)), "{error}");
        assert_eq!(board.poll_every(), Some(POLL));
        assert_eq!(board.read().unwrap(), Inputs::default());
        board.write(&Outputs::default()).unwrap();
    }
}
