//! A scanner that speaks SSI: any bytes, in any pieces.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;
use waypost_drivers::scanner::ssi::{packet, reader::Reader};

fuzz_target!(|bytes: &[u8]| {
    let _ = packet::parse(bytes);
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut reader = Reader::default();
    let mut now = Instant::now();
    let mut heard = |_| {};
    for piece in rest.chunks(usize::from(first & 0x3F).max(1)) {
        reader.push(piece, now, &mut heard);
        now += Duration::from_millis(u64::from(first >> 6) * 100);
        reader.tick(now, &mut heard);
    }
    reader.reset(&mut heard);
    assert!(reader.deadline().is_none());
});
