//! A batch: records of one stream that follow each other, compressed and signed.
//!
//! The signed payload is a CBOR array of a header (a map) and a byte string: the lines, joined by line feeds, as one
//! zstd frame. At most [`BATCH_BYTES_MAX`] bytes as published, [`LINES_MAX`] lines, [`LINE_BYTES_MAX`] bytes a line.
//!
//! In the ledger the numbers run from `first` to `last` without gaps, and the chain leads from `before` over the lines
//! to `after`: the hub asks [`Batch::links`]. In the track numbers may have gaps: the header names the steps between
//! them, and both links are [`Link::START`].

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    bytes::{self, Bytes},
    keys::{PublicKey, SignKey},
    sign::{self, BATCH_BYTES_MAX, Kind, OpenError, Opened, SignError},
};
use crate::fact::{LINE_BYTES_MAX, Link, Stream};

/// Most lines of a batch.
pub const LINES_MAX: usize = 1024;

/// Most bytes of a batch's lines with their line ends, not compressed.
pub const TEXT_BYTES_MAX: usize = LINES_MAX * (LINE_BYTES_MAX + 1);

/// A line to be packed.
#[derive(Debug, Clone, Copy)]
pub struct LineIn<'a> {
    /// Its number.
    pub seq: u64,
    /// The line, without a line end.
    pub line: &'a str,
    /// The link after it; [`Link::START`] in the track.
    pub link: Link,
}

/// Why lines cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// No line was given.
    #[error("a batch has at least one line")]
    Empty,
    /// A line is empty, too long or has a line end within.
    #[error("line {0} cannot be sent: it is empty, too long or has a line end within")]
    Line(u64),
    /// The numbers do not follow each other as the stream demands.
    #[error("number {0} does not follow the one before it")]
    Order(u64),
    /// One line alone does not fit what the broker takes.
    #[error("a batch of one line does not fit {0} bytes")]
    NoRoom(usize),
    /// The compressor failed.
    #[error("the lines cannot be compressed")]
    Compression(#[source] std::io::Error),
    /// The envelope failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A batch ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The signed message.
    pub bytes: Vec<u8>,
    /// How many of the lines given are in it, from the first on.
    pub taken: usize,
}

/// Packs lines, as many as fit. It keeps the compressor's memory and learns how well the lines compress.
pub struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    /// Compressed size in thousandths of the plain one, as seen last.
    permille: usize,
}

impl Packer {
    /// Measured on a backlog of ledger lines: a higher level costs more time than its bytes are worth.
    const LEVEL: i32 = 3;

    /// A packer. Errors: no memory for the compressor.
    pub fn new() -> Result<Self, PackError> {
        let compressor = zstd::bulk::Compressor::new(Self::LEVEL).map_err(PackError::Compression)?;
        Ok(Self { compressor, permille: 250 })
    }

