//! What is heard of seals.

use waypost_core::{
    fact::{
        AlarmKind, ExceptionReason, Fact, SealReading, SealState,
        SiteKind::{TestingCentre, Vehicle},
        id::SealId,
    },
    rule::{
        Act, Refusal,
        order::{Order, SealEntry, SealFormat, Secret},
        row::{Manifest, SealRow},
    },
};

use crate::world::*;

fn note(reading: SealReading) -> Act {
    Act::NoteSeal { reading }
}

fn open(counter: u32) -> SealReading {
    in_state(SealState::Open, closed("S1", counter, 5))
}

/// A centre with B1 sealed with S1 at frame 10 and 4 openings.
fn sealed() -> World {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w
}

fn alarm(alarm: AlarmKind) -> Fact {
    Fact::AlarmRaised { alarm, subject: "B1".into() }
}

fn stored(w: &World) -> SealReading {
    w.row::<SealRow>("S1").unwrap().reading
}

#[test]
fn a_seals_counter_only_grows() {
    let mut w = World::open(TestingCentre);
    w.yes(note(closed("S1", 10, 4)));
    assert_eq!(w.no(note(closed("S1", 9, 4))), Refusal::SealReplay);
    assert_eq!(w.no(note(open(9))), Refusal::SealReplay);
    assert_eq!(w.no(note(open(10))), Refusal::SealReplay, "the same counter with other content");
    assert_eq!(w.yes(note(closed("S1", 10, 4))), [], "the same frame again");
    w.yes(note(open(11)));
    assert_eq!(stored(&w).counter, Some(11));
}

#[test]
fn a_change_of_state_is_written_at_once_and_the_rest_once_a_minute() {
    let mut w = World::open(TestingCentre);
    let first = closed("S1", 10, 4);
    let changed = Fact::SealChanged { box_id: None, reading: first.clone(), before: SealState::Unread };
    assert_eq!(w.yes(note(first)), [changed]);
    w.later(59_999);
    assert_eq!(w.yes(note(closed("S1", 11, 4))), []);
    w.later(1);
    let heard = closed("S1", 12, 4);
    assert_eq!(w.yes(note(heard.clone())), [Fact::SealHeard { reading: heard }]);
    w.later(1_000);
    assert_eq!(w.yes(note(open(13))).len(), 1);
    w.boot = 2;
    w.now.up_ms = 500;
    assert_eq!(w.yes(note(open(14))), [Fact::SealHeard { reading: open(14) }], "a new boot");
}

#[test]
fn a_seal_that_changes_on_a_box_in_custody_raises_an_alarm() {
    for (state, kind) in [
        (SealState::Open, AlarmKind::SealOpened),
        (SealState::Tampered, AlarmKind::SealTampered),
        (SealState::Silent, AlarmKind::SealSilent),
    ] {
        let mut w = sealed();
        let reading = in_state(state, closed("S1", 11, 4));
        assert_eq!(
            w.yes(note(reading.clone())),
            [
                Fact::SealChanged {
                    box_id: Some(box_id("B1")),
                    reading: reading.clone(),
                    before: SealState::Closed
                },
                alarm(kind)
            ]
        );
        assert!(!w.yes(note(reading)).contains(&alarm(kind)), "it was said");
    }
}

#[test]
fn a_seal_opened_and_closed_between_two_frames_raises_an_alarm() {
    let mut w = sealed();
    assert!(w.yes(note(closed("S1", 11, 6))).contains(&alarm(AlarmKind::SealOpened)));
    assert_eq!(w.yes(note(closed("S1", 12, 6))), []);
}

#[test]
fn a_seal_that_is_on_no_box_in_custody_raises_none() {
    let mut w = sealed();
    w.yes(hand_over("B1", Some(closed("S1", 11, 4))));
    assert_eq!(w.yes(note(open(12))).len(), 1);
}

#[test]
fn a_seal_that_was_started_anew_on_a_box_in_custody_raises_an_alarm_and_changes_nothing_else() {
    let restart = || Act::NoteSealRestart { seal: closed("S1", 1, 1).seal };
    let mut w = sealed();
    let before = stored(&w);
    assert_eq!(w.yes(restart()), [alarm(AlarmKind::SealRestarted)]);
    assert_eq!(stored(&w), before, "what it says of itself stands");
    let mut nowhere = World::open(TestingCentre);
    assert_eq!(nowhere.yes(restart()), [], "nobody knows it");
    nowhere.yes(note(closed("S1", 10, 4)));
    assert_eq!(nowhere.yes(restart()), [], "it is on no box");
}

#[test]
fn a_reading_without_authentication_can_raise_an_alarm() {
    let mut w = sealed();
    assert!(w.yes(note(hearsay(open(0)))).contains(&alarm(AlarmKind::SealOpened)));
    assert_eq!(stored(&w).counter, Some(10), "and moves no counter");
}

