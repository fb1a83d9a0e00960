//! The transport between gateways and hub: it loses, doubles and reorders.

use waypost_powercut::Dice;

/// Most messages under way in one direction. The oldest goes for a newer one: a broker's queue is bounded too.
const MESSAGES_MAX: usize = 256;

/// One direction: to whom or from whom, and the message.
pub struct Channel {
    messages: Vec<(usize, Vec<u8>)>,
    dice: Dice,
    /// In a calm nothing is lost, doubled or reordered.
    pub calm: bool,
}

impl Channel {
    pub fn new(dice: Dice) -> Self {
        Self { messages: Vec::new(), dice, calm: false }
    }

    pub fn send(&mut self, gateway: usize, message: Vec<u8>) {
        if !self.calm && self.dice.percent(8) {
            return;
        }
        if !self.calm && self.dice.percent(8) {
            self.put(gateway, message.clone());
        }
        self.put(gateway, message);
    }

    fn put(&mut self, gateway: usize, message: Vec<u8>) {
        if self.messages.len() == MESSAGES_MAX {
            self.messages.remove(0);
        }
        self.messages.push((gateway, message));
    }

    pub fn take(&mut self) -> Option<(usize, Vec<u8>)> {
        if self.messages.is_empty() {
            return None;
        }
        let at = if !self.calm && self.dice.percent(25) { self.dice.index(self.messages.len()) } else { 0 };
        Some(self.messages.remove(at))
    }
}
