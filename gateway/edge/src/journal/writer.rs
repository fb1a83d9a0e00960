//! The handle to the writer, and the thread behind it.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    ask::{Acknowledged, Health, Request, RequestId, Tail, Verdict},
    database::Lock,
    engine::{Engine, GROUP_MAX},
    error::{AckError, JournalError, JournalFailure, chain},
    fault::crash_point,
    room::Room,
};

/// Most requests that wait for the writer. Who comes then waits for a place.
pub const QUEUE_MAX: usize = 1024;
/// After a failure that may pass, requests fail at once for this long; then the file is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Asks the one writer. Clones ask the same one.
///
/// The writer ends when it is told to [`stop`](Self::stop), or when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    tail: watch::Receiver<Tail>,
    health: watch::Receiver<Health>,
    condition: Arc<watch::Sender<Condition>>,
}

/// What those who look after the journal found; its writer works all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How much room its disk has.
    pub room: Room,
    /// What is not as it was written, where something was found.
    pub damage: Option<String>,
}

#[derive(Debug)]
enum Job {
    Ask(Ask),
    Position(String),
    Shown(RequestId),
    Acknowledged(Acknowledged, oneshot::Sender<Result<bool, AckError>>),
    Prunable(i64, oneshot::Sender<Result<(u64, u64), JournalFailure>>),
    Prune(u64, oneshot::Sender<Result<u64, JournalFailure>>),
    TryAgain(oneshot::Sender<()>),
    Condemn(JournalFailure),
    Stop(oneshot::Sender<()>),
    Here(oneshot::Sender<()>),
    #[cfg(test)]
    Fault(super::engine::Fault),
}

#[derive(Debug)]
struct Ask {
    request: Request,
    answer: oneshot::Sender<Verdict>,
}

impl Writer {
    /// Asks, and waits until the answer is on the disk. The same id again gets the first answer.
    pub async fn ask(&self, request: Request) -> Verdict {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Ask(Ask { request, answer })).await.is_err() {
            return Verdict::Failed(JournalFailure::Stopped);
        }
        answered.await.unwrap_or(Verdict::Failed(JournalFailure::Stopped))
    }

    /// The same for a thread of its own. Never on a thread of the async runtime.
    pub fn ask_blocking(&self, request: Request) -> Verdict {
        let (answer, answered) = oneshot::channel();
        if self.jobs.blocking_send(Job::Ask(Ask { request, answer })).is_err() {
            return Verdict::Failed(JournalFailure::Stopped);
        }
        answered.blocking_recv().unwrap_or(Verdict::Failed(JournalFailure::Stopped))
    }

    /// Appends a position to the track with the next commit, within a second. `fix` is a JSON value of at most
    /// [`FIX_BYTES_MAX`](super::FIX_BYTES_MAX) bytes; another is not written.
    pub async fn note_fix(&self, fix: String) {
        if fix.len() <= super::FIX_BYTES_MAX {
            // Stopped: a position more or less is not worth an error.
            let _ = self.jobs.send(Job::Position(fix)).await;
        }
    }

    /// Takes the hub's acknowledgement, whose signature has been checked, if our chain agrees with it. False: it
    /// says nothing new. It is written with the next commit, within a minute.
    pub async fn acknowledged(&self, ack: Acknowledged) -> Result<bool, AckError> {
        let (answer, answered) = oneshot::channel();
        let stopped = || AckError::Journal(JournalFailure::Stopped);
        self.jobs.send(Job::Acknowledged(ack, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// The yes to this request was shown to the operator. Written with the next commit.
    pub async fn shown(&self, id: RequestId) {
        // Stopped: after the next start it is shown once more.
        let _ = self.jobs.send(Job::Shown(id)).await;
    }

    /// Up to which number the journal is pruned, and up to which it may be: records that the hub has in a second copy
    /// for so many milliseconds of its own time. The second is no more than the first where nothing is old enough.
    pub async fn prunable(&self, keep_ms: i64) -> Result<(u64, u64), JournalFailure> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Prunable(keep_ms, answer)).await.map_err(|_| JournalFailure::Stopped)?;
        answered.await.map_err(|_| JournalFailure::Stopped)?
    }

    /// Deletes records up to this number, as far as they are safe at the hub, and a few hundred at once. Returns the
    /// number up to which the journal is pruned now.
    pub async fn prune(&self, through: u64) -> Result<u64, JournalFailure> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Prune(through, answer)).await.map_err(|_| JournalFailure::Stopped)?;
        answered.await.map_err(|_| JournalFailure::Stopped)?
    }

    /// A journal that is stopped by a failure that may pass tries now whether it can go on. [`Self::health`] says what
    /// came of it.
    ///
    /// # Errors
    /// The writer was stopped.
    pub async fn try_again(&self) -> Result<(), JournalFailure> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::TryAgain(answer)).await.map_err(|_| JournalFailure::Stopped)?;
        answered.await.map_err(|_| JournalFailure::Stopped)
    }

    /// Nothing more is recorded for this reason: a verdict could be wrong. Never on a thread of the async runtime.
    pub fn condemn(&self, failure: JournalFailure) {
        // Stopped already: nothing is recorded any more.
        let _ = self.jobs.blocking_send(Job::Condemn(failure));
    }

    /// How much room the journal's disk has, as it was looked at last.
    pub fn room(&self) -> Room {
        self.condition.borrow().room
    }

    /// What those who look after the journal found.
    pub fn condition(&self) -> Condition {
        self.condition.borrow().clone()
    }

    /// The room of the journal's disk was looked at.
    pub fn note_room(&self, room: Room) {
        self.condition.send_if_modified(|condition| std::mem::replace(&mut condition.room, room) != room);
    }

    /// Something in the journal is not as it was written. The first finding stays.
    pub fn note_damage(&self, what: &str) {
        self.condition.send_modify(|condition| {
            condition.damage.get_or_insert_with(|| what.to_owned());
        });
    }

    /// Answers what is in the queue, writes what waits, closes the file and lets go of the lock.
    pub async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Stop(answer)).await.is_ok() {
            let _ = answered.await;
        }
    }

    /// Waits until the writer has come round to this question, behind all that was asked before. False: it has ended.
    pub async fn comes_round(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Here(answer)).await.is_ok() && answered.await.is_ok()
    }

    /// Lets something go wrong at the next commit.
    #[cfg(test)]
    pub(super) async fn inject(&self, fault: super::engine::Fault) {
        self.jobs.send(Job::Fault(fault)).await.unwrap();
    }

    /// Number and link of the last record on the disk.
    pub fn last(&self) -> (u64, waypost_core::fact::Link) {
        let tail = self.tail();
        (tail.ledger_last, tail.link)
    }

    /// Where the journal ends now, and what the hub has of it.
    pub fn tail(&self) -> Tail {
        *self.tail.borrow()
    }

    /// Wakes whoever waits for new records, positions or acknowledgements.
    pub fn watch_tail(&self) -> watch::Receiver<Tail> {
        self.tail.clone()
    }

    /// Whether records can be written.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Wakes whoever shows whether records can be written.
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

