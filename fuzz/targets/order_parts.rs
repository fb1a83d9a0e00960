//! Parts of orders and of filters' pieces, as the broker or even the holder of an order key could send them: read or
//! refused. A whole is given only with the length and the sum that its parts name, and memory stays within its bounds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waypost_core::wire::{
    keys::{ORDER_KEY_NAME, Seed, SignKey},
    part::{self, JOINING_BYTES_MAX, JOINING_MAX, Joiner, Part},
    sign::{self, Kind},
};

/// Parts of one input: more than are put together at once. Each is signed, which takes its time.
const PARTS_MAX: usize = JOINING_MAX + 4;

static KEY: LazyLock<SignKey> =
    LazyLock::new(|| SignKey::new(ORDER_KEY_NAME, &Seed::from_bytes([1; 32])).expect("a name that can be"));

fuzz_target!(|data: &[u8]| {
    let keys = [KEY.public()];
    // As it came: an envelope that nobody signed.
    assert!(Part::open(data, &keys).is_err());
    // Payloads behind their lengths, signed as they are.
    let mut joiner = Joiner::default();
    let mut rest = data;
    for _ in 0..PARTS_MAX {
        let Some((length, more)) = rest.split_first_chunk::<2>() else { return };
        let (payload, after) = more.split_at(usize::from(u16::from_le_bytes(*length)).min(more.len()));
        rest = after;
        let message = sign::sign(&KEY, Kind::Part, payload.to_vec()).expect("short enough");
        let Ok(part) = Part::open(&message, &keys) else { continue };
        let header = part.header.clone();
        assert!(header.offset() + part.data.len() as u64 <= header.bytes, "a part lies within its whole");
        if let Ok(Some(whole)) = joiner.take(part) {
            assert_eq!((whole.len() as u64, part::digest(&whole)), (header.bytes, header.digest));
        }
        assert!(joiner.len() <= JOINING_MAX && joiner.bytes() <= JOINING_BYTES_MAX);
    }
});
