//! GS1 codes a second, on one core. `cargo bench -p waypost-core --bench codes`.
//!
//! Beside it stands the bare work on the same text that nothing can go below: a copy, and a check that it is UTF-8.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first thing that is wrong, and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use waypost_core::code::{aim, gs1};

/// Codes of one round.
const CODES: usize = 100_000;
/// Rounds; the fastest counts, as the others were disturbed.
const ROUNDS: usize = 15;
/// What it is to do at least, on one core.
const PER_SECOND_MIN: f64 = 1_000_000.0;

fn fastest(mut round: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn measure(name: &str, codes: &[String]) {
    let took = fastest(|| {
        for code in codes {
            let (symbology, text) = aim::split(black_box(code));
            let elements = gs1::recognise(text, symbology).unwrap().unwrap();
            black_box(&elements);
        }
    });
    let mut buffer = Vec::with_capacity(1_024);
    let floor = fastest(|| {
        for code in codes {
            buffer.clear();
            buffer.extend_from_slice(black_box(code.as_bytes()));
            black_box(std::str::from_utf8(&buffer).is_ok());
        }
    });
    let per_second = CODES as f64 / took.as_secs_f64();
    let bare_per_second = CODES as f64 / floor.as_secs_f64();
    println!(
        "{name:24} {per_second:>12.0} codes/s   bare copy and UTF-8 check {bare_per_second:>12.0}/s   ratio {:.3}",
        per_second / bare_per_second
    );
    assert!(per_second > PER_SECOND_MIN, "{name}: {per_second:.0} codes a second");
}

fn main() {
    let made = |make: &dyn Fn(usize) -> String| (0..CODES).map(make).collect::<Vec<_>>();
    measure("tube: 01, 10, 21", &made(&|n| format!("]d2010001234567890510LOT2020-09\x1d21{n:08}")));
    measure("box: 8003", &made(&|n| format!("]C1800302112345678900BOX{n:08}")));
    measure("consignment: 00", &made(&|_| "]C100376104250021234569".to_owned()));
}
