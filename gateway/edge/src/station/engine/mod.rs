//! The engine: runs a station on a thread of its own, between readings, devices, the claims' thread and the writer.
//!
//! What a scan means is said at once; the rule decides inside the writer. Scans of tubes and claims go to the writer
//! without waiting for each other, at most [`OUTSTANDING_MAX`] at a time, so that they are committed together. Whatever
//! changes what the next scan means (a badge, a box, a command) is answered before the next scan is looked at.
//!
//! Readings wait in a queue of [`READINGS_MAX`] places, news of devices in one of [`DEVICES_MAX`]. At the bound the
//! sender waits; frames of seals are dropped there by their driver, as a radio loses them anyway.

mod closed;
mod display;
mod papers;
mod recent;

use std::{collections::BTreeMap, io, sync::Arc, thread, time::Duration};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{FuturesOrdered, FuturesUnordered},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, Interval, MissedTickBehavior, interval},
};
use waypost_core::{
    code::LabelKinds,
    fact::{ClockQuality, SiteKind, Stream, WallTime, id::OperatorId},
    rule::{
        Act, Ledger as _, LedgerError, RowKind,
        elsewhere::leaves_open,
        ledger::load,
        order_check::ENTRIES_MAX,
        pin::PinProof,
        row::{CampaignRow, PinRule, StaffRow},
    },
};
use waypost_drivers::{gnss::GnssEvent, seal::SealEvent};

pub use self::{
    closed::{ClosedParts, ClosedStation, start_closed},
    papers::{Needs, PaperNews, PrinterNews},
};

use self::{
    display::{Display, Sources, Took},
    papers::Desk,
    recent::{Begun, Recent},
};
use super::{
    counter::Counter,
    hand_out::{self, HandOut},
    handle::{READINGS_MAX, Reading, StationHandle},
    machine::Station,
    pin_entry::{Presented, with_proof},
    position::Position,
    read::{self, Read},
    satellite_time::{self, SatelliteTime},
    say,
    screen::Screen,
    seal_book::SealBook,
    step::{Around, Asked, HashJob, Hashed, Local, Outcome, PinJob, Purpose, Step, runs_beside_others},
};
use crate::{
    alive::Pulse,
    claim::{self, Done},
    clock::Clock,
    filter::Filters,
    journal::{
        Health, JournalError, JournalFailure, Opened, Reader, Request, RequestId, Room, Verdict, Writer,
        crash_point,
    },
    panel::{JournalState, Language, Message, Panel, Tone},
    pin::{self, Compared},
    print::PaperOrder,
    sync::{HubDesk, LinkState, Secrets},
};

/// Questions that are under way at the writer at once.
pub const OUTSTANDING_MAX: usize = 256;
/// News of devices that may wait for the station.
pub const DEVICES_MAX: usize = 256;
/// How often the station looks at the time, by its own clock.
const TICK: Duration = Duration::from_secs(10);
/// A simulated clock that runs fast is not looked at more often than this, in real time.
const TICK_MIN: Duration = Duration::from_millis(200);
/// How often what changes by itself is looked at, in real time.
const LOOK: Duration = Duration::from_secs(1);
/// Real time after which a PIN that nobody goes on keying is forgotten.
const PIN_WAIT: Duration = Duration::from_secs(60);

/// What an engine is made of.
pub struct Parts {
    /// The place.
    pub local: Arc<Local>,
    /// What people call the site.
    pub site_name: String,
    /// How labels look.
    pub labels: LabelKinds,
    /// The counter's language at the start.
    pub language: Language,
    /// Real time without a frame after which a seal is silent.
    pub silent_after: Duration,
    /// The clock.
    pub clock: Clock,
    /// The journal's writer.
    pub writer: Writer,
    /// A reader of the journal, for this engine alone.
    pub reader: Reader,
    /// What the start of the journal found.
    pub opened: Opened,
    /// The link to the hub.
    pub link: watch::Receiver<LinkState>,
    /// Secrets of orders.
    pub secrets: watch::Receiver<Secrets>,
    /// Takes badges of people who signed in, where keys of campaigns wait for one.
    pub badges: Option<mpsc::Sender<Presented>>,
    /// The filters of claims at other offices; none where no claims are served.
    pub filters: Option<Filters>,
    /// Where the hub is asked about a person; none where no claims are served.
    pub hub: Option<HubDesk>,
    /// Takes orders of papers; none where nothing is printed.
    pub papers: Option<mpsc::Sender<PaperOrder>>,
    /// True when it is time to stop.
    pub stopping: watch::Receiver<bool>,
}