    /// Packs as many of the lines, from the first on, as fit `bytes_max` (never more than [`BATCH_BYTES_MAX`]).
    /// `before` is the link before the first line.
    pub fn pack(
        &mut self,
        key: &SignKey,
        journal: Uuid,
        stream: Stream,
        before: Link,
        lines: &[LineIn<'_>],
        bytes_max: usize,
    ) -> Result<Packed, PackError> {
        let bytes_max = bytes_max.min(BATCH_BYTES_MAX);
        let mut some = lines.get(..self.guess(lines, bytes_max)).unwrap_or(lines);
        // Halved at each turn: ten turns from `LINES_MAX` to one line.
        loop {
            let bytes = self.pack_all(key, journal, stream, before, some)?;
            if bytes.as_ref().is_some_and(|bytes| bytes.len() <= bytes_max) {
                return Ok(Packed { bytes: bytes.unwrap_or_default(), taken: some.len() });
            }
            if some.len() == 1 {
                return Err(PackError::NoRoom(bytes_max));
            }
            some = some.get(..some.len() / 2).unwrap_or_default();
        }
    }

    /// How many lines should fit, by how well the last ones compressed. At least one, if there is one.
    fn guess(&self, lines: &[LineIn<'_>], bytes_max: usize) -> usize {
        // A tenth is left for headers, signature and lines that compress worse.
        let text_max = bytes_max * 900 / self.permille.max(1);
        let mut text = 0;
        let fits = lines.iter().take(LINES_MAX).take_while(|line| {
            text += line.line.len() + 1;
            text <= text_max
        });
        fits.count().max(1).min(lines.len())
    }

    /// None where it would be longer than any batch may be.
    fn pack_all(
        &mut self,
        key: &SignKey,
        journal: Uuid,
        stream: Stream,
        before: Link,
        lines: &[LineIn<'_>],
    ) -> Result<Option<Vec<u8>>, PackError> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Err(PackError::Empty) };
        let steps = check_order(stream, lines)?;
        let text = join(lines)?;
        let zstd = self.compressor.compress(text.as_bytes()).map_err(PackError::Compression)?;
        self.permille = (zstd.len() * 1000 / text.len().max(1)).clamp(10, 1000);
        let header = Header {
            journal,
            stream,
            first: first.seq,
            last: last.seq,
            before,
            after: last.link,
            compression: Compression::Zstd,
            text_bytes: text.len() as u64,
            steps,
        };
        match sign::sign(key, Kind::Batch, bytes::to_cbor(&(header, Bytes(zstd)))?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(SignError::TooLong { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The steps of a track's numbers; none in a ledger, where each is 1.
fn check_order(stream: Stream, lines: &[LineIn<'_>]) -> Result<Option<Vec<u64>>, PackError> {
    let mut steps = Vec::new();
    for pair in lines.windows(2) {
        let [one, next] = pair else { continue };
        let step = next.seq.saturating_sub(one.seq);
        match (stream, step) {
            (_, 0) | (Stream::Ledger, 2..) => return Err(PackError::Order(next.seq)),
            (Stream::Ledger, _) => {}
            (Stream::Track, _) => steps.push(step),
        }
    }
    Ok(match stream {
        Stream::Ledger => None,
        Stream::Track => Some(steps),
    })
}

fn join(lines: &[LineIn<'_>]) -> Result<String, PackError> {
    let mut text = String::with_capacity(lines.iter().map(|line| line.line.len() + 1).sum());
    for line in lines {
        if !is_sendable(line.line) || line.line.contains('\n') {
            return Err(PackError::Line(line.seq));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.line);
    }
    Ok(text)
}

fn is_sendable(line: &str) -> bool {
    !line.is_empty() && line.len() <= LINE_BYTES_MAX
}

#[derive(Serialize, Deserialize)]
struct Header {
    journal: Uuid,
    stream: Stream,
    first: u64,
    last: u64,
    #[serde(with = "bytes::link")]
    before: Link,
    #[serde(with = "bytes::link")]
    after: Link,
    compression: Compression,
    text_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<u64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Compression {
    Zstd,
}

/// A batch whose signature holds and whose numbers are in order. Its chain is not computed yet: see [`Batch::links`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Who signed it: a gateway's id.
    pub gateway: String,
    /// Whose records.
    pub journal: Uuid,
    /// Which stream.
    pub stream: Stream,
    /// Number of the first line.
    pub first: u64,
    /// Number of the last line.
    pub last: u64,
    /// The link before the first line.
    pub before: Link,
    /// The link after the last line, as the gateway says.
    pub after: Link,
    /// The lines, joined by line feeds.
    text: String,
    /// The track's numbers.
    numbers: Option<Vec<u64>>,
}

/// The chain does not lead from `before` over the lines to `after`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chain over records {first} to {last} does not end at the link that the batch names")]
pub struct BrokenChain {
    /// Number of the first line.
    pub first: u64,
    /// Number of the last line.
    pub last: u64,
}

impl Batch {
    /// Opens a message. `resolve` gives the key of a gateway's id, if it is known.
    pub fn open(bytes: &[u8], resolve: impl FnOnce(&str) -> Option<PublicKey>) -> Result<Self, OpenError> {
        Self::from_opened(sign::open(bytes, &[Kind::Batch], resolve)?)
    }

    pub(super) fn from_opened(opened: Opened) -> Result<Self, OpenError> {
        let (header, zstd): (Header, Bytes) = bytes::from_cbor(&opened.payload)?;
        let count = header.count()?;
        let text = decompress(&zstd.0, header.text_bytes)?;
        // As many lines as the header counts, and each of a length that a line may have.
        let mut lines = 0;
        for line in text.split('\n') {
            lines += 1;
            if !is_sendable(line) {
                return Err(OpenError::Content("a line is empty or too long"));
            }
        }
        if lines != count {
            return Err(OpenError::Content("not as many lines as numbers"));
        }
        let numbers = header.numbers()?;
        let Header { journal, stream, first, last, before, after, .. } = header;
        Ok(Self { gateway: opened.signer, journal, stream, first, last, before, after, text, numbers })
    }

    /// How many lines.
    pub fn count(&self) -> usize {
        match &self.numbers {
            Some(numbers) => numbers.len(),
            None => usize::try_from(self.last - self.first).unwrap_or(0) + 1,
        }
    }

    /// Numbers and lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &str)> {
        let numbers = self.numbers.as_deref();
        self.text.split('\n').enumerate().map(move |(at, line)| {
            let number = match numbers {
                Some(numbers) => numbers.get(at).copied().unwrap_or(self.last),
                None => self.first + at as u64,
            };
            (number, line)
        })
    }

    /// The links after each line, computed from `before`; refused where they do not end at `after`.
    /// Only the ledger has a chain.
    pub fn links(&self) -> Result<Vec<Link>, BrokenChain> {
        let mut link = self.before;
        let mut links = Vec::with_capacity(self.count());
        for (_, line) in self.lines() {
            link = link.after(line.as_bytes());
            links.push(link);
        }
        if link == self.after { Ok(links) } else { Err(BrokenChain { first: self.first, last: self.last }) }
    }
}

impl Header {
    /// How many lines there must be.
    fn count(&self) -> Result<usize, OpenError> {
        let count = match (self.stream, &self.steps) {
            (Stream::Ledger, None) => self.last.checked_sub(self.first).and_then(|more| more.checked_add(1)),
            (Stream::Track, Some(steps)) => Some(steps.len() as u64 + 1),
            _ => None,
        };
        match count.and_then(|count| usize::try_from(count).ok()) {
            Some(count) if count <= LINES_MAX && self.first > 0 => Ok(count),
            _ => Err(OpenError::Content("the numbers cannot be")),
        }
    }

    /// The track's numbers.
    fn numbers(&self) -> Result<Option<Vec<u64>>, OpenError> {
        let Some(steps) = &self.steps else { return Ok(None) };
        let mut number = self.first;
        let mut numbers = vec![number];
        for step in steps {
            number = number.checked_add(*step).ok_or(OpenError::Content("a number is too large"))?;
            numbers.push(number);
        }
        if number != self.last || steps.contains(&0) {
            return Err(OpenError::Content("the steps do not lead from first to last"));
        }
        Ok(Some(numbers))
    }
}

/// Decompresses what must give exactly so many bytes of text: no frame makes us hold more than its header names.
fn decompress(zstd: &[u8], text_bytes: u64) -> Result<String, OpenError> {
    let size = usize::try_from(text_bytes).unwrap_or(usize::MAX);
    if size > TEXT_BYTES_MAX {
        return Err(OpenError::Content("the lines are too long"));
    }
    let text = zstd::bulk::decompress(zstd, size).map_err(|_| OpenError::Content("not the zstd expected"))?;
    if text.len() != size {
        return Err(OpenError::Content("not as many bytes as the header says"));
    }
    String::from_utf8(text).map_err(|_| OpenError::Content("not UTF-8"))
}

#[cfg(test)]
mod tests;
