//! Barcode scanners: their codes go to the station as any other scan.
//!
//! Each scanner has one code in the station at a time, and waits with the next until its verdict: however much one of
//! them sends, the others wait for one verdict at most.

use std::{path::Path, time::Duration};

use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use waypost_drivers::scanner::{self, Scan, ScannerEvent, hid, keyboard, ssi};

use super::EVENTS_MAX;
use crate::{
    config::{Scanner, ScannerLink},
    station::{ScanInput, ScanRefused, StationHandle, engine::DeviceEvent},
};

/// A station that takes longer is not waited for: it says by itself what is wrong.
const VERDICT_MAX: Duration = Duration::from_secs(5);

/// Starts a scanner; its codes go to the station.
pub fn start(
    config: &Scanner,
    handle: &StationHandle,
    devices: &mpsc::Sender<DeviceEvent>,
    tasks: &mut JoinSet<()>,
) {
    let events = listen(config, tasks);
    tasks.spawn(pass_on(config.name.clone(), events, handle.clone(), devices.clone()));
}

/// Starts a scanner's driver: what it says, until `tasks` is dropped.
pub fn listen(config: &Scanner, tasks: &mut JoinSet<()>) -> mpsc::Receiver<ScannerEvent> {
    let (out, events) = mpsc::channel(EVENTS_MAX);
    if let Some(path) = config.link.path() {
        warn_of_name(&config.name, path);
    }
    match config.link.clone() {
        ScannerLink::Serial(serial) => tasks.spawn(scanner::run(serial, out)),
        ScannerLink::Ssi(ssi) => tasks.spawn(ssi::run(ssi, out)),
        ScannerLink::HidPos(hid_pos) => tasks.spawn(hid::run(hid_pos, out)),
        ScannerLink::Keyboard(keyboard) => tasks.spawn(keyboard::run(keyboard, out)),
    };
    events
}

/// A name that the kernel gives in the order of plugging in may be another device's tomorrow.
fn warn_of_name(device: &str, path: &Path) {
    if !waypost_drivers::port::is_named_stably(path) {
        tracing::warn!(
            device,
            port = %path.display(),
            "this name may be another device's after the next start; use the one under /dev/serial/by-id or /dev/input/by-id"
        );
    }
}

async fn pass_on(
    name: String,
    mut events: mpsc::Receiver<ScannerEvent>,
    handle: StationHandle,
    devices: mpsc::Sender<DeviceEvent>,
) {
    while let Some(event) = events.recv().await {
        let news = match event {
            // A number that is on no card's barcode is keyed; the station tells a code from a number by its form.
            ScannerEvent::Scan(scan) | ScannerEvent::Typed(scan) => {
                let verdict = handle.scan(input(scan, &name));
                if let Ok(Err(ScanRefused::Stopped)) = timeout(VERDICT_MAX, verdict).await {
                    return;
                }
                continue;
            }
            ScannerEvent::Up => DeviceEvent::Up(name.clone()),
            ScannerEvent::Down(reason) => {
                tracing::warn!(device = name, reason, "a device is away");
                DeviceEvent::Down(name.clone())
            }
            ScannerEvent::Unreadable { flaw, length } => {
                tracing::info!(device = name, %flaw, length, "no whole code");
                DeviceEvent::Unreadable
            }
        };
        if devices.send(news).await.is_err() {
            return;
        }
    }
}

fn input(scan: Scan, name: &str) -> ScanInput {
    ScanInput {
        text: scan.text,
        symbology: scan.symbology,
        document: None,
        source: name.to_owned(),
        idempotency_key: None,
    }
}
