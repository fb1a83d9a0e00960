//! A PIN as it is keyed: digits by button, by printed code or typed at once; with two buttons one turns through the
//! digits and the other takes one. No digit that was taken is ever shown: a dot stands for it.

use waypost_core::{
    code::{
        Badge, Zeroizing,
        pin::{PIN_LEN, Pin, PinVerifier},
    },
    rule::{Act, pin::PinProof},
};

use super::{
    command::PinKey,
    screen::{Frame, Screen},
    step::{PinJob, Step},
};
use crate::panel::Message;

/// A badge as it was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// SHA-256 of its code, in lower-case hex.
    pub hash: String,
    /// Its code, for the PIN's verifier and nothing else.
    pub badge: Badge,
}

/// A PIN that is being keyed.
pub struct PinEntry {
    badge: Badge,
    verifier: PinVerifier,
    /// What is asked once it is right.
    act: Act,
    digits: Zeroizing<String>,
    /// Where two buttons stand: a digit, or [`END`].
    turn: u8,
}

/// Behind the digit 9: the PIN is complete.
const END: u8 = 10;

impl PinEntry {
    /// Nothing keyed yet.
    pub fn new(badge: Badge, verifier: PinVerifier, act: Act) -> Self {
        // Never grown: no copy of a digit stays behind.
        let digits = Zeroizing::new(String::with_capacity(*PIN_LEN.end()));
        Self { badge, verifier, act, digits, turn: 0 }
    }

    /// The badge whose PIN is keyed.
    pub fn badge(&self) -> &Badge {
        &self.badge
    }

    /// Takes a key. The step where the PIN is complete, else what to show.
    pub fn key(&mut self, key: PinKey) -> Step {
        match key {
            PinKey::Digit(digit) => self.push(digit),
            PinKey::Clear => self.digits.clear(),
            PinKey::Turn => self.turn = if self.turn == END { 0 } else { self.turn + 1 },
            PinKey::Take if self.turn == END => return self.done(),
            PinKey::Take => self.push(self.turn),
            PinKey::Done => return self.done(),
        }
        Step::Show(self.screen())
    }

    fn push(&mut self, digit: u8) {
        if self.digits.len() < *PIN_LEN.end() {
            self.digits.push(char::from(b'0' + digit.min(9)));
        }
    }

    fn done(&mut self) -> Step {
        match Pin::new(&self.digits) {
            Ok(pin) => self.with(pin),
            Err(_) => {
                self.digits.clear();
                Step::Show(Screen::no(Message::new("no-pin-length")).line(Message::new("next-pin")))
            }
        }
    }

    /// The PIN was typed at once.
    pub fn with(&mut self, pin: Pin) -> Step {
        let (badge, verifier, act) = (self.badge.clone(), self.verifier.clone(), self.act.clone());
        self.digits.clear();
        Step::Pin(Box::new(PinJob { badge, pin, verifier, act }))
    }

    /// What shows while it is keyed.
    pub fn screen(&self) -> Screen {
        Screen::ask(Message::new("ask-pin"))
    }

    /// The keypad. The two buttons take and turn; whoever leaves does so by the page or a printed code.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::new("title-pin", Message::new("ask-pin"));
        let dots = if self.digits.is_empty() { "–".to_owned() } else { "*".repeat(self.digits.len()) };
        frame.lines.push(Message::new("line-pin").text("dots", dots));
        frame = frame.choice("CMD-PIN-TAKE", "choice-pin-take").choice("CMD-PIN-TURN", "choice-pin-turn");
        let turned = match self.turn {
            END => Message::new("choice-pin-done"),
            digit => Message::new("choice-pin-take").number("digit", digit),
        };
        if let Some(take) = frame.choices.first_mut() {
            take.label = turned;
        }
        for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"] {
            frame = frame.choice(&format!("CMD-DIGIT-{digit}"), "choice-digit");
            if let Some(last) = frame.choices.last_mut() {
                last.label = Message::new("choice-digit").text("digit", digit);
            }
        }
        frame
            .choice("CMD-PIN-OK", "choice-pin-done")
            .choice("CMD-PIN-CLEAR", "choice-pin-clear")
            .choice("CMD-PIN-LEAVE", "choice-cancel")
    }
}

/// Whose badge stands for a question: the one whose PIN it needs.
pub fn badge_of(act: &Act) -> Option<&str> {
    match act {
        Act::SignIn { badge, .. } => Some(badge),
        Act::UnlockPin { approval, .. } => Some(approval),
        Act::VoidClaim { approval, .. } => approval.as_deref(),
        Act::Claim { elsewhere, .. } => elsewhere.approval.as_deref(),
        _ => None,
    }
}

/// The same question with what came of the PIN.
pub fn with_proof(mut act: Act, proof: PinProof) -> Act {
    match &mut act {
        Act::SignIn { pin, .. } | Act::UnlockPin { pin, .. } | Act::VoidClaim { pin, .. } => {
            *pin = Some(proof);
        }
        Act::Claim { elsewhere, .. } => elsewhere.pin = Some(proof),
        _ => {}
    }
    act
}
