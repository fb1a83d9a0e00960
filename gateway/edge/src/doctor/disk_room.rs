//! Has the journal's file system room, and does it take writes?

use super::{Check, Finding, Patient};
use crate::journal::{Room, Space};

pub struct DiskRoom;

impl Check for DiskRoom {
    fn id(&self) -> &'static str {
        "disk_room"
    }

    fn description(&self) -> &'static str {
        "room on the journal's disk"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        match Space::of(&config.data) {
            Ok(space) => judge(space),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Finding::skipped(format!("there is no {} yet", config.data.display()))
            }
            Err(error) => Finding::failure(
                format!("{} cannot be reached: {error}", config.data.display()),
                "look whether the card is mounted, and whether this account may look there",
            ),
        }
    }
}

/// What a file system's state means.
pub fn judge(space: Space) -> Finding {
    let (free, total) = (mib(space.free_bytes), mib(space.total_bytes));
    let found = format!("{free} MiB of {total} MiB are free");
    if space.read_only {
        return Finding::failure(
            format!("the file system is read-only: nothing can be recorded ({found})"),
            "look at `dmesg`; a card that turned itself read-only is worn out: copy it and replace it",
        );
    }
    match space.room() {
        Room::Ok => Finding::ok(found),
        Room::Low => Finding::warning(
            format!("{found}: low"),
            "take away what is not the gateway's, or use a larger card; recording stops when it is full",
        ),
        Room::Critical => Finding::failure(
            format!("{found}: critical, recording is about to stop"),
            "make room at once: `journalctl --vacuum-size=50M`, `apt-get clean`; then use a larger card",
        ),
    }
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn room_is_told_by_its_watermarks_and_a_read_only_disk_before_them() {
        const MIB: u64 = 1024 * 1024;
        let judge = |free_mib: u64, read_only| {
            let finding = judge(Space { free_bytes: free_mib * MIB, total_bytes: 29_000 * MIB, read_only });
            (finding.outcome, finding.found, finding.remedy.is_some())
        };
        let expected = |outcome, found: &str, remedy| (outcome, found.to_owned(), remedy);
        assert_eq!(judge(9_000, false), expected(Outcome::Ok, "9000 MiB of 29000 MiB are free", false));
        assert_eq!(judge(200, false), expected(Outcome::Warning, "200 MiB of 29000 MiB are free: low", true));
        let critical = "3 MiB of 29000 MiB are free: critical, recording is about to stop";
        assert_eq!(judge(3, false), expected(Outcome::Failure, critical, true));
        let read_only =
            "the file system is read-only: nothing can be recorded (9000 MiB of 29000 MiB are free)";
        assert_eq!(judge(9_000, true), expected(Outcome::Failure, read_only, true));
    }
}
