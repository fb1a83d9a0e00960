//! A printer's thread: it opens the printer, asks how it is, and prints one job after the other.
//!
//! Nothing waits for it: jobs wait in a queue of [`JOBS_MAX`] places, and a full queue is told to who wants to print. A
//! job waits for a printer that is away or out of paper as long as [`PrinterConfig::job_age_max`] says, then it is
//! dropped with a word. A job of which a part may have come out is never sent again by itself: that would be a second
//! paper that looks like the first.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    Bitmap, Dialect, Place,
    link::Link,
    serial,
    session::{Beside, End, Session},
    status::Trouble,
    tcp, usb,
};

/// Jobs that may wait.
pub const JOBS_MAX: usize = 16;
/// How often a printer without work is asked how it is.
const LOOK_IDLE: Duration = Duration::from_secs(3);
/// How often one is looked at that has a job waiting or something wrong.
const LOOK_BUSY: Duration = Duration::from_millis(500);
/// The first pause before a printer is opened again. It doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(100);
/// The longest pause before a printer is opened again.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// A printer: where it is and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterConfig {
    /// Where it is.
    pub place: Place,
    /// What it speaks.
    pub dialect: Dialect,
    /// It answers questions about its state. One that should and does not counts as away.
    pub answers: bool,
    /// How long a job waits for its printer before it is dropped.
    pub job_age_max: Duration,
}

/// A picture to be printed.
#[derive(Debug)]
pub struct Job {
    /// Comes back with the news of it.
    pub id: u64,
    /// What to print.
    pub picture: Bitmap,
}

/// News of a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterEvent {
    /// It is there.
    Up,
    /// It is away, with the reason in words.
    Down(String),
    /// What is wrong with it changed.
    Trouble(Option<Trouble>),
    /// The job is printed.
    Printed(u64),
    /// A part of the job may have come out: a person looks. It is not sent again.
    Unsure(u64),
    /// The job waited too long; none of it came out.
    Dropped(u64),
}

/// As many jobs wait as may: this one is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{JOBS_MAX} jobs wait for this printer already")]
pub struct QueueFull;

/// A printer with its thread. The thread ends when this is dropped; what is not printed then is lost.
#[derive(Debug)]
pub struct Printer {
    jobs: SyncSender<(Job, Instant)>,
    _alive: SyncSender<()>,
}

impl Printer {
    /// Starts the thread. Nobody waits for the printer itself. `events` should be listened to: a thread that cannot tell
    /// its news waits.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(config: PrinterConfig, events: mpsc::Sender<PrinterEvent>) -> io::Result<Self> {
        let (jobs_in, jobs) = sync_channel(JOBS_MAX);
        let (alive_in, alive) = sync_channel(0);
        let worker = Worker {
            config,
            events,
            alive,
            session: None,
            recover: false,
            retry: RETRY_MIN,
            told: Told::default(),
        };
        thread::Builder::new().name("printer".to_owned()).spawn(move || worker.run(&jobs))?;
        Ok(Self { jobs: jobs_in, _alive: alive_in })
    }

    /// Hands over a job, without waiting.
    ///
    /// # Errors
    /// [`QueueFull`]; also where the thread has ended.
    pub fn print(&self, job: Job) -> Result<(), QueueFull> {
        self.jobs.try_send((job, Instant::now())).map_err(|_| QueueFull)
    }
}

/// What was told last, so that only news is told.
#[derive(Default)]
struct Told {
    up: bool,
    down: Option<String>,
    trouble: Option<Trouble>,
}

