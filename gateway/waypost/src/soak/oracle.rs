//! What must be in a journal, and in the store: remembered outside of both.

use std::collections::{BTreeMap, BTreeSet};

use waypost_core::{
    fact::{Fact, Record, Stream},
    rule::{Act, Already, Refusal},
};
use waypost_edge::journal::{JournalError, Reader, Verdict, verify};

use super::tally::Tally;

/// Lines read at once.
const CHUNK: usize = 4096;

/// One journal's.
#[derive(Default)]
pub struct Oracle {
    /// Facts of records whose yes was shown and which were not seen in the file since.
    shown: BTreeMap<u64, Fact>,
    /// What a no rested on.
    rested_on: BTreeSet<String>,
    /// Lines that were in the file after a start: number 1 first.
    lines: Vec<String>,
    /// Tubes collected, tubes packed, claims served.
    effects: BTreeSet<String>,
    /// Tubes collected, tubes packed and persons served, as the central store counts them.
    pub counts: [i64; 3],
}

impl Oracle {
    /// An answer was shown.
    pub fn answered(&mut self, act: &Act, verdict: &Verdict) {
        match verdict {
            Verdict::Granted { first, facts, .. } if *first > 0 => {
                self.shown.extend((*first..).zip(facts.iter().cloned()));
            }
            Verdict::Refused(Refusal::AlreadyServed { .. })
            | Verdict::Already(Already::InThisBox | Already::Collected) => match act {
                Act::ScanTube { tube, .. } => {
                    self.rested_on.insert(format!("collected {tube}"));
                }
                Act::Claim { claim, .. } => {
                    self.rested_on.insert(format!("served {claim:?}"));
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Answers that rest on records not seen in the file since.
    pub fn waiting(&self) -> u64 {
        self.shown.len() as u64
    }

    /// The lines, number 1 first.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Looks whether the file has what it must have.
    pub fn check(&mut self, name: &str, reader: &Reader, tally: &mut Tally) -> Result<(), JournalError> {
        let verified = verify(reader, |_, _| ())?;
        if !verified.is_whole() {
            tally.lose(1, || format!("{name}: the journal is not whole: {:?}", verified.bad));
        }
        self.read(name, reader, tally)?;
        let known = self.lines.len() as u64;
        if verified.last < known {
            tally.lose(known - verified.last, || {
                format!("{name}: the journal ends at {} and went to {known}", verified.last)
            });
        }
        for (seq, fact) in std::mem::take(&mut self.shown) {
            let line = self.lines.get(seq as usize - 1).filter(|_| seq <= verified.last);
            let found = line.and_then(|line| Record::from_line(line).ok()).map(|record| record.fact);
            if found.as_ref() != Some(&fact) {
                tally.lose(1, || format!("{name}: record {seq} was shown as {fact:?} and is {found:?}"));
            }
        }
        for what in std::mem::take(&mut self.rested_on) {
            if !self.effects.contains(&what) {
                tally.lose(1, || format!("{name}: a no rested on '{what}', which is not recorded"));
            }
        }
        Ok(())
    }

    /// Reads what is new, and compares what is known.
    pub fn read(&mut self, name: &str, reader: &Reader, tally: &mut Tally) -> Result<(), JournalError> {
        let mut after = reader.boundary()?.map_or(0, |boundary| boundary.seq);
        loop {
            let lines = reader.lines(Stream::Ledger, after, CHUNK, usize::MAX)?;
            let Some(last) = lines.last() else { return Ok(()) };
            after = last.seq;
            for line in lines {
                match self.lines.get(line.seq as usize - 1) {
                    Some(known) if *known == line.line => {}
                    Some(_) => {
                        tally.lose(1, || format!("{name}: record {} is another than it was", line.seq))
                    }
                    None => self.take(name, line.line, tally),
                }
            }
        }
    }

    fn take(&mut self, name: &str, line: String, tally: &mut Tally) {
        if let Ok(record) = Record::from_line(&line) {
            let (effect, count) = match record.fact {
                Fact::TubeCollected { tube, .. } => (Some(format!("collected {tube}")), 0),
                Fact::TubePacked { tube, .. } => (Some(format!("packed {tube}")), 1),
                Fact::ClaimServed { claim, .. } => (Some(format!("served {claim:?}")), 2),
                _ => (None, 0),
            };
            if let Some(effect) = effect {
                if let Some(count) = self.counts.get_mut(count) {
                    *count += 1;
                }
                if let Some(twice) = self.effects.replace(effect) {
                    tally.double(1, || format!("{name}: '{twice}' is recorded twice"));
                }
            }
        }
        tally.records += 1;
        self.lines.push(line);
    }
}
