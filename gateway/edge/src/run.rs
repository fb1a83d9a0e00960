//! A gateway, assembled: journal, devices, station, console and the link to the hub, started together and stopped in
//! order. A device that is missing is a state that the panel shows, and so is a journal that the card lets nobody open; only
//! the console must be there.

mod closed;

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use waypost_core::fact::{SiteKind, WallTime};
use waypost_drivers::board::MemoryBoard;

use crate::{
    alive::{self, Pulse},
    badge::{self, BADGES_MAX},
    clock::{Clock, build_time},
    config::{BoardKind, CampaignKeys, Config},
    console::{self, ConsoleConfig},
    device,
    enrol::{self, Enrolment},
    filter::Filters,
    identity::{IDENTITY_FILE, Identity, IdentityError},
    journal::{self, Care, JournalConfig, JournalError, Opened, Reader, Upkeep, Writer, background, renew},
    print::{ORDERS_MAX, Papers},
    secret::{Keeper, KeeperError},
    station::{
        StationHandle,
        engine::{self, Parts, Running, StartError},
        step::Local,
    },
    sync::{self, LinkState, Secrets, SyncConfig, Tuning},
};

/// The file in the data directory that says where the console listens.
pub const ADDRESS_FILE: &str = "console.addr";
/// How long station and link together may take to stop before they are left behind. With the writer and the console it
/// is less than the five seconds that the unit gives.
const STOP_MAX: Duration = Duration::from_secs(3);
/// How long the writer may take after that.
const WRITER_STOP_MAX: Duration = Duration::from_millis(1500);
/// Between two looks for records that are old enough to be pruned: by the clock, and at least in real time.
const UPKEEP_EVERY: Duration = Duration::from_secs(600);
const UPKEEP_EVERY_MIN: Duration = Duration::from_millis(500);
/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;
/// Pages that follow the panel never end by themselves, so the console gets less.
const CONSOLE_STOP_MAX: Duration = Duration::from_millis(300);

/// Why a gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its identity is missing or damaged.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The keys of what rests on the card.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// What the hub granted cannot be used.
    #[error("the enrolment cannot be used: enrol the gateway anew with `waypost enrol`")]
    Enrolment(#[from] enrol::EnrolError),
    /// The identity is another gateway's.
    #[error(
        "{path} is the identity of {found}, and the configuration is that of {configured}: correct `gateway` or `data`"
    )]
    OtherGateway {
        /// The identity's file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        configured: String,
    },
    /// The journal cannot be opened.
    #[error("the journal in {dir} cannot be opened")]
    Journal {
        /// Where.
        dir: PathBuf,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The station cannot start.
    #[error("the station cannot start")]
    Station(#[from] StartError),
    /// Nothing can listen at the console's address.
    #[error(
        "the console cannot listen at {address}; is another gateway running? Change [console] listen, port 0 takes a free one"
    )]
    Console {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A part ended that must not.
    #[error("the {0} ended by itself; the log says why")]
    Ended(&'static str),
}

/// Runs a gateway until `shutdown` is ready. What was asked by then is answered and on disk when this returns.
///
/// # Errors
/// Identity, journal or console cannot be used, or a part ended by itself. Where the card is why the journal cannot be used,
/// the panel says so, and this goes on.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let clock = match config.simulated {
        Some(simulated) => Clock::simulated(simulated.start, simulated.rate),
        None => Clock::system(),
    };
    if let Some(floor) = floor(&config) {
        clock.never_before(floor);
    }
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let outcome = match with_one_journal(&config, &clock, shutdown.as_mut()).await {
            Ok(After::Stopped) => return Ok(()),
            Ok(After::Enrolled) => Ok(()),
            Ok(After::NewJournal) => begin_new_journal(&config).await,
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { continue };
        let Some(state) = closed::state_of(&error) else { return Err(error) };
        let why = journal::in_one_line(&error);
        tracing::error!(why, "the gateway records nothing; the panel says so until the card is mended");
        match closed::show(&config, &clock, state, shutdown.as_mut()).await? {
            closed::Next::Stop => return Ok(()),
            closed::Next::TryAgain => tracing::info!("the journal is tried again"),
        }
    }
}

