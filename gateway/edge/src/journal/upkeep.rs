//! Prunes what is old enough, beside the work: first a snapshot of the ledger, then the records, a few at a time, so that
//! no verdict waits long.

use std::{path::PathBuf, time::Duration};

use tokio::time::sleep;

use super::{JournalError, JournalFailure, Reader, Snapshot, Writer, write_snapshot};

/// Between two prunes, in real time, so that verdicts come first.
const PAUSE: Duration = Duration::from_millis(50);

/// What is to be kept, and how often it is looked at.
#[derive(Debug, Clone)]
pub struct Upkeep {
    /// The journal's directory.
    pub dir: PathBuf,
    /// Records are kept for so long, in milliseconds of the hub's time since it had them in a second copy.
    pub keep_ms: i64,
    /// Between two looks, in real time.
    pub every: Duration,
}

/// Why nothing was pruned.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The snapshot could not be made.
    #[error("no snapshot of the ledger could be made, so nothing is pruned")]
    Snapshot(#[source] JournalError),
    /// The writer could not prune.
    #[error("records that are old enough could not be pruned")]
    Prune(#[source] JournalFailure),
    /// The thread of the snapshot ended by itself.
    #[error("the snapshot's thread ended by itself")]
    Ended,
}

impl Upkeep {
    /// Looks after the journal until the writer is stopped. What goes wrong is logged, and tried again with the next look.
    pub async fn run(self, writer: Writer) {
        loop {
            sleep(self.every).await;
            match self.look(&writer).await {
                Ok(Some((through, _))) => {
                    tracing::info!(through, "old records were pruned; the hub has them")
                }
                Ok(None) => {}
                Err(UpkeepError::Prune(JournalFailure::Stopped)) => return,
                Err(error) => tracing::warn!(error = super::error::chain(&error), "no upkeep"),
            }
        }
    }

    /// Prunes what is old enough now. Gives the number up to which it did, and the snapshot that was made before.
    ///
    /// # Errors
    /// Nothing, or only a part, was pruned; what was acknowledged and is not pruned stays.
    pub async fn look(&self, writer: &Writer) -> Result<Option<(u64, Snapshot)>, UpkeepError> {
        let (from, through) = writer.prunable(self.keep_ms).await.map_err(UpkeepError::Prune)?;
        if through <= from {
            return Ok(None);
        }
        let dir = self.dir.clone();
        let made = tokio::task::spawn_blocking(move || write_snapshot(&Reader::open(&dir)?, &dir)).await;
        let snapshot = made.map_err(|_| UpkeepError::Ended)?.map_err(UpkeepError::Snapshot)?;
        let mut pruned = from;
        while pruned < through {
            let next = writer.prune(through).await.map_err(UpkeepError::Prune)?;
            if next <= pruned {
                break;
            }
            pruned = next;
            sleep(PAUSE).await;
        }
        Ok(Some((pruned, snapshot)))
    }
}
