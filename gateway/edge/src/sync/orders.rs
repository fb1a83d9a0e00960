//! Orders: from the broker, or laid into `<data>/orders/` by hand. Either way the signature decides.
//!
//! Their secrets are encrypted to this gateway; they are opened here, given out in memory, and written down only as the
//! [`Keeper`] encrypts them anew. What is refused is counted and raised, see [`refused`](super::refused).

mod campaigns;

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use waypost_core::{
    fact::id::GatewayId,
    rule::{
        Act, Already, Refusal,
        order::{Order, OrderDocument},
        order_check,
        row::OrderRow,
    },
    wire::{
        order::{self, ORDER_BYTES_MAX, OpenSecretsError},
        part::{self, JoinError, Joiner, Part, PartHeader},
        roles,
    },
};

use self::campaigns::{Campaigns, Pair};
use super::{
    Parts, Secrets, SyncConfig,
    refused::{Reason, Refused},
};
use crate::{
    clock::Clock,
    filter::{Filters, PieceError},
    journal::{Reader, Request, RequestId, Verdict, Writer},
    secret::{Keeper, KeeperError},
};

/// Most files of a directory that are looked at; the first by name.
const FILES_MAX: usize = 256;

/// Takes orders in.
pub struct Orders {
    gateway: GatewayId,
    pub(super) config: SyncConfig,
    dir: PathBuf,
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) secrets: watch::Sender<Secrets>,
    pub(super) keeper: Keeper,
    pub(super) refused: Refused,
    pub(super) clock: Clock,
    /// Files that were read, as they were then.
    seen: HashMap<PathBuf, Stamp>,
    /// Campaigns whose keys wait for a badge, and their end.
    campaigns: Campaigns,
    /// Orders of which some parts are here.
    joiner: Mutex<Joiner>,
    /// None where no claims are served.
    filters: Option<Filters>,
}

impl Orders {
    /// Takes orders signed by the configured keys. Files are read from `<data>/orders/`.
    pub fn new(config: &SyncConfig, parts: &Parts) -> Self {
        Self {
            gateway: config.gateway.clone(),
            config: config.clone(),
            dir: config.data.join("orders"),
            writer: parts.writer.clone(),
            reader: parts.reader.clone(),
            secrets: parts.secrets.clone(),
            keeper: parts.keeper.clone(),
            refused: Refused::new(parts),
            clock: parts.clock.clone(),
            seen: HashMap::new(),
            campaigns: Campaigns::default(),
            joiner: Mutex::default(),
            filters: parts.filters.clone(),
        }
    }

    /// Gives out the secrets of the orders in force.
    pub async fn load_secrets(&self) {
        let (reader, keeper) = (self.reader.clone(), self.keeper.clone());
        let load = move || reader.orders().map(|orders| Secrets::of_orders(orders, &keeper));
        match tokio::task::spawn_blocking(load).await {
            Ok(Ok(secrets)) => drop(self.secrets.send_replace(secrets)),
            Ok(Err(error)) => tracing::error!(%error, "the keys of orders cannot be read"),
            Err(_) => tracing::error!("the thread that reads orders ended"),
        }
    }

    /// Takes up the filters in force.
    pub async fn load_filters(&self) {
        let Some(filters) = self.filters.clone() else { return };
        let reader = self.reader.clone();
        match tokio::task::spawn_blocking(move || filters.load(&reader)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the filters in force cannot be read"),
            Err(_) => tracing::error!("the thread that reads filters ended"),
        }
    }

