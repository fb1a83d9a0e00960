//! The engine: runs a station on a thread of its own, between readings, devices, the claims' thread and the writer.
//!
//! What a scan means is said at once; the rule decides inside the writer. Scans of tubes and claims go to the writer
//! without waiting for each other, at most [`OUTSTANDING_MAX`] at a time, so that they are committed together. Whatever
//! changes what the next scan means (a badge, a box, a command) is answered before the next scan is looked at.
//!
//! Readings wait in a queue of [`READINGS_MAX`] places, news of devices in one of [`DEVICES_MAX`]. At the bound the
//! sender waits; frames of seals are dropped there by their driver, as a radio loses them anyway.

mod claims;
mod closed;
mod display;
mod enrolling;
mod look;
mod news;
mod papers;
mod recent;
mod start;

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
    fact::{ClockQuality, Stream, WallTime, id::OperatorId},
    rule::{Act, LedgerError, pin::PinProof},
};
use waypost_drivers::{gnss::GnssEvent, seal::SealEvent};

pub use self::{
    closed::{ClosedParts, ClosedStation, start_closed},
    papers::{Needs, PaperNews, PrinterNews},
};

use self::{
    claims::AtHub,
    display::{Display, Sources, Took},
    enrolling::Enrolling,
    look::journal_state,
    papers::Desk,
    recent::{Begun, Recent},
};
use super::{
    counter::Counter,
    hand_out,
    handle::{READINGS_MAX, Reading, StationHandle},
    machine::Station,
    pin_entry::{Presented, with_proof},
    position::Position,
    read::{self, Read},
    satellite_time::SatelliteTime,
    say,
    screen::Screen,
    seal_book::SealBook,
    step::{Around, Asked, HashJob, Local, Outcome, PinJob, Step, runs_beside_others},
};
use crate::{
    alive::Pulse,
    claim::{self, Done},
    clock::Clock,
    enrol::EnrolDesk,
    filter::Filters,
    journal::{JournalError, Opened, Reader, Request, RequestId, Verdict, Writer, crash_point},
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
    /// Takes a hub's code; none where the gateway has its hub.
    pub enrolment: Option<EnrolDesk>,
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
        enrolling: FuturesUnordered::new(),
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
    /// The code with which the hub is asked; one at a time.
    enrolling: FuturesUnordered<BoxFuture<'static, Enrolling>>,
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
                Some(answer) = self.enrolling.next() => self.enrolled(answer),
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

    async fn reading(&mut self, mut reading: Reading) {
        crash_point("at_a_reading");
        if let Some(key) = &reading.key
            && matches!(self.recent.begin(key, &mut reading.reply), Begun::Known)
        {
            return;
        }
        self.last_up_ms = self.parts.clock.now().up_ms;
        self.last_read = Instant::now();
        if let Some(code) = read::read_enrolment(&reading.text) {
            return self.enrol(code, self.ticket(reading));
        }
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
        let ticket = self.ticket(reading);
        let step = self.with_around(|station, around| station.on_read(read, around));
        self.step(step, ticket);
    }

    fn ticket(&self, reading: Reading) -> Ticket {
        let Reading { key, arrived, reply, .. } = reading;
        let by = self.station.counter().operator.clone();
        Ticket { arrived, by, key, reply, handed: None, away: Duration::ZERO, hash: None }
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
        frame.lines.extend(self.line_of_enrolment());
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
