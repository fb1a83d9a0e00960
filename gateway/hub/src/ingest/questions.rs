//! Questions of gateways about a person, and what the hub answers.
//!
//! A question that cannot be answered at once is dropped: nobody waits for it longer than a moment. Its bound is
//! [`QUESTIONS_MAX`].

use waypost_core::{
    fact::{WallTime, id::GatewayId},
    rule::elsewhere::HubSays,
    wire::{
        ask::{Answer, Ask},
        topic,
    },
};

use super::ends::Ends;
use crate::{causes::Causes, store::view::View};

/// Questions that wait for their answers.
pub(super) const QUESTIONS_MAX: usize = 256;

/// Reads a question: believed if its signature holds and its signer is the topic's gateway.
pub(super) fn read(ends: &Ends, gateway: &GatewayId, message: &[u8]) -> Option<(GatewayId, Ask)> {
    let key = |signer: &str| if signer == gateway.as_str() { ends.places.sign_key(signer) } else { None };
    match Ask::open(message, key) {
        Ok(asked) => Some(asked),
        Err(error) => {
            tracing::warn!(%gateway, %error, "a question that is not believed");
            None
        }
    }
}

/// The answer as it is published, with its topic; none where the store cannot be read: the gateway goes on without.
pub(super) async fn answer(ends: &Ends, gateway: GatewayId, ask: Ask) -> Option<(String, Vec<u8>)> {
    let (view, now) = (ends.view.clone(), ends.clock.now());
    let made = tokio::task::spawn_blocking(move || make(&view, ask, now)).await.ok()?;
    match made?.sign(&ends.keys.order) {
        Ok(bytes) => Some((topic::answer(&gateway), bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be signed");
            None
        }
    }
}

fn make(view: &View, ask: Ask, time: WallTime) -> Option<Answer> {
    let Ask { id, journal, campaign, claim } = ask;
    match view.served_elsewhere((&campaign, &claim), journal) {
        Ok(served) => Some(Answer { id, time, says: HubSays { served } }),
        Err(error) => {
            tracing::error!(error = %Causes(&error), "a question cannot be answered");
            None
        }
    }
}
