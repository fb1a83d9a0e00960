//! The whole hub: store, link to the broker, orders, pages.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot, watch},
};

use crate::{
    clock::Clock,
    config::Config,
    enrol::{
        registry::Registry,
        serve::{self, Office},
    },
    filters::Filters,
    http::{self, Shared},
    ingest::{
        ends::Ends,
        link,
        orders::{self, OrderBook},
        outbox::Outbox,
    },
    keys::{Keys, KeysError},
    places::Places,
    restore::Restores,
    store::{
        Applied, Job, Store, StoreError,
        view::View,
        writer::{self, JobSender},
    },
};

/// The file within the hub's folder that says where its pages are, from when they answer.
pub const ADDRESS_FILE: &str = "http.addr";

/// How often the timers and the orders' folder are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How long changes of manifests are gathered before they are sent.
const MANIFEST_PAUSE: Duration = Duration::from_millis(300);

/// Why the hub cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The address for enrolment.
    #[error(
        "gateways cannot be enrolled at {0}: is another program there, or is it no address of this machine?"
    )]
    EnrolListen(SocketAddr, #[source] io::Error),
    /// The pages.
    #[error("the pages cannot be served at {0}: is another program there, or the port not free?")]
    Listen(SocketAddr, #[source] io::Error),
}

/// A hub that is up.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// Where its pages are.
    pub http_addr: SocketAddr,
    /// The store's epoch at the start.
    pub epoch: u64,
}

/// Called with each commit of the store. One is made every second, though nothing comes: while it is called, the hub's
/// tasks and its store move.
pub type Beat = Box<dyn Fn() + Send>;

/// Runs until `shutdown` completes or the store can no longer be written. `up` is told once the pages answer.
pub async fn run(
    config: Config,
    up: Option<oneshot::Sender<Running>>,
    beat: Beat,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let keys = Arc::new(Keys::read(&config.dir)?);
    let places = Arc::new(Places::new(config.places));
    let pair_within_ms = i64::try_from(config.pair_within.as_millis()).unwrap_or(i64::MAX);
    let store = Store::open(&config.dir, Arc::clone(&places), config.clock.now(), pair_within_ms)?;
    let epoch = store.epoch();
    let view = View::open(&config.dir, Arc::clone(&places))?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| RunError::Listen(config.http.listen, error))?;
    let http_addr = listener.local_addr().map_err(|error| RunError::Listen(config.http.listen, error))?;

    tell_address(&config.dir, http_addr);
    let registry = Registry::new(&config.dir);
    places.refresh(&registry);
    let book = Arc::new(OrderBook::default());
    let office = match config.enrol {
        Some(settings) => {
            let listen = settings.listen;
            let listener =
                TcpListener::bind(listen).await.map_err(|error| RunError::EnrolListen(listen, error))?;
            tracing::info!(%listen, "gateways are enrolled");
            let (dir, registry) = (config.dir.clone(), registry.clone());
            let (places, book) = (Arc::clone(&places), Arc::clone(&book));
            let (keys, clock) = (Arc::clone(&keys), config.clock);
            Some((listener, Office { settings, dir, registry, places, book, keys, clock }))
        }
        None => None,
    };
    let enrolling = async move {
        if let Some((listener, office)) = office {
            serve::serve(listener, office).await;
        }
        std::future::pending::<()>().await;
    };
    let outbox = Arc::new(Outbox::default());
    let manifests = Arc::new(Notify::new());
    let (changes, changed) = watch::channel(0);
    let (online, is_online) = watch::channel(false);
    let on_commit = on_commit(Arc::clone(&outbox), Arc::clone(&manifests), changes, beat);
    let (jobs, writer) = writer::start(store, config.clock, on_commit)?;

    let restores = Restores::new(View::open(&config.dir, Arc::clone(&places))?);
    let filters =
        Filters::new(View::open(&config.dir, Arc::clone(&places))?, &config.dir, config.filters_every);
    let desk = Desk {
        book: Arc::clone(&book),
        filters: Mutex::new(filters),
        clock: config.clock,
        restores: Mutex::new(restores),
        dir: config.dir,
        registry,
        view: view.clone(),
        places: Arc::clone(&places),
        keys: Arc::clone(&keys),
    };
    let orders = tend_orders(Arc::new(desk), manifests);
    let ends = Ends {
        mqtt: config.mqtt,
        jobs: jobs.clone(),
        outbox,
        book,
        keys,
        places,
        clock: config.clock,
        view: view.clone(),
        online,
    };
    let shared = Shared::new(view, config.clock, config.http.zone, changed, is_online, http_addr);
    let pages = axum::serve(listener, http::router(Arc::new(shared)));
    tracing::info!(%http_addr, epoch, "hub is up");
    if let Some(up) = up {
        let _nobody_may_wait = up.send(Running { http_addr, epoch });
    }
    tokio::select! {
        () = shutdown => {}
        () = link::run(ends) => {}
        () = tick(jobs) => {}
        () = orders => {}
        () = enrolling => {}
        _never = pages.into_future() => {}
    }
    // All senders are gone with the tasks above: the writer commits what it has taken, and ends.
    match tokio::task::spawn_blocking(move || writer.join()).await {
        Ok(Ok(outcome)) => Ok(outcome?),
        _ => Err(StoreError::Ended.into()),
    }
}

