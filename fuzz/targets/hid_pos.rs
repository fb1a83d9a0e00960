//! A HID POS scanner: a report descriptor, then reports by the layouts that it tells.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use waypost_drivers::scanner::hid::{descriptor, joiner::Joiner, layout::Layout};

/// A report's bytes.
const REPORT: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (told, reports) = rest.split_at(usize::from(*first).min(rest.len()));
    let layouts = match descriptor::parse(told) {
        Ok(description) => description.layouts,
        Err(_) => Layout::quirks().to_vec(),
    };
    let mut joiner = Joiner::new(layouts);
    let mut now = Instant::now();
    let mut found = |_| {};
    for report in reports.chunks(REPORT) {
        joiner.push(report, now, &mut found);
        now += Duration::from_millis(u64::from(*first) * 4);
        if joiner.deadline().is_some_and(|deadline| deadline <= now) {
            joiner.tick(now, &mut found);
        }
    }
    joiner.reset(&mut found);
    assert!(joiner.deadline().is_none());
});