struct Worker {
    config: PrinterConfig,
    events: mpsc::Sender<PrinterEvent>,
    /// Nothing ever comes; it breaks when the printer is dropped.
    alive: Receiver<()>,
    session: Option<Session>,
    /// The connection before this one broke within a job.
    recover: bool,
    retry: Duration,
    told: Told,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<(Job, Instant)>) {
        let mut current: Option<(Job, Instant)> = None;
        self.look();
        loop {
            let pause = self.pause(current.is_some());
            if current.is_some() {
                if !stays(&self.alive, pause) {
                    return;
                }
            } else {
                match jobs.recv_timeout(pause) {
                    Ok(job) => current = Some(job),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            let ready = self.look();
            current = match current {
                Some((job, made)) if made.elapsed() >= self.config.job_age_max => {
                    self.tell(PrinterEvent::Dropped(job.id));
                    None
                }
                Some((job, made)) if ready => self.print(job, made),
                other => other,
            };
            if self.events.is_closed() {
                return;
            }
        }
    }

    fn pause(&self, has_work: bool) -> Duration {
        match &self.session {
            None => self.retry,
            Some(_) if has_work || self.told.trouble.is_some() => LOOK_BUSY,
            Some(_) => LOOK_IDLE,
        }
    }

    /// Opens the printer where it is not open, and asks how it is. True where it can print.
    fn look(&mut self) -> bool {
        if self.session.is_none() {
            let config = &self.config;
            let opened = open(&config.place)
                .and_then(|link| Session::begin(link, config.dialect, config.answers, self.recover));
            match opened {
                Ok(session) => {
                    self.session = Some(session);
                    self.recover = false;
                    self.retry = RETRY_MIN;
                }
                Err(error) => {
                    self.retry = (self.retry * 2).min(RETRY_MAX);
                    self.down(error.to_string());
                    return false;
                }
            }
        }
        let Some(status) = self.session.as_mut().map(Session::status) else { return false };
        match status {
            Ok(status) => {
                if !std::mem::replace(&mut self.told.up, true) {
                    self.told.down = None;
                    self.tell(PrinterEvent::Up);
                }
                self.trouble(status.trouble);
                status.is_ready()
            }
            Err(error) => {
                self.down(error.to_string());
                false
            }
        }
    }

    /// Gives the job back where it is to be tried again.
    fn print(&mut self, job: Job, made: Instant) -> Option<(Job, Instant)> {
        let mut session = self.session.take()?;
        let (alive, until) = (&self.alive, made + self.config.job_age_max);
        let (events, told) = (&self.events, &mut self.told);
        let mut tell = |trouble| {
            if told.trouble != trouble {
                told.trouble = trouble;
                // Where nobody listens any more, the thread ends soon.
                let _ = events.blocking_send(PrinterEvent::Trouble(trouble));
            }
        };
        let mut beside = Beside { tell: &mut tell, pause: &|pause| stays(alive, pause), until };
        let (news, why) = match session.print(&job.picture, &mut beside) {
            End::Printed => {
                self.session = Some(session);
                self.tell(PrinterEvent::Printed(job.id));
                return None;
            }
            End::Untouched(why) => (None, why),
            End::Unsure(why) => (Some(PrinterEvent::Unsure(job.id)), why),
        };
        // The link goes with the session: what the printer holds of the job is cleared on the next one.
        drop(session);
        self.recover = true;
        tracing::warn!(job = job.id, why, "a print broke off");
        self.down(why);
        match news {
            Some(news) => {
                self.tell(news);
                None
            }
            None => Some((job, made)),
        }
    }

    fn down(&mut self, reason: String) {
        self.session = None;
        self.told.up = false;
        self.trouble(None);
        if self.told.down.as_ref() != Some(&reason) {
            self.told.down = Some(reason.clone());
            self.tell(PrinterEvent::Down(reason));
        }
    }

    fn trouble(&mut self, trouble: Option<Trouble>) {
        if self.told.trouble != trouble {
            self.told.trouble = trouble;
            self.tell(PrinterEvent::Trouble(trouble));
        }
    }

    fn tell(&self, event: PrinterEvent) {
        // Where nobody listens any more, the thread ends soon.
        let _ = self.events.blocking_send(event);
    }
}

/// Waits; false when the printer was dropped meanwhile.
fn stays(alive: &Receiver<()>, pause: Duration) -> bool {
    !matches!(alive.recv_timeout(pause), Err(RecvTimeoutError::Disconnected))
}

fn open(place: &Place) -> io::Result<Box<dyn Link>> {
    Ok(match place {
        Place::Tcp(address) => Box::new(tcp::open(address)?),
        Place::Serial(port) => Box::new(serial::open(port)?),
        Place::Usb(id) => Box::new(usb::open(id)?),
    })
}