fn on_commit(
    outbox: Arc<Outbox>,
    manifests: Arc<Notify>,
    changes: watch::Sender<u64>,
    beat: Beat,
) -> writer::OnCommit {
    Box::new(move |applied: Applied| {
        beat();
        if let Some(session) = applied.republish {
            outbox.open(session);
        }
        if applied.changed {
            changes.send_modify(|number| *number += 1);
        }
        outbox.put(applied.held);
        if applied.manifests_changed {
            manifests.notify_one();
        }
    })
}

/// Tells other programs of this machine where the pages are: whole or not at all. A disk without room for it is no reason
/// to end: the pages are there all the same.
fn tell_address(dir: &Path, address: SocketAddr) {
    let new = dir.join(format!("{ADDRESS_FILE}.new"));
    let written = std::fs::write(&new, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&new, dir.join(ADDRESS_FILE)));
    if let Err(error) = written {
        // A half of it would only be in the way.
        let _ = std::fs::remove_file(&new);
        tracing::warn!(%error, dir = %dir.display(), "the address of the pages cannot be written down");
    }
}

async fn tick(jobs: JobSender) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if jobs.send(Job::Tick).await.is_err() {
            return;
        }
    }
}

/// What orders are made of.
struct Desk {
    book: Arc<OrderBook>,
    restores: Mutex<Restores>,
    filters: Mutex<Filters>,
    clock: Clock,
    dir: std::path::PathBuf,
    registry: Registry,
    view: View,
    places: Arc<Places>,
    keys: Arc<Keys>,
}

impl Desk {
    /// Reads what was laid down since the last time, and publishes what comes of it.
    fn tend(&self, renew_manifests: bool) {
        self.places.refresh(&self.registry);
        match self.view.campaign_pairs() {
            Ok(pairs) => self.places.set_pairs(pairs),
            Err(error) => tracing::error!(%error, "the pairs of campaigns cannot be read"),
        }
        self.book.read_keys(&self.dir);
        self.book.read_folder(&self.dir, &self.places, &self.keys.order);
        if renew_manifests {
            orders::renew_manifests(&self.book, &self.view, &self.places, &self.keys.order);
        }
        let mut restores = self.restores.lock().unwrap_or_else(PoisonError::into_inner);
        restores.renew(&self.book, &self.places, &self.keys.order);
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        filters.renew(&self.book, self.clock.now(), &self.keys.order);
    }
}

/// Reads the orders' folder now and then, and makes the manifests anew when they changed.
async fn tend_orders(desk: Arc<Desk>, manifests: Arc<Notify>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renew = true;
    loop {
        let desk = Arc::clone(&desk);
        let done = tokio::task::spawn_blocking(move || desk.tend(renew));
        if done.await.is_err() {
            tracing::error!("the orders could not be read");
        }
        renew = tokio::select! {
            _tick = interval.tick() => false,
            () = manifests.notified() => {
                tokio::time::sleep(MANIFEST_PAUSE).await;
                true
            }
        };
    }
}
