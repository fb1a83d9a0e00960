//! GS1 element strings as scanned, bracketed or careted: what is accepted reads the same when it is written anew.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_core::code::gs1;

fuzz_target!(|text: &str| {
    if let Some(Ok(elements)) = gs1::recognise(text, None) {
        let again = gs1::recognise(&elements.bracketed(), None);
        assert_eq!(again.and_then(Result::ok).map(|again| again.bracketed()), Some(elements.bracketed()));
        let again = gs1::recognise(&elements.careted(), None);
        assert_eq!(again.and_then(Result::ok).map(|again| again.bracketed()), Some(elements.bracketed()));
    }
});
