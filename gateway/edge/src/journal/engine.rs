//! One group of requests, from the questions to the commit. Runs on the writer's thread alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;
use uuid::Uuid;
use waypost_core::{
    fact::{
        Fact, LineError, Link, Moment, Record, SiteKind,
        id::{GatewayId, ItemId, OperatorId, SiteId},
    },
    rule::{Act, Decision, LedgerError, Place, order::Order, take},
};

use super::{
    answers::{
        NewRequest, as_first_answer, find_answer, find_unshown, forget_request, note_request, repeat_in_group,
    },
    ask::{Acknowledged, Request, RequestId, Tail, Unshown, Verdict},
    chain,
    config::{JournalConfig, Rules},
    database::{self, put_meta},
    draft::{Draft, NewLine},
    error::{AckError, JournalError, JournalFailure},
    held::Held,
    log_ahead::LogAhead,
    renew, reserve,
    retention::Marks,
    rows::{InGroup, Rows},
    sql,
    statements::Statements,
    track::Track,
    witness::{self, Seen, Witness},
};
use crate::clock::Clock;

/// Most requests that are committed together.
pub const GROUP_MAX: usize = 64;
/// Most records that are pruned at once: verdicts wait for so long.
pub(super) const PRUNED_MAX: u64 = 512;
/// Most answers noted as shown that wait for a commit. More than can be asked at once.
const SHOWN_WAITING_MAX: usize = 2048;
/// A position that no request takes along is written after this.
const POSITION_WAIT_MAX: Duration = Duration::from_secs(1);

/// The writer's own: the write connection and what it knows of the file.
pub(super) struct Engine {
    dir: PathBuf,
    gateway: GatewayId,
    site: SiteId,
    kind: SiteKind,
    box_tubes_max: u32,
    par: Vec<(ItemId, i64)>,
    clock: Clock,
    journal: Uuid,
    rules: Rules,
    boot: u32,
    /// None while the writer is stopped by a failure.
    connection: Option<Connection>,
    rows: Rows,
    last: u64,
    link: Link,
    track: Track,
    held: Held,
    marks: Marks,
    /// Requests whose yes was shown; noted with the next commit.
    shown: Vec<RequestId>,
    rows_written: u64,
    log: LogAhead,
    /// None where it cannot be had.
    witness: Option<Witness>,
    #[cfg(test)]
    pub(super) fault: Option<Fault>,
}

/// What a test lets go wrong at the next commit.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, and nothing was written.
    CommitFails,
    /// It fails, and all was written.
    CommitLies,
    /// The file may not grow any more, until it is opened again.
    DiskFull,
}

/// Why a request got no decision.
enum Undecided {
    /// The store under it failed: the whole group falls.
    Group(JournalFailure),
    /// Only this request cannot be written.
    Alone(JournalFailure),
}

impl From<LedgerError> for Undecided {
    fn from(error: LedgerError) -> Self {
        Self::Group(JournalFailure::of_ledger(&error))
    }
}

impl From<JournalError> for Undecided {
    fn from(error: JournalError) -> Self {
        Self::Group(error.failure())
    }
}

