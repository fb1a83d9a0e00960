//! Times and bytes, as they are printed.

use std::{
    fmt,
    fs::{self, File},
    io::Write,
    ops::{AddAssign, Sub},
    path::Path,
    time::{Duration, Instant},
};

use crate::day::Day;

/// Microseconds at or below which that many of a hundred lie.
pub fn percentile(times: &mut [Duration], percent: usize) -> u128 {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_micros()
}

/// Rows a second of both, and how the first compares.
pub fn rate(rows: u64, journal_s: f64, bare_s: f64) -> String {
    let (journal, bare) = (rows as f64 / journal_s, rows as f64 / bare_s);
    format!("journal {journal:.0}, bare {bare:.0}, ratio {:.2} (at least 0.6)", journal / bare)
}

/// What the disk itself takes to keep 4 KiB, in microseconds.
pub fn fsync_us(dir: &Path, times: usize) -> f64 {
    let mut file = File::create(dir.join("fsync")).unwrap();
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            file.write_all(&[0x55; 4096]).unwrap();
            let began = Instant::now();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    percentile(&mut took, 50) as f64
}

/// Bytes that this process gave to the system, and bytes that the system sent to the disk for it.
#[derive(Default, Clone, Copy)]
pub struct Written {
    given: u64,
    disk: u64,
}

impl Written {
    pub fn now() -> Self {
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let value = |name: &str| {
            io.lines().find_map(|line| line.strip_prefix(name)).and_then(|text| text.trim().parse().ok())
        };
        Self { given: value("wchar:").unwrap_or(0), disk: value("write_bytes:").unwrap_or(0) }
    }

    /// Each request's share.
    pub fn each(self, day: &Day) -> impl fmt::Display {
        let requests = day.steps.len() as u64;
        format!("{} B to the system, {} B to the disk", self.given / requests, self.disk / requests)
    }
}

impl Sub for Written {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self { given: self.given - before.given, disk: self.disk - before.disk }
    }
}

impl AddAssign for Written {
    fn add_assign(&mut self, more: Self) {
        self.given += more.given;
        self.disk += more.disk;
    }
}
