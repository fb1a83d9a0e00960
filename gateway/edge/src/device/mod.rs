//! The gateway's devices, one file a kind: each starts its driver and passes on to the station what it says.
//!
//! No device is ever waited for: each ends when the set that [`start`] gives is dropped. Each file's `listen` starts a
//! driver by itself, as its configuration says: for those who try one device without a gateway.

pub mod board;
pub mod printer;
pub mod receiver;
pub mod root;
pub mod scanner;
pub mod screen;
pub mod seal_reader;

use std::time::Duration;

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use waypost_drivers::board::MemoryBoard;

use crate::{
    alive::Pulse,
    config::Config,
    station::{StationHandle, engine::DeviceEvent},
};

/// Between two turns of the supervisor while no driver ends.
const TURN: Duration = Duration::from_secs(1);
/// Events of one device that may wait.
const EVENTS_MAX: usize = 64;

/// Starts the driver of every device that is configured.
///
/// `drawn` is the board that the page draws, `last_record` the last record of before this start.
pub fn start(
    config: &Config,
    drawn: Option<&MemoryBoard>,
    last_record: u64,
    handle: &StationHandle,
    devices: &mpsc::Sender<DeviceEvent>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for scanner in &config.scanners {
        scanner::start(scanner, handle, devices, &mut tasks);
    }
    for screen in &config.screens {
        screen::start(screen, handle, devices, &mut tasks);
    }
    if let Some(reader) = &config.seal_reader {
        seal_reader::start(reader, devices, &mut tasks);
    }
    if let Some(receiver) = &config.receiver {
        receiver::start(receiver, devices, &mut tasks);
    }
    if let Some(board) = &config.board {
        board::start(board, drawn, last_record, handle, devices, &mut tasks);
    }
    tasks
}

/// Watches over the drivers, and beats while it does. Ready when one of them failed as no driver may: a device that is
/// away is no failure, but a driver that panicked does not come back, and neither does what it would have said.
pub async fn supervise(drivers: &mut JoinSet<()>, pulse: &Pulse) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(ended) = drivers.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    return;
                }
            }
            _ = turns.tick() => pulse.beat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_panics_is_found_and_one_that_ends_is_none() {
        let (mut drivers, pulse) = (JoinSet::new(), Pulse::default());
        drivers.spawn(async {});
        drivers.spawn(async { panic!("as a driver must not") });
        supervise(&mut drivers, &pulse).await;
    }
}
