//! Journals that are not continued: what the hub lacks of them is sent under their own ids, again and again with a pause,
//! until the hub says that it has their end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use uuid::Uuid;
use waypost_core::{
    fact::{Link as ChainLink, Stream},
    rule::Act,
    wire::{
        ack::Ack,
        keys::SignKey,
        restore::{KnownEnd, NewJournal, RestorePart},
        topic::Up,
    },
};

use super::{Connection, Session};
use crate::{
    journal::{Acknowledged, JournalError, Reader, Request, RequestId, Verdict, renew::OLD_DIR},
    sync::{
        refused::Reason,
        uplink::{Made, Source, UplinkError, Want},
    },
};

/// Beside a journal whose end the hub has.
const SENT_FILE: &str = "sent";

/// Most of them that are looked at in one connection.
const JOURNALS_MAX: usize = 32;

/// After so many times the patience for a journal that stands still, everything of them is sent again.
const STALLS: u32 = 3;

/// Held back while so many messages are unconfirmed by the broker: the journal in use keeps its room.
const UNCONFIRMED_MAX: usize = 8;

/// One journal that is not continued.
pub(super) struct Older {
    dir: PathBuf,
    journal: Uuid,
    source: Option<Source>,
    held: Option<(u64, ChainLink)>,
    /// Sent in this connection up to here, and when.
    sent: u64,
    sent_at: Instant,
    /// What the hub had of it by its last word here.
    begin: u64,
    last: u64,
    link: ChainLink,
}

impl Session {
    /// A connection begins: everything of older journals that the hub is not known to have is to be sent.
    pub(super) async fn look_for_older(&mut self) {
        let (dir, key) = (self.config.data.join(OLD_DIR), Arc::clone(&self.config.key));
        let found = tokio::task::spawn_blocking(move || all(&dir, &key)).await;
        self.older = found.unwrap_or_default();
    }

    /// Sends one batch of an older journal. True: there is more.
    pub(super) async fn send_older(&mut self, connection: &mut Connection) -> bool {
        if connection.unconfirmed >= UNCONFIRMED_MAX {
            return false;
        }
        // The broker's word counts for nothing: what the hub is silent about goes again.
        let patience = self.config.tuning.stall.saturating_mul(STALLS);
        for older in self.older.iter_mut().filter(|older| older.sent_at.elapsed() >= patience) {
            (older.sent, older.sent_at) = (older.begin, Instant::now());
        }
        let bytes_max = connection.batch_bytes_max;
        let Some(older) = self.older.iter_mut().find(|older| older.sent < older.last) else { return false };
        let Some(mut source) = older.source.take() else { return false };
        let want = Want { stream: Stream::Ledger, after: older.sent, held: older.held, bytes_max };
        let made = tokio::task::spawn_blocking(move || {
            let made = source.make(want);
            (source, made)
        });
        match made.await {
            Ok((source, Ok(Some(Made { bytes, last })))) => {
                older.source = Some(source);
                if connection.link.publish(Up::Ledger.topic(&self.config.gateway), bytes).is_ok() {
                    connection.unconfirmed += 1;
                    (older.sent, older.sent_at) = (last, Instant::now());
                }
            }
            // A damaged one is left as far as it could be read.
            Ok((_, Ok(None))) => older.sent = older.last,
            Ok((_, Err(error))) => {
                tracing::error!(%error, journal = %older.journal, "a journal that is not continued cannot be read");
                older.sent = older.last;
            }
            Err(_) => older.sent = older.last,
        }
        true
    }

    /// The hub acknowledges a journal that is not continued.
    pub(super) fn older_acked(&mut self, ack: &Ack) {
        let end = KnownEnd { journal: ack.journal, seq: ack.ledger.held, link: ack.ledger.link };
        self.note_ends(&[end]);
    }

