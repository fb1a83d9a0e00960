//! Finds records in the raw pages of a damaged file and of its write-ahead log, without asking SQLite.
//!
//! A record is a cell of a table with three columns: an empty key, a link of 32 bytes and the line. Its header is five
//! bytes (SQLite's file format, "Record Format"): its length, 0 for the key, 76 for the link, two for the line's length.
//! Where the header is damaged the line is found by how it begins, and ends where its JSON does. What is found proves
//! nothing yet.

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

/// The two files.
pub(super) struct Pages {
    file: File,
    log: Option<File>,
    page_bytes: usize,
    /// Where in the log the latest committed version of a page is.
    latest: HashMap<u32, u64>,
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
        let mut pages = Self { file, log, page_bytes, latest: HashMap::new(), frames: Vec::new() };
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
        for number in 0..count {
            let at = LOG_HEADER + number * frame_bytes;
            log.read_exact_at(&mut header, at)?;
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
            all.push((u32_at(&header, 0), at + FRAME_HEADER));
            if u32_at(&header, 4) != 0 {
                committed = all.len();
            }
        }
        all.truncate(committed);
        for (page, at) in all {
            self.latest.insert(page, at);
            self.frames.push(at);
        }
        Ok(())
    }

    /// Shows every record that can be seen to `take`; the same one may come several times.
    pub(super) fn each(&self, mut take: impl FnMut(Seen) -> io::Result<()>) -> io::Result<()> {
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

    fn in_page(&self, page: &[u8], take: &mut impl FnMut(Seen) -> io::Result<()>) -> io::Result<()> {
        for (at, window) in page.windows(BEGIN.len()).enumerate() {
            let found = if window.starts_with(&HEADER) {
                self.by_header(page, at)
            } else if window == BEGIN {
                by_text(page, at)
            } else {
                None
            };
            if let Some(seen) = found {
                take(seen)?;
            }
        }
        Ok(())
    }

    /// A cell whose header begins here.
    fn by_header(&self, page: &[u8], at: usize) -> Option<Seen> {
        let [high, low] = page.get(at + 3..at + 5)? else { return None };
        let kind = (usize::from(*high & 0x7f) << 7) | usize::from(*low);
        let length = kind.checked_sub(13).filter(|length| length % 2 == 0 && *high >= 0x80)? / 2;
        if length > LINE_BYTES_MAX {
            return None;
        }
        let whole = 5 + LINK_BYTES + length;
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
            let more = self.latest_page(next)?;
            let wanted = (whole - payload.len()).min(self.page_bytes - 4);
            payload.extend_from_slice(more.get(4..4 + wanted)?);
            next = u32_at(&more, 0);
        }
        let link = payload.get(5..5 + LINK_BYTES)?.try_into().ok()?;
        seen(link, payload.get(5 + LINK_BYTES..)?)
    }

    fn latest_page(&self, number: u32) -> Option<Vec<u8>> {
        let mut page = vec![0; self.page_bytes];
        match (self.latest.get(&number), &self.log) {
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
    let link =
        at.checked_sub(LINK_BYTES).and_then(|from| page.get(from..at)).and_then(|link| link.try_into().ok());
    seen(link.unwrap_or_default(), line)
}

fn seen(link: [u8; LINK_BYTES], line: &[u8]) -> Option<Seen> {
    let digits = line.strip_prefix(BEGIN)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
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
