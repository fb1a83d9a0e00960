//! Enrolment at the counter: a gateway that no hub knows yet takes the one-time code like any other scan.

use std::{path::Path, time::Duration};

use tokio::sync::{mpsc, oneshot};
use waypost_core::wire::enrolment::{BrokerAddress, Code};

use super::ask::{self, EnrolError};
use crate::identity::Identity;

/// Codes that wait at once: the counter asks with one after the other.
const WAITING_MAX: usize = 1;
/// What the counter was told stays on the panel so long, before the gateway goes on with the hub's grant.
const SEEN: Duration = Duration::from_secs(3);

/// Where the counter hands in a code. Clones lead to the same queue.
#[derive(Debug, Clone)]
pub struct EnrolDesk(mpsc::Sender<Asked>);

/// Where codes arrive.
#[derive(Debug)]
pub struct EnrolQueue(mpsc::Receiver<Asked>);

#[derive(Debug)]
struct Asked {
    code: Code,
    hub: String,
    answer: oneshot::Sender<Result<BrokerAddress, EnrolError>>,
}

/// Both ends.
pub fn desk() -> (EnrolDesk, EnrolQueue) {
    let (desk, queue) = mpsc::channel(WAITING_MAX);
    (EnrolDesk(desk), EnrolQueue(queue))
}

impl EnrolDesk {
    /// Asks the hub at `hub` (`host:port`) with a code; gives the broker that it named. None: the gateway stops.
    pub async fn enrol(&self, code: Code, hub: String) -> Option<Result<BrokerAddress, EnrolError>> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Asked { code, hub, answer }).await.ok()?;
        answered.await.ok()
    }
}

impl EnrolQueue {
    /// Asks with each code that comes. Ready once the gateway is enrolled and its counter could see it.
    pub async fn until_enrolled(mut self, data: &Path, identity: &Identity) {
        while let Some(Asked { code, hub, answer }) = self.0.recv().await {
            let granted = ask::enrol(data, identity, &code, &hub).await;
            let is_enrolled = granted.is_ok();
            match &granted {
                Ok(granted) => tracing::info!(hub, ends = %granted.current.ends, "enrolled at the counter"),
                Err(error) => {
                    tracing::warn!(hub, why = %crate::journal::in_one_line(error), "not enrolled")
                }
            }
            // Nobody may wait any more; what was granted is kept all the same.
            let _ = answer.send(granted.map(|granted| granted.broker));
            if is_enrolled {
                return tokio::time::sleep(SEEN).await;
            }
        }
        std::future::pending().await
    }
}