/// News of a device.
#[derive(Debug)]
pub enum DeviceEvent {
    /// It is there.
    Up(String),
    /// It is away.
    Down(String),
    /// The lid stands open, or is closed again.
    Lid {
        /// It stands open.
        open: bool,
    },
    /// It sends bytes that are nothing: is its speed right?
    Noise(String),
    /// A scanner sent something that is no whole code.
    Unreadable,
    /// The radio.
    Seal(SealEvent),
    /// The satellite receiver.
    Gnss(GnssEvent),
    /// A printer.
    Printer(PrinterNews),
}

/// An engine that runs.
pub struct Running {
    /// Takes readings, shows panels.
    pub handle: StationHandle,
    /// Takes news of devices.
    pub devices: mpsc::Sender<DeviceEvent>,
    /// Beats with every turn of its loop, at least once a second.
    pub pulse: Pulse,
    /// Ready when the engine has ended: all that was asked is answered.
    pub ended: oneshot::Receiver<()>,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger cannot be read.
    #[error("the ledger cannot be read; `waypost journal verify` says more")]
    Ledger(#[from] LedgerError),
    /// The journal cannot be read.
    #[error("the journal cannot be read; `waypost journal verify` says more")]
    Journal(#[from] JournalError),
    /// The system has no thread to give.
    #[error("no thread for the station")]
    Thread(#[from] io::Error),
}

/// Starts an engine on a thread of its own. It ends when `stopping` says so, or when nobody can reach it any more.
///
/// # Errors
/// The ledger cannot be read, or there is no thread.
pub fn start(parts: Parts) -> Result<Running, StartError> {
    let (readings_in, readings) = mpsc::channel(READINGS_MAX);
    let (devices_in, devices) = mpsc::channel(DEVICES_MAX);
    let (hashed_in, hashed) = mpsc::channel(claim::QUEUE_MAX);
    let hashes = claim::start(parts.secrets.clone(), parts.filters.clone(), hashed_in)?;
    let (compared_in, compared) = mpsc::channel(pin::QUEUE_MAX);
    let pins = pin::start(compared_in)?;
    let station = Station::new(Arc::clone(&parts.local), &parts.reader)?;
    if let Some(floor) = floor(&parts)? {
        parts.clock.raise_floor(floor);
    }
    let mut seals = SealBook::new(millis(parts.silent_after));
    seals.watch(parts.secrets.borrow().seals.values(), &parts.reader)?;
    let mut position = Position::default();
    position.read(&parts.reader)?;

    let language = watch::Sender::new(parts.language);
    let link = parts.link.borrow().clone();
    let now = parts.clock.now();
    let unsynced = parts.writer.tail().unsynced();
    let frame =
        station.frame(&Around { now, ledger: &parts.reader, seals: &seals, unsynced, local: &parts.local });
    let person = station.counter().operator.as_ref().map(ToString::to_string);
    let zone = &parts.local.time_zone;
    let journal = journal_state(&parts.writer);
    let sources = Sources { now, zone, unsynced, link: &link, person, journal };
    let (display, panel) = Display::new(parts.site_name.clone(), parts.local.kind, frame, &sources);
    let handle = StationHandle::new(readings_in, panel, language.clone());
    let (ended_in, ended) = oneshot::channel();
    let pulse = Pulse::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let engine = Engine {
        station,
        seals,
        position,
        satellite_time: SatelliteTime::default(),
        display,
        language,
        hashes,
        pins,
        last_up_ms: now.up_ms,
        last_read: Instant::now(),
        unsettled: BTreeMap::new(),
        hashing: 0,
        in_order: false,
        asked: FuturesOrdered::new(),
        answering: 0,
        at_hub: FuturesUnordered::new(),
        recent: Recent::default(),
        papers: Desk::new(parts.papers.clone()),
        next_id: 0,
        journal: JournalState::Well,
        began: Instant::now(),
        pulse: pulse.clone(),
        parts,
    };
    thread::Builder::new().name("station".to_owned()).spawn(move || {
        runtime.block_on(engine.run(readings, devices, hashed, compared));
        let _ = ended_in.send(());
    })?;
    Ok(Running { handle, devices: devices_in, pulse, ended })
}

/// The latest time that is known for certain: the hub's, or that of the last record, if its clock was right.
fn floor(parts: &Parts) -> Result<Option<WallTime>, JournalError> {
    let hub = parts.opened.held.map(|ack| ack.time);
    let last = parts.reader.lines(Stream::Ledger, parts.opened.last.saturating_sub(1), 1, usize::MAX)?;
    let recorded = last
        .first()
        .and_then(|line| waypost_core::fact::Record::from_line(&line.line).ok())
        .filter(|record| record.clock >= ClockQuality::Ntp)
        .map(|record| record.at);
    Ok(hub.max(recorded))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Engine {
    parts: Parts,
    station: Station,
    seals: SealBook,
    position: Position,
    satellite_time: SatelliteTime,
    display: Display,
    language: watch::Sender<Language>,
    hashes: mpsc::Sender<(HashJob, Ticket)>,
    pins: mpsc::Sender<(Box<PinJob>, Ticket)>,
    /// When something was last scanned or keyed: by the gateway's clock, which may be simulated, and in real time.
    last_up_ms: u64,
    last_read: Instant,
    /// Yes verdicts of before the start whose packs are asked about, by record.
    unsettled: BTreeMap<u64, RequestId>,
    /// Claims whose tokens are being made.
    hashing: usize,
    /// A question is under way whose answer says what the next scan means.
    in_order: bool,
    asked: FuturesOrdered<BoxFuture<'static, (Pending, Verdict)>>,
    /// How many of them answer a reading; the others are what the gateway notes by itself.
    answering: usize,
    /// Claims about which the hub is asked first.
    at_hub: FuturesUnordered<BoxFuture<'static, AtHub>>,
    recent: Recent,
    papers: Desk,
    next_id: u64,
    /// How well the journal could be written at the last look.
    journal: JournalState,
    began: Instant,
    pulse: Pulse,
}

/// A question under way.
struct Pending {
    asked: Asked,
    id: RequestId,
    /// What it answers; none: the gateway noted something by itself.
    ticket: Option<Ticket>,
}

/// A claim whose tokens are made, with what the hub said of the person.
struct AtHub {
    job: HashJob,
    hashed: Hashed,
    ticket: Ticket,
    asked: Instant,
}

/// A reading under way.
struct Ticket {
    arrived: Instant,
    /// Who was signed in then: a claim is theirs, also where another person took over while it was hashed.
    by: Option<OperatorId>,
    key: Option<String>,
    reply: Option<oneshot::Sender<Arc<Panel>>>,
    /// When the claim was handed to its thread.
    handed: Option<Instant>,
    /// How long it was there, its wait included, and how long the hash took.
    away: Duration,
    hash: Option<Duration>,
}

impl Engine {
    async fn run(
        mut self,
        mut readings: mpsc::Receiver<Reading>,
        mut devices: mpsc::Receiver<DeviceEvent>,
        mut hashed: mpsc::Receiver<Done<Ticket>>,
        mut compared: mpsc::Receiver<Compared<Ticket>>,
    ) {
        self.show_unshown().await;
        self.ask_pin_anew();
        let mut tick = every(TICK.div_f64(self.parts.clock.rate().max(0.001)).max(TICK_MIN));
        let mut look = every(LOOK);
        let mut secrets = self.parts.secrets.clone();
        let mut link = self.parts.link.clone();
        let mut stopping = self.parts.stopping.clone();
        loop {
            self.pulse.beat();
            let may_read =
                !self.in_order && self.asked.len() < OUTSTANDING_MAX && self.hashing < claim::QUEUE_MAX;
            tokio::select! {
                biased;
                Some((pending, verdict)) = self.asked.next() => self.answered(pending, verdict).await,
                Some(done) = hashed.recv() => self.hashed(done),
                Some(answer) = self.at_hub.next() => self.hub_answered(answer),
                Some(done) = compared.recv() => self.compared(done),
                Ok(()) = secrets.changed() => {
                    self.watch_seals();
                    self.refresh();
                }
                Some(event) = devices.recv(), if self.asked.len() < OUTSTANDING_MAX => self.device(event).await,
                () = stopped(&mut stopping) => break,
                reading = readings.recv(), if may_read => match reading {
                    Some(reading) => self.reading(reading).await,
                    None => break,
                },
                _ = tick.tick() => self.note(Act::Tick),
                Ok(()) = link.changed() => self.refresh(),
                _ = look.tick() => self.look(),
            }
        }
        while let Some(answer) = self.at_hub.next().await {
            self.hub_answered(answer);
        }
        while let Some((pending, verdict)) = self.asked.next().await {
            self.answered(pending, verdict).await;
        }
        if let Some(last) = self.position.finish() {
            self.parts.writer.note_fix(last).await;
        }
    }

    /// Yes verdicts of before a restart that nobody may have seen: the operator looks whether the goods were given.
    async fn show_unshown(&mut self) {
        let unshown = std::mem::take(&mut self.parts.opened.unshown);
        let (Some(first), Some(last)) = (unshown.first(), unshown.last()) else { return };
        let mut screen = Screen::new(Tone::Ask, Message::new("ask-unshown").number("count", unshown.len()));
        screen.records = Some((first.first, last.last));
        // Another station finds the words: what these answers changed is in the ledger, and so in ours, already.
        let Ok(mut other) = Station::new(Arc::clone(&self.parts.local), &self.parts.reader) else { return };
        for one in unshown.iter().rev().take(UNSHOWN_LINES) {
            let outcome = Outcome::Granted {
                records: Some((one.first, one.last)),
                facts: one.facts.clone(),
                repeated: false,
            };
            let asked = Asked { act: Act::Tick, masked: None };
            let said = self.with_around(|_, around| other.on_answer(&asked, &outcome, around));
            let record = Message::new("line-unshown").number("record", one.first).message("what", said.main);
            screen.lines.push(record);
        }
        screen.lines.push(Message::new("next-unshown"));
        for one in unshown {
            match HandOut::of(one.first, &one.facts, &self.parts.reader) {
                // Noted as shown when it is answered: after another power cut it is asked again.
                Ok(Some(hand_out)) => {
                    self.unsettled.insert(hand_out.record, one.id);
                    self.station.ask_hand_out(hand_out);
                }
                Ok(None) => self.parts.writer.shown(one.id).await,
                Err(error) => tracing::error!(%error, "a claim of before the start cannot be read"),
            }
        }
        if let Some(question) = self.station.hand_out_screen() {
            screen.main = question.main;
        }
        self.show(screen, Took::default());
    }

    /// Whoever was signed in with a PIN before the start keys it again: the gateway may be in other hands.
    fn ask_pin_anew(&mut self) {
        let Some(operator) = self.station.counter().operator.clone() else { return };
        if self.parts.secrets.borrow().wait_for_badge {
            // Only a badge brings the keys of campaigns back.
            return self.note(Act::EndSession);
        }
        match needs_pin(&self.parts.reader, &operator) {
            Ok(true) => self.note(Act::EndSession),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the staff list cannot be read"),
        }
    }

    async fn reading(&mut self, mut reading: Reading) {
        crash_point("at_a_reading");
        if let Some(key) = &reading.key
            && matches!(self.recent.begin(key, &mut reading.reply), Begun::Known)
        {
            return;
        }
        self.last_up_ms = self.parts.clock.now().up_ms;
        self.last_read = Instant::now();
        let symbology = reading.symbology.as_deref().and_then(|text| text.parse().ok());
        let pin = if self.station.wants_pin() { read::read_pin(&reading.text) } else { None };
        let read = pin.unwrap_or_else(|| {
            read::read(&reading.text, symbology, reading.document.as_deref(), &self.parts.labels)
        });
        if let Read::Refused(_) = &read {
            tracing::debug!(
                source = reading.source,
                bytes = reading.text.len(),
                "a text that is no known code"
            );
        }
        let Reading { key, arrived, reply, .. } = reading;
        let by = self.station.counter().operator.clone();
        let ticket = Ticket { arrived, by, key, reply, handed: None, away: Duration::ZERO, hash: None };
        let step = self.with_around(|station, around| station.on_read(read, around));
        self.step(step, ticket);
    }

    fn step(&mut self, step: Step, mut ticket: Ticket) {
        match step {
            Step::Show(screen) => self.finish(screen, ticket, false),
            Step::Language => {
                self.language.send_modify(|language| *language = language.next());
                let frame = self.frame();
                self.finish(Screen::new(Tone::Ready, frame.prompt), ticket, false);
            }
            Step::Ask(Asked { act: Act::Reprint, .. }) if !self.papers.prints() => {
                self.finish(Screen::no(Message::new("printer-none")), ticket, false);
            }
            Step::Ask(asked) => {
                self.in_order |= !runs_beside_others(&asked.act);
                self.ask(asked, Some(ticket));
            }
            Step::Pin(job) => {
                self.show(Screen::new(Tone::Busy, Message::new("busy-pin")), Took::default());
                ticket.handed = Some(Instant::now());
                self.in_order = true;
                match self.pins.try_send((job, ticket)) {
                    Ok(()) => {}
                    Err(
                        mpsc::error::TrySendError::Full((_, ticket))
                        | mpsc::error::TrySendError::Closed((_, ticket)),
                    ) => {
                        self.in_order = false;
                        self.finish(say::failed(), ticket, false);
                    }
                }
            }
            Step::Hash(job) => {
                let masked = Message::new("line-document").text("masked", job.person.masked());
                self.show(Screen::new(Tone::Busy, Message::new("busy-claim")).line(masked), Took::default());
                ticket.handed = Some(Instant::now());
                // There is room: no more are sent than the queue holds.
                match self.hashes.try_send((job, ticket)) {
                    Ok(()) => self.hashing += 1,
                    Err(
                        mpsc::error::TrySendError::Full((_, ticket))
                        | mpsc::error::TrySendError::Closed((_, ticket)),
                    ) => {
                        self.finish(say::failed(), ticket, false);
                    }
                }
            }
        }
    }

    fn hashed(&mut self, done: Done<Ticket>) {
        let Done { job, mut ticket, hashed, took } = done;
        ticket.away = ticket.handed.map_or(Duration::ZERO, |handed| handed.elapsed());
        ticket.hash = Some(took);
        match hashed {
            Ok(mut hashed) => match self.hub_to_ask(&job, &hashed) {
                Some(hub) => {
                    let (campaign, claim, asked) = (job.campaign.clone(), hashed.person, Instant::now());
                    self.at_hub.push(
                        async move {
                            hashed.elsewhere.hub = hub.ask(campaign, claim).await;
                            AtHub { job, hashed, ticket, asked }
                        }
                        .boxed(),
                    );
                }
                None => self.claim_known(&job, hashed, ticket),
            },
            Err(failure) => {
                self.hashing = self.hashing.saturating_sub(1);
                tracing::warn!(campaign = %job.campaign, %failure, "no claim token");
                let waits = self.parts.secrets.borrow().wait_for_badge;
                let screen = if waits { say::claims_wait() } else { say::no_key() };
                self.finish(screen, ticket, false);
            }
        }
    }

    /// The hub, where what is known of the person here leaves it open and the hub is reached.
    fn hub_to_ask(&self, job: &HashJob, hashed: &Hashed) -> Option<HubDesk> {
        let hub = self.parts.hub.as_ref().filter(|_| job.purpose == Purpose::Serve)?;
        let day = self.station.counter().day.as_deref()?;
        let row: CampaignRow = load(&self.parts.reader, job.campaign.as_str()).ok()??;
        let is_open = leaves_open(&row.terms, day, &hashed.elsewhere, self.parts.clock.now());
        (is_open && self.parts.link.borrow().online).then(|| hub.clone())
    }

    fn hub_answered(&mut self, answer: AtHub) {
        let AtHub { job, hashed, mut ticket, asked } = answer;
        // A verdict's time is the gateway's own: the hub's is apart, as a token's is.
        ticket.away += asked.elapsed();
        self.claim_known(&job, hashed, ticket);
    }

    /// All is known of a claim that can be known: the rule decides.
    fn claim_known(&mut self, job: &HashJob, hashed: Hashed, ticket: Ticket) {
        self.hashing = self.hashing.saturating_sub(1);
        let step = self.with_around(|station, _| station.on_hashed(job, hashed));
        self.step(step, ticket);
    }

    fn compared(&mut self, done: Compared<Ticket>) {
        let Compared { job, mut ticket, right } = done;
        ticket.away = ticket.handed.map_or(Duration::ZERO, |handed| handed.elapsed());
        self.in_order = false;
        let Some(right) = right else {
            tracing::error!("a PIN's verifier cannot be computed");
            return self.finish(say::failed(), ticket, false);
        };
        let proof = PinProof { against: job.verifier.hash, right };
        self.step(with_proof(job.act, proof).into(), ticket);
    }

    /// Notes something by itself: nobody needs to be signed in, nobody waits.
    fn note(&mut self, act: Act) {
        if self.asked.len() < OUTSTANDING_MAX {
            self.ask(Asked { act, masked: None }, None);
        }
    }

    fn ask(&mut self, asked: Asked, ticket: Option<Ticket>) {
        let key = ticket.as_ref().and_then(|ticket| ticket.key.as_deref());
        let text = match key {
            Some(key) => format!("k-{key}"),
            None => {
                self.next_id += 1;
                format!("b{}-{}", self.parts.opened.boot, self.next_id)
            }
        };
        // The writer says who: it knows the badge. Everything else is asked in the name of who was signed in then.
        let by = match (&ticket, &asked.act) {
            (None, _) | (_, Act::SignIn { .. } | Act::UnlockPin { .. }) => None,
            (Some(ticket), _) => ticket.by.clone(),
        };
        let Ok(id) = RequestId::new(text) else { return };
        let request = Request { id: id.clone(), by, act: asked.act.clone() };
        let writer = self.parts.writer.clone();
        self.answering += usize::from(ticket.is_some());
        let pending = Pending { asked, id, ticket };
        self.asked.push_back(async move { (pending, writer.ask(request).await) }.boxed());
    }

    async fn answered(&mut self, pending: Pending, verdict: Verdict) {
        let Pending { asked, id, ticket } = pending;
        let written = matches!(verdict, Verdict::Granted { first, .. } if first > 0);
        let outcome = outcome(verdict);
        if let Outcome::Granted { records: Some((first, last)), .. } = &outcome {
            tracing::debug!(seq = first, last, "recorded");
        }
        match ticket {
            Some(ticket) => {
                self.answering = self.answering.saturating_sub(1);
                self.in_order &= runs_beside_others(&asked.act);
                let Counter { day, opened, .. } = self.station.counter();
                let shift = (day.clone(), *opened);
                let mut screen =
                    self.with_around(|station, around| station.on_answer(&asked, &outcome, around));
                let journal = journal_state(&self.parts.writer);
                if matches!(outcome, Outcome::Failed) && journal.is_stopped() {
                    screen = say::stopped(journal);
                    self.journal = journal;
                }
                self.finish(screen, ticket, true);
                if let (Some(badge), Some(badges)) = (self.station.take_signed_in(), &self.parts.badges) {
                    // No room: somebody scans faster than keys are opened. The next badge does it.
                    let _ = badges.try_send(badge);
                }
                // Paper comes after the commit and after the panel, and nobody waits for it.
                let language = *self.language.borrow();
                if self.papers.answered(&asked, &outcome, shift, language) {
                    self.refresh();
                }
                if written {
                    self.parts.writer.shown(id).await;
                }
                if let Act::ConfirmHandOut { record, .. } = &asked.act
                    && hand_out::is_settled(&outcome)
                    && let Some(first) = self.unsettled.remove(record)
                {
                    self.parts.writer.shown(first).await;
                }
            }
            None => {
                let screen = self.with_around(|station, around| station.on_noted(&outcome, around));
                match screen {
                    Some(screen) => {
                        self.show(screen, Took::default());
                    }
                    None if written => self.refresh(),
                    None => {}
                }
            }
        }
    }

    /// Puts an answer on the panel and gives it to whoever waits for it.
    fn finish(&mut self, screen: Screen, ticket: Ticket, asked: bool) {
        self.display.count_answer();
        let verdict = asked.then(|| ticket.arrived.elapsed().saturating_sub(ticket.away));
        let panel = self.show(screen, Took { verdict, hash: ticket.hash });
        if let Some(key) = &ticket.key {
            self.recent.done(key, &panel);
        }
        if let Some(reply) = ticket.reply {
            // A page that went away wants no answer; the verdict stands all the same.
            let _ = reply.send(panel);
        }
    }

    async fn device(&mut self, event: DeviceEvent) {
        match event {
            DeviceEvent::Up(name) => {
                if self.display.device(&name, false) {
                    self.refresh();
                }
            }
            DeviceEvent::Down(name) => {
                if self.display.device(&name, true) {
                    self.refresh();
                }
            }
            DeviceEvent::Lid { open } => {
                if self.display.lid(open) {
                    self.refresh();
                }
            }
            DeviceEvent::Noise(name) => {
                if self.display.noise(&name) {
                    self.refresh();
                }
            }
            DeviceEvent::Printer(news) => {
                if self.papers.news(news) {
                    self.refresh();
                }
            }
            DeviceEvent::Unreadable => {
                self.show(read::unreadable(), Took::default());
            }
            DeviceEvent::Seal(SealEvent::Advertisement { address, rssi, data }) => {
                let now_ms = self.real_ms();
                for act in self.seals.heard(now_ms, rssi, address, &data) {
                    self.note(act);
                }
            }
            DeviceEvent::Gnss(GnssEvent::Time(time)) => self.satellite_time(time),
            DeviceEvent::Gnss(GnssEvent::NoFix) => {
                if let Some(last) = self.position.no_fix(self.parts.clock.now().up_ms) {
                    self.parts.writer.note_fix(last).await;
                }
            }
            DeviceEvent::Gnss(GnssEvent::Fix(mut fix)) if self.parts.local.kind == SiteKind::Vehicle => {
                let now = self.parts.clock.now();
                let rate = self.parts.clock.rate();
                fix.time = fix.time.and_then(|told| satellite_time::on_track(told, now, self.floor(), rate));
                let followed = self.position.fix(fix, now.up_ms);
                if let Some(fix) = followed.keep {
                    self.parts.writer.note_fix(fix).await;
                }
                if let Some(fence) = followed.fence {
                    self.note(Act::AtFence { fence });
                }
            }
            DeviceEvent::Seal(_) | DeviceEvent::Gnss(_) => {}
        }
    }

    /// The latest time that is past for certain, the hub's word included.
    fn floor(&self) -> Option<WallTime> {
        self.parts.clock.floor().max(self.parts.writer.tail().held.map(|ack| ack.time))
    }

    fn satellite_time(&mut self, told: jiff::Timestamp) {
        let floor = self.floor();
        let clock = &self.parts.clock;
        let set = self.satellite_time.told(told, clock.now(), floor, clock.rate());
        let Some((told, offset_ms)) = set else { return };
        if clock.set(offset_ms, ClockQuality::Gnss) {
            tracing::info!(time = %told, "the clock is set by satellite");
            let boot = self.parts.opened.boot;
            self.note(Act::FindClock { boot, offset_ms, quality: ClockQuality::Gnss });
        }
    }

    fn watch_seals(&mut self) {
        let secrets = self.parts.secrets.borrow().clone();
        if let Err(error) = self.seals.watch(secrets.seals.values(), &self.parts.reader) {
            tracing::error!(%error, "the seals of the order cannot be watched");
        }
    }

    /// Looks at what changes by itself.
    fn look(&mut self) {
        self.look_at_journal();
        self.end_what_nobody_goes_on_with();
        for act in self.seals.silent(self.real_ms()) {
            self.note(act);
        }
        if self.parts.local.kind == SiteKind::Vehicle
            && let Err(error) = self.position.read_fences(&self.parts.reader)
        {
            tracing::error!(%error, "the fences cannot be read");
        }
        self.refresh();
    }

    /// A journal that stops, and one that goes on again, is a page of its own.
    fn look_at_journal(&mut self) {
        let now = journal_state(&self.parts.writer);
        let before = std::mem::replace(&mut self.journal, now);
        if now == before {
            return;
        }
        let screen = if now.is_stopped() {
            say::stopped(now)
        } else if before.is_stopped() {
            Screen::new(Tone::Ready, self.frame().prompt)
        } else if now > before {
            say::disk_news(now)
        } else {
            return;
        };
        self.show(screen, Took::default());
    }

    fn end_what_nobody_goes_on_with(&mut self) {
        if self.last_read.elapsed() >= PIN_WAIT && self.station.leave_pin() {
            let frame = self.frame();
            self.show(Screen::new(Tone::Ready, frame.prompt), Took::default());
        }
        let up_ms = self.parts.clock.now().up_ms;
        let idle = up_ms.saturating_sub(self.last_up_ms) >= millis(self.parts.local.session_idle);
        // What the gateway notes by itself does not count: on a slow disk something of that is always under way.
        let at_rest = self.answering == 0 && self.hashing == 0 && self.at_hub.is_empty() && !self.in_order;
        if idle && at_rest && self.station.counter().operator.is_some() {
            self.last_up_ms = up_ms;
            self.note(Act::EndSession);
        }
    }

    fn real_ms(&self) -> u64 {
        millis(self.began.elapsed())
    }

    fn show(&mut self, screen: Screen, took: Took) -> Arc<Panel> {
        let frame = self.frame();
        let link = self.parts.link.borrow().clone();
        let sources = sources(&self.parts, &self.station, &link);
        self.display.show(screen, frame, &sources, took)
    }

    fn refresh(&mut self) {
        let frame = self.frame();
        let link = self.parts.link.borrow().clone();
        let sources = sources(&self.parts, &self.station, &link);
        self.display.refresh(frame, &sources);
    }

    fn frame(&mut self) -> super::screen::Frame {
        let mut frame = self.with_around(|station, around| station.frame(around));
        frame.lines.splice(0..0, self.papers.lines());
        frame.lines.splice(0..0, say::line_of_wait(&self.parts.secrets.borrow()));
        if self.papers.has_latest() && self.papers.prints() && self.station.counter().operator.is_some() {
            frame = frame.choice("CMD-REPRINT", "choice-reprint");
        }
        frame
    }

    fn with_around<T>(&mut self, act: impl FnOnce(&mut Station, &Around<'_>) -> T) -> T {
        let around = Around {
            now: self.parts.clock.now(),
            ledger: &self.parts.reader,
            seals: &self.seals,
            unsynced: self.parts.writer.tail().unsynced(),
            local: &self.parts.local,
        };
        act(&mut self.station, &around)
    }
}

/// Is this person let in with a PIN?
fn needs_pin(ledger: &Reader, operator: &OperatorId) -> Result<bool, LedgerError> {
    for badge in ledger.ids(RowKind::Staff, ENTRIES_MAX)? {
        let person: Option<StaffRow> = load(ledger, &badge)?;
        if let Some(person) = person.filter(|person| person.operator == *operator) {
            return Ok(person.pin != PinRule::None);
        }
    }
    Ok(false)
}

/// Verdicts of before a restart that are named on the panel; the journal has them all.
const UNSHOWN_LINES: usize = 4;

fn sources<'a>(parts: &'a Parts, station: &Station, link: &'a LinkState) -> Sources<'a> {
    Sources {
        now: parts.clock.now(),
        zone: &parts.local.time_zone,
        unsynced: parts.writer.tail().unsynced(),
        link,
        person: station.counter().operator.as_ref().map(ToString::to_string),
        journal: journal_state(&parts.writer),
    }
}

/// How well the journal can be written now.
fn journal_state(writer: &Writer) -> JournalState {
    let condition = writer.condition();
    match writer.health() {
        Health::Stopped(JournalFailure::Full) => JournalState::Full,
        Health::Stopped(JournalFailure::ReadOnly) => JournalState::ReadOnly,
        Health::Stopped(JournalFailure::Damaged { .. }) => JournalState::Damaged,
        Health::Stopped(_) => JournalState::Failed,
        Health::Well if condition.damage.is_some() => JournalState::Flawed,
        Health::Well => match condition.room {
            Room::Ok => JournalState::Well,
            Room::Low => JournalState::Low,
            Room::Critical => JournalState::Critical,
        },
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Granted { first, last, facts, repeated } => {
            Outcome::Granted { records: (first > 0).then_some((first, last)), facts, repeated }
        }
        Verdict::Already(already) => Outcome::Already(already),
        Verdict::Refused(refusal) => Outcome::Refused(refusal),
        Verdict::Failed(failure) => {
            tracing::error!(%failure, "no verdict");
            Outcome::Failed
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Ready when it is time to stop, also where nobody is left to say so.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
