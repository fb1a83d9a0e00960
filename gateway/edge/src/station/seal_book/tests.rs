use waypost_core::rule::{memory::MemoryLedger, order::Secret};
use waypost_drivers::{
    bench::VirtualSeal,
    seal::{crypto::UUID_ON_AIR, hex},
};

use super::*;

const KEY: &str = "231d39c1d7cc1ab1aee224cd096db932";
const SEAL: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
const OTHER: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA6]);
const TAG: Address = Address([0xAC, 0x23, 0x31, 0x23, 0x45, 0x67]);
const SILENT_MS: u64 = 30_000;

/// ELA's manufacturer data: a contact that is open, and one that is closed, each with five openings.
const ELA_OPEN: &str = "06ff5707320a00";
const ELA_CLOSED: &str = "06ff5707320b00";
/// Minew's: the back is off, and the magnet is there. The address inside is the tag's.
const MINEW_TAMPERED: &str = "12ff3906a40163000101ff6745233123ac1234";
const MINEW_CLOSED: &str = "12ff3906a40163000000ff6745233123ac1234";
/// Eddystone telemetry after 60 s, and after half a second.
const RUNNING: &str = "1116aafe20000bb880000000003c00000258";
const STARTED: &str = "1116aafe20000bb880000000000100000005";

fn id(seal: &str) -> SealId {
    SealId::new(seal).unwrap()
}

fn entry(seal: &str, address: Address, format: SealFormat) -> SealEntry {
    SealEntry {
        seal: id(seal),
        address: address.to_string(),
        key: None,
        format,
        beside: None,
        interval_ms: None,
        pairing: 0,
    }
}

fn with_key(seal: &str, address: Address) -> SealEntry {
    SealEntry { key: Some(Secret::new(KEY.to_owned())), ..entry(seal, address, SealFormat::Bthome) }
}

fn book(entries: &[SealEntry]) -> SealBook {
    let mut book = SealBook::new(SILENT_MS);
    book.watch(entries.iter(), &MemoryLedger::default()).unwrap();
    book
}

fn virtual_seal(address: Address) -> VirtualSeal {
    VirtualSeal::new(address, KEY.parse().unwrap())
}

/// An advertisement with this service data of BTHome.
fn advertised(service_data: &[u8]) -> Vec<u8> {
    let len = u8::try_from(service_data.len() + 3).unwrap();
    [&[len, 0x16], &UUID_ON_AIR[..], service_data].concat()
}

fn hear(book: &mut SealBook, now_ms: u64, address: Address, data: &str) -> Vec<Act> {
    book.heard(now_ms, Some(-50), address, &hex::decode(data).unwrap())
}

/// What is to be noted: whose, in which state, and whether it is authentic.
fn noted(acts: &[Act]) -> Vec<(&str, SealState, bool)> {
    let one = acts.iter().map(|act| match act {
        Act::NoteSeal { reading } => (reading.seal.as_str(), reading.state, reading.authentic),
        other => panic!("{other:?}"),
    });
    one.collect()
}

#[test]
fn a_seal_with_a_key_is_closed_by_its_own_frames_only() {
    let mut book = book(&[with_key("S-1", SEAL)]);
    assert_eq!(hear(&mut book, 0, SEAL, ELA_CLOSED), []);
    assert_eq!(book.reading(&id("S-1")).state, SealState::Unread);
    let closed = advertised(&virtual_seal(SEAL).next_frame());
    assert_eq!(noted(&book.heard(1, None, SEAL, &closed)), [("S-1", SealState::Closed, true)]);
    assert_eq!(noted(&hear(&mut book, 2, SEAL, ELA_OPEN)), [("S-1", SealState::Open, false)]);
    assert_eq!(hear(&mut book, 3, SEAL, ELA_CLOSED), []);
    assert_eq!(book.reading(&id("S-1")).state, SealState::Open);
}

