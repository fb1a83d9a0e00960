//! Scanned or keyed text of any kind: it means something or is refused, and a refusal repeats no digit of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waypost_core::code::{Hkid, LabelKinds, Meaning, hkid, read};

/// The labels of a fresh installation.
static LABELS: LazyLock<LabelKinds> = LazyLock::new(LabelKinds::default);

fuzz_target!(|text: &str| {
    if let Ok(number) = Hkid::parse(text) {
        assert!(number.masked().ends_with("****"));
        assert!(hkid::found_in(text));
    }
    if let Meaning::Refused(reason) = read(text, None, &LABELS) {
        // Lengths are told; a number of an identity card is not.
        assert!(!hkid::found_in(&reason.to_string()), "{reason}");
    }
});
