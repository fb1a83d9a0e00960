//! The thread that compares badges and PINs with their verifiers: each takes memory and tens of milliseconds.
//!
//! Its queue has [`QUEUE_MAX`] places; a station asks for one at a time and reads nothing until it is answered.

use std::{io, thread};

use tokio::sync::mpsc;

use crate::station::step::PinJob;

/// Comparisons that may wait.
pub const QUEUE_MAX: usize = 2;

/// A comparison that is done.
pub struct Compared<T> {
    /// What was asked.
    pub job: Box<PinJob>,
    /// What it belongs to.
    pub ticket: T,
    /// They were the right ones; none where the verifier cannot be computed.
    pub right: Option<bool>,
}

/// Starts the thread. It ends when nobody sends any more, or nobody listens.
///
/// # Errors
/// The system has no thread to give.
pub fn start<T: Send + 'static>(
    done: mpsc::Sender<Compared<T>>,
) -> io::Result<mpsc::Sender<(Box<PinJob>, T)>> {
    let (jobs, mut queue) = mpsc::channel::<(Box<PinJob>, T)>(QUEUE_MAX);
    thread::Builder::new().name("pins".to_owned()).spawn(move || {
        while let Some((job, ticket)) = queue.blocking_recv() {
            let right = job.verifier.holds(&job.badge, &job.pin).ok();
            if done.blocking_send(Compared { job, ticket, right }).is_err() {
                return;
            }
        }
    })?;
    Ok(jobs)
}