#[test]
fn a_tag_raises_for_the_seal_that_it_stands_beside_and_that_seal_clears() {
    let tag = SealEntry { beside: Some(id("S-1")), ..entry("T-1", TAG, SealFormat::Minew) };
    let mut book = book(&[tag, with_key("S-1", SEAL)]);
    let mut seal = virtual_seal(SEAL);
    book.heard(0, None, SEAL, &advertised(&seal.next_frame()));
    assert_eq!(hear(&mut book, 1, TAG, MINEW_CLOSED), []);
    assert_eq!(noted(&hear(&mut book, 2, TAG, MINEW_TAMPERED)), [("S-1", SealState::Tampered, false)]);
    assert_eq!(hear(&mut book, 3, TAG, MINEW_TAMPERED), [], "said once");
    assert_eq!(hear(&mut book, 8_000, TAG, MINEW_CLOSED), []);
    let after = book.heard(9_000, None, SEAL, &advertised(&seal.next_frame()));
    assert_eq!(noted(&after), [("S-1", SealState::Closed, true)]);
    book.heard(20_000, None, SEAL, &advertised(&seal.next_frame()));
    assert_eq!(book.silent(40_000), [], "a tag that is silent is nobody's seal");
}

#[test]
fn a_seal_without_a_key_is_heard_in_its_own_format_only() {
    let mut book = book(&[entry("T-1", TAG, SealFormat::Ela)]);
    assert_eq!(hear(&mut book, 0, TAG, MINEW_TAMPERED), []);
    assert_eq!(book.heard(1, None, TAG, &advertised(&[0x40, 0x11, 0x01])), []);
    assert_eq!(noted(&hear(&mut book, 2, TAG, ELA_OPEN)), [("T-1", SealState::Open, false)]);
}

#[test]
fn a_seal_that_was_started_anew_is_told_once_in_a_while_for_the_seal_on_the_box() {
    let tag = SealEntry { beside: Some(id("S-1")), ..entry("T-1", TAG, SealFormat::Minew) };
    let mut book = book(&[with_key("S-1", SEAL), tag]);
    for address in [SEAL, TAG] {
        let restart = Act::NoteSealRestart { seal: id("S-1") };
        assert_eq!(hear(&mut book, 0, address, RUNNING), []);
        assert_eq!(hear(&mut book, 1, address, STARTED), [restart]);
        assert_eq!(hear(&mut book, 5_000, address, RUNNING), []);
        assert_eq!(hear(&mut book, 5_001, address, STARTED), []);
    }
}

#[test]
fn a_plain_frame_of_a_seal_with_a_key_is_a_forgery_told_once_in_a_while() {
    let mut book = book(&[with_key("S-1", SEAL)]);
    let plain = advertised(&[0x40, 0x11, 0x00]);
    let forged = Act::RaiseAlarm { alarm: AlarmKind::SealForged, subject: "S-1".to_owned() };
    assert_eq!(book.heard(0, None, SEAL, &plain), std::slice::from_ref(&forged));
    assert_eq!(book.heard(599_999, None, SEAL, &plain), []);
    assert_eq!(book.heard(600_000, None, SEAL, &plain), [forged]);
}

#[test]
fn the_nearest_is_a_free_seal_with_a_key_whose_own_frames_are_loud() {
    let mut book =
        book(&[with_key("S-1", SEAL), with_key("S-2", OTHER), entry("T-1", TAG, SealFormat::Minew)]);
    let (mut one, mut other) = (virtual_seal(SEAL), virtual_seal(OTHER));
    let any = |_: &SealId| true;
    assert_eq!(book.nearest(&any), Nearest::None);
    hear(&mut book, 0, TAG, MINEW_CLOSED);
    hear(&mut book, 0, SEAL, ELA_CLOSED);
    assert_eq!(book.nearest(&any), Nearest::None, "neither a tag nor a frame of somebody else");
    let first = advertised(&one.next_frame());
    book.heard(1, Some(-50), SEAL, &first);
    assert_eq!(book.nearest(&any), Nearest::One(id("S-1")));
    book.heard(2, Some(-55), OTHER, &advertised(&other.next_frame()));
    assert_eq!(book.nearest(&any), Nearest::Several);
    assert_eq!(book.nearest(&|seal| *seal == id("S-2")), Nearest::One(id("S-2")));
    book.heard(16_000, Some(-55), OTHER, &advertised(&other.next_frame()));
    book.heard(16_001, Some(-20), SEAL, &first);
    assert_eq!(book.nearest(&any), Nearest::One(id("S-2")), "a recording brings nothing near");
}

