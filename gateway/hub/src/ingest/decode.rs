//! What a message of a gateway means: believed only if its signature holds and its signer is the topic's gateway.

use waypost_core::{
    fact::id::GatewayId,
    wire::{
        express::Express,
        keys::PublicKey,
        sign::OpenError,
        status::{self, Health, Status},
        topic::Up,
        upload::Upload,
    },
};

use crate::{places::Places, store::Job};

/// Longest message that is kept apart when it cannot be believed, in bytes; of a longer one this much.
const APART_BYTES_MAX: usize = 64 * 1024;

/// What stands in an alarm in place of a gateway that the configuration does not list.
const UNLISTED: &str = "unlisted";

/// Reads a message. None where there is nothing to do.
pub(super) fn decode(places: &Places, gateway: &GatewayId, up: Up, message: &[u8]) -> Option<Job> {
    let believed = |signer: &str| (signer == gateway.as_str()).then_some(());
    let key = |signer: &str| -> Option<PublicKey> {
        believed(signer)?;
        places.sign_key(signer)
    };
    let outcome = match up {
        Up::Ledger | Up::Track => {
            Upload::open(message, key).map(|upload| Job::Upload(Box::new(upload), message.to_vec()))
        }
        Up::Alarm => Express::open(message, key).map(|(gateway, express)| Job::Express(gateway, express)),
        Up::Health => return health(places, gateway, message),
        Up::Status => return state(places, gateway, message),
        // Answered by the link: it needs no writer.
        Up::Ask => return None,
    };
    Some(outcome.unwrap_or_else(|error| apart(places, gateway, &error, message)))
}

fn apart(places: &Places, gateway: &GatewayId, error: &OpenError, message: &[u8]) -> Job {
    let kept = message.get(..APART_BYTES_MAX).unwrap_or(message);
    // Whoever can publish can invent names: all of them together raise one alarm.
    let subject = if places.gateway(gateway.as_str()).is_some() { gateway.as_str() } else { UNLISTED };
    Job::Apart(subject.to_owned(), error.to_string(), kept.to_vec())
}

fn health(places: &Places, gateway: &GatewayId, message: &[u8]) -> Option<Job> {
    let health: Health = status::read(message)?;
    let queued = health.queued_ledger.saturating_add(health.queued_track);
    heard(places, gateway, Some(queued), Some(true))
}

fn state(places: &Places, gateway: &GatewayId, message: &[u8]) -> Option<Job> {
    let state: Status = status::read(message)?;
    let queued = state.queued_ledger.saturating_add(state.queued_track);
    // The will was written when the gateway connected: what it says of the queue is old.
    heard(places, gateway, state.online.then_some(queued), Some(state.online))
}

fn heard(places: &Places, gateway: &GatewayId, queued: Option<u64>, online: Option<bool>) -> Option<Job> {
    places.gateway(gateway.as_str())?;
    Some(Job::Heard { gateway: gateway.to_string(), queued, online })
}
