//! The radio that hears seals.

use tokio::{sync::mpsc, task::JoinSet};
use waypost_drivers::seal::{self, ReaderConfig, SealEvent};

use super::EVENTS_MAX;
use crate::{config::SealReader, station::engine::DeviceEvent};

/// What the panel calls it.
const SEAL_READER: &str = "seal reader";

/// Starts the radio.
pub fn start(config: &SealReader, devices: &mpsc::Sender<DeviceEvent>, tasks: &mut JoinSet<()>) {
    let events = listen(config, tasks);
    tasks.spawn(pass_on(events, devices.clone()));
}

/// Starts the radio's driver: what it says, until `tasks` is dropped.
pub fn listen(config: &SealReader, tasks: &mut JoinSet<()>) -> mpsc::Receiver<SealEvent> {
    let (out, events) = mpsc::channel(EVENTS_MAX);
    let reader = ReaderConfig { active: config.active, ..ReaderConfig::of(config.source.clone()) };
    tasks.spawn(seal::reader::run(reader, out));
    events
}

async fn pass_on(mut events: mpsc::Receiver<SealEvent>, devices: mpsc::Sender<DeviceEvent>) {
    while let Some(event) = events.recv().await {
        let news = match event {
            SealEvent::Up => DeviceEvent::Up(SEAL_READER.to_owned()),
            SealEvent::Down(reason) => {
                tracing::warn!(device = SEAL_READER, reason, "a device is away");
                DeviceEvent::Down(SEAL_READER.to_owned())
            }
            SealEvent::Mending(step) => {
                tracing::warn!(device = SEAL_READER, ?step, "nothing is heard");
                continue;
            }
            frame @ SealEvent::Advertisement { .. } => DeviceEvent::Seal(frame),
        };
        if devices.send(news).await.is_err() {
            return;
        }
    }
}
