//! What a watched seal's frames add up to, and when its counter must be stored.

#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is wrong")]

use proptest::prelude::*;
use waypost_drivers::seal::{
    Address, Condition, Format, Limits, Refusal, SealKey, SealState, SealWatch, Stored, Taken, bthome,
    format, hex,
};

const ADDRESS: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);
const CLOSED: &[u8] = &[0x11, 0, 0x2B, 0];
const OPEN: &[u8] = &[0x11, 1, 0x2B, 0];
const TAMPERED: &[u8] = &[0x11, 0, 0x2B, 1];
const LIMITS: Limits = Limits { silent_after_ms: 30_000, store_every_ms: 60_000, margin: 60 };

fn key() -> SealKey {
    SealKey::new([7; 16])
}

fn frame(counter: u32, objects: &[u8]) -> Vec<u8> {
    let sealed = key().encrypt(ADDRESS, 0x41, counter, objects).unwrap();
    let (text, tag) = sealed.split_at(sealed.len() - 4);
    [&[0x41], text, &counter.to_le_bytes(), tag].concat()
}

fn watch(counter: Option<u32>) -> SealWatch {
    SealWatch::new(ADDRESS, Some(key()), Stored { counter, event_count: None }, LIMITS)
}

fn take(watch: &mut SealWatch, now_ms: u64, counter: u32, objects: &[u8]) -> Result<Taken, Refusal> {
    watch.take(now_ms, Format::Bthome, &frame(counter, objects))
}

#[test]
fn nothing_at_or_below_the_stored_counter_is_taken() {
    let mut watch = watch(Some(1000));
    for counter in [0, 1, 99, 999, 1000] {
        assert_eq!(take(&mut watch, 0, counter, CLOSED), Err(Refusal::Replay), "{counter}");
    }
    assert!(take(&mut watch, 0, 1001, CLOSED).is_ok());
    let other = frame(1001, OPEN);
    assert_eq!(
        watch.take(1, Format::Bthome, &other),
        Err(Refusal::Replay),
        "one counter never says two things"
    );
}

#[test]
fn after_a_start_closed_is_believed_only_beyond_what_could_have_been_recorded() {
    let mut watch = watch(Some(1000));
    take(&mut watch, 0, 1060, CLOSED).unwrap();
    assert_eq!(watch.view(0).condition, Condition::Unknown);
    take(&mut watch, 1, 1061, CLOSED).unwrap();
    assert_eq!(watch.view(1).condition, Condition::Closed);
}

#[test]
fn after_a_start_an_alarm_is_believed_at_once() {
    let mut first = watch(Some(1000));
    take(&mut first, 0, 1001, OPEN).unwrap();
    assert_eq!(first.view(0).condition, Condition::Open);
    let mut second = watch(Some(1000));
    take(&mut second, 0, 1001, TAMPERED).unwrap();
    assert_eq!(second.view(0).condition, Condition::Tampered);
}

#[test]
fn a_change_is_stored_at_once_and_the_rest_once_a_minute() {
    let mut watch = watch(None);
    let stored = |counter| Some(Stored { counter: Some(counter), event_count: None });
    assert_eq!(take(&mut watch, 0, 1, CLOSED).unwrap().store, stored(1));
    assert_eq!(take(&mut watch, 1_000, 2, CLOSED).unwrap().store, None);
    assert_eq!(take(&mut watch, 2_000, 3, OPEN).unwrap().store, stored(3));
    for second in 3..62 {
        assert_eq!(take(&mut watch, second * 1_000, second as u32 + 1, OPEN).unwrap().store, None);
    }
    assert_eq!(take(&mut watch, 62_000, 63, OPEN).unwrap().store, stored(63));
}

#[test]
fn an_opening_between_two_frames_shows_in_the_count() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, &[0x11, 0, 0x3D, 4, 0]).unwrap();
    let taken = take(&mut watch, 1_000, 9, &[0x11, 0, 0x3D, 5, 0]).unwrap();
    assert!(taken.changed);
    assert_eq!(taken.store, Some(Stored { counter: Some(9), event_count: Some(5) }));
}

#[test]
fn a_frame_that_says_nothing_of_the_box_leaves_its_state() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, OPEN).unwrap();
    take(&mut watch, 1, 2, &[0x01, 50]).unwrap();
    let view = watch.view(1);
    assert_eq!((view.condition, view.battery_percent), (Condition::Open, Some(50)));
}

