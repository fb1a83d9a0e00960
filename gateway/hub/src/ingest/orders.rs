//! Orders: those laid into `orders/`, and the manifests that the hub makes itself.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Notify;
use waypost_core::{
    fact::{SiteKind, id::GatewayId},
    rule::order::{CampaignTerms, Order, OrderDocument},
    wire::{
        enrolment::Lowest,
        keys::SignKey,
        order::{self, ORDER_BYTES_MAX},
        roles,
        secret_key::SecretPublicKey,
        topic,
    },
};

use crate::{
    causes::Causes,
    enrol::authority::{self, AuthorityError},
    places::{Pairs, Places},
    secrets::{self, Signed},
    store::view::{OnTheRoad, View},
};

/// The folder within the hub's folder.
pub const ORDERS_DIR: &str = "orders";

/// Most files that are read from it.
const FILES_MAX: usize = 1_000;

/// Most bytes of manifests in one order, which goes in parts; what is at a laboratory already is left out first.
const MANIFESTS_BYTES_MAX: usize = ORDER_BYTES_MAX - 48 * 1024;

/// New pairs of gateways are gathered for so long, but for the first ones.
const PAIRS_EVERY: Duration = Duration::from_secs(60);

/// Most versions that a new gateway is told.
const LOWEST_MAX: usize = 200;

/// What is to be retained at the broker, by topic.
#[derive(Default)]
pub(crate) struct OrderBook {
    inner: Mutex<Inner>,
    /// Something is to be published.
    pub news: Notify,
}

/// A message that is to be retained.
#[derive(Debug, Clone)]
pub(crate) struct Retained {
    /// Where.
    pub topic: String,
    /// What, whole.
    pub bytes: Vec<u8>,
    /// Which version of which order; none where it is no order.
    pub version: Option<Lowest>,
}

#[derive(Default)]
struct Inner {
    /// With a number that grows with each change.
    by_topic: BTreeMap<String, (u64, Vec<u8>)>,
    /// Which version of an order stands at a topic.
    versions: BTreeMap<String, Lowest>,
    /// Parts that were published of the order at a topic; none where it went whole.
    parts: BTreeMap<String, u32>,
    changes: u64,
    /// Terms of the campaigns, by id.
    campaigns: BTreeMap<String, CampaignTerms>,
    /// What the folder looked like when it was last read.
    folder: Vec<(String, Option<SystemTime>, u64)>,
    /// To whom secrets were encrypted then.
    secret_keys: Vec<(String, SecretPublicKey)>,
    /// The pairs of campaigns then, and when new ones alone were last a reason to sign anew.
    pairs: Pairs,
    pairs_taken: Option<Instant>,
}

impl Inner {
    /// What stands at a topic from now on.
    fn lay(&mut self, topic: String, bytes: Vec<u8>) {
        self.changes += 1;
        self.by_topic.insert(topic, (self.changes, bytes));
    }
}

