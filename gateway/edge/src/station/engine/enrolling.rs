//! A hub's code at a counter that has no hub yet. Work goes on while the hub is asked.

use futures_util::FutureExt as _;
use waypost_core::wire::enrolment::{BrokerAddress, Code};

use super::{super::screen::Screen, Engine, Ticket, display::Took};
use crate::{
    enrol::EnrolError,
    panel::{Message, Tone},
};

/// What the hub said to a code.
pub struct Enrolling {
    ticket: Ticket,
    hub: String,
    answer: Option<Result<BrokerAddress, EnrolError>>,
}

impl Engine {
    /// Asks the hub that the code names.
    pub(super) fn enrol(&mut self, code: Result<Code, Screen>, ticket: Ticket) {
        let screen = match (&self.parts.enrolment, code) {
            (None, _) => Screen::no(Message::new("enrol-has-hub")).line(Message::new("next-enrol-has-hub")),
            (Some(_), Err(wrong)) => wrong,
            (Some(_), Ok(_)) if !self.enrolling.is_empty() => Screen::no(Message::new("enrol-under-way")),
            (Some(_), Ok(Code { address: None, .. })) => {
                Screen::no(Message::new("enrol-no-address")).line(Message::new("next-enrol-code"))
            }
            (Some(desk), Ok(mut code)) => {
                let desk = desk.clone();
                let hub = code.address.take().unwrap_or_default();
                self.show(busy(&hub), Took::default());
                let ask = async move {
                    let answer = desk.enrol(code, hub.clone()).await;
                    Enrolling { ticket, hub, answer }
                };
                return self.enrolling.push(ask.boxed());
            }
        };
        self.finish(screen, ticket, false);
    }

    /// The hub answered, or nobody did.
    pub(super) fn enrolled(&mut self, Enrolling { ticket, hub, answer }: Enrolling) {
        let screen = match answer {
            Some(Ok(broker)) => {
                self.parts.enrolment = None;
                let broker = format!("{}:{}", broker.host, broker.port);
                Screen::yes(Message::new("yes-enrolled"))
                    .line(Message::new("line-enrol-broker").text("broker", broker))
            }
            Some(Err(error)) => refused(&error, &hub),
            None => Screen::no(Message::new("enrol-failed")),
        };
        self.finish(screen, ticket, false);
    }

    /// What the panel says for as long as there is no hub.
    pub(super) fn line_of_enrolment(&self) -> Option<Message> {
        self.parts.enrolment.as_ref().map(|_| Message::new("line-enrol-none"))
    }
}

fn busy(hub: &str) -> Screen {
    Screen::new(Tone::Busy, Message::new("busy-enrol").text("hub", hub))
}

fn refused(error: &EnrolError, hub: &str) -> Screen {
    let (main, next) = match error {
        EnrolError::Away(..) => ("enrol-away", "next-enrol-away"),
        EnrolError::Refused(word) => match word.as_str() {
            "code" => ("enrol-code-refused", "next-enrol-new-code"),
            "unknown" | "revoked" | "proof" => ("enrol-not-listed", "next-enrol-not-listed"),
            "busy" => ("enrol-busy", "next-enrol-again"),
            _ => ("enrol-failed", "next-enrol-log"),
        },
        EnrolError::NoHub | EnrolError::Answer(_) => ("enrol-not-believed", "next-enrol-other-hub"),
        _ => ("enrol-failed", "next-enrol-log"),
    };
    Screen::no(Message::new(main).text("hub", hub)).line(Message::new(next))
}