#[test]
fn silence_is_a_state_and_ends_with_a_new_frame_only() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, CLOSED).unwrap();
    assert_eq!(watch.view(29_999).condition, Condition::Closed);
    assert_eq!(watch.silent_at_ms(), Some(30_000));
    for now_ms in [10_000, 20_000, 30_000] {
        assert_eq!(take(&mut watch, now_ms, 1, CLOSED), Err(Refusal::Repeat));
    }
    assert_eq!(watch.view(30_000).condition, Condition::Silent, "a recording does not keep a seal alive");
    assert!(take(&mut watch, 31_000, 2, CLOSED).unwrap().changed);
    assert_eq!(watch.view(31_000).condition, Condition::Closed);
}

#[test]
fn an_authentic_frame_with_an_old_packet_id_cannot_be_sent_again() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, &[0x00, 9, 0x11, 0]).unwrap();
    assert_eq!(take(&mut watch, 1, 2, &[0x00, 8, 0x11, 1]), Err(Refusal::OldPacket));
    assert_eq!(take(&mut watch, 9_000, 2, &[0x00, 8, 0x11, 1]), Err(Refusal::Repeat));
    assert_eq!(watch.view(1).latest.counter, Some(2));
}

#[test]
fn a_plain_frame_is_refused_once_a_key_is_known_and_never_stored_without() {
    assert_eq!(watch(None).take(0, Format::Bthome, &[0x40, 0x11, 0x00]), Err(Refusal::Downgrade));
    let mut plain = SealWatch::new(ADDRESS, None, Stored::default(), LIMITS);
    let taken = plain.take(0, Format::Bthome, &[0x40, 0x11, 0x00]).unwrap();
    assert_eq!((taken.frame.authentic, taken.store), (false, None));
}

#[test]
fn a_plain_frame_may_raise_an_alarm_and_never_clears_one() {
    let mut watch = SealWatch::new(ADDRESS, None, Stored::default(), LIMITS);
    let mut say = |now_ms: u64, objects: &[u8]| {
        watch.take(now_ms, Format::Bthome, &[&[0x40], objects].concat()).unwrap();
        watch.view(now_ms).condition
    };
    assert_eq!(say(0, CLOSED), Condition::Closed);
    assert_eq!(say(1, OPEN), Condition::Open);
    assert_eq!(say(2, CLOSED), Condition::Open);
    assert_eq!(say(3, TAMPERED), Condition::Tampered);
    assert_eq!(say(4, OPEN), Condition::Tampered);
    assert_eq!(say(5, CLOSED), Condition::Tampered);
}

#[test]
fn an_authentic_frame_clears_what_an_authentic_frame_said() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, TAMPERED).unwrap();
    take(&mut watch, 1, 2, CLOSED).unwrap();
    assert_eq!(watch.view(1).condition, Condition::Closed);
}

const ELA_OPEN: [u8; 3] = [0x32, 0x0A, 0x00];
const ELA_CLOSED: [u8; 3] = [0x32, 0x0B, 0x00];

fn telemetry(tenths_s: u32, advertisements: u32) -> Vec<u8> {
    [&[0x20, 0, 0, 0, 0x80, 0], &advertisements.to_be_bytes()[..], &tenths_s.to_be_bytes()].concat()
}

#[test]
fn what_is_not_authenticated_raises_an_alarm_of_a_seal_with_a_key_and_never_clears_one() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, CLOSED).unwrap();
    let raised = watch.take(1, Format::Ela, &ELA_OPEN).unwrap();
    assert_eq!((raised.changed, raised.store), (true, None));
    let view = watch.view(1);
    assert_eq!((view.condition, view.authentic), (Condition::Open, false));
    assert!(!watch.take(2, Format::Ela, &ELA_CLOSED).unwrap().changed);
    assert_eq!(watch.view(2).condition, Condition::Open, "closed without authentication clears nothing");
    take(&mut watch, 3, 2, &[0x01, 50]).unwrap();
    let view = watch.view(3);
    assert_eq!(
        (view.condition, view.authentic),
        (Condition::Open, false),
        "a battery says nothing of the box"
    );
    take(&mut watch, 4, 3, CLOSED).unwrap();
    let view = watch.view(4);
    assert_eq!((view.condition, view.authentic), (Condition::Closed, true));
}

