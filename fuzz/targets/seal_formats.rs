//! Whole advertisements: what stands in them is found, and no format but an encrypted one is authentic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_drivers::seal::{Address, Format, SealKey, format};

fuzz_target!(|bytes: &[u8]| {
    let address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
    let key: SealKey = "231d39c1d7cc1ab1aee224cd096db932".parse().expect("a key");
    let whole = std::iter::once((format::guess(bytes), bytes));
    for (found, frame) in whole.chain(format::find(bytes)) {
        let _ = format::address_of(found, frame, address);
        if let Ok(frame) = format::read(found, frame, address, None) {
            assert!(!frame.authentic);
        }
        assert!(found == Format::Bthome || format::read(found, frame, address, Some(&key)).is_err());
    }
});
