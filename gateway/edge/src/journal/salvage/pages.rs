//! Finds records in the raw pages of a damaged file and of its write-ahead log, without asking SQLite.
//!
//! A record is a cell of a table with three columns: an empty key, a link of 32 bytes and the line. Its header is five
//! bytes (SQLite's file format, "Record Format"): its length, 0 for the key, 76 for the link, two for the line's length.
//! Where the header is damaged the line is found by how it begins, and ends where its JSON does. Where no line can be read
//! the link before it is found all the same: it proves the record after it. What is found proves nothing yet.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt, path::Path};

use waypost_core::fact::LINE_BYTES_MAX;

/// Page size where neither file says one that can be.
const PAGE_BYTES_USUAL: usize = 512;
/// Bytes before the first frame of a log, and before the page within a frame.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// Bytes of a link.
const LINK_BYTES: usize = 32;
/// Length of the header, the key, the link: what a record's header begins with.
const HEADER: [u8; 3] = [5, 0, 76];
/// Bytes of the whole header.
const HEADER_BYTES: usize = 5;
/// How every line begins.
const BEGIN: &[u8] = b"{\"seq\":";

/// Something that looks like a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// What its line says.
    pub seq: u64,
    /// What stands before its line.
    pub link: [u8; LINK_BYTES],
    /// The line.
    pub line: String,
}

/// What can be seen in a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record.
    Record(Seen),
    /// What may be the link of a record whose line cannot be read.
    Link([u8; LINK_BYTES]),
}

/// The two files.
pub(super) struct Pages {
    file: File,
    log: Option<File>,
    page_bytes: usize,
    /// Where in the log the latest committed version of a page is.
    latest: HashMap<u32, u64>,
    /// The same without frames whose checksum is wrong: one with a flipped number would hide two pages. None: all are
    /// right.
    latest_sound: Option<HashMap<u32, u64>>,
    /// Where the pages of all committed frames are.
    frames: Vec<u64>,
}

impl Pages {
    /// Opens `journal.db` and its log.
    pub(super) fn open(file: &Path, log: &Path) -> io::Result<Self> {
        let file = File::open(file)?;
        let log = match File::open(log) {
            Ok(log) => Some(log),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut head = [0; 100];
        let told = read_some(&file, &mut head, 0)?;
        let in_file = (told >= 18).then(|| usize::from(u16_at(&head, 16)));
        let mut log_head = [0; 32];
        let in_log = match &log {
            Some(log) if read_some(log, &mut log_head, 0)? == 32 => {
                usize::try_from(u32_at(&log_head, 8)).ok()
            }
            _ => None,
        };
        let can_be = |bytes: &usize| bytes.is_power_of_two() && (512..=32_768).contains(bytes);
        let page_bytes = in_log.filter(can_be).or(in_file.filter(can_be)).unwrap_or(PAGE_BYTES_USUAL);
        let (latest, frames) = (HashMap::new(), Vec::new());
        let mut pages = Self { file, log, page_bytes, latest, latest_sound: None, frames };
        pages.read_log(&log_head)?;
        Ok(pages)
    }

    /// Notes the frames of the log up to its last commit. Those after a damaged one count too: SQLite would not read
    /// them, but they were acknowledged, and the chain proves what they hold.
    fn read_log(&mut self, head: &[u8]) -> io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let frame_bytes = FRAME_HEADER + self.page_bytes as u64;
        let count = log.metadata()?.len().saturating_sub(LOG_HEADER) / frame_bytes;
        let mut salts = head.get(16..24).unwrap_or_default().to_vec();
        let mut all = Vec::new();
        let mut committed = 0;
        let mut header = [0; FRAME_HEADER as usize];
        let mut page = vec![0; self.page_bytes];
        let little_endian = u32_at(head, 0) & 1 == 0;
        let mut sum = (u32_at(head, 24), u32_at(head, 28));
        for number in 0..count {
            let at = LOG_HEADER + number * frame_bytes;
            log.read_exact_at(&mut header, at)?;
            log.read_exact_at(&mut page, at + FRAME_HEADER)?;
            let stored = (u32_at(&header, 16), u32_at(&header, 20));
            let begun = checksum(sum, header.get(..8).unwrap_or_default(), little_endian);
            let is_sound = checksum(begun, &page, little_endian) == stored;
            sum = stored;
            let own = header.get(8..16).unwrap_or_default();
            if number == 0 && own != salts {
                // One of both is damaged; the second frame says which.
                let mut second = [0; FRAME_HEADER as usize];
                let is_own = count > 1
                    && log.read_exact_at(&mut second, at + frame_bytes).is_ok()
                    && second.get(8..16) == Some(own);
                if is_own {
                    salts = own.to_vec();
                }
            }
            // A bit flipped in the salts of one frame leaves seven bytes of eight as they were.
            let same = own.iter().zip(&salts).filter(|(a, b)| a == b).count();
            if same + 1 < salts.len() {
                continue;
            }
            all.push((u32_at(&header, 0), at + FRAME_HEADER, is_sound));
            if u32_at(&header, 4) != 0 {
                committed = all.len();
            }
        }
        all.truncate(committed);
        if all.iter().any(|(_, _, is_sound)| !is_sound) {
            let sound = all.iter().filter(|(_, _, is_sound)| *is_sound);
            self.latest_sound = Some(sound.map(|(page, at, _)| (*page, *at)).collect());
        }
        for (page, at, _) in all {
            self.latest.insert(page, at);
            self.frames.push(at);
        }
        Ok(())
    }

