//! When did the hub last say what it has, and what has it not?

use waypost_core::fact::Stream;

use super::{Check, Finding, Patient, causes, reader, span};
use crate::clock::build_time;

/// Longer than this without a word is worth a look, in milliseconds: a van may be away for a day.
const WARN_MS: i64 = 24 * 3_600_000;
/// Longer than this with records waiting is a failure.
const FAIL_MS: i64 = 7 * 24 * 3_600_000;

pub struct Acknowledgement;

impl Check for Acknowledgement {
    fn id(&self) -> &'static str {
        "acknowledgement"
    }

    fn description(&self) -> &'static str {
        "age of the hub's last word"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let reader = match reader(patient) {
            Ok(reader) => reader,
            Err(finding) => return finding,
        };
        let (held, last) = match reader.held().and_then(|held| Ok((held, reader.last(Stream::Ledger)?))) {
            Ok(known) => known,
            Err(error) => return Finding::skipped(format!("the journal cannot be read: {}", causes(&error))),
        };
        let remedy =
            "look at the broker check, the network and the hub; until then records wait here, none is lost";
        let Some(held) = held else {
            return Finding::warning(
                format!("the hub has never said that it has any of {last} records"),
                remedy,
            );
        };
        let waiting = last.saturating_sub(held.held);
        let known = format!("the hub has records up to {} of {last}", held.held);
        if patient.now < build_time().max(held.time) {
            return Finding::warning(
                format!("{known}; how long ago it said so cannot be told by this clock"),
                "see the clock check",
            );
        }
        let age = patient.now.as_millis().saturating_sub(held.time.as_millis());
        let found = format!("{known}; it said so {} ago", span(age));
        match age {
            FAIL_MS.. if waiting > 0 => Finding::failure(found, remedy),
            WARN_MS.. => Finding::warning(found, remedy),
            _ => Finding::ok(found),
        }
    }
}