#[test]
fn closed_without_authentication_is_nothing_to_a_seal_with_a_key() {
    let mut watch = watch(None);
    assert!(!watch.take(0, Format::Ela, &ELA_CLOSED).unwrap().changed);
    let view = watch.view(0);
    assert_eq!((view.condition, view.heard_ms, view.latest.event_count), (Condition::Unknown, None, None));
    take(&mut watch, 0, 1, CLOSED).unwrap();
    for now_ms in [10_000, 20_000, 30_000] {
        watch.take(now_ms, Format::Ela, &ELA_CLOSED).unwrap();
    }
    assert_eq!(watch.view(30_000).condition, Condition::Silent, "nor does it keep a seal alive");
    watch.take(31_000, Format::Ela, &ELA_OPEN).unwrap();
    assert_eq!(watch.view(31_000).condition, Condition::Open, "that it is open is worse than silence");
}

#[test]
fn a_seal_without_a_key_may_be_in_any_format_and_latches_what_was_raised() {
    let mut watch = SealWatch::new(ADDRESS, None, Stored::default(), LIMITS);
    let mut say = |now_ms: u64, frame: &[u8]| {
        watch.take(now_ms, Format::Ela, frame).unwrap();
        watch.view(now_ms)
    };
    let closed = say(0, &ELA_CLOSED);
    assert_eq!(
        (closed.condition, closed.authentic, closed.latest.event_count),
        (Condition::Closed, false, Some(5))
    );
    assert_eq!(say(1, &ELA_OPEN).condition, Condition::Open);
    assert_eq!(say(2, &ELA_CLOSED).condition, Condition::Open);
    assert_eq!(watch.take(3, Format::Ela, &ELA_CLOSED), Err(Refusal::Repeat));
}

#[test]
fn telemetry_that_goes_back_says_that_a_seal_was_started_anew() {
    let table = [
        ("later", [(600, 60), (700, 70)], false),
        ("the same again", [(600, 60), (600, 60)], false),
        ("a little back: two radios", [(600, 60), (590, 59)], false),
        ("both anew", [(600, 60), (5, 1)], true),
        ("its time", [(600, 60), (500, 70)], true),
        ("its count", [(600, 60), (700, 3)], true),
    ];
    for (what, [before, now], restarted) in table {
        let mut watch = watch(None);
        take(&mut watch, 0, 1, CLOSED).unwrap();
        let first = watch.take(1, Format::Eddystone, &telemetry(before.0, before.1)).unwrap();
        assert!(!first.restarted, "{what}: nothing came before the first");
        let second = watch.take(2, Format::Eddystone, &telemetry(now.0, now.1)).unwrap();
        assert_eq!(second.restarted, restarted, "{what}");
        assert_eq!(watch.view(2).condition, Condition::Closed, "{what}: the seal itself says how it is");
    }
}

#[test]
fn of_two_voices_the_worse_one_is_heard() {
    let mut watch = watch(None);
    take(&mut watch, 0, 1, TAMPERED).unwrap();
    assert!(!watch.raise(SealState::Open));
    let view = watch.view(0);
    assert_eq!((view.condition, view.authentic), (Condition::Tampered, true));
    assert!(!watch.raise(SealState::Tampered));
}

const FORMATS: [Format; 6] =
    [Format::Bthome, Format::Ela, Format::Minew, Format::Teltonika, Format::Eddystone, Format::Ibeacon];
