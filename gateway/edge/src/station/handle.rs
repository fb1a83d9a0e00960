//! How readings reach a station and panels come back.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use zeroize::{Zeroize, Zeroizing};

use crate::panel::{Language, Panel};

/// Readings that may wait for the station. At the bound a console waits; a scanner's line does, too.
pub const READINGS_MAX: usize = 256;
/// Longest idempotency key, in bytes.
pub const KEY_BYTES_MAX: usize = 48;

/// A code that was scanned or typed. Its text may be an identity number: it is wiped after use.
#[derive(Clone)]
pub struct ScanInput {
    /// The text as it came.
    pub text: String,
    /// AIM identifier (`]C1`), where the scanner said it apart from the text.
    pub symbology: Option<String>,
    /// The kind of document that the text is the number of, where the page knows: `passport`. None: not said, or `hk`.
    pub document: Option<String>,
    /// Where it came from: `console`, or the scanner's name.
    pub source: String,
    /// The same key again is the same request: 1 to [`KEY_BYTES_MAX`] visible ASCII characters.
    pub idempotency_key: Option<String>,
}

impl Drop for ScanInput {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl std::fmt::Debug for ScanInput {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ScanInput({} bytes from {})", self.text.len(), self.source)
    }
}

/// Why a reading did not reach the station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefused {
    /// The idempotency key is empty, too long, or not visible ASCII.
    #[error("an Idempotency-Key is 1 to {KEY_BYTES_MAX} visible ASCII characters")]
    BadKey,
    /// The station stops, or has stopped.
    #[error("the station has stopped; start the gateway again")]
    Stopped,
}

/// A station as seen by consoles and drivers. Clones lead to the same one.
#[derive(Clone)]
pub struct StationHandle {
    readings: mpsc::Sender<Reading>,
    panel: watch::Receiver<Arc<Panel>>,
    language: watch::Sender<Language>,
}

/// A scan on its way to the station.
pub(super) struct Reading {
    pub text: Zeroizing<String>,
    pub symbology: Option<String>,
    pub document: Option<String>,
    pub source: String,
    pub key: Option<String>,
    pub arrived: Instant,
    /// Who waits for the panel; a scanner does not.
    pub reply: Option<oneshot::Sender<Arc<Panel>>>,
}

impl StationHandle {
    pub(super) fn new(
        readings: mpsc::Sender<Reading>,
        panel: watch::Receiver<Arc<Panel>>,
        language: watch::Sender<Language>,
    ) -> Self {
        Self { readings, panel, language }
    }

    /// Hands a code to the station and waits for the panel of its own verdict, which comes after the commit.
    ///
    /// # Errors
    /// A key that cannot be one, or a station that has stopped.
    pub async fn scan(&self, input: ScanInput) -> Result<Arc<Panel>, ScanRefused> {
        let (reply, answer) = oneshot::channel();
        self.send(input, Some(reply)).await?;
        answer.await.map_err(|_| ScanRefused::Stopped)
    }

    /// Hands a code to the station; the answer shows on the live panel only.
    ///
    /// # Errors
    /// A key that cannot be one, or a station that has stopped.
    pub async fn tell(&self, input: ScanInput) -> Result<(), ScanRefused> {
        self.send(input, None).await
    }

    /// The live panel: always the latest one.
    pub fn panel(&self) -> watch::Receiver<Arc<Panel>> {
        self.panel.clone()
    }

    /// The counter's language. The command CMD-LANG changes it, and so may a page.
    pub fn language(&self) -> &watch::Sender<Language> {
        &self.language
    }

    async fn send(
        &self,
        mut input: ScanInput,
        reply: Option<oneshot::Sender<Arc<Panel>>>,
    ) -> Result<(), ScanRefused> {
        if input.idempotency_key.as_deref().is_some_and(|key| !is_key(key)) {
            return Err(ScanRefused::BadKey);
        }
        let reading = Reading {
            text: Zeroizing::new(std::mem::take(&mut input.text)),
            symbology: input.symbology.take(),
            document: input.document.take(),
            source: std::mem::take(&mut input.source),
            key: input.idempotency_key.take(),
            arrived: Instant::now(),
            reply,
        };
        self.readings.send(reading).await.map_err(|_| ScanRefused::Stopped)
    }
}

fn is_key(key: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}
