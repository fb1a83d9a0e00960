//! BTHome v2 as the reference parser's tests have it, and our own vectors: frames that must be read, and frames that
//! must not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

use serde_json::{Value, json};
use waypost_drivers::seal::measure::Warning;
use waypost_drivers::seal::{
    Address, Format, Limits, Refusal, SealFrame, SealKey, SealState, SealWatch, Stored, bthome, hex,
};

const KEY: &str = "231d39c1d7cc1ab1aee224cd096db932";
const MAC: &str = "54:48:E6:8F:80:A5";

fn read(frame: &str, key: Option<&str>, mac: &str) -> Result<SealFrame, Refusal> {
    let key: Option<SealKey> = key.map(|key| key.parse().unwrap());
    bthome::read(&hex::decode(frame).unwrap(), mac.parse().unwrap(), key.as_ref())
}

fn measurements(frame: &SealFrame) -> Value {
    serde_json::to_value(&frame.measurements).unwrap()
}

fn watch(key: Option<&str>) -> SealWatch {
    let key = key.map(|key| key.parse().unwrap());
    SealWatch::new(MAC.parse().unwrap(), key, Stored::default(), Limits::default())
}

fn take(watch: &mut SealWatch, now_ms: u64, frame: &str) -> Result<Option<u32>, Refusal> {
    watch.take(now_ms, Format::Bthome, &hex::decode(frame).unwrap()).map(|taken| taken.frame.counter)
}

#[test]
fn encrypted_frames_of_the_reference_are_read() {
    let climate = json!({"temperature": 25.06, "humidity": 50.55});
    let warmer = json!({"temperature": 25.07, "humidity": 50.55});
    let button = json!({"packet_id": 7, "battery": 100, "button": "press"});
    let table = [
        ("41a47266c95f730011223378237214", KEY, MAC, 0x3322_1100, climate.clone()),
        ("4187b90011223372b0231f", KEY, MAC, 0x3322_1100, json!({"motion": true})),
        ("41e445f3c9962b332211006c7c4519", KEY, MAC, 1_122_867, climate.clone()),
        ("413e932cc7175f34221100553876af", KEY, MAC, 1_122_868, climate.clone()),
        ("41ba0db07aeef6ffffffff21fd4600", KEY, MAC, u32::MAX, warmer.clone()),
        ("41de40b50e676600000000d7cb95de", KEY, MAC, 0, warmer),
        ("43a5808fe64854f196c06ffb4900112233f08ecbde", KEY, "00:00:00:00:00:00", 0x3322_1100, climate),
        (
            "450aeb84467f85ba0100003188788c",
            "90bffd73cb6b26ef58a7a8eba9232036",
            "B4:35:22:F5:3D:A4",
            442,
            button,
        ),
    ];
    for (hex, key, mac, counter, expected) in table {
        let frame = read(hex, Some(key), mac).unwrap_or_else(|refusal| panic!("{hex}: {refusal}"));
        assert_eq!((frame.counter, frame.authentic), (Some(counter), true), "{hex}");
        assert_eq!(measurements(&frame), expected, "{hex}");
        assert_eq!(frame.state, SealState::Unknown, "{hex}");
    }
}

#[test]
fn an_address_inside_the_frame_stands_in_place_of_the_one_on_the_air() {
    let frame = read("43a5808fe64854f196c06ffb4900112233f08ecbde", Some(KEY), "00:00:00:00:00:00").unwrap();
    assert_eq!(frame.address.to_string(), MAC);
    let frame = read("42b2188d38c1a404138a01", None, MAC).unwrap();
    assert_eq!(frame.address.to_string(), "A4:C1:38:8D:18:B2");
    assert_eq!(measurements(&frame), json!({"pressure": 1008.83}));
}

#[test]
fn our_own_seal_says_closed_then_open_and_tampered() {
    let mut watch = watch(Some(KEY));
    let mut say = |hex: &str| watch.take(0, Format::Bthome, &hex::decode(hex).unwrap()).unwrap().frame;
    let sealed = say("415942906920750802e8030000ad89b592");
    assert_eq!(
        (sealed.state, sealed.counter, sealed.battery_percent),
        (SealState::Closed, Some(1000), Some(100))
    );
    assert_eq!(
        measurements(&sealed),
        json!({"packet_id": 1, "battery": 100, "opening": false, "tamper": false})
    );
    let opened = say("41e2e35978b460627ce90300004ba40650");
    assert_eq!((opened.state, opened.counter), (SealState::Tampered, Some(1001)));
    assert_eq!(
        measurements(&opened),
        json!({"packet_id": 2, "battery": 100, "opening": true, "tamper": true})
    );
}

