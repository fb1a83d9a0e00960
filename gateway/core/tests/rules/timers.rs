//! Timers.

use waypost_core::{
    fact::{
        AlarmKind, ClockQuality, Fact,
        SiteKind::{TestingCentre, Vehicle},
    },
    rule::{
        Act,
        row::{BoxRow, Manifest},
        timers::is_believable,
    },
};

use crate::world::*;

fn at(w: &mut World, text: &str) -> Vec<Fact> {
    w.now.at = time(text);
    w.yes(Act::Tick)
}

fn alarm(alarm: AlarmKind) -> [Fact; 1] {
    [Fact::AlarmRaised { alarm, subject: "B1".into() }]
}

#[test]
fn a_box_that_is_due_warns_half_an_hour_before_and_after_once_each() {
    let mut centre = World::open(TestingCentre);
    centre.seal("B1", &["T1"], closed("S1", 10, 4));
    let mut van = World::open(Vehicle);
    van.manifest(vec![listed("B1", &["T1"], "S1", 10, 4)]);
    van.yes(receive("B1", Some(closed("S1", 20, 4))));
    for mut w in [centre, van] {
        assert_eq!(at(&mut w, "2020-09-03T06:29:59Z"), []);
        assert_eq!(at(&mut w, "2020-09-03T06:30:00Z"), alarm(AlarmKind::DeliveryDueSoon));
        assert_eq!(at(&mut w, "2020-09-03T06:59:59Z"), []);
        assert_eq!(at(&mut w, "2020-09-03T07:00:01Z"), alarm(AlarmKind::DeliveryLate));
        assert_eq!(at(&mut w, "2020-09-03T08:00:00Z"), []);
    }
}

#[test]
fn a_box_that_was_handed_over_in_time_gives_no_alarm() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w.yes(hand_over("B1", Some(closed("S1", 11, 4))));
    assert_eq!(at(&mut w, "2020-09-03T08:00:00Z"), []);
}

#[test]
fn a_box_that_is_not_sealed_gives_no_alarm() {
    let mut w = World::open(TestingCentre);
    w.close("B1", &["T1"]);
    assert_eq!(at(&mut w, "2020-09-03T08:00:00Z"), []);
}

#[test]
fn no_timer_runs_on_a_clock_that_is_not_right() {
    let mut w = World::open(TestingCentre);
    w.seal("B1", &["T1"], closed("S1", 10, 4));
    w.now.clock = ClockQuality::Unset;
    assert_eq!(at(&mut w, "2020-09-03T08:00:00Z"), []);
    w.now.clock = ClockQuality::Rtc;
    assert_eq!(w.yes(Act::Tick), alarm(AlarmKind::DeliveryLate));
}

#[test]
fn a_due_time_by_a_clock_that_was_not_set_alarms_nobody() {
    let mut centre = World::open(TestingCentre);
    (centre.now.at, centre.now.clock) = (time("1970-01-01T00:10:00Z"), ClockQuality::Unset);
    centre.close("B1", &["T1"]);
    let due = centre.now.at.plus_ms(90 * 60_000);
    let reading = closed("S1", 10, 4);
    centre.yes(Act::SealBox { box_id: box_id("B1"), reading, mechanical: None, due });
    let mut van = World::open(Vehicle);
    van.manifest(vec![Manifest { due, ..listed("B1", &["T1"], "S1", 10, 4) }]);
    van.yes(receive("B1", Some(closed("S1", 20, 4))));
    for mut w in [centre, van] {
        w.now.clock = ClockQuality::Gnss;
        assert_eq!(at(&mut w, "2020-09-03T04:00:00Z"), []);
        // A clock that ran ahead when the box was sealed, or that runs behind now.
        assert_eq!(at(&mut w, "1969-12-20T00:00:00Z"), []);
        assert_eq!(
            at(&mut w, "1970-01-01T02:00:00Z"),
            alarm(AlarmKind::DeliveryLate),
            "a day's time is believed"
        );
    }
}

#[test]
fn a_due_time_is_believed_within_a_day_back_and_a_week_ahead() {
    let now = time(NOON);
    for (hours, believed) in [(-25, false), (-24, true), (0, true), (7 * 24, true), (7 * 24 + 1, false)] {
        assert_eq!(is_believable(now.plus_ms(hours * 3_600_000), now), believed, "{hours} hours");
    }
}

#[test]
fn a_due_time_that_the_hub_corrects_holds_for_a_box_that_is_here_already() {
    let mut van = World::open(Vehicle);
    let sealed = listed("B1", &["T1"], "S1", 10, 4);
    van.manifest(vec![Manifest { due: time("1970-01-01T01:40:00Z"), ..sealed.clone() }]);
    van.yes(receive("B1", Some(closed("S1", 20, 4))));
    assert_eq!(at(&mut van, "2020-09-03T06:40:00Z"), []);
    // The list that the box came with holds, but for its time.
    van.manifest(vec![Manifest { tubes: vec!["T9".into(), "T10".into()], ..sealed.clone() }]);
    let row: BoxRow = van.row("B1").unwrap();
    assert_eq!((row.due, row.tubes), (Some(sealed.due), 1));
    assert_eq!(at(&mut van, "2020-09-03T06:40:00Z"), alarm(AlarmKind::DeliveryDueSoon));
    // Another seal is another sealing: not of the box as it is here.
    van.manifest(vec![Manifest { due: time("2020-09-03T09:00:00Z"), ..listed("B1", &["T1"], "S2", 10, 4) }]);
    assert_eq!(van.row::<BoxRow>("B1").unwrap().due, Some(sealed.due));
}
