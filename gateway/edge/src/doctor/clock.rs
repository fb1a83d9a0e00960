//! Does the machine know what time it is?

use waypost_core::fact::{Record, Stream, WallTime};

use super::{Check, Finding, Patient, reader, span};
use crate::clock::{AFTER_FLOOR_MS_MAX, build_time};

/// systemd-timesyncd makes this file once it has heard a time server.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// A clock that goes on without power.
const BATTERY_CLOCK: &str = "/sys/class/rtc/rtc0";
/// A record may lie this far ahead of a clock that is right: it was written by the gateway's own, which is set otherwise.
const BEFORE_RECORD_MS: i64 = 60_000;

pub struct Clock;

impl Check for Clock {
    fn id(&self) -> &'static str {
        "clock"
    }

    fn description(&self) -> &'static str {
        "the machine's clock"
    }

    fn run(&self, patient: &Patient) -> Finding {
        if patient.config.as_ref().is_some_and(|config| config.simulated.is_some()) {
            return Finding::skipped("the configuration has a simulated clock");
        }
        let now = patient.now;
        let (floor, what) = floor(patient);
        if now.plus_ms(BEFORE_RECORD_MS) < floor {
            return Finding::failure(
                format!("it says {now}, which is before {what} ({floor})"),
                "work goes on, and the hub corrects the times; connect a network or a satellite receiver, or fit a clock battery",
            );
        }
        let synchronised = patient.root.has(SYNCHRONISED);
        if !synchronised && now >= floor.plus_ms(AFTER_FLOOR_MS_MAX) {
            let ahead = span(now.as_millis() - floor.as_millis());
            return Finding::warning(
                format!("it says {now}, {ahead} after {what}, and no time server was heard"),
                "connect a network, so that the hub or a time server can confirm it",
            );
        }
        if synchronised {
            return Finding::ok(format!("it says {now}, and a time server was heard"));
        }
        let receiver = patient.config.as_ref().is_some_and(|config| config.receiver.is_some());
        if receiver || patient.root.has(BATTERY_CLOCK) {
            let by = if receiver { "a satellite receiver is configured" } else { "the clock has a battery" };
            return Finding::ok(format!("it says {now}; no time server was heard, but {by}"));
        }
        Finding::warning(
            format!("it says {now}; no time server was heard, and there is no clock battery"),
            "after a power cut without a network it wakes at a wrong time: fit a clock battery or connect a network",
        )
    }
}

/// Is the clock so far from what is past for certain that no date can be judged by it?
pub fn is_in_doubt(patient: &Patient) -> bool {
    if patient.config.as_ref().is_some_and(|config| config.simulated.is_some()) {
        return false;
    }
    let (floor, _) = floor(patient);
    let is_ahead = !patient.root.has(SYNCHRONISED) && patient.now >= floor.plus_ms(AFTER_FLOOR_MS_MAX);
    patient.now.plus_ms(BEFORE_RECORD_MS) < floor || is_ahead
}

/// The latest time that is past for certain, and what says so.
fn floor(patient: &Patient) -> (WallTime, &'static str) {
    let mut floor = (build_time(), "this program was built");
    let mut later = |time: Option<WallTime>, what| {
        if let Some(time) = time.filter(|time| *time > floor.0) {
            floor = (time, what);
        }
    };
    let configured = patient.config.as_ref().and_then(|config| config.receiver.as_ref()?.floor);
    later(configured, "the configuration's floor");
    if let Ok(reader) = reader(patient) {
        later(reader.held().ok().flatten().map(|ack| ack.time), "the hub's last word");
        let last = reader.last(Stream::Ledger).unwrap_or(0);
        let lines = reader.lines(Stream::Ledger, last.saturating_sub(1), 1, usize::MAX).unwrap_or_default();
        let record = lines.first().and_then(|line| Record::from_line(&line.line).ok());
        // What a clock wrote that nothing had confirmed is no floor.
        let sure = record.filter(|record| record.clock >= waypost_core::fact::ClockQuality::Ntp);
        later(sure.map(|record| record.at), "the last record");
    }
    floor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::root::Root;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_clock_that_is_far_from_the_build_is_in_doubt_unless_a_time_server_was_heard() {
        let machine = tempfile::tempdir().unwrap();
        let is_in_doubt = |days: i64| {
            let now = build_time().plus_ms(days * DAY_MS);
            is_in_doubt(&Patient {
                config: None,
                root: Root::new(machine.path().to_owned()),
                now,
                full: false,
            })
        };
        assert_eq!(
            [-20_000, -3_652, -1, 0, 89, 90, 3_652].map(is_in_doubt),
            [true, true, true, false, false, true, true]
        );
        let heard = machine.path().join(SYNCHRONISED.trim_start_matches('/'));
        std::fs::create_dir_all(heard.parent().unwrap()).unwrap();
        std::fs::write(heard, "").unwrap();
        assert_eq!([-3_652, 0, 3_652].map(is_in_doubt), [true, false, false]);
    }
}
