//! A gateway whose journal does not open because of its card: the card takes no writes, is full, or is damaged.
//!
//! Nothing may be handed out then, and the counter must see why. So the panel stays up, on the page and on every screen,
//! with what is wrong and what to do; a lamp and a tone say no to whatever is scanned. Nothing is recorded. It looks every
//! few seconds whether the journal might open now, and then the gateway starts as always.

use std::{fs, os::unix::fs::MetadataExt, path::Path, pin::Pin, time::Duration};

use tokio::{sync::watch, time::timeout};
use waypost_drivers::board::MemoryBoard;

use super::{AbortOnDrop, CONSOLE_STOP_MAX, RunError, listen, start_console, tell_address};
use crate::{
    alive::{self, Pulse},
    clock::Clock,
    config::{BoardKind, Config},
    device,
    identity::IdentityError,
    journal::{self, JournalFailure, Space},
    panel::JournalState,
    station::engine::{ClosedParts, ClosedStation, StartError, start_closed},
};

/// Between two looks whether the journal might open.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A full card is tried again from so many free bytes on.
const ROOM_TO_TRY_BYTES: u64 = 512 * 1024;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The gateway stops.
    Stop,
    /// The journal might open now.
    TryAgain,
}

/// What is wrong with the card, where that is why the gateway does not run.
pub(super) fn state_of(error: &RunError) -> Option<JournalState> {
    let failure = match error {
        RunError::Journal { source, .. } => source.failure(),
        RunError::Station(StartError::Journal(source)) => source.failure(),
        RunError::Station(StartError::Ledger(source)) => JournalFailure::of_ledger(source),
        RunError::Identity(IdentityError::Io { source, .. }) => JournalFailure::of_io(source),
        _ => return None,
    };
    match failure {
        JournalFailure::ReadOnly => Some(JournalState::ReadOnly),
        JournalFailure::Full => Some(JournalState::Full),
        JournalFailure::Damaged { .. } => Some(JournalState::Damaged),
        JournalFailure::Io { .. } | JournalFailure::TooLong { .. } | JournalFailure::Stopped => None,
    }
}

/// Shows the page until the gateway is told to stop, or the journal might open.
///
/// # Errors
/// Nothing can listen at the console's address.
pub(super) async fn show(
    config: &Config,
    clock: &Clock,
    journal: JournalState,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<Next, RunError> {
    let (stop, stopping) = watch::channel(false);
    let ClosedStation { handle, devices, pulse, ended } = start_closed(ClosedParts {
        site_name: config.site.name.clone(),
        kind: config.site.kind,
        time_zone: config.site.time_zone.clone(),
        labels: config.labels.clone(),
        language: config.site.language,
        clock: clock.clone(),
        journal,
        stopping: stopping.clone(),
    });
    let drawn = config
        .board
        .filter(|board| board.kind == BoardKind::Page)
        .map(|board| MemoryBoard::new().with_hatch(board.hatch.is_some()));
    let mut drivers = device::start(config, drawn.as_ref(), 0, &handle, &devices);
    let mut console = None;
    if let Some(told) = &config.console {
        let listener = listen(told.listen).await?;
        tell_address(&listener, &config.data);
        let clock = config.simulated.map(|_| clock.clone());
        console = Some(start_console(config, listener, &handle, clock, drawn, &stopping));
    }
    let supervised = Pulse::default();
    let parts = [("station", pulse), ("supervisor of devices", supervised.clone())];
    let _watched = alive::listened().map(|every| {
        let status = || "the journal does not open: nothing is recorded".to_owned();
        AbortOnDrop(tokio::spawn(alive::feed(alive::Parts::new(parts), every, status, alive::tell)))
    });
    alive::ready();
    let before = stamp(&config.data);
    let worth_a_try = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if might_open(&config.data, journal, before) {
                return;
            }
        }
    };
    let next = tokio::select! {
        () = shutdown.as_mut() => Next::Stop,
        () = device::supervise(&mut drivers, &supervised) => return Err(RunError::Ended("driver of a device")),
        () = worth_a_try => Next::TryAgain,
    };
    if next == Next::Stop {
        alive::stopping();
    }
    drop((drivers, handle, devices));
    stop.send_replace(true);
    // The address is free again when the gateway starts.
    if let Some(mut console) = console
        && timeout(CONSOLE_STOP_MAX, &mut console).await.is_err()
    {
        console.abort();
        let _aborted = console.await;
    }
    let _ended = ended.await;
    Ok(next)
}

fn might_open(data: &Path, journal: JournalState, before: Option<Stamp>) -> bool {
    match journal {
        JournalState::ReadOnly => {
            [journal::LOCK_FILE, journal::FILE]
                .map(|name| data.join(name))
                .iter()
                .filter(|path| path.exists())
                .all(|path| fs::OpenOptions::new().write(true).open(path).is_ok())
                && Space::of(data).is_ok_and(|space| !space.read_only)
        }
        JournalState::Full => Space::of(data).is_ok_and(|space| space.free_bytes >= ROOM_TO_TRY_BYTES),
        // Somebody repaired it, or put another one there.
        _ => stamp(data) != before,
    }
}

/// Which file the journal is, and when it was changed.
type Stamp = (u64, i64, i64);

fn stamp(data: &Path) -> Option<Stamp> {
    let file = fs::metadata(data.join(journal::FILE)).ok()?;
    Some((file.ino(), file.mtime(), file.mtime_nsec()))
}