impl Engine {
    /// Opens the file, starts the journal where it is new, and notes the start of the gateway.
    pub(super) fn open(config: JournalConfig, rules: Rules) -> Result<(Self, Vec<Unshown>), JournalError> {
        let connection = database::open_writer(&config.dir)?;
        let JournalConfig { dir, gateway, site, kind, box_tubes_max, par, clock, track_max, journal } =
            config;
        let boot = match database::meta(&connection, "journal")? {
            Some(found) if found == journal.to_string() => boot_count(&connection)?.saturating_add(1),
            Some(found) => return Err(JournalError::OtherJournal { dir, found, wanted: journal }),
            None => 1,
        };
        let (last, link) = chain::checked_tail(&connection)?;
        if let Some(seen) = lost_tail(&dir, journal, last) {
            return Err(JournalError::TailLost { last, seen });
        }
        let held = Held::read(&connection)?;
        let marks = Marks::read(&connection)?;
        let track = Track::read(&connection, track_max, held.ack().map_or(0, |ack| ack.track_held))?;
        let unshown = find_unshown(&connection)?;
        let mut engine = Self {
            log: LogAhead::of(&dir),
            dir,
            gateway,
            site,
            kind,
            box_tubes_max,
            par,
            clock,
            journal,
            rules,
            boot,
            connection: Some(connection),
            rows: Rows::default(),
            last,
            link,
            track,
            held,
            marks,
            shown: Vec::new(),
            rows_written: 0,
            witness: None,
            #[cfg(test)]
            fault: None,
        };
        engine.witness = Witness::open(&engine.dir);
        engine.start()?;
        engine.log.keep();
        Ok((engine, unshown))
    }