    /// Shows everything that can be seen to `take`; the same may come several times.
    pub(super) fn each(&self, mut take: impl FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        let mut page = vec![0; self.page_bytes];
        let count = self.file.metadata()?.len().div_ceil(self.page_bytes as u64);
        for number in 0..count {
            page.fill(0);
            read_some(&self.file, &mut page, number * self.page_bytes as u64)?;
            self.in_page(&page, &mut take)?;
        }
        if let Some(log) = &self.log {
            for at in &self.frames {
                log.read_exact_at(&mut page, *at)?;
                self.in_page(&page, &mut take)?;
            }
        }
        Ok(())
    }

    fn in_page(&self, page: &[u8], take: &mut impl FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        for (at, window) in page.windows(BEGIN.len()).enumerate() {
            if window == BEGIN {
                match (by_text(page, at), link_before(page, at)) {
                    (Some(seen), _) => take(Found::Record(seen))?,
                    (None, Some(link)) => take(Found::Link(link))?,
                    (None, None) => {}
                }
                continue;
            }
            // One bit of it may be another.
            let other = window.iter().zip(HEADER).map(|(byte, wanted)| (byte ^ wanted).count_ones());
            if other.sum::<u32>() > 1 {
                continue;
            }
            let maps = [Some(&self.latest), self.latest_sound.as_ref()];
            let mut read = false;
            for latest in maps.into_iter().flatten() {
                if let Some(seen) = self.by_header(page, at, latest) {
                    read = true;
                    take(Found::Record(seen))?;
                }
            }
            if !read && let Some(link) = link_before(page, at + HEADER_BYTES + LINK_BYTES) {
                take(Found::Link(link))?;
            }
        }
        Ok(())
    }

    /// A cell whose header begins here.
    fn by_header(&self, page: &[u8], at: usize, latest: &HashMap<u32, u64>) -> Option<Seen> {
        let [high, low] = page.get(at + 3..at + 5)? else { return None };
        let kind = (usize::from(*high & 0x7f) << 7) | usize::from(*low);
        let length = kind.checked_sub(13).filter(|length| length % 2 == 0 && *high >= 0x80)? / 2;
        if length > LINE_BYTES_MAX {
            return None;
        }
        let whole = HEADER_BYTES + LINK_BYTES + length;
        let (most, least) = (self.page_bytes - 35, (self.page_bytes - 12) * 32 / 255 - 23);
        let here = if whole <= most {
            whole
        } else {
            let some = least + (whole - least) % (self.page_bytes - 4);
            if some <= most { some } else { least }
        };
        let mut payload = page.get(at..at + here)?.to_vec();
        let mut next = u32_at(page.get(at + here..).unwrap_or_default(), 0);
        while payload.len() < whole {
            let more = self.page(next, latest)?;
            let wanted = (whole - payload.len()).min(self.page_bytes - 4);
            payload.extend_from_slice(more.get(4..4 + wanted)?);
            next = u32_at(&more, 0);
        }
        let (link, line) = payload.get(HEADER_BYTES..)?.split_first_chunk()?;
        seen(*link, line)
    }

    fn page(&self, number: u32, latest: &HashMap<u32, u64>) -> Option<Vec<u8>> {
        let mut page = vec![0; self.page_bytes];
        match (latest.get(&number), &self.log) {
            (Some(at), Some(log)) => log.read_exact_at(&mut page, *at).ok()?,
            _ => {
                let at = u64::from(number.checked_sub(1)?) * self.page_bytes as u64;
                self.file.read_exact_at(&mut page, at).ok()?;
            }
        }
        Some(page)
    }
}

/// A line that begins here and ends within the page; what stands before it may be its link.
fn by_text(page: &[u8], at: usize) -> Option<Seen> {
    let rest = page.get(at..)?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<serde::de::IgnoredAny>();
    values.next()?.ok()?;
    let line = rest.get(..values.byte_offset())?;
    seen(link_before(page, at).unwrap_or_default(), line)
}

/// The bytes before a place, as many as a link has.
fn link_before(page: &[u8], at: usize) -> Option<[u8; LINK_BYTES]> {
    page.get(at.checked_sub(LINK_BYTES)?..at)?.try_into().ok()
}

/// SQLite's sum of a log's frame, going on from the one before (its file format, "The Write-Ahead Log", 4.2).
fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], little_endian: bool) -> (u32, u32) {
    let word =
        |four: [u8; 4]| if little_endian { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
    let (words, _) = bytes.as_chunks::<4>();
    let (pairs, _) = words.as_chunks::<2>();
    for [one, other] in pairs {
        first = first.wrapping_add(word(*one)).wrapping_add(second);
        second = second.wrapping_add(word(*other)).wrapping_add(first);
    }
    (first, second)
}

fn seen(link: [u8; LINK_BYTES], line: &[u8]) -> Option<Seen> {
    let digits = line.strip_prefix(BEGIN)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    if digits.get(end) != Some(&b',') {
        return None;
    }
    let seq = std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok().filter(|seq| *seq > 0)?;
    let line = std::str::from_utf8(line).ok()?;
    // Positions begin alike, and are no facts.
    line.contains("\"fact\":").then(|| Seen { seq, link, line: line.to_owned() })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Reads until the buffer is full or the file ends.
fn read_some(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + done as u64)? {
            0 => break,
            some => done += some,
        }
    }
    Ok(done)
}