const NEW_KEY: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn a_seal_paired_anew_begins_again_and_its_old_key_is_worth_nothing() {
    let before = with_key("S-1", SEAL);
    let mut book = book(std::slice::from_ref(&before));
    let mut stolen = virtual_seal(SEAL);
    for _ in 0..100 {
        let frame = advertised(&stolen.next_frame());
        book.heard(0, Some(-50), SEAL, &frame);
    }
    assert_eq!(book.reading(&id("S-1")).state, SealState::Closed);
    let paired = SealEntry { key: Some(Secret::new(NEW_KEY.to_owned())), pairing: 1, ..before };
    book.watch([&paired].into_iter(), &MemoryLedger::default()).unwrap();
    assert_eq!(book.reading(&id("S-1")).state, SealState::Unread);
    // Whoever has the old key forges nothing any more.
    let frame = advertised(&stolen.next_frame());
    assert_eq!(noted(&book.heard(1_000, Some(-50), SEAL, &frame)), []);
    assert_eq!(book.reading(&id("S-1")).state, SealState::Unread);
    // The seal itself begins at its first frame.
    let mut seal = VirtualSeal::new(SEAL, NEW_KEY.parse().unwrap());
    let frame = advertised(&seal.next_frame());
    assert_eq!(noted(&book.heard(2_000, Some(-50), SEAL, &frame)), [("S-1", SealState::Closed, true)]);
}

#[test]
fn a_battery_is_low_until_it_is_well_above_that() {
    let mut book = book(&[with_key("S-1", SEAL)]);
    let mut seal = virtual_seal(SEAL);
    let mut at = 0;
    for (percent, state) in [
        (11, SealState::Closed),
        (10, SealState::LowBattery),
        (15, SealState::LowBattery),
        (16, SealState::Closed),
        (15, SealState::Closed),
    ] {
        at += 1_000;
        seal.battery_percent = percent;
        let frame = advertised(&seal.next_frame());
        book.heard(at, Some(-50), SEAL, &frame);
        assert_eq!(book.reading(&id("S-1")).state, state, "{percent} %");
    }
    seal.battery_percent = 3;
    seal.open();
    let frame = advertised(&seal.next_frame());
    book.heard(at + 1_000, Some(-50), SEAL, &frame);
    assert_eq!(book.reading(&id("S-1")).state, SealState::Open, "worse is said first");
}

#[test]
fn hostile_advertisements_write_nothing_and_hide_no_seal() {
    let mut book = book(&[with_key("S-1", SEAL)]);
    let mut seal = virtual_seal(SEAL);
    let mut forged = Vec::new();
    // Ten thousand senders, each with bytes of its own: structures that lie about their length, endless ones, none.
    for number in 0_u32..10_000 {
        let bytes = number.to_be_bytes();
        let address = Address([0xD0, 1, bytes[0], bytes[1], bytes[2], bytes[3]]);
        let mut data: Vec<u8> =
            (0..31).map(|at| (number.wrapping_mul(2_654_435_761) >> (at % 24)) as u8).collect();
        data[0] = [0, 0xFF, 30, 31][number as usize % 4];
        data[1] = 0x16;
        data[2..4].copy_from_slice(&UUID_ON_AIR);
        assert_eq!(book.heard(u64::from(number), Some(20), address, &data), []);
        // And the same as if the seal itself had sent them.
        forged.extend(book.heard(u64::from(number), Some(20), SEAL, &data));
    }
    let is_alarm = |act: &Act| matches!(act, Act::RaiseAlarm { alarm: AlarmKind::SealForged, .. });
    assert!(forged.len() <= 1 && forged.iter().all(is_alarm), "one alarm in ten minutes: {forged:?}");
    let frame = advertised(&seal.next_frame());
    assert_eq!(noted(&book.heard(10_000, Some(-50), SEAL, &frame)), [("S-1", SealState::Closed, true)]);
}