impl OrderBook {
    /// What changed after a number, and the number after it. An order comes with its version.
    pub(crate) fn since(&self, number: u64) -> (Vec<Retained>, u64) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = inner.by_topic.iter().filter(|(_, (change, _))| *change > number);
        let retained = changed.map(|(topic, (_, bytes))| Retained {
            topic: topic.clone(),
            bytes: bytes.clone(),
            version: inner.versions.get(topic).cloned(),
        });
        (retained.collect(), inner.changes)
    }

    /// Notes in how many parts an order was published, 0 for whole; in how many it was before.
    pub(crate) fn note_parts(&self, topic: &str, parts: u32) -> u32 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.parts.insert(topic.to_owned(), parts).unwrap_or(0)
    }

    /// In how many parts an order or a filter was published, 0 for whole.
    pub(crate) fn parts(&self, topic: &str) -> u32 {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.parts.get(topic).copied().unwrap_or(0)
    }

    /// Publishes an order of that version.
    pub(crate) fn put(&self, document: &OrderDocument, bytes: &[u8]) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Order::Campaign { terms, .. } = &document.order {
            inner.campaigns.insert(document.id.clone(), terms.clone());
        }
        for topic in order::topics(document) {
            if inner.by_topic.get(&topic).is_none_or(|(_, old)| old != bytes) {
                let (kind, id) = (document.order.kind().to_owned(), document.id.clone());
                let lowest = Lowest { kind, id, epoch: document.epoch, number: document.number };
                inner.versions.insert(topic.clone(), lowest);
                inner.lay(topic, bytes.to_vec());
            }
        }
        self.news.notify_one();
    }

    /// The versions of all orders to a gateway: a new one accepts none below.
    pub(crate) fn lowest(&self, gateway: &GatewayId) -> Vec<Lowest> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let to_all = |topic: &str, lowest: &Lowest| topic == topic::order_to_all(&lowest.kind, &lowest.id);
        let is_for = |topic: &str, lowest: &Lowest| {
            to_all(topic, lowest) || topic == topic::order(gateway, &lowest.kind)
        };
        let versions = inner.versions.iter().filter(|(topic, lowest)| is_for(topic, lowest));
        versions.map(|(_, lowest)| lowest.clone()).take(LOWEST_MAX).collect()
    }

    /// Publishes the root's list of keys, where there is an authority.
    pub(crate) fn read_keys(&self, dir: &Path) {
        match authority::key_roles(dir) {
            Ok((bytes, roles)) => {
                let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                let topic = roles::topic();
                if inner.by_topic.get(&topic).is_none_or(|(_, old)| *old != bytes) {
                    tracing::info!(version = roles.version, "the root's list of keys");
                    inner.lay(topic, bytes);
                    self.news.notify_one();
                }
            }
            Err(AuthorityError::Absent(_)) => {}
            Err(error) => tracing::error!(%error, "the root's list of keys cannot be published"),
        }
    }

    /// The campaigns that are published.
    pub(crate) fn campaigns(&self) -> Vec<CampaignTerms> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.campaigns.values().cloned().collect()
    }

    /// A piece of a filter, which goes in parts.
    pub(crate) fn put_piece(&self, topic: String, bytes: &[u8], version: Lowest) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.versions.insert(topic.clone(), version);
        inner.lay(topic, bytes.to_vec());
        drop(inner);
        self.news.notify_one();
    }

    /// Clears away what is retained at a topic, with its parts: as many as were published, and no less than these.
    pub(crate) fn clear(&self, topic: String, parts: u32) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.versions.remove(&topic);
        let published = inner.parts.entry(topic.clone()).or_default();
        *published = parts.max(*published);
        inner.lay(topic, Vec::new());
        drop(inner);
        self.news.notify_one();
    }

    /// Something signed that is to be retained and is no order of the ordinary kinds.
    pub(crate) fn put_signed(&self, topic: String, bytes: &[u8]) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.by_topic.get(&topic).is_none_or(|(_, old)| old != bytes) {
            inner.lay(topic, bytes.to_vec());
        }
        drop(inner);
        self.news.notify_one();
    }

    /// Reads the folder if anything in it changed, or a gateway has a new key for secrets. A file that is no order is named in the log and left out.
    pub(crate) fn read_folder(&self, dir: &Path, places: &Places, key: &SignKey) {
        let folder = dir.join(ORDERS_DIR);
        let Ok(entries) = fs::read_dir(&folder) else { return };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let data = entry.metadata().ok()?;
                let is_order = name.ends_with(".json") || name.ends_with(".cose");
                (is_order && data.is_file()).then(|| (name, data.modified().ok(), data.len()))
            })
            .take(FILES_MAX)
            .collect();
        files.sort();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let secret_keys = places.secret_keys();
        let pairs = places.pairs();
        if inner.folder == files && inner.secret_keys == secret_keys {
            // Each new pair makes the campaign's order to all gateways anew, and every one of them reads it.
            let waits = inner.pairs_taken.is_some_and(|at| at.elapsed() < PAIRS_EVERY);
            if inner.pairs == pairs || waits {
                return;
            }
            inner.pairs_taken = Some(Instant::now());
        }
        inner.folder.clone_from(&files);
        inner.secret_keys = secret_keys;
        inner.pairs = pairs;
        drop(inner);
        // Where a signed file lies beside its JSON, the signed one is the order.
        let signed = |name: &str| name.strip_suffix(".json").map(|stem| format!("{stem}.cose"));
        for (name, _, bytes) in &files {
            let is_double = signed(name).is_some_and(|cose| files.iter().any(|(other, _, _)| *other == cose));
            if is_double || *bytes > ORDER_BYTES_MAX as u64 {
                continue;
            }
            match read_file(&folder.join(name), places, key) {
                Ok((document, bytes)) => {
                    let (kind, to) = (document.order.kind(), document.to.len());
                    tracing::info!(
                        name,
                        kind,
                        id = document.id,
                        epoch = document.epoch,
                        number = document.number,
                        to,
                        "order"
                    );
                    self.put(&document, &bytes);
                }
                Err(error) => {
                    tracing::error!(name, error, "a file in the orders' folder is no order; it is left out")
                }
            }
        }
    }

    /// Makes the manifests' order anew: for every laboratory and vehicle, all boxes on their way.
    pub(crate) fn make_manifests(&self, road: OnTheRoad, places: &Places, key: &SignKey) {
        let meets = |kind| matches!(kind, SiteKind::Laboratory | SiteKind::Vehicle);
        let to: Vec<_> =
            places.iter().filter(|place| meets(place.kind)).map(|place| place.gateway.to_string()).collect();
        // An empty list would mean everybody; and an order that never said anything needs no word.
        if to.is_empty() || road.number == 0 {
            return;
        }
        let all = road.manifests.len();
        let mut bytes = 0;
        let fitting = road.manifests.into_iter().take_while(|(_, length)| {
            bytes += length + 1;
            bytes <= MANIFESTS_BYTES_MAX
        });
        let boxes: Vec<_> = fitting.map(|(manifest, _)| manifest).collect();
        if boxes.len() < all {
            tracing::error!(
                all,
                sent = boxes.len(),
                "too many boxes for one order: the last ones have no manifest"
            );
        }
        let document = OrderDocument {
            id: "-".to_owned(),
            epoch: road.epoch,
            number: road.number,
            not_before: None,
            expires: None,
            to,
            order: Order::Manifest { boxes },
        };
        match order::sign(&document, key) {
            Ok(bytes) => self.put(&document, &bytes),
            Err(error) => tracing::error!(%error, "the manifests cannot be signed"),
        }
    }
}