/// How frames begin, so that random bytes get past their heads.
const HEADS: [&str; 12] =
    ["32", "42", "f1", "a400", "a401", "ca00", "ca03", "01b7", "01ff", "2000", "0215", "0201061bff4c00"];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), info in 0x40_u8..0x48) {
        let with_info = [&[info], bytes.as_slice()].concat();
        for frame in [&bytes, &with_info] {
            let _ = bthome::read(frame, ADDRESS, None);
            let _ = bthome::read(frame, ADDRESS, Some(&key()));
        }
    }

    #[test]
    fn any_bytes_in_any_format_are_read_or_refused_and_never_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        head in proptest::sample::select(HEADS.to_vec()),
    ) {
        let with_head = [hex::decode(head).unwrap(), bytes.clone()].concat();
        for frame in [&bytes, &with_head] {
            for format in FORMATS {
                if let Ok(read) = format::read(format, frame, ADDRESS, None) {
                    prop_assert!(!read.authentic && read.counter.is_none());
                    prop_assert!(serde_json::to_string(&read).is_ok());
                }
                let _ = format::address_of(format, frame, ADDRESS);
            }
            let _ = format::guess(frame);
            let _ = format::find(frame).count();
        }
    }

    #[test]
    fn any_objects_in_an_authentic_frame_are_read_and_written_as_json(objects in proptest::collection::vec(any::<u8>(), 2..40)) {
        let read = bthome::read(&frame(5, &objects), ADDRESS, Some(&key())).unwrap();
        prop_assert_eq!(read.counter, Some(5));
        prop_assert!(serde_json::to_string(&read).is_ok());
    }

    #[test]
    fn of_any_sequence_only_rising_counters_are_taken(counters in proptest::collection::vec(0_u32..50, 1..60), stored in proptest::option::of(0_u32..50)) {
        let mut watch = watch(stored);
        let mut highest = stored;
        for (now_ms, counter) in counters.into_iter().enumerate() {
            let taken = take(&mut watch, now_ms as u64, counter, CLOSED).is_ok();
            prop_assert_eq!(taken, highest.is_none_or(|highest| counter > highest));
            highest = highest.max(Some(counter));
        }
    }
}

/// A watch of a seal that sends a frame a second.
fn paced() -> SealWatch {
    SealWatch::new(ADDRESS, Some(key()), Stored::default(), Limits::default()).with_interval(1_000)
}

/// A minute of frames that go with the time.
fn on_time() -> SealWatch {
    let mut watch = paced();
    for second in 0..60 {
        take(&mut watch, second * 1_000, second as u32 + 1, CLOSED).unwrap();
    }
    watch
}

#[test]
fn a_counter_must_advance_with_the_time_as_the_seals_interval_says() {
    // Lost frames are no lost time.
    let mut watch = on_time();
    take(&mut watch, 600_000, 601, CLOSED).unwrap();
    assert_eq!(watch.view(600_000).condition, Condition::Closed);
    // Ten minutes in a steel box, and the frames of the first of them are played: it lags.
    let mut watch = on_time();
    let taken = take(&mut watch, 600_000, 61, CLOSED).unwrap();
    assert!(taken.changed && taken.store.is_some(), "it is written down at once");
    assert_eq!(watch.view(600_000).condition, Condition::ClockInDoubt);
    // It goes on at its own pace, and jumps to where it should be: it stays in doubt.
    take(&mut watch, 601_000, 62, CLOSED).unwrap();
    take(&mut watch, 602_000, 603, CLOSED).unwrap();
    assert_eq!(watch.view(602_000).condition, Condition::ClockInDoubt);
    // Open is believed at once.
    take(&mut watch, 603_000, 604, OPEN).unwrap();
    assert_eq!(watch.view(603_000).condition, Condition::Open);
    // One that runs ahead is in doubt as well.
    let mut watch = on_time();
    take(&mut watch, 61_000, 10_000, CLOSED).unwrap();
    assert_eq!(watch.view(61_000).condition, Condition::ClockInDoubt);
}

#[test]
fn a_crystal_that_is_a_little_fast_or_slow_is_no_doubt_for_a_day() {
    for share in [95, 105] {
        let mut watch = paced();
        for minute in 0_u64..24 * 60 {
            let now_ms = minute * 60_000;
            let counter = u32::try_from(now_ms / 1_000 * share / 100).unwrap() + 1;
            take(&mut watch, now_ms, counter, CLOSED).unwrap();
            assert_eq!(watch.view(now_ms).condition, Condition::Closed, "{share} %, minute {minute}");
        }
    }
}

#[test]
fn a_doubt_of_before_the_start_is_still_one_and_a_seal_without_an_interval_has_none() {
    let mut watch = paced().in_doubt(true);
    take(&mut watch, 0, 1, CLOSED).unwrap();
    assert_eq!(watch.view(0).condition, Condition::ClockInDoubt);
    let mut watch = SealWatch::new(ADDRESS, Some(key()), Stored::default(), Limits::default());
    take(&mut watch, 0, 1, CLOSED).unwrap();
    take(&mut watch, 600_000, 2, CLOSED).unwrap();
    assert_eq!(watch.view(600_000).condition, Condition::Closed);
}