    fn note_ends(&mut self, ends: &[KnownEnd]) {
        self.older.retain(|older| {
            let known = ends
                .iter()
                .any(|end| (end.journal, end.seq, end.link) == (older.journal, older.last, older.link));
            if known {
                tracing::info!(journal = %older.journal, last = older.last, "the hub has all of a journal that is not continued");
                // Not written: it is sent again, which does no harm.
                let _ = fs::write(older.dir.join(SENT_FILE), b"");
            }
            !known
        });
    }

    /// The journal in use cannot go on: the gateway begins a new one.
    pub(super) fn ask_for_new_journal(&self, why: &str) {
        tracing::error!(why, journal = %self.config.journal, "this journal cannot go on: a new one is begun");
        self.parts.state.send_modify(|state| state.new_journal = true);
    }

    /// The hub says that two copies of a journal are about.
    pub(super) async fn take_new_journal(&self, payload: &[u8]) {
        match NewJournal::open(payload, &self.config.order_keys()) {
            Ok(order) if order.journal != self.config.journal => {}
            Ok(order) if order.gateway != self.config.gateway => {}
            Ok(_) => self.ask_for_new_journal("the hub has two copies of it"),
            Err(error) => {
                tracing::warn!(%error, "an order for a new journal was refused");
                self.orders.refused().note(Reason::of_open(&error)).await;
            }
        }
    }

    /// A part of the ledger comes back.
    pub(super) async fn take_restore(&mut self, payload: &[u8]) {
        let part = match RestorePart::open(payload, &self.config.order_keys()) {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!(%error, "a part of a ledger was refused");
                self.orders.refused().note(Reason::of_open(&error)).await;
                return;
            }
        };
        if part.journal != self.config.journal || part.gateway != self.config.gateway {
            return;
        }
        let ends = part.ends.clone();
        let (number, parts, rows) = (part.part, part.parts, part.rows.len());
        let digest: String = part.digest.chars().take(32).collect();
        let Ok(id) = RequestId::new(format!("restore-{digest}-{number}")) else { return };
        let act = Act::RestoreLedger { part: Box::new(part) };
        match self.parts.writer.ask(Request { id, by: None, act }).await {
            Verdict::Granted { repeated: false, .. } => {
                tracing::info!(part = number, parts, rows, "a part of the ledger came back from the hub");
            }
            Verdict::Granted { .. } | Verdict::Already(_) => {}
            Verdict::Refused(refusal) => tracing::warn!(?refusal, "a part of a ledger was refused"),
            Verdict::Failed(failure) => {
                tracing::error!(%failure, "a part of the ledger was not written");
                return;
            }
        }
        self.note_ends(&ends);
    }
}

fn all(dir: &Path, key: &Arc<SignKey>) -> Vec<Older> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // The ids begin with the time at which they were made; the latest ones are looked at.
    dirs.sort();
    dirs.reverse();
    let open = |dir: PathBuf| match open(&dir, key) {
        Ok(older) => older,
        Err(error) => {
            tracing::error!(%error, dir = %dir.display(), "a journal that is not continued cannot be opened");
            None
        }
    };
    dirs.into_iter().take(JOURNALS_MAX).filter_map(open).collect()
}

fn open(dir: &Path, key: &Arc<SignKey>) -> Result<Option<Older>, UplinkError> {
    if dir.join(SENT_FILE).exists() {
        return Ok(None);
    }
    let reader = Reader::open(dir)?;
    let journal = reader.journal()?;
    let last = reader.last(Stream::Ledger)?;
    let link = reader.link_at(last)?;
    let link = link.ok_or_else(|| JournalError::Damaged { what: format!("record {last} has no link") })?;
    // What is lost behind it is declared, and the hub's word on that is the end of it.
    let (last, link) = reader.lost_tail()?.map_or((last, link), |seen| (seen.seq, seen.link));
    let held = reader.held()?.map(|Acknowledged { held, link, .. }| (held, link));
    let sent = held.map_or(0, |(held, _)| held.min(last));
    let source = Some(Source::new(reader, Arc::clone(key), journal)?);
    let sent_at = Instant::now();
    Ok(Some(Older { dir: dir.to_owned(), journal, source, held, sent, sent_at, begin: sent, last, link }))
}