#[test]
fn a_reading_without_authentication_never_clears_one() {
    let mut w = sealed();
    w.yes(note(open(11)));
    for state in [SealState::Closed, SealState::Silent, SealState::Unread] {
        assert_eq!(w.yes(note(hearsay(in_state(state, closed("S1", 50, 4))))), []);
        let claims = SealReading { authentic: true, counter: None, ..in_state(state, closed("S1", 50, 4)) };
        assert_eq!(w.yes(note(claims)), [], "authentic frames have a counter");
    }
    assert_eq!((stored(&w).state, stored(&w).counter), (SealState::Open, Some(11)));
    w.yes(note(closed("S1", 12, 5)));
    assert_eq!(stored(&w).state, SealState::Closed);
}

#[test]
fn forged_frames_fill_no_journal() {
    let mut w = sealed();
    w.yes(note(hearsay(open(0))));
    w.yes(note(closed("S1", 11, 4)));
    w.later(1_000);
    assert_eq!(w.yes(note(hearsay(open(0)))), [], "one a minute is enough");
    w.later(60_000);
    assert!(w.yes(note(hearsay(open(0)))).contains(&alarm(AlarmKind::SealOpened)));
}

#[test]
fn what_is_worse_than_bad_is_said_at_once() {
    let mut w = sealed();
    w.yes(note(hearsay(in_state(SealState::Silent, closed("S1", 0, 4)))));
    assert!(w.yes(note(hearsay(open(0)))).contains(&alarm(AlarmKind::SealOpened)));
    assert_eq!(w.yes(note(hearsay(in_state(SealState::Silent, closed("S1", 0, 4))))), []);
    let tampered = hearsay(in_state(SealState::Tampered, closed("S1", 0, 4)));
    assert!(w.yes(note(tampered)).contains(&alarm(AlarmKind::SealTampered)));
}

#[test]
fn a_seals_counter_travels_with_its_box() {
    let mut w = World::open(Vehicle);
    w.manifest(vec![listed("B1", &["T1"], "S1", 10, 4)]);
    assert_eq!(w.no(note(closed("S1", 10, 4))), Refusal::SealReplay);
    assert_eq!(w.no(note(closed("S1", 3, 4))), Refusal::SealReplay);
    w.yes(note(closed("S1", 11, 4)));
    w.manifest(vec![listed("B1", &["T1"], "S1", 5, 4)]);
    assert_eq!(stored(&w).counter, Some(11), "and never goes back");
}

fn doubtful(counter: u32) -> SealReading {
    in_state(SealState::ClockInDoubt, closed("S1", counter, 4))
}

/// Closed, with the key of the first new pairing.
fn anew(counter: u32) -> SealReading {
    SealReading { pairing: 1, ..closed("S1", counter, 4) }
}

/// An order with S1, paired so many times anew.
fn paired(w: &mut World, pairing: u32) -> Vec<Fact> {
    let entry = SealEntry {
        seal: SealId::new("S1").unwrap(),
        address: "54:48:E6:8F:80:A5".into(),
        key: Some(Secret::new("ab".repeat(16))),
        format: SealFormat::Bthome,
        beside: None,
        interval_ms: Some(1_000),
        pairing,
    };
    w.order("-", Order::Seals { seals: vec![entry] })
}

#[test]
fn a_clock_in_doubt_raises_an_alarm_and_no_frame_clears_it() {
    let mut w = sealed();
    let facts = w.yes(note(doubtful(11)));
    assert!(facts.contains(&alarm(AlarmKind::SealClockInDoubt)), "{facts:?}");
    // Closed, by whatever frame: what is written down stays in doubt.
    w.later(60_000);
    let heard = w.yes(note(closed("S1", 12, 4)));
    assert_eq!(heard, [Fact::SealHeard { reading: doubtful(12) }]);
    // Worse is believed at once, and closed after it is no better than before.
    assert!(w.yes(note(open(13))).contains(&alarm(AlarmKind::SealOpened)));
    w.yes(note(closed("S1", 14, 5)));
    assert_eq!(stored(&w).state, SealState::ClockInDoubt);
}

#[test]
fn a_seal_in_doubt_closes_no_box_and_hands_none_over_without_remark() {
    let mut w = sealed();
    w.yes(note(doubtful(11)));
    let hand_over = |reading, remark| Act::HandOverBox {
        box_id: box_id("B1"),
        to: site("V-001"),
        reading: Some(reading),
        remark,
    };
    let reason = ExceptionReason::SealClockInDoubt;
    for reading in [doubtful(12), closed("S1", 12, 4)] {
        assert_eq!(w.no(hand_over(reading, None)), Refusal::NeedsException { reason });
    }
    w.yes(hand_over(doubtful(12), Some(reason)));
    w.close("B2", &["T2"]);
    let refused = Refusal::SealNotClosed { state: SealState::ClockInDoubt, authentic: true };
    assert_eq!(w.no(seal_box("B2", closed("S1", 13, 4))), refused);
    assert_eq!(w.no(seal_box("B2", doubtful(13))), refused);
}

