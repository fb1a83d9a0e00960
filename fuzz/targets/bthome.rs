//! BTHome v2 service data, with and without a key: nothing that was not made with the key is authentic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_drivers::seal::{Address, SealKey, bthome};

fuzz_target!(|bytes: &[u8]| {
    let address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
    let _ = bthome::address_of(bytes, address);
    if let Ok(frame) = bthome::read(bytes, address, None) {
        assert!(!frame.authentic);
    }
    let key: SealKey = "231d39c1d7cc1ab1aee224cd096db932".parse().expect("a key");
    if let Ok(frame) = bthome::read(bytes, address, Some(&key)) {
        assert!(frame.authentic);
    }
});
