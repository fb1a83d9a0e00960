//! A person at a gateway: scans, and waits for the panel that answers.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use waypost_drivers::bench::VirtualScanner;

use super::witness::{Seen, Witness};

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
/// Longest event of a panel, in bytes.
const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Pause before a page that lost its gateway looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why a scan has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The gateway went away while the scan was under way: whether it counted will show.
    #[error("{0} went away in the middle of a scan")]
    Gone(String),
    /// No panel answered in time.
    #[error("{0} did not answer a scan within {max} s", max = ANSWER_TIME_MAX.as_secs())]
    TimedOut(String),
    /// The virtual scanner could not send.
    #[error("the scanner of {0} cannot send: {1}")]
    Scanner(String, String),
}

/// A gateway's page, followed.
pub struct Counter {
    /// The gateway's name.
    pub name: String,
    scanner: Arc<VirtualScanner>,
    panel: watch::Receiver<Option<Seen>>,
    witness: Arc<Witness>,
    address: Arc<Mutex<SocketAddr>>,
    follower: JoinHandle<()>,
    client: reqwest::Client,
}

impl Counter {
    /// Follows the panel of a gateway.
    pub fn follow(
        name: &str,
        address: SocketAddr,
        scanner: Arc<VirtualScanner>,
        witness: Arc<Witness>,
    ) -> Self {
        let (seen, panel) = watch::channel(None);
        let address = Arc::new(Mutex::new(address));
        let follower = tokio::spawn(follow(Arc::clone(&address), seen));
        let client = reqwest::Client::new();
        Self { name: name.to_owned(), scanner, panel, witness, address, follower, client }
    }

    /// The gateway listens elsewhere now: it was started anew.
    pub fn moved_to(&self, address: SocketAddr) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Where its console is.
    pub fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The panel, once it is there and fits; none after the longest wait.
    pub async fn until(&self, fits: impl Fn(&Seen) -> bool) -> Option<Seen> {
        let mut panel = self.panel.clone();
        let found = timeout(ANSWER_TIME_MAX, panel.wait_for(|seen| seen.as_ref().is_some_and(&fits))).await;
        found.ok()?.ok()?.clone()
    }

    /// Scans a code and waits for the panel that answers it.
    pub async fn scan(&self, code: &str) -> Result<Seen, NoAnswer> {
        let mut panel = self.panel.clone();
        // The guard of the watch must be gone before the next wait.
        let before = match timeout(ANSWER_TIME_MAX, panel.wait_for(Option::is_some)).await {
            Ok(Ok(seen)) => Some(seen.as_ref().map_or(0, |seen| seen.answered)),
            _ => None,
        };
        let before = before.ok_or_else(|| NoAnswer::TimedOut(self.name.clone()))?;
        self.scanner.scan(code).map_err(|error| NoAnswer::Scanner(self.name.clone(), error.to_string()))?;
        let answered = |seen: &Option<Seen>| match seen {
            None => true,
            Some(seen) => seen.answered > before && seen.tone != "busy",
        };
        let answer = timeout(ANSWER_TIME_MAX, panel.wait_for(answered)).await;
        match answer {
            Ok(Ok(seen)) => match seen.as_ref() {
                Some(seen) => {
                    self.witness.saw(&self.name, seen);
                    Ok(seen.clone())
                }
                None => Err(NoAnswer::Gone(self.name.clone())),
            },
            _ => Err(NoAnswer::TimedOut(self.name.clone())),
        }
    }

    /// Keys something on the counter's page, which sends it; the answer is the panel of its own verdict.
    pub async fn key(&self, body: &serde_json::Value) -> Result<Seen, NoAnswer> {
        let gone = |_| NoAnswer::Gone(self.name.clone());
        let request = self.client.post(format!("http://{}/scan", self.address())).json(body);
        let answer = request.timeout(ANSWER_TIME_MAX).send().await.map_err(gone)?;
        let seen: Seen = answer.error_for_status().map_err(gone)?.json().await.map_err(gone)?;
        self.witness.saw(&self.name, &seen);
        Ok(seen)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Follows the events of a console for ever; while it is away the panel is none.
async fn follow(address: Arc<Mutex<SocketAddr>>, seen: watch::Sender<Option<Seen>>) {
    let client = reqwest::Client::new();
    loop {
        let url = format!("http://{}/events", *address.lock().unwrap_or_else(PoisonError::into_inner));
        if let Ok(answer) = client.get(url).send().await {
            let mut bytes = answer.bytes_stream();
            let mut event = Vec::new();
            while let Some(Ok(part)) = bytes.next().await {
                event.extend_from_slice(&part);
                while let Some(end) = event.windows(2).position(|pair| pair == b"\n\n") {
                    let whole: Vec<u8> = event.drain(..end + 2).collect();
                    if let Some(panel) = read(&whole) {
                        seen.send_replace(Some(panel));
                    }
                }
                if event.len() > EVENT_BYTES_MAX {
                    break;
                }
            }
        }
        seen.send_replace(None);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The data of one server-sent event.
fn read(event: &[u8]) -> Option<Seen> {
    let text = std::str::from_utf8(event).ok()?;
    let data = text.lines().find_map(|line| line.strip_prefix("data:"))?;
    serde_json::from_str(data).ok()
}
