//! Looks after the journal's disk beside the work: its room, its reserve, and whether it takes writes again.

use std::{path::PathBuf, time::Duration};

use tokio::{select, sync::watch, task::spawn_blocking, time::sleep};
use waypost_core::{fact::AlarmKind, rule::Act};

use super::{
    Health, JournalFailure, Request, RequestId, Room, Space, Verdict, Writer,
    reserve::{self, give_up},
};

/// Between two looks at the disk's room, in real time.
const EVERY: Duration = Duration::from_secs(10);
/// Between two looks while the journal is stopped.
const RETRY: Duration = Duration::from_secs(2);
/// A full disk is tried again with at least so much room: less would be full again with the next commits.
const TRY_BYTES_MIN: u64 = 1024 * 1024;
/// Room counts as better again only with so many hundredths of the watermark: else it would be news at every look.
const BETTER_PERCENT: u64 = 110;

/// What is looked after.
#[derive(Debug, Clone)]
pub struct Care {
    /// The journal's directory.
    pub dir: PathBuf,
    /// Which start this is: ids of its alarms are made of it.
    pub boot: u32,
}

impl Care {
    /// Looks after the disk until the writer is stopped.
    pub async fn run(self, writer: Writer) {
        let mut health = writer.watch_health();
        let (mut raised, mut told) = (Room::Ok, 0);
        loop {
            let stopped = match &*health.borrow_and_update() {
                Health::Stopped(failure) => Some(failure.clone()),
                Health::Well => None,
            };
            if let Some(space) = self.look().await {
                let room = with_hysteresis(writer.room(), &space);
                writer.note_room(room);
                if room == Room::Critical && give_up(&self.dir) {
                    tracing::warn!("the disk is nearly full: the reserve is given up, for the last records");
                }
                if stopped.as_ref().is_some_and(|failure| may_try(failure, &space)) {
                    // Its health says what came of it.
                    let _ = writer.try_again().await;
                }
                if room > raised {
                    tracing::warn!(
                        ?room,
                        free_bytes = space.free_bytes,
                        "the journal's disk has little room"
                    );
                    told += 1;
                    if self.raise(&writer, room, &space, told).await {
                        raised = room;
                    }
                } else if room < raised {
                    tracing::info!(?room, free_bytes = space.free_bytes, "the journal's disk has room again");
                    raised = room;
                }
            }
            let pause = if stopped.is_some() { RETRY } else { EVERY };
            select! {
                () = sleep(pause) => if health.has_changed().is_err() { return },
                is_there = changes(&mut health) => if !is_there { return },
            }
        }
    }

    /// The disk's room now; the reserve is made where there is enough.
    async fn look(&self) -> Option<Space> {
        let dir = self.dir.clone();
        let looked = spawn_blocking(move || {
            if let Err(error) = reserve::keep(&dir) {
                tracing::warn!(%error, "no reserve can be made for the last records");
            }
            Space::of(&dir)
        });
        match looked.await {
            Ok(Ok(space)) => Some(space),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the room of the journal's disk cannot be told");
                None
            }
            Err(_) => None,
        }
    }

    /// Records the alarm, which goes to the hub ahead of everything else. False: it is to be tried again.
    async fn raise(&self, writer: &Writer, room: Room, space: &Space, number: u64) -> bool {
        let alarm = if room == Room::Critical { AlarmKind::DiskCritical } else { AlarmKind::DiskLow };
        let subject = format!("{} MiB", space.free_bytes / (1024 * 1024));
        let Ok(id) = RequestId::new(format!("room-{}-{number}", self.boot)) else { return true };
        let verdict = writer.ask(Request { id, by: None, act: Act::RaiseAlarm { alarm, subject } }).await;
        !matches!(verdict, Verdict::Failed(_))
    }
}

/// Is it worth a try?
fn may_try(failure: &JournalFailure, space: &Space) -> bool {
    match failure {
        JournalFailure::Full => space.free_bytes >= TRY_BYTES_MIN,
        JournalFailure::ReadOnly => !space.read_only,
        JournalFailure::Damaged { .. } | JournalFailure::Stopped => false,
        JournalFailure::Io { .. } | JournalFailure::TooLong { .. } => true,
    }
}

/// Worse at once; better only where there is clearly more than the watermark. What the reserve gave is not room: after
/// it was given up, critical holds until all is well.
fn with_hysteresis(before: Room, space: &Space) -> Room {
    let now = space.room();
    if now >= before {
        return now;
    }
    let discounted = Space { free_bytes: space.free_bytes.saturating_mul(100) / BETTER_PERCENT, ..*space };
    match discounted.room() {
        Room::Ok => Room::Ok,
        _ => before,
    }
}

/// True once the health changes; false where nobody changes it any more.
async fn changes(health: &mut watch::Receiver<Health>) -> bool {
    health.changed().await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_better_again_only_where_it_is_clearly_so() {
        const MIB: u64 = 1024 * 1024;
        let space = |free_mib: u64| Space {
            free_bytes: free_mib * MIB,
            total_bytes: 100_000 * MIB,
            read_only: false,
        };
        let steps = [
            (Room::Ok, 255, Room::Low),
            (Room::Low, 257, Room::Low),
            (Room::Low, 290, Room::Ok),
            (Room::Low, 10, Room::Critical),
            (Room::Critical, 33, Room::Critical),
            (Room::Critical, 40, Room::Critical),
            (Room::Critical, 300, Room::Ok),
        ];
        for (before, free_mib, after) in steps {
            assert_eq!(with_hysteresis(before, &space(free_mib)), after, "{before:?} {free_mib}");
        }
    }
}
