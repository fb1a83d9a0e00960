//! A Bluetooth controller's line: any bytes give events of bounded size, and the conversation goes on after any of them.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use waypost_drivers::seal::{
    assembly::Assembly,
    h4::{Deframer, PACKET_MAX},
    hci::Event,
    scan::Scan,
};

fuzz_target!(|bytes: &[u8]| {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut now = Instant::now();
    let mut deframer = Deframer::default();
    let mut scan = Scan::new(first & 1 == 1, Duration::from_secs(10));
    let mut assembly = Assembly::default();
    scan.line_up(first & 2 == 2, now);
    for piece in rest.chunks(usize::from(first >> 2).max(1)) {
        now += Duration::from_millis(500);
        for event in deframer.push(piece) {
            scan.event(&event, now);
            if let Event::Reports(reports) = event {
                for report in reports {
                    assembly.take(report, now);
                }
            }
        }
        assert!(deframer.pending() < PACKET_MAX);
        if scan.deadline().is_some_and(|deadline| deadline <= now) {
            scan.elapsed(now);
        }
    }
    scan.line_down();
    assert!(!scan.is_listening());
});
