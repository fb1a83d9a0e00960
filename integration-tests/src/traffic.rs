//! People who scan without a pause while something else happens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{
    codes,
    console::{Answer, Console},
    wait::pause,
};

/// Scanners at one gateway, each with a thread of its own.
const SCANNERS: u64 = 2;

/// Milliseconds until a person tries again whose gateway is gone.
const AGAIN_MS: u64 = 10;

/// Tubes are scanned, one after the other, until it is stopped. Each must be granted.
pub struct Traffic {
    ends: Arc<AtomicBool>,
    scanned: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Vec<(String, u64)>>>,
}

impl Traffic {
    /// Starts to scan tubes from this number on, at a gateway that must answer each time.
    pub fn start(console: &Console, first_tube: u64) -> Self {
        Self::scan(console, first_tube, |console, tube| Some(console.yes(tube)))
    }

    /// The same at a gateway that dies now and then: who gets no answer asks again under the same key.
    pub fn start_stubborn(console: &Console, first_tube: u64) -> Self {
        Self::scan(console, first_tube, |console, tube| {
            let answer = console.try_scan_once(tube, &format!("key-{tube}"))?;
            assert_eq!(answer.tone(), "yes", "{tube}: {}", answer.0);
            Some(answer)
        })
    }

    fn scan(console: &Console, first_tube: u64, ask: fn(&Console, &str) -> Option<Answer>) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let scanned = Arc::new(AtomicU64::new(0));
        let threads = (0..SCANNERS).map(|scanner| {
            let (ends, scanned, console) = (Arc::clone(&ends), Arc::clone(&scanned), console.clone());
            thread::spawn(move || {
                let mut shown = Vec::new();
                let mut step = 0;
                while !ends.load(Ordering::Relaxed) {
                    let tube = codes::tube(first_tube + scanner + step * SCANNERS);
                    let Some(answer) = ask(&console, &tube) else {
                        pause(AGAIN_MS);
                        continue;
                    };
                    let (_, last) = answer.records().unwrap();
                    shown.push((tube, last));
                    step += 1;
                    scanned.fetch_add(1, Ordering::Relaxed);
                }
                shown
            })
        });
        let threads = threads.collect();
        Self { ends, scanned, threads }
    }

    /// Tubes granted so far.
    pub fn scanned(&self) -> u64 {
        self.scanned.load(Ordering::Relaxed)
    }

    /// Stops; gives each granted tube with the number of the last record of its verdict.
    pub fn stop(self) -> Vec<(String, u64)> {
        self.ends.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

/// Each verdict that was shown is in the journal: the record of its number names the tube.
pub fn assert_shown_is_written(shown: &[(String, u64)], ledger: &[String]) {
    for (tube, seq) in shown {
        let at = usize::try_from(*seq - 1).unwrap();
        let line =
            ledger.get(at).unwrap_or_else(|| panic!("{tube} was shown as record {seq}, which is lost"));
        assert!(line.contains(&format!("\"{tube}\"")), "record {seq} was shown for {tube} and says {line}");
    }
}
