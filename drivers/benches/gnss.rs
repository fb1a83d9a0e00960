//! Sentences a second from a receiver's bytes to joined fixes, on one core: `cargo bench -p waypost-drivers --bench gnss`.
//!
//! Beside it runs the bare `nmea` crate on the same sentences, already cut into lines, in turns: what else the machine
//! does falls on both. Ours also cuts the bytes, checks the sums, gates, dates and joins. The sentences are those of the
//! recordings in `WAYPOST_GNSS_DATA` that the crate can read, or a few that stand here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first thing that is wrong, and prints"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use waypost_drivers::gnss::{Decoder, Joined, Joiner};

/// Sentences of one turn, at least.
const SENTENCES: usize = 100_000;
/// Turns; the fastest of each counts, as the others were disturbed.
const TURNS: usize = 15;
/// Our part of the bare crate's sentences a second, at least.
const RATIO_MIN: f64 = 0.7;
/// Bytes that a port gives at once.
const CHUNK: usize = 512;

/// One second of a receiver with two satellite systems (u-blox M8, recorded by the gpsd project, BSD-2-Clause).
const SAMPLE: &[&str] = &[
    "$GNRMC,171926.00,A,4404.14063,N,12118.85478,W,0.117,,180315,,,A*76",
    "$GNVTG,,T,,M,0.117,N,0.217,K,A*32",
    "$GNGGA,171926.00,4404.14063,N,12118.85478,W,1,12,0.81,1129.7,M,-21.4,M,,*4D",
    "$GNGSA,A,3,05,15,26,29,18,21,24,,,,,,1.39,0.81,1.13*1D",
    "$GNGLL,4404.14063,N,12118.85478,W,171926.00,A,A*64",
];

fn main() {
    // `cargo test --benches` does not pass `--bench`: then one turn shows that it runs.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (all, source) = sentences();
    println!("{} sentences {source}", all.len());
    let is_position =
        |line: &&String| line.get(3..6).is_some_and(|kind| ["RMC", "GGA", "GLL", "GNS"].contains(&kind));
    let positions: Vec<String> = all.iter().filter(is_position).cloned().collect();
    let whole = compare("all sentences", &all, full);
    compare("positions only", &positions, full);
    if full {
        assert!(whole >= RATIO_MIN, "{whole:.2} of the bare crate's sentences a second, not {RATIO_MIN}");
    }
}

/// Sentences that the bare crate can read.
fn sentences() -> (Vec<String>, String) {
    let folder = std::env::var_os("WAYPOST_GNSS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/gnss"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return (
            SAMPLE.iter().map(|line| (*line).to_owned()).collect(),
            "that stand in the benchmark".to_owned(),
        );
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    let mut lines = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // Of spliced lines the crate reads one sentence, and we two.
        let is_one = |line: &&str| line.starts_with('$') && line.is_ascii() && line.matches('$').count() == 1;
        let read = |line: &&str| is_one(line) && nmea::parse_str(line).is_ok();
        lines.extend(text.lines().map(str::trim).filter(read).map(str::to_owned));
    }
    (lines, format!("of {} recordings", paths.len()))
}

/// Prints sentences a second of both, and gives the ratio.
fn compare(name: &str, sentences: &[String], full: bool) -> f64 {
    let bytes: Vec<u8> = sentences.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
    let rounds = if full { SENTENCES.div_ceil(sentences.len()) } else { 1 };
    let (mut bare, mut ours) = (Duration::MAX, Duration::MAX);
    let mut fixes = 0;
    for _ in 0..if full { TURNS } else { 1 } {
        bare = bare.min(timed(|| {
            for _ in 0..rounds {
                for line in sentences {
                    assert!(black_box(nmea::parse_str(black_box(line))).is_ok());
                }
            }
        }));
        fixes = 0;
        ours = ours.min(timed(|| {
            let mut decoder = Decoder::default();
            let mut joiner = Joiner::default();
            for _ in 0..rounds {
                for chunk in bytes.chunks(CHUNK) {
                    decoder.listen(black_box(chunk), &mut |said| {
                        fixes += usize::from(matches!(black_box(joiner.push(said)), Some(Joined::Fix(_))));
                    });
                }
            }
            assert_eq!(decoder.sentences(), (rounds * sentences.len()) as u64, "no sentence is lost");
        }));
    }
    let a_second = |took: Duration| (rounds * sentences.len()) as f64 / took.as_secs_f64();
    let ratio = a_second(ours) / a_second(bare);
    println!(
        "{name}: bare crate {:.0} sentences/s, bytes to fixes {:.0} sentences/s ({:.0} fixes/s), ratio {ratio:.2}",
        a_second(bare),
        a_second(ours),
        fixes as f64 / ours.as_secs_f64(),
    );
    ratio
}

fn timed(round: impl FnOnce()) -> Duration {
    let start = Instant::now();
    round();
    start.elapsed()
}