#[test]
fn plain_frames_of_the_reference_are_read_and_are_not_authentic() {
    let table = [
        ("4004138a01", SealState::Unknown, json!({"pressure": 1008.83})),
        ("401100", SealState::Closed, json!({"opening": false})),
        ("402d01", SealState::Open, json!({"window": true})),
        ("4002ca0903bf13", SealState::Unknown, json!({"temperature": 25.06, "humidity": 50.55})),
        (
            "400009015d025d0903b718",
            SealState::Unknown,
            json!({"packet_id": 9, "battery": 93, "temperature": 23.97, "humidity": 63.27}),
        ),
        ("44505d396164", SealState::Unknown, json!({"timestamp": "2023-05-14T19:41:17Z"})),
        ("403a04", SealState::Unknown, json!({"button": "long_press"})),
        (
            "40004E0164050000002D013F0000",
            SealState::Open,
            json!({"packet_id": 78, "battery": 100, "illuminance": 0.0, "window": true, "rotation": 0.0}),
        ),
        ("4002ca0902cf09", SealState::Unknown, json!({"temperature_1": 25.06, "temperature_2": 25.11})),
        (
            "403c01035303616263540241ff",
            SealState::Unknown,
            json!({"dimmer": {"event": "rotate_left", "steps": 3}, "text": "abc", "raw": "41ff"}),
        ),
        (
            "4002ffff57ff59fe5afdff5bfcffffff",
            SealState::Unknown,
            json!({"temperature_1": -0.01, "temperature_2": -1, "count_1": -2, "count_2": -3, "count_3": -4}),
        ),
    ];
    for (hex, state, expected) in table {
        let frame = read(hex, None, MAC).unwrap_or_else(|refusal| panic!("{hex}: {refusal}"));
        assert_eq!((frame.state, frame.authentic, frame.counter), (state, false, None), "{hex}");
        assert_eq!(measurements(&frame), expected, "{hex}");
        assert_eq!(frame.warnings, [], "{hex}");
    }
}

#[test]
fn odd_frames_keep_what_could_be_read_and_say_what_was_odd() {
    let climate = json!({"temperature": 25.06});
    let table = [
        ("4003bf1302ca09", json!({"humidity": 50.55, "temperature": 25.06}), Warning::Descending(2)),
        ("4002ca0903bf", climate.clone(), Warning::CutOff(3)),
        ("40feca09", json!({}), Warning::UnknownObject(0xfe)),
        ("4002ca09feca09", climate.clone(), Warning::UnknownObject(0xfe)),
        ("403afe", json!({}), Warning::Meaningless(0x3a)),
        ("4002ca095300", climate.clone(), Warning::Empty(0x53)),
        ("4002ca095305616263", climate.clone(), Warning::CutOff(0x53)),
        ("4002ca0953", climate.clone(), Warning::CutOff(0x53)),
        ("4002ca095301ff", climate, Warning::Meaningless(0x53)),
    ];
    for (hex, expected, warning) in table {
        let frame = read(hex, None, MAC).unwrap_or_else(|refusal| panic!("{hex}: {refusal}"));
        assert_eq!(measurements(&frame), expected, "{hex}");
        assert_eq!(frame.warnings, [warning], "{hex}");
    }
}

#[test]
fn frames_that_must_not_be_read_are_refused() {
    let other = "814aac74c4f17b6c1581e1ab87816b99";
    let table = [
        ("41d2fcefe52eb212d600112233bc38c966", Some(other), "A4:C1:38:8D:18:B2", Refusal::BadTag),
        ("41c869d37ea5f88e271629ecf27a85", Some(KEY), MAC, Refusal::BadTag),
        ("41a47266c95f730011223378237214", Some(KEY), "54:48:E6:8F:80:A6", Refusal::BadTag),
        ("41ba0db07aeef600", Some(KEY), MAC, Refusal::TooShort),
        ("41", Some(KEY), MAC, Refusal::TooShort),
        ("43a5808fe648", Some(KEY), MAC, Refusal::TooShort),
        ("", None, MAC, Refusal::TooShort),
        ("41a47266c95f730011223378237214", None, MAC, Refusal::KeyNeeded),
        ("4004138a01", Some(KEY), MAC, Refusal::Downgrade),
        ("e102000c0404138a01", None, MAC, Refusal::BadVersion),
        ("e102000c0404138a01", Some(KEY), MAC, Refusal::BadVersion),
        ("00", None, MAC, Refusal::BadVersion),
    ];
    for (hex, key, mac, refusal) in table {
        assert_eq!(read(hex, key, mac).map(|frame| frame.counter), Err(refusal), "{hex}");
    }
}

