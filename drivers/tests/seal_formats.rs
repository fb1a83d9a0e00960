//! The formats beside BTHome: vectors of their makers' documents and of the libraries that read them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

use serde_json::{Value, json};
use waypost_drivers::seal::measure::Warning;
use waypost_drivers::seal::{Address, Format, Refusal, SealFrame, SealState, eddystone, format, hex};

const MAC: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
const MINEW_MAC: &str = "AC:23:31:23:45:67";

fn read(format: Format, frame: &str) -> Result<SealFrame, Refusal> {
    format::read(format, &hex::decode(frame).unwrap(), MAC, None)
}

fn measurements(frame: &SealFrame) -> Value {
    serde_json::to_value(&frame.measurements).unwrap()
}

/// Format, frame, state, count, battery, measurements.
type Row = (Format, &'static str, SealState, Option<u32>, Option<u8>, Value);

fn vectors() -> Vec<Row> {
    use Format::{Eddystone, Ela, Ibeacon, Minew, Teltonika};
    use SealState::{Closed, Open, Tampered, Unknown};
    vec![
        (Ela, "320a00", Open, Some(5), None, json!({"opening": true, "count": 5})),
        (Ela, "320b00", Closed, Some(5), None, json!({"opening": false, "count": 5})),
        (Ela, "620a00", Open, Some(5), None, json!({"opening": true, "count": 5})),
        (Ela, "62ffff", Closed, Some(32_767), None, json!({"opening": false, "count": 32_767})),
        (Ela, "420c00", Unknown, None, None, json!({"moving": false, "movement_count": 6})),
        (Ela, "420d00", Unknown, None, None, json!({"moving": true, "movement_count": 6})),
        (Ela, "f145", Unknown, None, Some(69), json!({"battery": 69})),
        (Ela, "f2ac0b", Unknown, None, None, json!({"voltage": 2.988})),
        (Ela, "12850a", Unknown, None, None, json!({"temperature": 26.93})),
        (Ela, "213012b80a", Unknown, None, None, json!({"humidity": 48, "temperature": 27.44})),
        (Ela, "06aabbccddeeff", Unknown, None, None, json!({"identity": "aabbccddeeff"})),
        (
            Ela,
            "56b8ffecffacfc",
            Unknown,
            None,
            None,
            json!({"acceleration_x": -0.072, "acceleration_y": -0.02, "acceleration_z": -0.852}),
        ),
        (Ela, "929c00", Unknown, None, None, json!({"motion": false, "motion_count": 78})),
        (Ela, "b29c00", Unknown, None, None, json!({"touch": false, "touch_count": 78})),
        (Ela, "320a00f145", Open, Some(5), Some(69), json!({"opening": true, "count": 5, "battery": 69})),
        (
            Minew,
            "a40163010001ff6745233123ac1234",
            Open,
            None,
            Some(99),
            json!({"battery": 99, "opening": true, "tamper": false, "triggered": true}),
        ),
        (
            Minew,
            "a40163000000ff6745233123ac1234",
            Closed,
            None,
            Some(99),
            json!({"battery": 99, "opening": false, "tamper": false, "triggered": false}),
        ),
        (
            Minew,
            "a40163010101ff6745233123ac1234",
            Tampered,
            None,
            Some(99),
            json!({"battery": 99, "opening": true, "tamper": true, "triggered": true}),
        ),
        (
            Minew,
            "a40000090600010100006745233123ac1234",
            Unknown,
            None,
            None,
            json!({"firmware": "0.9.6", "hardware": 1}),
        ),
        (
            Minew,
            "ca030300050005ff0421643a7ac951",
            Unknown,
            None,
            Some(100),
            json!({"acceleration_x": 0.019_531_25, "acceleration_y": 0.019_531_25,
                   "acceleration_z": -0.984_375, "battery": 100}),
        ),
        (Minew, "ca0322013a7ac951", Tampered, None, None, json!({"tamper": true})),
        (Minew, "ca0322003a7ac951", Unknown, None, None, json!({"tamper": false})),
        (
            Minew,
            "ca006745233123ac6421870000000000000000001234abcd",
            Unknown,
            None,
            Some(100),
            json!({"battery": 100, "firmware": "1.3.7"}),
        ),
        (
            Teltonika,
            "01B708B4120CCB0BFFC767",
            Open,
            None,
            None,
            json!({"temperature": 22.28, "humidity": 18, "opening": true, "moving": false,
                   "movement_count": 3275, "pitch": 11, "roll": -57, "battery_low": false, "voltage": 3.03}),
        ),
        (Teltonika, "010c", Closed, None, None, json!({"opening": false, "battery_low": false})),
        (Teltonika, "0148", Unknown, None, None, json!({"battery_low": true})),
        (
            Eddystone,
            "20000bb81a8000000102000003e8",
            Unknown,
            None,
            None,
            json!({"voltage": 3.0, "temperature": 26.5, "advertisements": 258, "uptime_s": 100.0}),
        ),
        (
            Eddystone,
            "2000000080000000000100000005",
            Unknown,
            None,
            None,
            json!({"advertisements": 1, "uptime_s": 0.5}),
        ),
        (
            Eddystone,
            "00e700112233445566778899aabbccddeeff0000",
            Unknown,
            None,
            None,
            json!({"namespace": "00112233445566778899", "instance": "aabbccddeeff"}),
        ),
        (Eddystone, "30e73439c1d7cc1ab1ae", Unknown, None, None, json!({"eid": "3439c1d7cc1ab1ae"})),
        (
            Ibeacon,
            "021500112233445566778899aabbccddeeff01234567fc",
            Unknown,
            None,
            None,
            json!({"uuid": "00112233445566778899aabbccddeeff", "major": 291, "minor": 17_767,
                   "power_at_1_m": -4}),
        ),
    ]
}

#[test]
fn the_vectors_are_read_and_none_is_authentic() {
    for (format, hex, state, count, battery, expected) in vectors() {
        let frame = read(format, hex).unwrap_or_else(|refusal| panic!("{hex}: {refusal}"));
        assert_eq!((frame.state, frame.event_count, frame.battery_percent), (state, count, battery), "{hex}");
        assert_eq!(measurements(&frame), expected, "{hex}");
        assert_eq!((frame.authentic, frame.counter, frame.format), (false, None, format), "{hex}");
        assert_eq!(frame.warnings, [], "{hex}");
    }
}

#[test]
fn a_frame_without_its_advertisement_is_recognised_by_its_bytes() {
    for (format, hex, ..) in vectors() {
        let bytes = hex::decode(hex).unwrap();
        // Who an Eddystone beacon is comes in advertisements only.
        let recognised = !matches!((format, bytes.first()), (Format::Eddystone, Some(0 | 0x30)));
        assert_eq!(format::guess(&bytes) == format, recognised, "{hex}");
    }
    for bthome in [
        "40004E0164050000002D013F0000",
        "415942906920750802e8030000ad89b592",
        "42b2188d38c1a404138a01",
        "401100",
        "43a5808fe648",
        "",
        "00",
    ] {
        assert_eq!(format::guess(&hex::decode(bthome).unwrap()), Format::Bthome, "{bthome}");
    }
}

#[test]
fn an_address_inside_a_frame_of_minews_stands_in_place_of_the_one_on_the_air() {
    for (format, hex, ..) in vectors() {
        let bytes = hex::decode(hex).unwrap();
        let named = format == Format::Minew && !hex.starts_with("ca03");
        let expected = if named { MINEW_MAC.parse().unwrap() } else { MAC };
        assert_eq!(read(format, hex).unwrap().address, expected, "{hex}");
        assert_eq!(format::address_of(format, &bytes, MAC), Ok(expected), "{hex}");
    }
}

#[test]
fn frames_that_cannot_be_read_are_refused_with_a_reason() {
    use Format::{Eddystone, Ela, Ibeacon, Minew, Teltonika};
    let table = [
        (Ela, "", Refusal::TooShort),
        (Ela, "320a", Refusal::TooShort),
        (Ela, "99", Refusal::UnknownFrame),
        (Minew, "a4", Refusal::TooShort),
        (Minew, "a40163010001ff6745233123ac12", Refusal::TooShort),
        (Minew, "a40163010001ff6745233123ac123456", Refusal::BadLength),
        (Minew, "a402", Refusal::UnknownFrame),
        (Minew, "a10164", Refusal::UnknownFrame),
        (Minew, "ca033a7a", Refusal::TooShort),
        (Minew, "ca00", Refusal::TooShort),
        (Teltonika, "01", Refusal::TooShort),
        (Teltonika, "010108", Refusal::TooShort),
        (Teltonika, "02b708b4", Refusal::BadVersion),
        (Eddystone, "", Refusal::TooShort),
        (Eddystone, "20000bb8", Refusal::TooShort),
        (Eddystone, "20000bb81a8000000102000003e800", Refusal::BadLength),
        (Eddystone, "20020bb81a8000000102000003e8", Refusal::BadVersion),
        (Eddystone, "2001000102030405060708090a0b01020304", Refusal::KeyNeeded),
        (Eddystone, "10e702676f6f", Refusal::UnknownFrame),
        (Ibeacon, "0215001122", Refusal::TooShort),
        (Ibeacon, "1005031c", Refusal::UnknownFrame),
        (Ibeacon, "021500112233445566778899aabbccddeeff01234567fc00", Refusal::BadLength),
    ];
    for (format, hex, refusal) in table {
        assert_eq!(read(format, hex).map(|frame| frame.state), Err(refusal), "{format:?} {hex}");
    }
    let key = "231d39c1d7cc1ab1aee224cd096db932".parse().unwrap();
    let refused = format::read(Ela, &[0x32, 0x0B, 0x00], MAC, Some(&key));
    assert_eq!(refused.map(|frame| frame.state), Err(Refusal::Downgrade));
}

#[test]
fn odd_frames_keep_what_could_be_read_and_say_what_was_odd() {
    let table = [
        (Format::Ela, "320a0099", Warning::UnknownObject(0x99)),
        (Format::Ela, "320a0012aa", Warning::CutOff(0x12)),
        (Format::Minew, "ca03210599003a7ac951", Warning::UnknownObject(0x99)),
        (Format::Minew, "ca0321050300013a7ac951", Warning::CutOff(0x03)),
        (Format::Teltonika, "010caabb", Warning::Behind(2)),
    ];
    for (format, hex, warning) in table {
        let frame = read(format, hex).unwrap();
        assert_eq!(frame.warnings, [warning], "{hex}");
        assert_ne!(measurements(&frame), json!({}), "{hex}");
    }
}

#[test]
fn each_format_is_found_in_an_advertisement_by_its_company_or_service() {
    let table = [
        ("020106 06ff5707320a00", Format::Ela, "320a00"),
        ("12ff3906a40163010001ff6745233123ac1234", Format::Minew, "a40163010001ff6745233123ac1234"),
        ("0b16e1ffca0322013a7ac951", Format::Minew, "ca0322013a7ac951"),
        ("0eff9a0801B708B4120CCB0BFFC767", Format::Teltonika, "01b708b4120ccb0bffc767"),
        ("0303aafe 1116aafe20000bb81a8000000102000003e8", Format::Eddystone, "20000bb81a8000000102000003e8"),
        (
            "1aff4c00021500112233445566778899aabbccddeeff01234567fc",
            Format::Ibeacon,
            "021500112233445566778899aabbccddeeff01234567fc",
        ),
        ("020106 0616d2fc401100", Format::Bthome, "401100"),
    ];
    for (data, expected, frame) in table {
        let data = hex::decode(&data.replace(' ', "")).unwrap();
        let found: Vec<_> = format::find(&data).map(|(format, frame)| (format, hex::encode(frame))).collect();
        assert_eq!(found, [(expected, frame.to_owned())]);
    }
    for data in ["", "06ff4c001005031c98", "03ff7500", "02ff57", "0416aa", "05ff570732"] {
        assert_eq!(format::find(&hex::decode(data).unwrap()).count(), 0, "{data}");
    }
}

#[test]
fn several_frames_in_one_advertisement_are_all_found_in_order() {
    let data = hex::decode("06ff5707320a00 0616d2fc401100 04ff5707f1".replace(' ', "").as_str()).unwrap();
    let formats: Vec<_> = format::find(&data).map(|(format, _)| format).collect();
    assert_eq!(formats, [Format::Ela, Format::Bthome, Format::Ela]);
}

#[test]
fn ephemeral_identifiers_are_those_of_the_specification() {
    let count = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let key = hex::decode("231d39c1d7cc1ab1aee224cd096db932").unwrap().try_into().unwrap();
    let table = [
        (count, 10, 65_280, "3439c83a6564bfdf"),
        (count, 10, 66_560, "5ba72a70ace3470a"),
        ([0; 16], 0, 0, "fa41c4405b14fea0"),
        (key, 12, 0x1234_5678, "1e0385f68378ed4e"),
    ];
    for (key, exponent, seconds, expected) in table {
        assert_eq!(hex::encode(&eddystone::ephemeral_id(&key, exponent, seconds)), expected);
    }
    let same_turn = |seconds| eddystone::ephemeral_id(&count, 10, seconds);
    assert_eq!(same_turn(65_536), same_turn(66_559));
    assert_ne!(same_turn(66_559), same_turn(66_560));
    assert_ne!(eddystone::ephemeral_id(&count, u8::MAX, u32::MAX), [0; 8], "no exponent is too large");
}
