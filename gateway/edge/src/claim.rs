//! The thread that makes claim tokens: one at a time, as each takes memory and tens of milliseconds. It also looks each
//! person up in the filters of claims at other offices, which lie on the card.
//!
//! Its queue has [`QUEUE_MAX`] places. Whoever fills it waits: a station reads no more documents until there is room.

use std::{io, thread, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use waypost_core::{
    code::claim::{ClaimError, ClaimHasher, ClaimToken},
    rule::elsewhere::Elsewhere,
};
use zeroize::Zeroizing;

use crate::{
    filter::Filters,
    station::step::{HashJob, Hashed, Purpose},
    sync::Secrets,
};

/// Claims that may wait for their tokens.
pub const QUEUE_MAX: usize = 16;

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashFailure {
    /// The campaign's key is not here.
    #[error("the key of the campaign is not here")]
    NoKey,
    /// The campaign's parameters are out of bounds.
    #[error("claim parameters out of bounds")]
    Params(#[from] ClaimError),
}

/// A job that is done.
pub struct Done<T> {
    /// The job.
    pub job: HashJob,
    /// What it belongs to.
    pub ticket: T,
    /// Its tokens.
    pub hashed: Result<Hashed, HashFailure>,
    /// How long the hash itself took.
    pub took: Duration,
}

/// Starts the thread. It ends when nobody sends any more, or nobody listens.
///
/// # Errors
/// The system has no thread to give.
pub fn start<T: Send + 'static>(
    secrets: watch::Receiver<Secrets>,
    filters: Option<Filters>,
    done: mpsc::Sender<Done<T>>,
) -> io::Result<mpsc::Sender<(HashJob, T)>> {
    let (jobs, mut queue) = mpsc::channel::<(HashJob, T)>(QUEUE_MAX);
    thread::Builder::new().name("claims".to_owned()).spawn(move || {
        let mut hasher = ClaimHasher::default();
        while let Some((job, ticket)) = queue.blocking_recv() {
            let began = Instant::now();
            let mut hashed = hash(&mut hasher, &job, &secrets);
            let took = began.elapsed();
            if let (Ok(hashed), Some(filters), Purpose::Serve) = (&mut hashed, &filters, &job.purpose) {
                hashed.elsewhere.filters = filters.ask(&job.campaign, hashed.person);
            }
            if done.blocking_send(Done { job, ticket, hashed, took }).is_err() {
                return;
            }
        }
    })?;
    Ok(jobs)
}

fn hash(
    hasher: &mut ClaimHasher,
    job: &HashJob,
    secrets: &watch::Receiver<Secrets>,
) -> Result<Hashed, HashFailure> {
    let key = secrets.borrow().campaigns.get(&job.campaign).and_then(|key| key.bytes::<32>());
    let key = Zeroizing::new(key.ok_or(HashFailure::NoKey)?);
    let mut token = |document| -> Result<ClaimToken, HashFailure> {
        Ok(hasher.token(&key, job.campaign.as_str(), document, job.params)?)
    };
    let (person, proxy) = (token(&job.person)?, job.proxy.as_ref().map(token).transpose()?);
    Ok(Hashed { person, proxy, elsewhere: Elsewhere::default() })
}