/// Starts the writer's thread.
pub(super) fn start(engine: Engine, lock: Lock) -> Result<Writer, JournalError> {
    let (jobs, queue) = mpsc::channel(QUEUE_MAX);
    let (tail_out, tail) = watch::channel(engine.tail());
    let (health_out, health) = watch::channel(Health::Well);
    let timer =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(JournalError::Thread)?;
    let worker = Worker {
        engine,
        queue,
        timer,
        tail: tail_out,
        health: health_out,
        down: None,
        due: None,
        stopping: Vec::new(),
        _lock: lock,
    };
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || worker.run())
        .map_err(JournalError::Thread)?;
    let condition = Arc::new(watch::Sender::new(Condition { room: Room::Ok, damage: None }));
    Ok(Writer { jobs, tail, health, condition })
}

struct Worker {
    engine: Engine,
    queue: mpsc::Receiver<Job>,
    timer: tokio::runtime::Runtime,
    tail: watch::Sender<Tail>,
    health: watch::Sender<Health>,
    down: Option<Down>,
    /// When a position or an acknowledgement is written that no request took along.
    due: Option<Instant>,
    stopping: Vec<oneshot::Sender<()>>,
    _lock: Lock,
}

struct Down {
    failure: JournalFailure,
    since: Instant,
}

impl Worker {
    fn run(mut self) {
        let mut asks = Vec::with_capacity(GROUP_MAX);
        while let Some(job) = self.next() {
            if let Some(job) = job {
                self.take(job, &mut asks);
            }
            // One alone goes at once; those that came in the meantime go together.
            while asks.len() < GROUP_MAX
                && let Ok(job) = self.queue.try_recv()
            {
                self.take(job, &mut asks);
            }
            let is_due = self.due.is_some_and(|due| due <= Instant::now());
            if !asks.is_empty() || is_due {
                self.commit(&mut asks);
            }
            if !self.stopping.is_empty() {
                self.queue.close();
            }
        }
        if self.engine.has_rest() {
            self.commit(&mut asks);
        }
        let Self { engine, stopping, _lock: lock, .. } = self;
        drop(engine);
        drop(lock);
        for stopped in stopping {
            let _ = stopped.send(());
        }
    }

    /// The next job; within: none where something waited long enough; none at all: nobody can ask any more.
    fn next(&mut self) -> Option<Option<Job>> {
        let Some(due) = self.due else {
            return self.queue.blocking_recv().map(Some);
        };
        let left = due.saturating_duration_since(Instant::now());
        let queue = &mut self.queue;
        match self.timer.block_on(async { tokio::time::timeout(left, queue.recv()).await }) {
            Ok(Some(job)) => Some(Some(job)),
            Ok(None) => None,
            Err(_) => Some(None),
        }
    }