    /// Writes the first records of a run.
    fn start(&mut self) -> Result<(), JournalError> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let mut facts = Vec::new();
        if self.last == 0 {
            facts.push(Fact::JournalStarted {
                gateway: self.gateway.clone(),
                site: self.site.clone(),
                journal: self.journal,
                previous: match &self.connection {
                    Some(connection) => renew::previous(connection)?,
                    None => None,
                },
            });
        }
        facts.push(Fact::GatewayStarted { version: version.clone() });
        let act = Act::Start { version };
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let written = self.write_start(&connection, facts, &act);
        self.connection = Some(connection);
        written
    }

    fn write_start(
        &mut self,
        connection: &Connection,
        facts: Vec<Fact>,
        act: &Act,
    ) -> Result<(), JournalError> {
        let starting = JournalError::sqlite("noting the start");
        let transaction = connection.unchecked_transaction().map_err(&starting)?;
        let mut draft = Draft::default();
        let statements = &Statements::new(connection);
        self.append(statements, &mut draft, facts, act, self.clock.now(), None).map_err(|undecided| {
            match undecided {
                Undecided::Group(failure) | Undecided::Alone(failure) => JournalError::Start(failure),
            }
        })?;
        put_meta(connection, "journal", &self.journal.to_string()).map_err(&starting)?;
        put_meta(connection, "boot", &self.boot.to_string()).map_err(&starting)?;
        self.write(statements, &draft).map_err(&starting)?;
        transaction.commit().map_err(&starting)?;
        self.committed();
        Ok(())
    }

    /// Decides a group, commits it, and gives the answers in the order of the requests. Nothing is answered before
    /// the commit: a no may rest on a neighbour of the same group.
    ///
    /// With an error the writer is stopped: [`Self::recover`] finds out what became of the group.
    pub(super) fn group(&mut self, requests: &[&Request]) -> Result<Vec<Verdict>, JournalFailure> {
        let Some(connection) = self.connection.take() else { return Err(JournalFailure::Stopped) };
        let result = self.commit_group(&connection, requests);
        match result {
            Ok(verdicts) => {
                self.connection = Some(connection);
                Ok(verdicts)
            }
            Err(failure) => {
                self.rows = Rows::default();
                drop(connection);
                Err(failure)
            }
        }
    }

    fn commit_group(
        &mut self,
        connection: &Connection,
        requests: &[&Request],
    ) -> Result<Vec<Verdict>, JournalFailure> {
        #[cfg(test)]
        if self.fault.take_if(|fault| *fault == Fault::DiskFull).is_some() {
            connection
                .pragma_update(None, "max_page_count", 1)
                .map_err(|error| JournalFailure::of_sqlite(&error))?;
        }
        run(connection, "BEGIN")?;
        let mut draft = Draft::default();
        let statements = &Statements::new(connection);
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(requests.len());
        for request in requests {
            let verdict = match self.decide(statements, &mut draft, request, requests, &verdicts) {
                Ok(verdict) => verdict,
                Err(Undecided::Alone(failure)) => Verdict::Failed(failure),
                Err(Undecided::Group(failure)) => return Err(failure),
            };
            verdicts.push(verdict);
        }
        if let Some((first, last)) = self.track.overflow() {
            self.drop_positions(statements, &mut draft, first, last)?;
        }
        self.write(statements, &draft).map_err(|error| JournalFailure::of_sqlite(&error))?;
        #[cfg(test)]
        if self.fault.take_if(|fault| *fault == Fault::CommitFails).is_some() {
            return Err(JournalFailure::Io { what: "injected before".to_owned() });
        }
        run(connection, "COMMIT")?;
        #[cfg(test)]
        if self.fault.take_if(|fault| *fault == Fault::CommitLies).is_some() {
            return Err(JournalFailure::Io { what: "injected after".to_owned() });
        }
        self.committed();
        Ok(verdicts)
    }

    fn decide<'a>(
        &mut self,
        statements: &Statements<'_>,
        draft: &mut Draft<'a>,
        request: &'a Request,
        requests: &[&'a Request],
        verdicts: &[Verdict],
    ) -> Result<Verdict, Undecided> {
        let now = self.clock.now();
        let mut rows = std::mem::take(&mut self.rows);
        let asked = self.ask_rules(&InGroup::new(statements, &mut rows), request, now);
        self.rows = rows;
        let (decision, by) = asked?;
        // Only a request that wrote records has an id that is kept. Those that write some find a repeat by writing
        // their id; the others look it up.
        let verdict = match decision {
            Decision::Already(already) => Verdict::Already(already),
            Decision::Refuse(refusal) => Verdict::Refused(refusal),
            Decision::Grant(facts) if facts.is_empty() => {
                let facts = self.append(statements, draft, facts, &request.act, now, by.as_ref())?;
                Verdict::Granted { first: 0, last: 0, facts, repeated: false }
            }
            Decision::Grant(facts) => {
                let (first, last) = (self.last + 1, self.last + facts.len() as u64);
                let shown = by.is_none();
                if note_request(statements, NewRequest { id: &request.id, first, last, shown })? {
                    return self.grant(statements, draft, request, facts, now, by.as_ref());
                }
                // Known: the answer to it is in the group or on the disk.
                Verdict::Failed(JournalFailure::Damaged { what: "a request has no answer".to_owned() })
            }
        };
        if let Some(first) = repeat_in_group(request, requests, verdicts) {
            return Ok(first);
        }
        Ok(find_answer(statements.connection, &request.id)?.unwrap_or(verdict))
    }

    /// Appends the records of a request whose id is noted.
    fn grant<'a>(
        &mut self,
        statements: &Statements<'_>,
        draft: &mut Draft<'a>,
        request: &'a Request,
        facts: Vec<Fact>,
        now: Moment,
        by: Option<&OperatorId>,
    ) -> Result<Verdict, Undecided> {
        let first = self.last + 1;
        let appended = self.append(statements, draft, facts, &request.act, now, by);
        if let Err(Undecided::Alone(_)) = appended {
            forget_request(statements.connection, first)?;
        }
        let facts = appended?;
        draft.requests += 1;
        if let Act::ApplyOrder { document } = &request.act
            && holds_secrets(&document.order)
        {
            draft.orders.push(document);
        }
        if let Act::EndCampaign { campaign, .. } = &request.act {
            draft.ended.push(campaign);
        }
        Ok(Verdict::Granted { first, last: self.last, facts, repeated: false })
    }

    /// The decision, and whom its records name.
    fn ask_rules(
        &self,
        ledger: &InGroup<'_, '_>,
        request: &Request,
        now: Moment,
    ) -> Result<(Decision, Option<OperatorId>), LedgerError> {
        let by = match &request.by {
            Some(by) => Some(by.clone()),
            None => (self.rules.author)(&self.place(now, None), ledger, &request.act)?,
        };
        let decision = (self.rules.decide)(&self.place(now, by.as_ref()), ledger, &request.act)?;
        Ok((decision, by))
    }

    fn place<'a>(&'a self, now: Moment, by: Option<&'a OperatorId>) -> Place<'a> {
        Place {
            gateway: &self.gateway,
            site: &self.site,
            kind: self.kind,
            now,
            boot: self.boot,
            next_seq: self.last + 1,
            by,
            box_tubes_max: self.box_tubes_max,
            par: &self.par,
        }
    }

    /// Makes lines of facts and lets each change the ledger. Where one of them cannot be, none of them is.
    fn append(
        &mut self,
        statements: &Statements<'_>,
        draft: &mut Draft<'_>,
        facts: Vec<Fact>,
        act: &Act,
        now: Moment,
        by: Option<&OperatorId>,
    ) -> Result<Vec<Fact>, Undecided> {
        let (lines, last, link) = (draft.lines.len(), self.last, self.link);
        let mut rows = std::mem::take(&mut self.rows);
        rows.mark();
        let appended = self.append_each(&mut InGroup::new(statements, &mut rows), draft, facts, act, now, by);
        self.rows = rows;
        if appended.is_err() {
            self.rows.back_to_mark();
            draft.lines.truncate(lines);
            (self.last, self.link) = (last, link);
        }
        appended
    }

    fn append_each(
        &mut self,
        ledger: &mut InGroup<'_, '_>,
        draft: &mut Draft<'_>,
        facts: Vec<Fact>,
        act: &Act,
        now: Moment,
        by: Option<&OperatorId>,
    ) -> Result<Vec<Fact>, Undecided> {
        let mut written = Vec::with_capacity(facts.len());
        for fact in facts {
            let seq = self.last + 1;
            (self.rules.apply)(&self.place(now, by), ledger, seq, &fact, act)?;
            let record = Record {
                seq,
                boot: self.boot,
                up_ms: now.up_ms,
                at: now.at,
                clock: now.clock,
                by: by.cloned(),
                fact,
            };
            let line = record.to_line().map_err(|error| match error {
                LineError::TooLong(bytes) => Undecided::Alone(JournalFailure::TooLong { bytes }),
                LineError::Unreadable(error) => {
                    Undecided::Alone(JournalFailure::Io { what: error.to_string() })
                }
            })?;
            self.link = self.link.after(line.as_bytes());
            self.last = seq;
            draft.lines.push(NewLine { seq, link: self.link, line });
            written.push(record.fact);
        }
        take(&self.place(now, by), ledger, self.last, act)?;
        Ok(written)
    }

    /// The track is full: its oldest positions go, and a record says which.
    fn drop_positions(
        &mut self,
        statements: &Statements<'_>,
        draft: &mut Draft<'_>,
        first: u64,
        last: u64,
    ) -> Result<(), JournalFailure> {
        let facts = vec![Fact::TrackDropped { first, last }];
        match self.append(statements, draft, facts, &Act::Tick, self.clock.now(), None) {
            Ok(_) => Ok(()),
            Err(Undecided::Group(failure) | Undecided::Alone(failure)) => Err(failure),
        }
    }

    /// Writes a group within the transaction that is open.
    fn write(&mut self, statements: &Statements<'_>, draft: &Draft<'_>) -> rusqlite::Result<()> {
        let mut written = draft.write(statements)?;
        if !self.shown.is_empty() {
            let mut update = statements.connection.prepare_cached(sql::REQUEST_SHOWN)?;
            for id in &self.shown {
                update.execute([id.as_str()])?;
                written += 1;
            }
        }
        self.held.write(statements.connection)?;
        self.marks.write(statements.connection)?;
        written += self.rows.write(statements)?;
        written += self.track.write(statements.connection)?;
        self.rows_written += written;
        Ok(())
    }

    /// What was written is on the disk.
    fn committed(&mut self) {
        if let Some(witness) = &mut self.witness {
            witness.note(Seen { journal: self.journal, seq: self.last, link: self.link });
        }
        self.rows.committed();
        self.track.committed();
        self.shown.clear();
        self.held.committed();
        self.marks.committed();
    }

    /// After a failure: opens the file again, makes sure that what it holds is on the disk, and looks the requests
    /// up. Nothing is tried again. Those that are found were granted; of the others nothing was recorded.
    pub(super) fn recover(&mut self, requests: &[&Request]) -> Result<Vec<Option<Verdict>>, JournalError> {
        let connection = database::open_writer(&self.dir)?;
        // A flush that failed may have left pages in memory alone that nothing will write again. Bringing the whole
        // log into the file writes and flushes them anew, or fails.
        self.checkpoint_all(&connection)?;
        let (last, link) = chain::checked_tail(&connection)?;
        if let Some(seen) = lost_tail(&self.dir, self.journal, last) {
            return Err(JournalError::TailLost { last, seen });
        }
        let mut found = Vec::with_capacity(requests.len());
        for request in requests {
            found.push(find_answer(&connection, &request.id)?.map(as_first_answer));
        }
        self.track.back_to(&connection)?;
        (self.last, self.link) = (last, link);
        self.rows = Rows::default();
        self.connection = Some(connection);
        Ok(found)
    }

    /// Gives the reserve of the disk up, where there is one. True: there was.
    pub(super) fn give_up_reserve(&self) -> bool {
        reserve::give_up(&self.dir)
    }

    /// Writes something that means nothing: does the disk take it? After a failure the writer is stopped.
    pub(super) fn probe(&mut self) -> Result<(), JournalFailure> {
        let connection = self.connection.take().ok_or(JournalFailure::Stopped)?;
        let up_ms = self.clock.now().up_ms;
        put_meta(&connection, "probe", &up_ms.to_string())
            .map_err(|error| JournalFailure::of_sqlite(&error))?;
        self.connection = Some(connection);
        Ok(())
    }

    fn checkpoint_all(&self, connection: &Connection) -> Result<(), JournalError> {
        let checking = JournalError::sqlite("bringing the log into the file");
        let busy: i64 = connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0))
            .map_err(&checking)?;
        if busy != 0 {
            return Err(checking(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                None,
            )));
        }
        Ok(())
    }

    /// What is done while nobody waits, after the answers.
    pub(super) fn after_answers(&mut self) {
        self.checkpoint_when_due();
        self.log.keep();
    }

    /// Brings the log into the file as far as readers let it, once enough has gathered.
    fn checkpoint_when_due(&mut self) {
        /// About 8 MiB of log.
        const ROWS: u64 = 4096;
        let due = ROWS;
        #[cfg(feature = "soak")]
        let due = super::soak::of(&self.dir).map_or(due, |disk| disk.checkpoint_rows);
        if self.rows_written < due {
            return;
        }
        self.rows_written = 0;
        if let Some(witness) = &self.witness {
            witness.sync();
        }
        if let Some(connection) = &self.connection {
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
            if let Err(error) = done {
                // Nothing is lost: the log keeps what it has, and a commit that fails says so.
                tracing::warn!(%error, "the journal's log could not be brought into its file");
            }
        }
    }

    /// Takes an acknowledgement if it is to be believed. It is written with the next commit. False: it says nothing
    /// new.
    pub(super) fn acknowledge(&mut self, ack: Acknowledged) -> Result<bool, AckError> {
        if ack.journal != self.journal {
            return Err(AckError::OtherJournal { found: ack.journal });
        }
        if ack.held > self.last {
            return Err(AckError::Ahead { held: ack.held, last: self.last });
        }
        if !self.held.is_news(&ack)? {
            return Ok(false);
        }
        let connection = self.connection.as_ref().ok_or(JournalFailure::Stopped)?;
        let ours = chain::link_at(connection, ack.held).map_err(|error| error.failure())?;
        match ours {
            Some(ours) if ours != ack.link => {
                return Err(AckError::OtherLink { held: ack.held, found: ack.link, ours });
            }
            // Pruned: it was acknowledged before, with the right link.
            Some(_) | None => {}
        }
        self.track.held(ack.track_held);
        self.marks.acknowledged(&ack);
        self.held.believe(ack);
        Ok(true)
    }

    /// The operator saw the yes. Noted with the next commit.
    pub(super) fn shown(&mut self, id: RequestId) {
        if self.shown.len() < SHOWN_WAITING_MAX {
            self.shown.push(id);
        }
    }

    /// A position, to be written with the next commit.
    pub(super) fn position(&mut self, fix: &str) {
        self.track.add(self.boot, self.clock.now(), fix);
    }

    /// Where the journal begins, and up to which number its records are older than this by the hub's time.
    pub(super) fn prunable(&self, keep_ms: i64) -> Result<(u64, u64), JournalFailure> {
        let connection = self.connection.as_ref().ok_or(JournalFailure::Stopped)?;
        let (begin, _) = chain::start(connection).map_err(|error| error.failure())?;
        let Some(held) = self.held.ack() else { return Ok((begin, begin)) };
        let through = self.marks.older_than(keep_ms, held.time);
        Ok((begin, through.min(held.safe).min(self.last.saturating_sub(1))))
    }

    /// Deletes records up to `through`, but none that is not safe at the hub, and at most [`PRUNED_MAX`] at once. Leaves
    /// for good where the chain goes on: number, link and the acknowledgement that allowed it.
    pub(super) fn prune(&mut self, through: u64) -> Result<u64, JournalFailure> {
        let connection = self.connection.as_ref().ok_or(JournalFailure::Stopped)?;
        let Some(held) = self.held.ack() else { return Ok(0) };
        // The last record stays: a start reads from it where the journal ends.
        let (begin, _) = chain::start(connection).map_err(|error| error.failure())?;
        let through = through.min(held.safe).min(self.last.saturating_sub(1)).min(begin + PRUNED_MAX);
        let pruned = chain::prune(connection, through, &held).map_err(|error| error.failure())?;
        self.marks.pruned(pruned);
        self.rows_written += pruned - begin;
        Ok(pruned)
    }

    /// How long what waits for a commit may wait for one that is made anyway. None: nothing waits that must be written.
    pub(super) fn may_wait(&self) -> Option<Duration> {
        let position = self.track.waits().then_some(POSITION_WAIT_MAX);
        position.into_iter().chain(self.held.may_wait()).min()
    }

    /// Something waits for a commit.
    pub(super) fn has_rest(&self) -> bool {
        self.may_wait().is_some() || !self.shown.is_empty()
    }

    pub(super) fn tail(&self) -> Tail {
        Tail { ledger_last: self.last, link: self.link, track_last: self.track.last(), held: self.held.ack() }
    }

    pub(super) fn boot(&self) -> u32 {
        self.boot
    }
}

/// What the witness saw of this journal beyond its last record.
fn lost_tail(dir: &Path, journal: Uuid, last: u64) -> Option<Seen> {
    witness::read(dir).filter(|seen| seen.journal == journal && seen.seq > last)
}

fn run(connection: &Connection, statement: &str) -> Result<(), JournalFailure> {
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(|error| JournalFailure::of_sqlite(&error))
}

/// Campaigns and seals come with keys, which are not in the ledger; what other orders say is there whole.
fn holds_secrets(order: &Order) -> bool {
    matches!(order, Order::Campaign { .. } | Order::Seals { .. })
}

fn boot_count(connection: &Connection) -> Result<u32, JournalError> {
    let stored = database::meta(connection, "boot")?;
    stored
        .as_deref()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| JournalError::Damaged { what: format!("the count of starts reads {stored:?}") })
}