/// What follows the stop of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The gateway stops.
    Stopped,
    /// It goes on with a new journal.
    NewJournal,
    /// It goes on with the hub that enrolled it.
    Enrolled,
}

/// Runs a gateway until it stops, or until its journal cannot go on.
async fn with_one_journal(
    config: &Config,
    clock: &Clock,
    shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<After, RunError> {
    finish_new_journal(config).await?;
    let identity = identity(config)?;
    // Before the journal, so that a port that is taken costs no record.
    let listener = match &config.console {
        Some(console) => Some(listen(console.listen).await?),
        None => None,
    };
    let (writer, opened) = match open_journal(config, &identity, clock).await {
        // What is there of it is kept and sent, what is gone is declared, and a new one is begun.
        Err(RunError::Journal { source: error @ JournalError::TailLost { .. }, .. }) => {
            tracing::error!(%error, "the journal is not continued");
            return Ok(After::NewJournal);
        }
        opened => opened?,
    };
    if let Some(listener) = &listener {
        // After the journal's lock: another process's file is not written over.
        tell_address(listener, &config.data);
    }
    let outcome = serve(config, identity, clock.clone(), &writer, opened, listener, shutdown).await;
    if timeout(WRITER_STOP_MAX, writer.stop()).await.is_err() {
        tracing::error!("the journal's writer does not stop; it is left behind");
    }
    if config.console.is_some() {
        // It says where nobody listens any more; where it cannot be taken away, the next start writes it anew.
        let _ = std::fs::remove_file(config.data.join(ADDRESS_FILE));
    }
    tracing::info!("stopped");
    outcome
}

/// Closes the journal and puts a new one in its place.
async fn begin_new_journal(config: &Config) -> Result<(), RunError> {
    let (dir, new) = (config.data.clone(), Identity::new_journal_id()?);
    let begin = move || {
        let name_it = |journal| Identity::follow(&dir, journal);
        renew::renew(&dir, new, name_it)
    };
    renewed(config, tokio::task::spawn_blocking(begin).await)
}

/// Goes on with a new journal whose beginning was interrupted.
async fn finish_new_journal(config: &Config) -> Result<(), RunError> {
    let dir = config.data.clone();
    let finish = move || renew::finish(&dir, |journal| Identity::follow(&dir, journal));
    renewed(config, tokio::task::spawn_blocking(finish).await)
}

type Renewed = Result<Result<Result<(), IdentityError>, JournalError>, tokio::task::JoinError>;

fn renewed(config: &Config, done: Renewed) -> Result<(), RunError> {
    match done {
        Ok(Ok(named)) => Ok(named?),
        Ok(Err(source)) => Err(RunError::Journal { dir: config.data.clone(), source }),
        Err(_) => Err(RunError::Ended("beginning of a new journal")),
    }
}

/// What the configuration says is past for certain, else the day of the build. A simulated clock may run before that.
fn floor(config: &Config) -> Option<WallTime> {
    let built = config.simulated.is_none().then(build_time);
    config.receiver.as_ref().and_then(|receiver| receiver.floor).or(built)
}

/// The gateway's identity. A data directory in which nothing was ever written gets one.
fn identity(config: &Config) -> Result<Identity, RunError> {
    let path = config.data.join(IDENTITY_FILE);
    let identity = match Identity::read(&config.data) {
        Err(IdentityError::Missing(_)) if !config.data.join(journal::FILE).exists() => {
            let identity = Identity::create(&config.data, config.gateway.clone())?;
            let key = identity.sign_key().public();
            tracing::warn!(%key, "a new identity was made: the hub's configuration must list this key");
            identity
        }
        other => other?,
    };
    if identity.gateway != config.gateway {
        let (found, configured) = (identity.gateway.to_string(), config.gateway.to_string());
        return Err(RunError::OtherGateway { path, found, configured });
    }
    Ok(identity)
}

async fn open_journal(
    config: &Config,
    identity: &Identity,
    clock: &Clock,
) -> Result<(Writer, Opened), RunError> {
    let journal = JournalConfig {
        dir: config.data.clone(),
        gateway: config.gateway.clone(),
        site: config.site.id.clone(),
        kind: config.site.kind,
        box_tubes_max: config.site.box_tubes_max,
        par: config.stock.iter().map(|par| (par.item.clone(), par.par)).collect(),
        clock: clock.clone(),
        track_max: config.track_max,
        journal: identity.journal,
    };
    let failed = |source| RunError::Journal { dir: config.data.clone(), source };
    match tokio::task::spawn_blocking(move || journal::open(journal)).await {
        Ok(opened) => opened.map_err(failed),
        Err(_) => Err(RunError::Ended("opening of the journal")),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Console { address, source })
}

/// Writes where the console listens, whole or not at all: who waits for the file never reads half an address. A card
/// without any room for it is no reason to end: the panel is there all the same.
fn tell_address(listener: &TcpListener, data: &Path) {
    let path = data.join(ADDRESS_FILE);
    let new = data.join(format!("{ADDRESS_FILE}.new"));
    let written = listener.local_addr().and_then(|address| {
        std::fs::write(&new, format!("{address}\n"))?;
        std::fs::rename(&new, &path)
    });
    if let Err(error) = written {
        // A half of it would only be in the way.
        let _ = std::fs::remove_file(&new);
        tracing::warn!(%error, file = %path.display(), "the console's address cannot be written down");
    }
}

/// Everything between the opened journal and its stop.
async fn serve(
    config: &Config,
    identity: Identity,
    clock: Clock,
    writer: &Writer,
    opened: Opened,
    listener: Option<TcpListener>,
    shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<After, RunError> {
    let reader = || {
        Reader::open(&config.data).map_err(|source| RunError::Journal { dir: config.data.clone(), source })
    };
    let (stop, stopping) = watch::channel(false);
    let (link_in, link) = watch::channel(LinkState::default());
    let mut journal_link = link.clone();
    let stored =
        reader()?.orders().map_err(|source| RunError::Journal { dir: config.data.clone(), source })?;
    let mut keeper = Keeper::open(&config.data)?;
    let mut badges = None;
    let (badges_in, badges_out) = mpsc::channel(BADGES_MAX);
    if config.site.campaign_keys == CampaignKeys::Badge && config.site.kind == SiteKind::PostOffice {
        keeper = keeper.with_badges();
        badges = Some(badges_in);
    }
    let (secrets_in, secrets) = watch::channel(Secrets::of_orders(stored, &keeper));
    let (journal, boot, last_record) = (opened.journal, opened.boot, opened.last);
    let (papers, orders) = mpsc::channel(ORDERS_MAX);
    let (desk, questions) = sync::desk();
    let data = config.data.clone();
    let enrolment = match tokio::task::spawn_blocking(move || Enrolment::read(&data)).await {
        Ok(enrolment) => enrolment?.map(Arc::new),
        Err(_) => return Err(RunError::Ended("reading of the enrolment")),
    };
    // A gateway without any hub takes the code of one at its counter.
    let (enrol_desk, codes) = (enrolment.is_none() && config.mqtt.is_none()).then(enrol::desk).unzip();
    let filters = (config.site.kind == SiteKind::PostOffice).then(|| Filters::new(&config.data));
    let Running { handle, devices, pulse, mut ended } = engine::start(Parts {
        local: Arc::new(local(config)),
        site_name: config.site.name.clone(),
        labels: config.labels.clone(),
        language: config.site.language,
        silent_after: silent_after(config),
        clock: clock.clone(),
        writer: writer.clone(),
        reader: reader()?,
        opened,
        link,
        secrets,
        badges,
        hub: filters.is_some().then_some(desk),
        filters: filters.clone(),
        enrolment: enrol_desk,
        papers: (!config.printers.is_empty()).then_some(papers),
        stopping: stopping.clone(),
    })?;

    // Dropped at the end: a renewal that is under way is asked for again.
    let renewing = enrolment.clone().filter(|_| config.mqtt.is_none()).map(|enrolment| {
        let (identity, clock, state) = (identity.clone(), clock.clone(), link_in.clone());
        AbortOnDrop(tokio::spawn(enrol::tend(enrolment, identity, clock, state)))
    });
    let sync = SyncConfig {
        gateway: config.gateway.clone(),
        data: config.data.clone(),
        journal,
        boot,
        key: Arc::new(identity.sign_key()),
        mqtt: config.mqtt.clone(),
        ack_key: config.hub.ack_key,
        order_keys: config.hub.order_keys.clone(),
        secret_key: Arc::new(identity.secret_key()),
        serves: config.site.kind == SiteKind::PostOffice,
        enrolment: enrolment.clone(),
        tuning: Tuning::default(),
    };
    // It ends with the station.
    tokio::spawn(badge::tend(keeper.clone(), reader()?, secrets_in.clone(), badges_out));
    let parts = sync::Parts {
        writer: writer.clone(),
        reader: reader()?,
        clock: clock.clone(),
        state: link_in,
        secrets: secrets_in,
        keeper,
        questions: filters.is_some().then_some(questions),
        filters,
    };
    let mut synced = tokio::spawn(sync::run(sync, parts, stopped(stopping.clone())));
    // Dropped at the end, which ends them: no device is worth waiting for.
    let drawn = config
        .board
        .filter(|board| board.kind == BoardKind::Page)
        .map(|board| MemoryBoard::new().with_hatch(board.hatch.is_some()));
    let mut drivers = device::start(config, drawn.as_ref(), last_record, &handle, &devices);
    if !config.printers.is_empty() {
        let papers = Papers {
            reader: reader()?,
            site: config.site.id.to_string(),
            site_name: config.site.name.clone(),
            time_zone: config.site.time_zone.clone(),
        };
        device::printer::start(&config.printers, papers, orders, &devices, &mut drivers);
    }
    let bench_clock = config.simulated.map(|_| clock.clone());
    let mut console =
        listener.map(|listener| start_console(config, listener, &handle, bench_clock, drawn, &stopping));
    announce(config, &handle);
    let supervised = Pulse::default();
    let watched = start_watch(writer, pulse, supervised.clone());
    alive::ready();
    // It ends with the writer.
    let upkeep = Upkeep {
        dir: config.data.clone(),
        keep_ms: i64::try_from(config.retention_days).unwrap_or(i64::MAX).saturating_mul(DAY_MS),
        every: UPKEEP_EVERY.div_f64(clock.rate().max(1.0)).max(UPKEEP_EVERY_MIN),
    };
    tokio::spawn(upkeep.run(writer.clone()));
    let pacing = background::Pacing::default();
    let _looks = background::look_after(reader()?, writer.clone(), boot, pacing)
        .map_err(|source| RunError::Journal { dir: config.data.clone(), source })?;
    tokio::spawn(Care { dir: config.data.clone(), boot }.run(writer.clone()));

    let enrolled = async {
        match codes {
            Some(codes) => codes.until_enrolled(&config.data, &identity).await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        () = shutdown => Ok(After::Stopped),
        Ok(_) = journal_link.wait_for(|link| link.new_journal) => Ok(After::NewJournal),
        () = enrolled => Ok(After::Enrolled),
        () = device::supervise(&mut drivers, &supervised) => Err(RunError::Ended("driver of a device")),
        _ = &mut ended => Err(RunError::Ended("station")),
        _ = &mut synced => Err(RunError::Ended("link to the hub")),
        _ = ends(&mut console) => Err(RunError::Ended("console")),
    };
    tracing::info!("stopping");
    if !matches!(outcome, Ok(After::NewJournal | After::Enrolled)) {
        alive::stopping();
    }
    // Until here, or a gateway without console and scanner would end: nobody could reach its station any more.
    drop((drivers, handle, devices, renewing, watched));
    stop.send_replace(true);
    if outcome.is_ok() {
        let deadline = Instant::now() + STOP_MAX;
        if timeout_at(deadline, ended).await.is_err() {
            tracing::error!("the station does not stop; it is left behind");
        }
        if timeout_at(deadline, &mut synced).await.is_err() {
            synced.abort();
        }
        if let Some(mut console) = console
            && timeout(CONSOLE_STOP_MAX, &mut console).await.is_err()
        {
            console.abort();
        }
    }
    outcome
}

/// Looks whether all parts move, for as long as what is given lives; none where no service manager listens.
fn start_watch(writer: &Writer, station: Pulse, devices: Pulse) -> Option<[AbortOnDrop; 2]> {
    let every = alive::listened()?;
    let written = Pulse::default();
    let asking = tokio::spawn(alive::ask_writer(writer.clone(), every / 2, written.clone()));
    let parts =
        alive::Parts::new([("writer", written), ("station", station), ("supervisor of devices", devices)]);
    let writer = writer.clone();
    let feeding = tokio::spawn(alive::feed(parts, every, move || alive::status(&writer.tail()), alive::tell));
    Some([AbortOnDrop(asking), AbortOnDrop(feeding)])
}

/// A task that ends with what started it.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn local(config: &Config) -> Local {
    Local {
        site: config.site.id.clone(),
        kind: config.site.kind,
        closes: config.site.closes.clone(),
        time_zone: config.site.time_zone.clone(),
        box_tubes_max: config.site.box_tubes_max,
        items: config.stock.iter().map(|par| par.item.clone()).collect(),
        session_idle: Duration::from_secs(60 * u64::from(config.site.session_idle_min)),
    }
}

fn silent_after(config: &Config) -> Duration {
    Duration::from_secs(config.seal_reader.as_ref().map_or(SILENT_AFTER_S, |reader| reader.silent_after_s))
}

/// Where there is no radio nothing is ever heard, so this number does not matter.
const SILENT_AFTER_S: u64 = 30;

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // Where nobody can say it any more, it is time too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn ends(console: &mut Option<JoinHandle<io::Result<()>>>) {
    match console {
        Some(console) => {
            if let Ok(Err(error)) = console.await {
                tracing::error!(%error, "the console ended");
            }
        }
        None => std::future::pending().await,
    }
}

fn start_console(
    config: &Config,
    listener: TcpListener,
    handle: &StationHandle,
    bench_clock: Option<Clock>,
    board: Option<MemoryBoard>,
    stopping: &watch::Receiver<bool>,
) -> JoinHandle<io::Result<()>> {
    let bench = config.console.as_ref().and_then(|console| console.bench.clone());
    let settings = ConsoleConfig { bench, bench_clock, board };
    if let Ok(address) = listener.local_addr() {
        tracing::info!(gateway = %config.gateway, panel = %format_args!("http://{address}/"), "ready");
        // For the person or the script that started it; where nobody reads, nothing is lost.
        let _ = writeln!(io::stdout(), "panel http://{address}/");
        let _ = io::stdout().flush();
    }
    tokio::spawn(console::serve(listener, handle.clone(), settings, stopped(stopping.clone())))
}

fn announce(config: &Config, handle: &StationHandle) {
    let missing = handle.panel().borrow().status.missing.len();
    tracing::info!(
        site = %config.site.id,
        scanners = config.scanners.len(),
        radio = config.seal_reader.is_some(),
        receiver = config.receiver.is_some(),
        board = config.board.is_some(),
        broker = config.mqtt.is_some() || config.data.join(enrol::ENROLMENT_FILE).exists(),
        missing,
        "the station works"
    );
}
