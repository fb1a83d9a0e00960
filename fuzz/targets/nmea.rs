//! A satellite receiver's line: any bytes, in any pieces, give fixes on the globe or refusals.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_drivers::gnss::{Decoded, Decoder};

/// Reads all of `bytes` in pieces: how many fixes and refusals came of it, and the sum of the fixes' degrees.
fn read(bytes: &[u8], piece: usize) -> (u32, u32, f64) {
    let (mut fixes, mut refusals, mut degrees) = (0, 0, 0.0);
    let mut take = |decoded: Decoded| match decoded {
        Decoded::Fix(fix) => {
            assert!((-90.0..=90.0).contains(&fix.lat) && (-180.0..=180.0).contains(&fix.lon));
            fixes += 1;
            degrees += fix.lat + fix.lon;
        }
        Decoded::Refused { .. } => refusals += 1,
    };
    let mut decoder = Decoder::default();
    for piece in bytes.chunks(piece) {
        decoder.push(piece, &mut take);
    }
    decoder.finish(&mut take);
    (fixes, refusals, degrees)
}

// How the line happens to cut the bytes changes nothing.
fuzz_target!(|bytes: &[u8]| {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = read(rest, usize::MAX);
    assert_eq!(whole, read(rest, usize::from(*first).max(1)));
});