#[test]
fn state_is_tampered_before_open_before_closed() {
    let table = [
        ("4011002b00", SealState::Closed),
        ("4011012b00", SealState::Open),
        ("4011002b01", SealState::Tampered),
        ("4011012b01", SealState::Tampered),
        ("401a01", SealState::Open),
        ("401b01", SealState::Open),
        ("401a00", SealState::Closed),
        ("401a002d01", SealState::Open),
        ("401102", SealState::Open),
        ("402b00", SealState::Unknown),
        ("402c01", SealState::Unknown),
        ("401f01", SealState::Unknown),
        ("40", SealState::Unknown),
    ];
    for (hex, state) in table {
        assert_eq!(read(hex, None, MAC).unwrap().state, state, "{hex}");
    }
}

#[test]
fn the_count_of_openings_is_any_of_three_objects() {
    let table = [
        ("40090c", Some(12)),
        ("403d0c01", Some(268)),
        ("403effffffff", Some(u32::MAX)),
        ("4009013d0200", Some(2)),
        ("401100", None),
        ("4059ff", None),
    ];
    for (hex, count) in table {
        assert_eq!(read(hex, None, MAC).unwrap().event_count, count, "{hex}");
    }
}

#[test]
fn a_counter_never_goes_back() {
    let mut first = watch(Some(KEY));
    assert_eq!(take(&mut first, 0, "41e445f3c9962b332211006c7c4519"), Ok(Some(1_122_867)));
    assert_eq!(take(&mut first, 0, "41e445f3c9962b332211006c7c4519"), Err(Refusal::Repeat));
    assert_eq!(take(&mut first, 60_000, "41e445f3c9962b332211006c7c4519"), Err(Refusal::Repeat));
    assert_eq!(take(&mut first, 60_000, "41723d3035fb88322211009e7414c0"), Err(Refusal::Replay));
    assert_eq!(take(&mut first, 60_000, "413e932cc7175f34221100553876af"), Ok(Some(1_122_868)));
    assert_eq!(take(&mut first, 60_000, "41e445f3c9962b332211006c7c4519"), Err(Refusal::Replay));

    let mut anew = watch(Some(KEY));
    assert_eq!(take(&mut anew, 0, "41ba0db07aeef6ffffffff21fd4600"), Ok(Some(u32::MAX)));
    assert_eq!(take(&mut anew, 0, "41de40b50e676600000000d7cb95de"), Err(Refusal::Replay));
}

#[test]
fn packet_ids_go_forward_within_four_seconds() {
    let table = [
        ("09", "09", Err(Refusal::Repeat)),
        ("09", "08", Err(Refusal::OldPacket)),
        ("bd", "be", Ok(None)),
        ("fd", "2f", Ok(None)),
        ("00", "3f", Ok(None)),
        ("00", "40", Err(Refusal::OldPacket)),
    ];
    for (first, second, expected) in table {
        for (after_ms, expected) in [(0, expected), (4_000, expected), (4_001, Ok(None))] {
            let mut watch = watch(None);
            assert_eq!(take(&mut watch, 0, &format!("4000{first}1100")), Ok(None));
            let got = take(&mut watch, after_ms, &format!("4000{second}1101"));
            assert_eq!(got, expected, "{first} then {second} after {after_ms} ms");
        }
    }
}

#[test]
fn a_plain_seal_may_say_the_same_again_after_a_while() {
    let mut watch = watch(None);
    assert_eq!(take(&mut watch, 0, "401100"), Ok(None));
    assert_eq!(take(&mut watch, 3_000, "401100"), Err(Refusal::Repeat));
    assert_eq!(take(&mut watch, 5_000, "401100"), Ok(None));
    assert_eq!(take(&mut watch, 5_100, "401101"), Ok(None));
    assert_eq!(take(&mut watch, 5_200, "401100"), Ok(None));
}

#[test]
fn a_frame_of_another_seal_is_not_taken() {
    assert_eq!(take(&mut watch(None), 0, "42b2188d38c1a404138a01"), Err(Refusal::OtherSeal));
    let other: Address = "A4:C1:38:8D:18:B2".parse().unwrap();
    let bytes = hex::decode("42b2188d38c1a404138a01").unwrap();
    assert_eq!(bthome::address_of(&bytes, MAC.parse().unwrap()), Ok(other));
}