/// Reads the manifests and makes the order. Blocks.
pub(crate) fn renew_manifests(book: &OrderBook, view: &View, places: &Places, key: &SignKey) {
    match view.on_the_road() {
        Ok(road) => book.make_manifests(road, places, key),
        Err(error) => {
            tracing::error!(error = %Causes(&error), "the manifests cannot be read")
        }
    }
}

fn read_file(path: &Path, places: &Places, key: &SignKey) -> Result<(OrderDocument, Vec<u8>), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if path.extension().is_some_and(|extension| extension == "cose") {
        let document = order::open(&bytes, &[key.public()]).map_err(|error| error.to_string())?;
        return Ok((document, bytes));
    }
    // serde's message could quote a secret: only the place is told.
    let document: OrderDocument = serde_json::from_slice(&bytes)
        .map_err(|error| format!("not an order, at line {} column {}", error.line(), error.column()))?;
    let Signed { bytes, without_key } =
        secrets::sign(&document, key, places).map_err(|error| error.to_string())?;
    if !without_key.is_empty() && secrets::ending_campaign(&document).is_some() {
        tracing::info!(
            id = document.id,
            ?without_key,
            "these gateways have made no pair for the campaign yet"
        );
    } else if !without_key.is_empty() {
        let (kind, id) = (document.order.kind(), &document.id);
        tracing::warn!(
            kind,
            id,
            ?without_key,
            "these gateways cannot be given the order's secrets: enrol them"
        );
    }
    Ok((document, bytes))
}