#[test]
fn a_seal_paired_anew_begins_again_once() {
    let mut w = sealed();
    w.yes(note(doubtful(1_000)));
    assert_eq!(w.no(note(closed("S1", 1, 0))), Refusal::SealReplay);
    assert_eq!(paired(&mut w, 0).len(), 1, "a new order alone is no new pairing");
    assert_eq!(w.no(note(closed("S1", 1, 0))), Refusal::SealReplay);
    let seal = SealId::new("S1").unwrap();
    assert!(paired(&mut w, 1).contains(&Fact::SealRepaired { seal, pairing: 1 }));
    let row: SealRow = w.row("S1").unwrap();
    assert_eq!((row.reading.counter, row.doubted, row.box_id), (None, false, Some(box_id("B1"))));
    assert_eq!(w.no(note(closed("S1", 2_000, 4))), Refusal::SealReplay, "with the old key");
    w.yes(note(anew(1)));
    assert_eq!(stored(&w).state, SealState::Closed);
    // The same pairing in a later order resets nothing.
    assert_eq!(paired(&mut w, 1).len(), 1);
    assert_eq!(stored(&w).counter, Some(1));
}

#[test]
fn a_pairing_of_before_the_first_frame_resets_nothing_later() {
    let mut w = World::open(TestingCentre);
    assert_eq!(paired(&mut w, 3).len(), 1, "nothing is known of it yet");
    w.yes(note(SealReading { pairing: 3, ..closed("S1", 50, 4) }));
    paired(&mut w, 3);
    assert_eq!(stored(&w).counter, Some(50));
}

#[test]
fn a_counter_that_travelled_is_compared_within_one_pairing_only() {
    let mut w = World::open(Vehicle);
    paired(&mut w, 1);
    // It was sealed before it was paired anew: that counter would lock it out.
    w.manifest(vec![listed("B1", &["T1"], "S1", 5_000, 4)]);
    w.yes(note(anew(1)));
    assert_eq!(stored(&w).counter, Some(1));
    // A manifest may know of a pairing before its order comes here.
    w.manifest(vec![Manifest { pairing: 2, ..listed("B2", &["T2"], "S1", 70, 4) }]);
    assert_eq!(w.no(note(anew(2))), Refusal::SealReplay);
    assert_eq!(paired(&mut w, 2).len(), 1, "it began here with the manifest");
    let later = |counter| SealReading { pairing: 2, ..closed("S1", counter, 4) };
    assert_eq!(w.no(note(later(70))), Refusal::SealReplay);
    w.yes(note(later(71)));
}

#[test]
fn a_low_battery_closes_no_box_and_is_an_alarm_on_one() {
    let low = |counter, count| in_state(SealState::LowBattery, closed("S1", counter, count));
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    let refused = Refusal::SealNotClosed { state: SealState::LowBattery, authentic: true };
    assert_eq!(w.no(seal_box("B1", low(10, 4))), refused);
    let mut w = sealed();
    assert!(w.yes(note(low(11, 4))).contains(&alarm(AlarmKind::SealBatteryLow)));
    assert!(!w.yes(note(low(12, 4))).iter().any(|fact| matches!(fact, Fact::AlarmRaised { .. })));
    // It is closed all the same: the box goes on, and an opening shows.
    assert!(w.yes(note(low(13, 5))).contains(&alarm(AlarmKind::SealOpened)));
    let mut w = sealed();
    w.yes(note(low(11, 4)));
    let (to, reading) = (site("V-001"), Some(low(12, 4)));
    w.yes(Act::HandOverBox { box_id: box_id("B1"), to, reading, remark: None });
}

#[test]
fn a_seal_of_an_order_has_an_interval_that_can_be() {
    let mut w = World::closed(TestingCentre);
    for interval_ms in [9, 3_600_001] {
        let entry = SealEntry {
            seal: SealId::new("S1").unwrap(),
            address: "54:48:E6:8F:80:A5".into(),
            key: Some(Secret::new("ab".repeat(16))),
            format: SealFormat::Bthome,
            beside: None,
            interval_ms: Some(interval_ms),
            pairing: 0,
        };
        let document = w.document("-", Order::Seals { seals: vec![entry] });
        let refused = w.no(Act::ApplyOrder { document: Box::new(document) });
        assert!(matches!(refused, Refusal::OrderInvalid { .. }), "{interval_ms}");
    }
}
