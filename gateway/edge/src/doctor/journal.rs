//! Does the journal open, in a format that is known, and who writes it?

use std::{os::unix::fs::MetadataExt, path::Path};

use waypost_core::fact::Stream;

use super::{Check, Finding, Patient, causes};
use crate::{
    device::root::Root,
    journal::{JournalError, LOCK_FILE, Reader, quarantine},
};

/// Entries of `/proc/locks` that are looked at.
const LOCKS_MAX: usize = 4096;

pub struct Journal;

impl Check for Journal {
    fn id(&self) -> &'static str {
        "journal"
    }

    fn description(&self) -> &'static str {
        "the journal opens"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        let reader = match Reader::open(&config.data) {
            Ok(reader) => reader,
            Err(JournalError::Missing { .. }) => {
                return Finding::skipped("there is no journal yet: the gateway has never run");
            }
            Err(error @ JournalError::NewerFormat { .. }) => {
                return Finding::failure(causes(&error), "install the later version of waypost again");
            }
            Err(error) => return damaged(&causes(&error), &config.data),
        };
        let (journal, last) = match reader.journal().and_then(|id| Ok((id, reader.last(Stream::Ledger)?))) {
            Ok(known) => known,
            Err(error) => return damaged(&causes(&error), &config.data),
        };
        let writer = match writer(&config.data, &patient.root) {
            Some(pid) => format!("process {pid} writes it"),
            None => "no gateway writes it now".to_owned(),
        };
        let found = format!("journal {journal} ends at record {last}; {writer}");
        match quarantine::list(&config.data) {
            Ok(aside) if !aside.is_empty() => {
                let unfinished = aside.iter().any(|one| one.report.is_none());
                let remedy = if unfinished {
                    "a salvage did not come to its end: stop the gateway and run `waypost journal salvage` again"
                } else {
                    "`waypost journal quarantine` lists it; a card that damages files should be replaced"
                };
                let found = format!("{found}; {} damaged journal(s) were set aside", aside.len());
                if unfinished { Finding::failure(found, remedy) } else { Finding::warning(found, remedy) }
            }
            _ => Finding::ok(found),
        }
    }
}

fn damaged(why: &str, data: &Path) -> Finding {
    Finding::failure(
        format!("it cannot be read: {why}"),
        format!("stop the gateway and run `waypost journal salvage {}`", data.display()),
    )
}

/// The process that holds the journal's lock, by the kernel's list: the doctor itself must not take it, or a gateway that
/// starts in that moment would not.
fn writer(data: &Path, root: &Root) -> Option<u32> {
    let lock = std::fs::metadata(data.join(LOCK_FILE)).ok()?;
    // Major and minor number of the device in hexadecimal digits, then the inode: `08:02:1835009`.
    let (major, minor) = (rustix::fs::major(lock.dev()), rustix::fs::minor(lock.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", lock.ino());
    let locks = std::fs::read_to_string(root.at("/proc/locks")).ok()?;
    locks.lines().take(LOCKS_MAX).find_map(|line| {
        let mut words = line.split_whitespace();
        let is_ours = words.clone().any(|word| word == file) && words.clone().any(|word| word == "WRITE");
        // `1: FLOCK  ADVISORY  WRITE 1234 08:02:1835009 0 EOF`; who waits has `->` behind the number.
        if !is_ours || words.clone().any(|word| word == "->") {
            return None;
        }
        words.nth(4)?.parse().ok()
    })
}
