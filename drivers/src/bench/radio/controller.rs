//! The virtual controller on its line: commands come in, reports go out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::time::MissedTickBehavior;

use super::command;
use super::{PIECE_BYTES, RadioModel, Shared, Stall, bthome, lock};
use crate::bench::pty::Pty;
use crate::bench::seal::INTERVAL_MIN;
use crate::seal::Address;
use crate::seal::hci::{H4_COMMAND, H4_EVENT, Opcode};

/// A controller that runs.
pub struct Controller {
    pty: Arc<Pty>,
    shared: Arc<Mutex<Shared>>,
    /// Bytes of a command that has begun: at most one command, as each read is worked off at once.
    commands: Vec<u8>,
}

impl Controller {
    /// A controller on this line.
    pub fn new(pty: Arc<Pty>, shared: Arc<Mutex<Shared>>) -> Self {
        Self { pty, shared, commands: Vec::new() }
    }

    /// Plays the controller until its line is gone.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(INTERVAL_MIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut buffer = [0; 512];
        loop {
            tokio::select! {
                read = self.pty.read(&mut buffer) => match read {
                    Ok(len @ 1..) => {
                        self.commands.extend_from_slice(buffer.get(..len).unwrap_or_default());
                        self.obey();
                    }
                    // The line is gone; plugging in makes a new controller.
                    Ok(0) | Err(_) => return,
                },
                _ = ticks.tick() => self.report(),
            }
        }
    }

    fn obey(&mut self) {
        while let Some((opcode, parameters)) = self.next_command() {
            let mut shared = lock(&self.shared);
            if shared.stall == Stall::Dead {
                continue;
            }
            let (status, returned) = match shared.refused {
                Some((refused, status)) if refused == opcode => (status, Vec::new()),
                _ => command::obey(&mut shared, opcode, &parameters),
            };
            drop(shared);
            if opcode == Opcode::RESET {
                // What was reported before is no longer true. On failure the host reads old reports, as with real ones.
                let _ = self.pty.forget_unread();
            }
            let [low, high] = opcode.0.to_le_bytes();
            self.send(0x0E, &[&[1, low, high, status], returned.as_slice()].concat());
        }
    }

    /// Type, opcode, length, parameters. What does not begin as a command is dropped.
    fn next_command(&mut self) -> Option<(Opcode, Vec<u8>)> {
        let start = self.commands.iter().position(|byte| *byte == H4_COMMAND).unwrap_or(self.commands.len());
        self.commands.drain(..start);
        let [_, low, high, len, rest @ ..] = self.commands.as_slice() else { return None };
        let parameters = rest.get(..usize::from(*len))?.to_vec();
        let opcode = Opcode(u16::from_le_bytes([*low, *high]));
        self.commands.drain(..4 + parameters.len());
        Some((opcode, parameters))
    }

    fn report(&self) {
        let mut shared = lock(&self.shared);
        for bytes in shared.raw.drain(..) {
            // A host that does not read loses them.
            let _ = self.pty.send(&bytes);
        }
        if !shared.scanning || shared.stall != Stall::None {
            return;
        }
        let Shared { model, seals, injected, filter, .. } = &mut *shared;
        let model = *model;
        let mut is_filtered = |address| filter.as_mut().is_some_and(|reported| !reported.insert(address));
        let now = Instant::now();
        for in_range in seals {
            let on_air = in_range.seal.lock().unwrap_or_else(PoisonError::into_inner).on_air(now);
            if let Some(frame) = on_air
                && in_range.delivered != Some(frame.counter)
            {
                in_range.delivered = Some(frame.counter);
                if is_filtered(in_range.mac) {
                    continue;
                }
                self.advertise(model, in_range.mac, in_range.rssi, &bthome(&frame.service_data));
            }
        }
        for (address, rssi, data) in injected.drain(..) {
            if !is_filtered(address) {
                self.advertise(model, address, rssi, &data);
            }
        }
    }

    /// One advertisement that nobody can connect to.
    fn advertise(&self, model: RadioModel, address: Address, rssi: i8, data: &[u8]) {
        match model {
            RadioModel::Legacy => self.report_one(address, rssi, data),
            RadioModel::ExtendedOnly | RadioModel::ExtendedUnsaid => {
                self.report_in_pieces(address, rssi, data);
            }
        }
    }

    /// An LE Advertising Report.
    fn report_one(&self, address: Address, rssi: i8, data: &[u8]) {
        let Ok(len) = u8::try_from(data.len()) else { return };
        let head = [0x02, 0x01, 0x03, 0x00];
        self.send(
            0x3E,
            &[&head, address.to_air().as_slice(), &[len], data, &[rssi.cast_unsigned()]].concat(),
        );
    }

    /// LE Extended Advertising Reports, each with "more to come" but the last.
    fn report_in_pieces(&self, address: Address, rssi: i8, data: &[u8]) {
        const SET: u8 = 1;
        let mut pieces = data.chunks(PIECE_BYTES).peekable();
        while let Some(piece) = pieces.next() {
            let Ok(len) = u8::try_from(piece.len()) else { return };
            let status = if pieces.peek().is_some() { 0x20 } else { 0x00 };
            let head = [0x0D, 0x01, status, 0x00, 0x00];
            // Both PHYs 1M, set, power unknown, strength; no interval, no direct address.
            let tail = [0x01, 0x01, SET, 0x7F, rssi.cast_unsigned(), 0, 0, 0, 0, 0, 0, 0, 0, 0, len];
            self.send(0x3E, &[&head, address.to_air().as_slice(), &tail, piece].concat());
        }
    }

    fn send(&self, code: u8, parameters: &[u8]) {
        let Ok(len) = u8::try_from(parameters.len()) else { return };
        // A host that does not read loses events, as with a real controller.
        let _ = self.pty.send(&[&[H4_EVENT, code, len], parameters].concat());
    }
}
