//! The one thread that writes: it takes what waits, commits it together, and only then tells what is held.

use std::thread;

use tokio::sync::mpsc;

use super::{
    apply::Store,
    job::{Applied, Job},
    open::StoreError,
};
use crate::{causes::Causes, clock::Clock};

/// Messages that wait for the writer. When it is full, reading from the broker waits.
pub const QUEUE_MAX: usize = 64;

/// Messages of one commit.
const GROUP_MAX: usize = 32;

/// Commits that may fail one after the other before the hub stops: a full disk does not mend itself by trying.
const FAILURES_MAX: u32 = 5;

/// Takes jobs for the thread.
pub type JobSender = mpsc::Sender<Job>;

/// What happens after each commit, on the writer's thread. It must not wait.
pub type OnCommit = Box<dyn FnMut(Applied) + Send>;

/// Starts the thread. It ends when all senders are dropped, or when it cannot write any more; either way everything
/// that it has taken is committed or was never acknowledged.
pub fn start(
    mut store: Store,
    clock: Clock,
    mut on_commit: OnCommit,
) -> Result<(JobSender, thread::JoinHandle<Result<(), StoreError>>), StoreError> {
    let (sender, mut jobs) = mpsc::channel(QUEUE_MAX);
    let thread = thread::Builder::new().name("store".to_owned()).spawn(move || {
        let mut failures = 0;
        let mut group = Vec::with_capacity(GROUP_MAX);
        while let Some(job) = jobs.blocking_recv() {
            group.clear();
            group.push(job);
            while group.len() < GROUP_MAX
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
            }
            crate::fault::hang_point("before_commit");
            match store.apply(&group, clock.now()) {
                Ok(applied) => {
                    failures = 0;
                    crate::fault::crash_point("after_commit_before_ack", || {
                        applied.held.iter().any(|held| held.held > 0)
                    });
                    on_commit(applied);
                }
                Err(error) => {
                    failures += 1;
                    tracing::error!(error = %Causes(&error), failures, "a commit failed; what it held will come again");
                    if failures >= FAILURES_MAX {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok((sender, thread))
}
