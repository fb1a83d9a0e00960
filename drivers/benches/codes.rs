//! Codes a second from the bytes of scanners, on one core. `cargo bench -p waypost-drivers --bench codes`.
//!
//! What is timed is all that a driver does between the device and its channel: taking reports or packets apart, joining
//! them, checking the text, telling repeats apart. Beside it stands the bare work on the same bytes that nothing can go
//! below: a copy, and a check that it is UTF-8.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first thing that is wrong, and prints"
)]

use std::hint::black_box;
use std::time::Duration;

use tokio::time::Instant;
use waypost_drivers::scanner::assembler::{Assembler, Framing};
use waypost_drivers::scanner::gate::Gate;
use waypost_drivers::scanner::hid::joiner::Joiner;
use waypost_drivers::scanner::ssi::{
    packet::checksum,
    reader::{Heard, Reader},
};
use waypost_drivers::scanner::{Assembled, ScannerEvent};

/// Codes of one round.
const CODES: usize = 100_000;
/// Rounds; the fastest counts, as the others were disturbed.
const ROUNDS: usize = 15;
/// What a driver is to do at least, on one core.
const PER_SECOND_MIN: f64 = 1_000_000.0;

/// A label of a tube, another each time: GS1 with product, batch and serial, 39 characters.
fn code(n: usize) -> String {
    format!("010001234567890510LOT2020-09\x1d21{n:08}")
}

fn report(code: &str) -> [u8; 64] {
    let mut report = [0; 64];
    report[..5].copy_from_slice(b"\x02\0]d2");
    report[1] = u8::try_from(code.len()).unwrap();
    report[5..5 + code.len()].copy_from_slice(code.as_bytes());
    report
}

fn packet(code: &str) -> Vec<u8> {
    let mut packet = vec![u8::try_from(5 + code.len()).unwrap(), 0xf3, 0, 0, 0xc1];
    packet.extend(code.as_bytes());
    let sum = checksum(&packet);
    packet.extend(sum.to_be_bytes());
    packet
}

/// The fastest of the rounds.
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

/// The least that can be done with the same bytes: each code's copied, and looked at once.
fn bare(pieces: &[Vec<u8>]) -> Duration {
    let mut buffer = Vec::with_capacity(1_024);
    fastest(|| {
        for piece in pieces {
            buffer.clear();
            buffer.extend_from_slice(black_box(piece));
            black_box(std::str::from_utf8(&buffer).is_ok());
        }
    })
}

/// Times a driver's work, counts that every code came out, and prints it.
fn measure(name: &str, pieces: &[Vec<u8>], mut take: impl FnMut(&[u8], Instant, &mut dyn FnMut(Assembled))) {
    let mut now = Instant::now();
    let mut codes = 0;
    let took = fastest(|| {
        codes = 0;
        let mut gate = Gate::new(waypost_drivers::scanner::gate::SAME_WITHIN);
        for piece in pieces {
            now += Duration::from_micros(1);
            take(black_box(piece), now, &mut |found| {
                if let Some(ScannerEvent::Scan(scan)) = gate.pass(found, now) {
                    codes += 1;
                    black_box(&scan);
                }
            });
        }
    });
    assert_eq!(codes, CODES, "{name}: every code comes out");
    let floor = bare(pieces);
    let per_second = CODES as f64 / took.as_secs_f64();
    let bare_per_second = CODES as f64 / floor.as_secs_f64();
    println!(
        "{name:8} {per_second:>12.0} codes/s   bare copy and UTF-8 check {bare_per_second:>12.0}/s   ratio {:.3}",
        per_second / bare_per_second
    );
    assert!(per_second > PER_SECOND_MIN, "{name}: {per_second:.0} codes a second");
}

fn main() {
    let codes: Vec<String> = (0..CODES).map(code).collect();

    let reports: Vec<Vec<u8>> = codes.iter().map(|code| report(code).to_vec()).collect();
    let mut joiner = Joiner::new(Vec::new());
    measure("HID POS", &reports, |report, now, mut found| {
        joiner.push(report, now, &mut found);
    });

    let packets: Vec<Vec<u8>> = codes.iter().map(|code| packet(code)).collect();
    let mut reader = Reader::default();
    measure("SSI", &packets, |packet, now, found| {
        reader.push(packet, now, &mut |heard| match heard {
            Heard::Code(code) => found(code),
            other => {
                black_box(&other);
            }
        });
    });

    let lines: Vec<Vec<u8>> = codes.iter().map(|code| format!("]d2{code}\r").into_bytes()).collect();
    let mut assembler = Assembler::new(Framing::default());
    measure("serial", &lines, |line, now, mut found| assembler.push(line, now, &mut found));
}
