//! Application identifiers and the form of their values: GS1 General Specifications, section 3, as the GS1 Barcode
//! Syntax Dictionary breaks them down.
//!
//! Not looked up, because nothing here depends on them: lists of countries, currencies, media types and coupons, and
//! the check digits of bank accounts.

use super::value::{Check::*, Form, Part, n, n_to, x, x_to, y_to};

/// Digits of the identifier that begins with these two, or `None` where none does.
pub(super) fn ai_len(first_two: u16) -> Option<usize> {
    match first_two {
        0..=2 | 10..=13 | 15..=17 | 20..=22 | 30 | 37 | 90..=99 => Some(2),
        23..=25 | 40..=42 | 71 => Some(3),
        31..=36 | 39 | 43 | 70 | 72 | 80..=82 => Some(4),
        _ => None,
    }
}

/// Identifiers of which a code has one or the other.
pub(super) const EXCLUSIVE: [(u16, u16); 8] =
    [(1, 2), (1, 37), (1, 255), (21, 235), (420, 421), (8006, 1), (8006, 37), (8017, 8018)];

/// A value of known length: the next identifier follows it without a separator.
macro_rules! fixed {
    ($($part:expr),+) => {{
        const PARTS: &[Part] = &[$($part),+];
        Form { parts: PARTS, fixed: true }
    }};
}

/// A value that ends at a separator or with the code.
macro_rules! open {
    ($($part:expr),+) => {{
        const PARTS: &[Part] = &[$($part),+];
        Form { parts: PARTS, fixed: false }
    }};
}

/// The form of an identifier's value, or `None` where there is no such identifier.
pub(super) fn form(ai: u16) -> Option<Form> {
    Some(match ai {
        // SSCC, GTIN, content
        0 => fixed!(n(18).check(Digit)),
        1 | 2 => fixed!(n(14).check(Digit)),
        // batch, dates, variant, serial
        10 | 21 | 22 => open!(x_to(20)),
        11..=13 | 15..=17 => fixed!(n(6).check(DateOrMonth)),
        20 => fixed!(n(2)),
        235 => open!(x_to(28)),
        240 | 241 | 250 | 251 => open!(x_to(30)),
        242 => open!(n_to(6)),
        243 | 254 => open!(x_to(20)),
        // GDTI, GCN
        253 => open!(n(13).check(Digit), x_to(17).optional()),
        255 => open!(n(13).check(Digit), n_to(12).optional()),
        // counts
        30 | 37 => open!(n_to(8)),
        // measures, the last digit of the identifier says where the decimal point is
        3100..=3169 | 3200..=3379 | 3400..=3579 | 3600..=3699 if ai % 10 <= 5 => fixed!(n(6)),
        // amounts
        3900..=3909 | 3920..=3929 => open!(n_to(15)),
        3910..=3919 | 3930..=3939 => open!(n(3), n_to(15)),
        3940..=3943 => open!(n(4)),
        3950..=3955 => open!(n(6)),
        // order, GINC, GSIN, route
        400 | 401 | 403 => open!(x_to(30)),
        402 => open!(n(17).check(Digit)),
        // locations
        410..=417 => fixed!(n(13).check(Digit)),
        420 => open!(x_to(20)),
        421 => open!(n(3), x_to(9)),
        422 | 424 | 426 => open!(n(3)),
        423 | 425 => open!(n_to(15)),
        427 => open!(x_to(3)),
        // where and how to deliver
        4300 | 4301 | 4310 | 4311 | 4320 => open!(x_to(35)),
        4302..=4306 | 4312..=4316 => open!(x_to(70)),
        4307 | 4317 => open!(x(2)),
        4308 | 4319 => open!(x_to(30)),
        4309 => open!(n(10).check(Latitude), n(10).check(Longitude)),
        4318 => open!(x_to(20)),
        4321..=4323 => open!(n(1).check(ZeroOrOne)),
        4324 | 4325 => open!(n(6).check(DateOrMonth), n(4).check(TimeOrNone)),
        4326 => open!(n(6).check(Date)),
        4330..=4333 => open!(n(6), x(1).check(Hyphen).optional()),
        // stock, dates and trades
        7001 => open!(n(13)),
        7002 => open!(x_to(30)),
        7003 => open!(n(6).check(Date), n(4).check(Time)),
        7004 => open!(n_to(4)),
        7005 => open!(x_to(12)),
        7006 => open!(n(6).check(Date)),
        7007 => open!(n(6).check(Date), n(6).check(Date).optional()),
        7008 => open!(x_to(3)),
        7009 => open!(x_to(10)),
        7010 => open!(x_to(2)),
        7011 => open!(n(6).check(Date), n(4).check(Time).optional()),
        7020..=7022 => open!(x_to(20)),
        7023 => open!(x_to(30)),
        7030..=7039 => open!(n(3), x_to(27)),
        7040 => open!(n(1), x(3)),
        710..=715 => open!(x_to(20)),
        7230..=7239 => open!(x(2), x_to(28)),
        7240 => open!(x_to(20)),
        7241 => open!(n(2)),
        7242 => open!(x_to(25)),
        // GRAI, GIAI, ITIP, CPID, GMN, GSRN and what goes with them
        8001 => open!(n(4).check(NotZero), n(5).check(NotZero), n(3).check(NotZero), n(2)),
        8002 => open!(x_to(20)),
        8003 => open!(n(1).check(Zero), n(13).check(Digit), x_to(16).optional()),
        8004 => open!(x_to(30)),
        8005 => open!(n(6)),
        8006 | 8026 => open!(n(14).check(Digit), n(4).check(PieceOfTotal)),
        8007 => open!(x_to(34)),
        8008 => open!(n(6).check(Date), n(2).check(Hour), n_to(4).check(MinutesMaybeSeconds).optional()),
        8009 => open!(x_to(50)),
        8010 => open!(y_to(30)),
        8011 => open!(n_to(12).check(NoLeadingZero)),
        8012 => open!(x_to(20)),
        8013 => open!(x_to(25).check(Pair)),
        8017 | 8018 => open!(n(18).check(Digit)),
        8019 => open!(n_to(10)),
        8020 => open!(x_to(25)),
        8030 => open!(x_to(90)),
        8110 | 8112 | 8200 => open!(x_to(70)),
        8111 => open!(n(4)),
        // internal
        90 => open!(x_to(30)),
        91..=99 => open!(x_to(90)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_belongs_to_an_identifier_of_the_length_that_its_first_digits_say() {
        for ai in 0..10_000u16 {
            let candidates: [(usize, u16); 3] = [(2, ai), (3, ai / 10), (4, ai / 100)];
            let len = match ai {
                0..100 => 2,
                100..1000 => 3,
                _ => 4,
            };
            let first_two = candidates[len - 2].1;
            if form(ai).is_some() {
                assert_eq!(ai_len(first_two), Some(len), "{ai}");
            }
        }
    }

    #[test]
    fn identifiers_of_the_dictionary_are_known_and_others_are_not() {
        for ai in [
            0, 1, 2, 10, 17, 21, 37, 253, 401, 402, 414, 3105, 3575, 3695, 4309, 4321, 4331, 7003, 8003,
            8018, 99,
        ] {
            assert!(form(ai).is_some(), "{ai}");
        }
        for ai in
            [3, 14, 18, 23, 38, 252, 3106, 3170, 3380, 3580, 3956, 418, 4327, 7012, 8014, 8113, 8201, 9999]
        {
            assert!(form(ai).is_none(), "{ai}");
        }
    }
}
