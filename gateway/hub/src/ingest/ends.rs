//! What the link, the questions and the orders that are retained work with.

use std::sync::Arc;

use tokio::sync::watch;

use super::{orders::OrderBook, outbox::Outbox};
use crate::{
    clock::Clock,
    config::Mqtt,
    keys::Keys,
    places::Places,
    store::{view::View, writer::JobSender},
};

/// What the link needs.
pub(crate) struct Ends {
    /// The broker.
    pub mqtt: Mqtt,
    /// To the writer.
    pub jobs: JobSender,
    /// Acknowledgements to be sent.
    pub outbox: Arc<Outbox>,
    /// Orders to be retained.
    pub book: Arc<OrderBook>,
    /// Keys to sign with.
    pub keys: Arc<Keys>,
    /// Whose keys are believed.
    pub places: Arc<Places>,
    /// Signed into every acknowledgement.
    pub clock: Clock,
    /// What the store holds.
    pub view: View,
    /// Whether the broker is reached.
    pub online: watch::Sender<bool>,
}
