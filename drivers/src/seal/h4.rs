//! A controller's bytes on a serial line, cut into events.
//!
//! Line noise and a cable that is plugged in amid a packet leave bytes that fit nowhere. A packet is taken only if its
//! head names an event of the standard and its body has that event's own shape; else one byte is dropped and the next
//! is tried as a beginning, with all that followed. Garbage that looks like the head of an event hides at most one packet's
//! length of what follows.
//!
//! Bounded: no more is ever kept than one packet, [`PACKET_MAX`] bytes, and what one call of [`Deframer::push`] brings.

use super::hci::{self, Event, H4_EVENT};

/// The longest event: type, code, length and 255 bytes.
pub const PACKET_MAX: usize = 3 + 255;

/// Cuts bytes into events.
#[derive(Debug, Default)]
pub struct Deframer {
    bytes: Vec<u8>,
    dropped: u64,
}

enum Step {
    Event(Event, usize),
    Drop,
    Wait,
}

impl Deframer {
    /// Takes bytes and returns the events that they complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.bytes.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut start = 0;
        loop {
            match step(self.bytes.get(start..).unwrap_or_default()) {
                Step::Event(event, len) => {
                    events.push(event);
                    start += len;
                }
                Step::Drop => {
                    self.dropped += 1;
                    start += 1;
                }
                Step::Wait => break,
            }
        }
        self.bytes.drain(..start.min(self.bytes.len()));
        events
    }

    /// Forgets a packet that has begun: the line was opened anew.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// How many bytes wait for what completes them: fewer than [`PACKET_MAX`].
    #[must_use]
    pub fn pending(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes fitted nowhere since the beginning. A growing number means a bad line or a wrong speed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [] | [H4_EVENT] => Step::Wait,
        [H4_EVENT, code, ..] if !hci::is_event_code(*code) => Step::Drop,
        [H4_EVENT, _] => Step::Wait,
        [H4_EVENT, code, len, rest @ ..] => {
            let len = usize::from(*len);
            let Some(parameters) = rest.get(..len) else { return Step::Wait };
            match hci::read_event(*code, parameters) {
                Ok(event) => Step::Event(event, 3 + len),
                Err(hci::Malformed) => Step::Drop,
            }
        }
        _ => Step::Drop,
    }
}