    /// Takes a message that came at a topic of filters: a part of a piece.
    pub async fn hear_piece(&self, bytes: &[u8], topic: &str) {
        let Some(filters) = self.filters.clone() else { return };
        let part = match Part::open(bytes, &self.config.order_keys()) {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!(%error, topic, "a part of a filter was refused");
                self.refused.note(Reason::of(&error.into())).await;
                return;
            }
        };
        match tokio::task::spawn_blocking(move || filters.take(&part)).await {
            Ok(Ok(ready)) => {
                for list in ready {
                    self.take(&list, topic).await;
                }
            }
            Ok(Err(PieceError::Io(error))) => tracing::error!(%error, topic, "a filter cannot be written"),
            Ok(Err(error)) => {
                tracing::warn!(%error, topic, "a piece of a filter was refused");
                self.refused.note(Reason::Content).await;
            }
            Err(_) => tracing::error!("the thread that keeps filters ended"),
        }
    }

    /// Takes one message that came at a topic of orders: an order, or a part of one.
    pub async fn hear(&self, bytes: &[u8], topic: &str) {
        if !part::is_topic(topic) {
            return self.take(bytes, topic).await;
        }
        let part = match Part::open(bytes, &self.config.order_keys()) {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!(%error, topic, "a part of an order was refused");
                self.refused.note(Reason::of(&error.into())).await;
                return;
            }
        };
        // Of an order that was replaced the broker may still keep parts; that is no attack.
        if self.is_replaced(&part).await {
            tracing::debug!(topic, "a part of an order that was replaced");
            return;
        }
        let joined = self.joiner.lock().unwrap_or_else(PoisonError::into_inner).take(part);
        match joined {
            Ok(Some(whole)) => self.take(&whole, topic).await,
            Ok(None) => {}
            Err(JoinError::Older) => tracing::debug!(topic, "a part of an older version"),
            Err(error) => {
                tracing::warn!(%error, topic, "an order in parts was refused");
                self.refused.note(Reason::Form).await;
            }
        }
    }

    /// Is a newer version in force than the one that this part is of?
    async fn is_replaced(&self, part: &Part) -> bool {
        let PartHeader { kind, id, epoch, number, .. } = &part.header;
        let (reader, row) = (self.reader.clone(), format!("{kind}/{id}"));
        let version = OrderRow { epoch: *epoch, number: *number };
        let held = tokio::task::spawn_blocking(move || reader.row::<OrderRow>(&row)).await;
        matches!(held, Ok(Ok(Some(held))) if held > version)
    }

    /// Takes one signed order. What is not believed, not for this gateway or older is logged and changes nothing.
    pub async fn take(&self, bytes: &[u8], from: &str) {
        if from == roles::topic() {
            return self.take_keys(bytes).await;
        }
        let keys = self.config.order_keys();
        let mut key = Arc::clone(&self.config.secret_key);
        match self.pair_for(bytes, &keys, from).await {
            Pair::None => {}
            Pair::Its(pair) => key = Arc::new(pair),
            Pair::Nothing => return,
        }
        let document = match order::open_sealed(bytes, &keys, &self.gateway, &key) {
            Ok(document) => document,
            // Each gateway sees the orders to all; not every one needs their secrets.
            Err(OpenSecretsError::ForOthers) => {
                tracing::debug!(from, "an order whose secrets are for others");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, from, "an order was refused");
                self.refused.note(Reason::of(&error)).await;
                return;
            }
        };
        if !order::is_for(&document, &self.gateway) {
            tracing::debug!(from, "an order for others");
            return;
        }
        if self.config.enrolment.as_ref().is_some_and(|enrolment| enrolment.is_too_old(&document)) {
            tracing::warn!(
                kind = document.order.kind(),
                id = document.id,
                from,
                "an order from before the enrolment was refused"
            );
            self.refused.note(Reason::Older).await;
            return;
        }
        let (kind, id) = (document.order.kind(), document.id.clone());
        // The same bytes are the same request, whichever way and however often they come.
        let digest: String =
            Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let Ok(request_id) = RequestId::new(format!("order-{digest}")) else { return };
        // Before its secrets are put away: afterwards nobody could tell whether they are keys.
        if let Err(why) = order_check::check(&document) {
            tracing::warn!(kind, id, why, from, "an order was refused");
            self.refused.note(Reason::Content).await;
            return;
        }
        if !self.is_whole(&document, bytes).await {
            tracing::debug!(kind, id, from, "a filter waits for its pieces, or is not used here");
            return;
        }
        let kept = match self.put_away(&document).await {
            PutAway::Kept(kept) => kept,
            PutAway::Waits => return self.wait_for_badge(bytes, from),
            PutAway::Failed => return,
        };
        let act = Act::ApplyOrder { document: kept };
        match self.writer.ask(Request { id: request_id, by: None, act }).await {
            Verdict::Granted { repeated: true, .. } => self.taken_before(document, from).await,
            Verdict::Granted { first, .. } => {
                // A filter comes every few minutes.
                if first > 0 || !matches!(document.order, Order::Filter { .. }) {
                    tracing::info!(kind, id, first, from, "an order came into force");
                }
                self.give_out(document).await;
            }
            Verdict::Already(Already::CampaignEnded) => {
                tracing::debug!(kind, id, from, "an order of a campaign that is over");
                if let Order::Campaign { terms, .. } = &document.order {
                    self.destroy(terms.id.as_str()).await;
                }
            }
            Verdict::Already(Already::OrderInForce) => {
                tracing::debug!(kind, id, from, "the order is in force");
                self.give_out(document).await;
            }
            Verdict::Already(_) => {}
            Verdict::Refused(refusal) => {
                tracing::warn!(kind, id, ?refusal, from, "an order was refused");
                let older = matches!(refusal, Refusal::OrderOlder { .. });
                self.refused.note(if older { Reason::Older } else { Reason::Content }).await;
            }
            Verdict::Failed(failure) => tracing::error!(kind, id, %failure, from, "an order was not written"),
        }
    }

    /// Takes an order that waited. Boxed, as it may wait again.
    pub(super) fn take_again<'a>(&'a self, bytes: &'a [u8], from: &'a str) -> BoxFuture<'a, ()> {
        self.take(bytes, from).boxed()
    }

    /// The order as it may be written down.
    async fn put_away(&self, document: &OrderDocument) -> PutAway {
        let (keeper, mut kept) = (self.keeper.clone(), document.clone());
        let put = move || keeper.put_away(&mut kept).map(|()| kept);
        match tokio::task::spawn_blocking(put).await {
            Ok(Ok(kept)) => PutAway::Kept(Box::new(kept)),
            Ok(Err(KeeperError::WaitsForBadge)) => PutAway::Waits,
            Ok(Err(error)) => {
                let (kind, id) = (document.order.kind(), &document.id);
                tracing::error!(kind, id, %error, "an order's keys cannot be put away; it is not taken");
                PutAway::Failed
            }
            Err(_) => PutAway::Failed,
        }
    }

    /// The very same message was granted once. It may be the order in force, or yesterday's, sent again.
    async fn taken_before(&self, document: OrderDocument, from: &str) {
        let (reader, row) = (self.reader.clone(), format!("{}/{}", document.order.kind(), document.id));
        let held = tokio::task::spawn_blocking(move || reader.row::<OrderRow>(&row)).await;
        let version = OrderRow { epoch: document.epoch, number: document.number };
        match held {
            Ok(Ok(Some(held))) if held > version => {
                let (kind, id) = (document.order.kind(), &document.id);
                tracing::warn!(kind, id, from, "an order that was replaced came again");
                self.refused.note(Reason::Older).await;
            }
            // Its keys may not have opened at the start.
            Ok(Ok(Some(held))) if held == version => self.give_out(document).await,
            _ => {}
        }
    }

    /// Is all here that the order needs? A filter needs its pieces.
    async fn is_whole(&self, document: &OrderDocument, message: &[u8]) -> bool {
        let Order::Filter { list } = &document.order else { return true };
        let Some(filters) = self.filters.clone() else { return false };
        let (list, version) = (list.clone(), (document.epoch, document.number));
        let message = message.to_vec();
        tokio::task::spawn_blocking(move || filters.is_whole(&list, version, &message)).await.unwrap_or(false)
    }

    /// What came into force is given out: keys to those who need them, a filter to those who ask it.
    async fn give_out(&self, document: OrderDocument) {
        if let Order::Filter { list } = document.order {
            let Some(filters) = self.filters.clone() else { return };
            let version = (document.epoch, document.number);
            let brought = tokio::task::spawn_blocking(move || filters.bring_into_force(list, version)).await;
            if brought.is_err() {
                tracing::error!("the thread that keeps filters ended");
            }
            return;
        }
        self.secrets.send_if_modified(|secrets| {
            let before = secrets.clone();
            secrets.add(document);
            *secrets != before
        });
    }

    /// What was refused since the start.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Takes the root's list of keys. A gateway that was not enrolled pins no root: its keys stand in its configuration.
    async fn take_keys(&self, bytes: &[u8]) {
        let Some(enrolment) = self.config.enrolment.clone() else { return };
        let bytes = bytes.to_vec();
        match tokio::task::spawn_blocking(move || enrolment.trust().take(&bytes)).await {
            Ok(Ok(true)) => tracing::info!("a new list of the hub's keys is in force"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a list of keys was refused");
                self.refused.note(Reason::Keys).await;
            }
            Err(_) => tracing::error!("the thread that keeps the list of keys ended"),
        }
    }

    /// Takes the files that are new or changed since the last look, in order of name.
    pub async fn take_files(&mut self) {
        self.take_waiting().await;
        self.end_campaigns_alone().await;
        let (dir, seen) = (self.dir.clone(), self.seen.clone());
        let found = tokio::task::spawn_blocking(move || new_files(&dir, &seen)).await;
        for (path, stamp) in found.unwrap_or_default() {
            self.seen.insert(path.clone(), stamp);
            let name = path.to_string_lossy().into_owned();
            match tokio::task::spawn_blocking(move || read(&path)).await {
                Ok(Ok(bytes)) => self.take(&bytes, &name).await,
                Ok(Err(error)) => tracing::warn!(%error, name, "an order cannot be read"),
                Err(_) => tracing::error!(name, "the thread that reads orders ended"),
            }
        }
    }
}

/// What came of encrypting an order for the card.
enum PutAway {
    Kept(Box<OrderDocument>),
    /// Its key is to be under a badge, and none was scanned yet.
    Waits,
    Failed,
}

/// When a file was last changed, and its size.
type Stamp = (SystemTime, u64);

fn new_files(dir: &Path, seen: &HashMap<PathBuf, Stamp>) -> Vec<(PathBuf, Stamp)> {
    // No directory: nothing was laid there.
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "cose")).collect();
    paths.sort();
    paths.truncate(FILES_MAX);
    let with_stamp = paths.into_iter().filter_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let stamp = (metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len());
        (seen.get(&path) != Some(&stamp)).then_some((path, stamp))
    });
    with_stamp.collect()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough for the refusal.
    File::open(path)?.take(ORDER_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
