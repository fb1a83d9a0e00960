//! How long a bare synced write takes on this disk, sampled through the whole run.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Pause between two samples.
const INTERVAL: Duration = Duration::from_millis(150);
/// Samples kept; a day has some hundreds.
const SAMPLES_MAX: usize = 10_000;

/// Writes and syncs 4 KiB now and then, on a thread of its own.
pub struct Probe {
    stop: SyncSender<()>,
    thread: JoinHandle<Vec<u64>>,
}

impl Probe {
    /// Starts sampling in that directory.
    pub fn start(dir: &Path) -> std::io::Result<Self> {
        let mut file = File::create(dir.join("fsync.probe"))?;
        let (stop, stopped) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let mut times_us = Vec::new();
            while matches!(stopped.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout)) {
                let started = Instant::now();
                let written = file
                    .seek(SeekFrom::Start(0))
                    .and_then(|_| file.write_all(&[0x5a; 4096]))
                    .and_then(|()| file.sync_data());
                if written.is_ok() && times_us.len() < SAMPLES_MAX {
                    times_us.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
            }
            times_us
        });
        Ok(Self { stop, thread })
    }

    /// Stops, and gives the microseconds of all samples.
    pub fn finish(self) -> Vec<u64> {
        let Self { stop, thread } = self;
        drop(stop);
        thread.join().unwrap_or_default()
    }
}