    fn take(&mut self, job: Job, asks: &mut Vec<Ask>) {
        match job {
            Job::Ask(ask) => asks.push(ask),
            Job::Position(fix) => self.engine.position(&fix),
            Job::Shown(id) => self.engine.shown(id),
            Job::Acknowledged(ack, answer) => {
                let taken = self.engine.acknowledge(ack);
                if taken == Ok(true) {
                    self.tail.send_replace(self.engine.tail());
                }
                let _ = answer.send(taken);
            }
            Job::Prunable(keep_ms, answer) => {
                let _ = answer.send(self.engine.prunable(keep_ms));
            }
            Job::Prune(through, answer) => {
                let _ = answer.send(self.engine.prune(through));
                self.engine.after_answers();
            }
            Job::Here(answer) => {
                // Who asked may be gone.
                let _ = answer.send(());
            }
            Job::TryAgain(answer) => {
                self.try_again();
                let _ = answer.send(());
            }
            Job::Condemn(failure) => {
                self.set_down(failure);
            }
            Job::Stop(answer) => self.stopping.push(answer),
            #[cfg(test)]
            Job::Fault(fault) => self.engine.fault = Some(fault),
        }
        if let Some(may_wait) = self.engine.may_wait() {
            let due = Instant::now() + may_wait;
            self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        }
    }

    /// Commits a group and answers it.
    fn commit(&mut self, asks: &mut Vec<Ask>) {
        self.due = None;
        if let Some(failure) = self.still_down() {
            for ask in asks.drain(..) {
                let _ = ask.answer.send(Verdict::Failed(failure.clone()));
            }
            return;
        }
        let requests: Vec<&Request> = asks.iter().map(|ask| &ask.request).collect();
        let verdicts = match self.engine.group(&requests) {
            Ok(verdicts) => {
                self.health
                    .send_if_modified(|health| std::mem::replace(health, Health::Well) != Health::Well);
                verdicts
            }
            Err(failure) => {
                tracing::error!(%failure, requests = requests.len(), "a group of requests was not committed");
                if failure == JournalFailure::Full && self.engine.give_up_reserve() {
                    tracing::warn!("the disk is full: the reserve is given up, for the last records");
                }
                let found = self.engine.recover(&requests);
                self.after_failure(failure, found, requests.len())
            }
        };
        self.tail.send_if_modified(|tail| {
            let now = self.engine.tail();
            let moved = *tail != now;
            *tail = now;
            moved
        });
        crash_point("after_commit_before_answer");
        let mut answered = Vec::with_capacity(asks.len());
        for (Ask { request, answer }, verdict) in asks.drain(..).zip(verdicts) {
            // Who asked may be gone; the records stand, and the same id gets the same answer.
            let _ = answer.send(verdict);
            // Put away once all have their answer.
            answered.push(request);
        }
        drop(answered);
        self.engine.after_answers();
    }

    /// The failure that still holds; none where the file is open, or could be opened again.
    fn still_down(&mut self) -> Option<JournalFailure> {
        let down = self.down.as_ref()?;
        if !down.failure.may_pass() || down.since.elapsed() < RETRY {
            return Some(down.failure.clone());
        }
        match self.engine.recover(&[]) {
            Ok(_) => {
                tracing::info!("the journal can be written again");
                self.down = None;
                self.health.send_replace(Health::Well);
                None
            }
            Err(error) => Some(self.set_down(error.failure())),
        }
    }

    /// Tries whether the disk takes writes again.
    fn try_again(&mut self) {
        if *self.health.borrow() == Health::Well {
            return;
        }
        if let Some(down) = &self.down {
            if !down.failure.may_pass() {
                return;
            }
            if let Err(error) = self.engine.recover(&[]) {
                self.set_down(error.failure());
                return;
            }
            self.down = None;
        }
        match self.engine.probe() {
            Ok(()) => {
                tracing::info!("the journal can be written again");
                self.health.send_replace(Health::Well);
            }
            Err(failure) => {
                self.set_down(failure);
            }
        }
    }

    /// The answers of a group that failed: what the file has was granted, of the rest nothing was recorded.
    fn after_failure(
        &mut self,
        failure: JournalFailure,
        found: Result<Vec<Option<Verdict>>, JournalError>,
        requests: usize,
    ) -> Vec<Verdict> {
        match found {
            Ok(found) => {
                if !failure.may_pass() {
                    self.set_down(failure.clone());
                } else if found.iter().any(Option::is_none) {
                    // The file opens, so the next request is tried; a disk that is full fails that one too.
                    self.health.send_replace(Health::Stopped(failure.clone()));
                }
                found
                    .into_iter()
                    .map(|found| found.unwrap_or_else(|| Verdict::Failed(failure.clone())))
                    .collect()
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the journal could not be opened again");
                let failure = self.set_down(error.failure());
                vec![Verdict::Failed(failure); requests]
            }
        }
    }

    fn set_down(&mut self, failure: JournalFailure) -> JournalFailure {
        self.health.send_replace(Health::Stopped(failure.clone()));
        self.down = Some(Down { failure: failure.clone(), since: Instant::now() });
        failure
    }
}
