//! A board without pins: tests look at it, and a page can draw it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Board, BoardError, Button, Inputs, Outputs};

/// How often its inputs are read. Whoever clicks waits for two of these.
const POLL: Duration = Duration::from_millis(50);
/// For so many reads a press is held down: one that it is seen, the others that it stands still.
const READS_A_PRESS: u8 = 3;
/// Presses that may wait; more are dropped, as nobody clicks so fast.
pub const PRESSES_MAX: usize = 8;

/// A board in memory. Clones are the same board.
#[derive(Debug, Clone)]
pub struct MemoryBoard {
    outputs: watch::Sender<Outputs>,
    hatch: bool,
    inputs: Arc<Mutex<Hands>>,
}

/// What is done to the board.
#[derive(Debug, Default)]
struct Hands {
    lid_open: Option<bool>,
    presses: VecDeque<Button>,
    /// Reads for which the first press is still held; 0: it is let go of next.
    held: u8,
    /// It was read since it was opened: a button that is down at the first read was not pressed, so a press waits for it.
    read: bool,
    away: Option<String>,
}

impl Default for MemoryBoard {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBoard {
    /// A board at rest, without a lid switch until [`Self::lid`] is called.
    pub fn new() -> Self {
        Self { outputs: watch::Sender::new(Outputs::default()), hatch: false, inputs: Arc::default() }
    }

    /// The same board with a hatch, or without one: for those who draw it.
    #[must_use]
    pub fn with_hatch(self, hatch: bool) -> Self {
        Self { hatch, ..self }
    }

    /// Is there a hatch?
    pub fn has_hatch(&self) -> bool {
        self.hatch
    }

    /// What stands on the outputs, followed live.
    pub fn outputs(&self) -> watch::Receiver<Outputs> {
        self.outputs.subscribe()
    }

    /// Presses a button shortly. Presses come one after the other; beyond [`PRESSES_MAX`] they are dropped.
    pub fn press(&self, button: Button) {
        let mut hands = self.hands();
        if hands.presses.len() < PRESSES_MAX {
            hands.presses.push_back(button);
        }
    }

    /// Opens or closes the lid.
    pub fn lid(&self, open: bool) {
        self.hands().lid_open = Some(open);
    }

    /// Takes the board away, with the reason that its driver will give, or brings it back.
    pub fn take_away(&self, reason: Option<&str>) {
        self.hands().away = reason.map(str::to_owned);
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_there(&self) -> Result<(), BoardError> {
        self.hands().away.clone().map_or(Ok(()), |reason| Err(BoardError::Away(reason)))
    }
}

impl Board for MemoryBoard {
    fn open(&mut self) -> Result<(), BoardError> {
        self.is_there()?;
        self.hands().read = false;
        self.outputs.send_replace(Outputs::default());
        Ok(())
    }

    fn write(&mut self, outputs: &Outputs) -> Result<(), BoardError> {
        self.is_there()?;
        self.outputs.send_replace(*outputs);
        Ok(())
    }

    fn read(&mut self) -> Result<Inputs, BoardError> {
        self.is_there()?;
        let mut hands = self.hands();
        let mut inputs = Inputs { lid_open: hands.lid_open, ..Inputs::default() };
        if !std::mem::replace(&mut hands.read, true) {
            return Ok(inputs);
        }
        // Held for some reads, then let go of for as many, so that two presses are two.
        hands.held = hands.held.saturating_add(u8::from(!hands.presses.is_empty()));
        if hands.held > READS_A_PRESS * 2 {
            hands.presses.pop_front();
            hands.held = u8::from(!hands.presses.is_empty());
        }
        if (1..=READS_A_PRESS).contains(&hands.held) {
            match hands.presses.front() {
                Some(Button::Yes) => inputs.yes = true,
                Some(Button::No) => inputs.no = true,
                None => {}
            }
        }
        Ok(inputs)
    }

    fn poll_every(&self) -> Option<Duration> {
        Some(POLL)
    }
}
