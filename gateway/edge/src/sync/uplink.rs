//! From the journal to messages: batches, declarations of what is gone, express copies of alarms.
//!
//! Reading, compressing and signing block, so all of it runs on a thread for blocking work.

use std::sync::Arc;

use uuid::Uuid;
use waypost_core::{
    fact::{Link, Stream},
    wire::{
        batch::{LINES_MAX, LineIn, PackError, Packer},
        express::Express,
        keys::SignKey,
        lost::{Lost, LostReason},
        sign::SignError,
    },
};

use crate::journal::{JournalError, Line, Reader};

/// Most bytes of lines read for one batch: what compresses four times fits a batch of 64 KiB.
const READ_BYTES_MAX: usize = 512 * 1024;

/// Most lines looked through for alarms at once.
const SCAN_LINES_MAX: usize = 2048;

/// Most express copies made at once.
const COPIES_MAX: usize = 16;

/// How an alarm's fact begins in its line. Within a text the quotes would be escaped.
const ALARM: &str = "\"fact\":{\"kind\":\"alarm_raised\"";

/// Why nothing can be made of the journal.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// It cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The lines cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A small message cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The thread did not come back.
    #[error("the thread that reads the journal ended")]
    Thread,
}

/// A message of a stream.
#[derive(Debug)]
pub struct Made {
    /// What to publish.
    pub bytes: Vec<u8>,
    /// The last number that it speaks of.
    pub last: u64,
}

/// Where messages are made from.
pub struct Source {
    reader: Reader,
    key: Arc<SignKey>,
    journal: Uuid,
    packer: Packer,
}

/// What is asked for next.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// Which stream.
    pub stream: Stream,
    /// The message begins behind this number.
    pub after: u64,
    /// The hub holds this number under this link, if it told one.
    pub held: Option<(u64, Link)>,
    /// Longest message that the broker takes, in bytes.
    pub bytes_max: usize,
}

impl Source {
    /// A source over a reader of its own.
    pub fn new(reader: Reader, key: Arc<SignKey>, journal: Uuid) -> Result<Self, UplinkError> {
        Ok(Self { reader, key, journal, packer: Packer::new()? })
    }

    /// The next message of a stream; none where no line follows.
    pub fn make(&mut self, want: Want) -> Result<Option<Made>, UplinkError> {
        let Want { stream, after, bytes_max, .. } = want;
        let lines = self.reader.lines(stream, after, LINES_MAX, READ_BYTES_MAX)?;
        let Some(first) = lines.first() else { return self.declare_lost_tail(want) };
        if stream == Stream::Ledger && first.seq != after + 1 {
            return self.declare_lost(want, first.seq - 1).map(Some);
        }
        let before = match stream {
            Stream::Ledger => self.link_at(after)?.ok_or_else(|| no_link(after))?,
            Stream::Track => Link::START,
        };
        let lines: Vec<_> = lines.iter().map(line_in).collect();
        let packed = self.packer.pack(&self.key, self.journal, stream, before, &lines, bytes_max)?;
        let last = lines.get(packed.taken.saturating_sub(1)).map_or(after, |line| line.seq);
        Ok(Some(Made { bytes: packed.bytes, last }))
    }

    /// The hub's store is older than what was pruned here on its word: what is gone is declared.
    fn declare_lost(&self, want: Want, last: u64) -> Result<Made, UplinkError> {
        let told = want.held.filter(|(held, _)| *held == want.after).map(|(_, link)| link);
        let before = match self.link_at(want.after)? {
            Some(link) => link,
            None => told.ok_or_else(|| no_link(want.after))?,
        };
        let after = self.link_at(last)?.ok_or_else(|| no_link(last))?;
        let lost = Lost {
            journal: self.journal,
            stream: want.stream,
            first: want.after + 1,
            last,
            before,
            after,
            // What was pruned lies before the boundary; a hole behind it is what a salvage did not bring back.
            why: match self.reader.boundary()? {
                Some(boundary) if last <= boundary.seq => LostReason::Pruned,
                _ => LostReason::Damaged,
            },
        };
        Ok(Made { bytes: lost.sign(&self.key)?, last })
    }

    /// Behind the last record of a journal whose end is lost: how far it had come is declared.
    fn declare_lost_tail(&self, want: Want) -> Result<Option<Made>, UplinkError> {
        let Want { stream: Stream::Ledger, after, .. } = want else { return Ok(None) };
        let Some(seen) = self.reader.lost_tail()?.filter(|seen| seen.seq > after) else { return Ok(None) };
        let lost = Lost {
            journal: self.journal,
            stream: Stream::Ledger,
            first: after + 1,
            last: seen.seq,
            before: self.link_at(after)?.ok_or_else(|| no_link(after))?,
            after: seen.link,
            why: LostReason::TailMissing,
        };
        Ok(Some(Made { bytes: lost.sign(&self.key)?, last: seen.seq }))
    }

    /// The link at a number, or where a prune cut the journal.
    fn link_at(&self, seq: u64) -> Result<Option<Link>, JournalError> {
        if let Some(link) = self.reader.link_at(seq)? {
            return Ok(Some(link));
        }
        let boundary = self.reader.boundary()?.filter(|boundary| boundary.seq == seq);
        Ok(boundary.map(|boundary| boundary.link))
    }

    /// Looks for alarms behind a number: their express copies, and the number up to which it looked.
    pub fn alarms(&self, after: u64) -> Result<(Vec<Vec<u8>>, u64), UplinkError> {
        let mut through = after;
        let mut copies = Vec::new();
        for line in self.reader.lines(Stream::Ledger, after, SCAN_LINES_MAX, READ_BYTES_MAX)? {
            let Line { seq, line, .. } = line;
            if line.contains(ALARM) {
                if copies.len() == COPIES_MAX {
                    break;
                }
                copies.push(Express { journal: self.journal, seq, line }.sign(&self.key)?);
            }
            through = seq;
        }
        Ok((copies, through))
    }
}

fn line_in(line: &Line) -> LineIn<'_> {
    LineIn { seq: line.seq, line: &line.line, link: line.link.unwrap_or(Link::START) }
}

fn no_link(seq: u64) -> JournalError {
    JournalError::Damaged { what: format!("record {seq} has no link") }
}
