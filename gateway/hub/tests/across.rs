//! What only the hub can see: double claims, handovers that do not pair, lateness, corrected times, chains of hands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at once"
)]

mod common;

use common::{DAY, Gateway, Hub, MINUTE, a_box, collected, reading, site, tube};
use proptest::prelude::*;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        AlarmKind, Checklist, ClockQuality, ExceptionReason, Fact, Record, RepairReason, WallTime,
        id::{BoxId, CampaignId, OperatorId, RoundId},
    },
    wire::express::Express,
};
use waypost_hub::store::Job;

fn served(person: u8) -> Fact {
    Fact::ClaimServed {
        campaign: CampaignId::new("masks-2020-10").unwrap(),
        round: RoundId::new("r1").unwrap(),
        claim: ClaimToken([person; 16]),
        packs: 2,
        proxy: None,
        provisional: false,
        approved_by: None,
    }
}

fn voided(person: u8, mends: u64) -> Fact {
    Fact::ClaimVoided {
        campaign: CampaignId::new("masks-2020-10").unwrap(),
        round: RoundId::new("r1").unwrap(),
        claim: ClaimToken([person; 16]),
        packs: 2,
        mends,
        approved_by: OperatorId::new("s-boss").unwrap(),
        reason: RepairReason::Mistake,
    }
}

#[test]
fn a_person_served_at_two_offices_is_named_with_both() {
    let (mut one, mut two) = (Gateway::new("post-1", 1), Gateway::new("post-2", 2));
    one.write(1, served(1));
    one.write(2, served(2));
    two.write(3, served(2));
    two.write(4, served(3));
    for turned in [false, true] {
        let mut hub = Hub::new(&[&one, &two]);
        let jobs = if turned { [two.all(), one.all()] } else { [one.all(), two.all()] };
        for job in jobs {
            hub.take(&[job]);
        }
        let token = "02".repeat(16);
        let subject = format!("masks-2020-10/r1/{token}");
        assert_eq!(hub.alarms(), [("double_claim".to_owned(), subject, "post-1, post-2".to_owned())]);
        assert_eq!((hub.store.totals().masks.served, hub.store.totals().masks.packs), (4, 8));
    }
}

#[test]
fn the_report_of_double_claims_names_the_earlier_service_first() {
    let (mut one, mut two) = (Gateway::new("post-1", 1), Gateway::new("post-2", 2));
    one.write(9, served(2));
    let mut later = served(2);
    if let Fact::ClaimServed { provisional, approved_by, .. } = &mut later {
        (*provisional, *approved_by) = (true, Some(OperatorId::new("s-boss").unwrap()));
    }
    two.write(3, served(2));
    two.write(4, served(3));
    one.write(11, later);
    let mut hub = Hub::new(&[&one, &two]);
    hub.take(&[one.all(), two.all()]);
    let mut out = Vec::new();
    let count = waypost_hub::project::services::report(hub.dir.path(), &mut out).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((count, &line["round"], &line["claim"]), (1, &"r1".into(), &"02".repeat(16).into()));
    let services = line["services"].as_array().unwrap();
    let told: Vec<_> =
        services.iter().map(|one| (one["gateway"].as_str().unwrap(), one["seq"].as_u64().unwrap())).collect();
    assert_eq!(told, [("post-2", 2), ("post-1", 2), ("post-1", 3)]);
    assert_eq!(services[0]["at"], WallTime(DAY + 3 * MINUTE).to_string());
    assert_eq!((&services[2]["provisional"], &services[2]["approved_by"]), (&true.into(), &"s-boss".into()));
}

#[test]
fn a_service_that_was_taken_back_is_no_double_claim() {
    let (mut one, mut two) = (Gateway::new("post-1", 1), Gateway::new("post-2", 2));
    let mends = one.write(1, served(2));
    two.write(3, served(2));
    let before = [one.all(), two.all()];
    one.write(5, voided(2, mends));
    // Known before it was taken back, and after.
    let mut hub = Hub::new(&[&one, &two]);
    hub.take(&before);
    assert!(hub.has_alarm("double_claim"));
    hub.take(&[one.all()]);
    assert_eq!(hub.alarms(), []);
    let mut hub = Hub::new(&[&one, &two]);
    hub.take(&[one.all(), two.all()]);
    assert_eq!(hub.alarms(), []);
    assert_eq!(hub.store.totals().masks.served, 1);
}

/// One box on its whole way: centre, van, laboratory. The journals share no clock.
fn way() -> [Gateway; 3] {
    let (mut centre, mut van, mut laboratory) =
        (Gateway::new("ctc-1", 1), Gateway::new("van-1", 2), Gateway::new("lab-1", 3));
    centre.write(0, Fact::BoxStarted { box_id: carrier() });
    for number in 1..=3 {
        centre.write(0, collected(number));
        // In the millisecond in which the box was started: the numbers are the order.
        centre.write(0, Fact::TubePacked { tube: tube(&format!("T-{number:08}")), box_id: carrier() });
    }
    let mends = centre.last();
    centre.write(3, Fact::TubeTakenOut { tube: tube("T-00000003"), box_id: carrier(), mends });
    centre.write(5, Fact::BoxClosed { box_id: carrier(), tubes: 2, checklist: Checklist::COMPLETE });
    let due = WallTime(DAY + 90 * MINUTE);
    centre
        .write(6, Fact::BoxSealed { box_id: carrier(), reading: reading(), mechanical: None, tubes: 2, due });
    centre
        .write(10, Fact::BoxHandedOver { box_id: carrier(), to: site("van-1"), reading: None, remark: None });
    van.write(
        9,
        Fact::BoxReceived {
            box_id: carrier(),
            from: site("ctc-1"),
            reading: None,
            manifest: true,
            exception: None,
        },
    );
    van.write(40, Fact::BoxHandedOver { box_id: carrier(), to: site("lab-1"), reading: None, remark: None });
    laboratory.write(
        41,
        Fact::BoxReceived {
            box_id: carrier(),
            from: site("van-1"),
            reading: None,
            manifest: true,
            exception: Some(ExceptionReason::SealOpen),
        },
    );
    laboratory.write(50, Fact::BoxOpened { box_id: carrier() });
    for number in 1..=2 {
        laboratory.write(55, Fact::TubeReceived { tube: tube(&format!("T-{number:08}")), box_id: carrier() });
    }
    laboratory.write(60, Fact::BoxCompared { box_id: carrier(), matched: 2, missing: 0, extra: 0 });
    [centre, van, laboratory]
}

#[test]
fn a_sealed_box_has_a_manifest_until_it_was_compared() {
    let [centre, van, laboratory] = way();
    let mut hub = Hub::new(&[&centre, &van, &laboratory]);
    let applied = hub.take(&[centre.all()]);
    assert!(applied.manifests_changed);
    let road = hub.view().on_the_road().unwrap();
    let [(manifest, _)] = road.manifests.as_slice() else { panic!("one box") };
    assert_eq!(manifest.tubes, ["T-00000001", "T-00000002"], "not the one that was taken out");
    assert_eq!(
        (manifest.from.as_str(), manifest.counter, manifest.event_count),
        ("SITE-CTC-1", Some(77), Some(2))
    );
    assert_eq!(road.epoch, 1);
    let later = hub.take(&[van.all(), laboratory.all()]);
    assert!(later.manifests_changed);
    let after = hub.view().on_the_road().unwrap();
    assert_eq!(after.manifests, []);
    assert!(after.number > road.number, "the version of the order grows");
    // The centre's journal may come last: what was compared needs no manifest any more.
    let mut hub = Hub::new(&[&centre, &van, &laboratory]);
    hub.take(&[laboratory.all(), van.all(), centre.all()]);
    assert_eq!(hub.view().on_the_road().unwrap().manifests, []);
}

#[test]
fn totals_and_box_are_the_same_in_whatever_order_the_journals_come() {
    let way = way();
    let mut seen = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut hub = Hub::new(&way.each_ref());
        for which in order {
            hub.take(&[way[which].all()]);
        }
        let summary = hub.view().summary().unwrap();
        seen.push((summary.totals, summary.boxes, summary.alarms));
    }
    let (totals, boxes, alarms) = &seen[0];
    assert_eq!((totals.tubes.collected, totals.tubes.packed, totals.tubes.received), (3, 2, 2));
    assert_eq!((totals.boxes.sealed, totals.boxes.received, totals.boxes.alarmed), (1, 1, 1));
    assert_eq!((boxes[0].state.as_str(), boxes[0].holder.as_str()), ("compared", "SITE-LAB-1"));
    assert_eq!(alarms, &[]);
    assert!(seen.iter().all(|other| *other == seen[0]));
}

#[test]
fn a_handover_without_its_other_end_is_an_alarm_until_the_other_end_comes() {
    let [centre, van, laboratory] = way();
    let mut hub = Hub::new(&[&centre, &van, &laboratory]);
    hub.take_at(&[centre.all(), Job::Tick], 30);
    assert_eq!(hub.alarms(), [], "the van may yet say so");
    hub.take_at(&[Job::Tick], 56);
    let want = ("handover_unpaired".to_owned(), "B-1".to_owned(), "ctc-1".to_owned());
    assert_eq!(hub.alarms(), [want]);
    hub.take_at(&[van.batch(1, 2), Job::Tick], 57);
    assert_eq!(hub.alarms(), []);
    // And the other way round: the laboratory has it, and nobody gave it.
    hub.take_at(&[laboratory.all(), Job::Tick], 120);
    let want = ("receipt_unpaired".to_owned(), "B-1".to_owned(), "lab-1".to_owned());
    assert_eq!(hub.alarms(), [want]);
    hub.take_at(&[van.all(), Job::Tick], 121);
    assert_eq!(hub.alarms(), []);
}

#[test]
fn a_sealed_box_that_is_due_and_at_no_laboratory_is_an_alarm_until_it_comes() {
    let [centre, van, laboratory] = way();
    let mut hub = Hub::new(&[&centre, &van, &laboratory]);
    hub.take_at(&[centre.all(), van.batch(1, 2), Job::Tick], 89);
    assert_eq!(hub.alarms(), []);
    hub.take_at(&[Job::Tick], 91);
    let want = ("not_received_in_time".to_owned(), "B-1".to_owned(), "van-1".to_owned());
    assert_eq!(hub.alarms(), [want], "whoever has it is asked");
    hub.take_at(&[van.all(), laboratory.all(), Job::Tick], 92);
    assert_eq!(hub.alarms(), []);
}

fn carrier() -> BoxId {
    a_box("B-1")
}

/// A centre that sealed a box before its clock was found, at minute 6 of its boot; its lines until then, and all.
fn sealed_by_an_unset_clock() -> (Gateway, Job) {
    let mut centre = Gateway::new("ctc-1", 1);
    centre.clock = ClockQuality::Unset;
    let due = WallTime(96 * MINUTE);
    centre.write(0, Fact::BoxStarted { box_id: carrier() });
    centre
        .write(6, Fact::BoxSealed { box_id: carrier(), reading: reading(), mechanical: None, tubes: 0, due });
    let before = centre.all();
    centre.clock = ClockQuality::Ntp;
    centre.write(20, Fact::ClockFound { boot: 1, offset_ms: DAY, quality: ClockQuality::Ntp });
    (centre, before)
}

#[test]
fn a_due_time_by_a_clock_that_was_not_set_is_no_lateness() {
    let (centre, before) = sealed_by_an_unset_clock();
    let mut hub = Hub::new(&[&centre]);
    hub.take_at(&[before, Job::Tick], 20);
    hub.take_at(&[Job::Tick], 40);
    assert_eq!(hub.alarms(), []);
}

#[test]
fn a_due_time_is_corrected_with_its_record_when_the_clock_is_found() {
    let (centre, before) = sealed_by_an_unset_clock();
    let due = |hub: &Hub| hub.view().on_the_road().unwrap().manifests[0].0.due;
    let mut hub = Hub::new(&[&centre]);
    hub.take_at(&[before], 20);
    assert_eq!(due(&hub), WallTime(96 * MINUTE), "nothing better is known yet");
    let applied = hub.take_at(&[centre.all(), Job::Tick], 95);
    assert!(applied.manifests_changed, "vehicles and laboratories are told");
    assert_eq!(due(&hub), WallTime(DAY + 96 * MINUTE));
    assert_eq!(hub.alarms(), []);
    hub.take_at(&[Job::Tick], 97);
    let want = ("not_received_in_time".to_owned(), "B-1".to_owned(), "ctc-1".to_owned());
    assert_eq!(hub.alarms(), [want]);
    let since = hub.view().summary().unwrap().alarms[0].since;
    assert_eq!(since, WallTime(DAY + 96 * MINUTE));
    // All at once comes to the same.
    let mut hub = Hub::new(&[&centre]);
    hub.take_at(&[centre.all(), Job::Tick], 30);
    assert_eq!((due(&hub), hub.alarms()), (WallTime(DAY + 96 * MINUTE), vec![]));
}

#[test]
fn a_box_that_seemed_late_by_a_clock_that_ran_behind_is_not_when_that_is_found() {
    let mut centre = Gateway::new("ctc-1", 1);
    centre.clock = ClockQuality::Rtc;
    let due = WallTime(DAY + 90 * MINUTE);
    centre
        .write(0, Fact::BoxSealed { box_id: carrier(), reading: reading(), mechanical: None, tubes: 0, due });
    let mut hub = Hub::new(&[&centre]);
    hub.take_at(&[centre.all()], 60);
    hub.take_at(&[Job::Tick], 100);
    assert!(hub.has_alarm("not_received_in_time"), "a battery's clock is believed within a day");
    centre.clock = ClockQuality::Ntp;
    let offset_ms = DAY + 30 * MINUTE;
    centre.write(101, Fact::ClockFound { boot: 1, offset_ms, quality: ClockQuality::Ntp });
    hub.take_at(&[centre.all(), Job::Tick], 101);
    assert_eq!(hub.alarms(), []);
    hub.take_at(&[Job::Tick], 121);
    assert!(hub.has_alarm("not_received_in_time"), "now it is");
}

#[test]
fn an_alarm_and_its_express_copy_are_one() {
    let mut van = Gateway::new("van-1", 2);
    let subject = || "B-1".to_owned();
    let seq = van.write(5, Fact::AlarmRaised { alarm: AlarmKind::SealOpened, subject: subject() });
    let express = Express { journal: van.journal, seq, line: van.lines[seq as usize - 1].clone() };
    let want = [("seal_opened".to_owned(), subject(), "van-1".to_owned())];
    for jobs in [
        [Job::Express("van-1".to_owned(), express.clone()), van.all()],
        [van.all(), Job::Express("van-1".to_owned(), express.clone())],
    ] {
        let mut hub = Hub::new(&[&van]);
        for job in jobs {
            hub.take(&[job]);
            assert_eq!(hub.alarms(), want);
        }
        let db = rusqlite::Connection::open(hub.dir.path().join("store.db")).unwrap();
        let rows: i64 = db.query_row("select count(*) from alarm", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
}

#[test]
fn a_time_before_the_clock_was_found_is_corrected_afterwards() {
    let mut van = Gateway::new("van-1", 2);
    van.clock = ClockQuality::Unset;
    let carrier = a_box("B-1");
    van.write(
        30,
        Fact::BoxReceived {
            box_id: carrier,
            from: site("ctc-1"),
            reading: None,
            manifest: true,
            exception: None,
        },
    );
    van.write(31, Fact::AlarmRaised { alarm: AlarmKind::SealOpened, subject: "B-1".to_owned() });
    let before = van.all();
    van.clock = ClockQuality::Gnss;
    van.write(40, Fact::ClockFound { boot: 1, offset_ms: DAY, quality: ClockQuality::Gnss });
    let mut hub = Hub::new(&[&van]);
    hub.take_at(&[before], 200);
    let trace = hub.view().trace("B-1").unwrap().unwrap();
    assert!(!trace.trail[0].time_sure);
    hub.take_at(&[van.all()], 201);
    let summary = hub.view().summary().unwrap();
    assert_eq!(summary.boxes[0].since, WallTime(DAY + 30 * MINUTE));
    let alarm = summary.alarms.iter().find(|alarm| alarm.kind == "seal_opened").unwrap();
    assert_eq!(alarm.since, WallTime(DAY + 31 * MINUTE));
    let trace = hub.view().trace("B-1").unwrap().unwrap();
    assert_eq!((trace.trail[0].time, trace.trail[0].time_sure), (WallTime(DAY + 30 * MINUTE), true));
}

#[test]
fn what_a_lying_receiver_dated_is_corrected_once_the_hub_overrules_it() {
    const LIE: i64 = 80 * 86_400_000;
    let mut van = Gateway::new("van-1", 2);
    let lied = |van: &mut Gateway, minute, fact| {
        van.write(minute, fact);
        let mut record = Record::from_line(&van.lines.pop().unwrap()).unwrap();
        van.links.pop();
        record.at = record.at.plus_ms(LIE);
        van.write_line(record.to_line().unwrap());
    };
    lied(&mut van, 20, Fact::ClockFound { boot: 1, offset_ms: DAY + LIE, quality: ClockQuality::Gnss });
    let (box_id, from) = (a_box("B-1"), site("ctc-1"));
    lied(&mut van, 30, Fact::BoxReceived { box_id, from, reading: None, manifest: true, exception: None });
    let before = van.all();
    van.clock = ClockQuality::Ntp;
    van.write(40, Fact::ClockFound { boot: 1, offset_ms: DAY, quality: ClockQuality::Ntp });
    let mut hub = Hub::new(&[&van]);
    hub.take_at(&[before], 35);
    assert!(hub.has_alarm("clock_ahead"), "{:?}", hub.alarms());
    hub.take_at(&[van.all()], 41);
    assert_eq!(hub.view().summary().unwrap().boxes[0].since, WallTime(DAY + 30 * MINUTE));
    let trace = hub.view().trace("B-1").unwrap().unwrap();
    assert_eq!((trace.trail[0].time, trace.trail[0].time_sure), (WallTime(DAY + 30 * MINUTE), true));
}

#[test]
fn a_tube_is_traced_through_all_hands_of_its_box() {
    let way = way();
    let mut hub = Hub::new(&way.each_ref());
    hub.take(&way.each_ref().map(|gateway| gateway.all()));
    let trace = hub.view().trace("T-00000001").unwrap().unwrap();
    assert_eq!(trace.kind, "tube");
    let steps: Vec<_> = trace.trail.iter().map(|step| (step.what.as_str(), step.site.as_str())).collect();
    assert_eq!(
        steps,
        [
            ("tube_collected", "SITE-CTC-1"),
            ("tube_packed", "SITE-CTC-1"),
            ("box_closed", "SITE-CTC-1"),
            ("box_sealed", "SITE-CTC-1"),
            // The van's clock is a minute behind the centre's.
            ("box_received", "SITE-VAN-1"),
            ("box_handed_over", "SITE-CTC-1"),
            ("box_handed_over", "SITE-VAN-1"),
            ("box_received", "SITE-LAB-1"),
            ("box_opened", "SITE-LAB-1"),
            ("tube_received", "SITE-LAB-1"),
            ("box_compared", "SITE-LAB-1"),
        ]
    );
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["trail"][0]["record"]["seq"], 3);
    assert_eq!(json["trail"][0]["by"], "s-7f3a");
    let taken_out = hub.view().trace("T-00000003").unwrap().unwrap();
    assert_eq!(taken_out.trail.len(), 3, "what was taken out did not travel");
    assert_eq!(hub.view().trace("B-1").unwrap().unwrap().kind, "box");
    assert_eq!(hub.view().trace("T-99999999").unwrap(), None);
}

#[test]
fn the_summary_has_the_names_that_are_promised() {
    let way = way();
    let mut hub = Hub::new(&way.each_ref());
    hub.take(&[way[0].all()]);
    hub.take_at(&[Job::Tick], 300);
    let json = serde_json::to_value(hub.view().summary().unwrap()).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&json), ["alarms", "boxes", "gateways", "totals"]);
    assert_eq!(names(&json["gateways"][0]), ["id", "last_seen", "queued", "site"]);
    assert_eq!(names(&json["boxes"][0]), ["holder", "id", "since", "state"]);
    assert_eq!(names(&json["alarms"][0]), ["gateway", "kind", "since", "subject"]);
    assert_eq!(names(&json["totals"]["tubes"]), ["collected", "packed", "received"]);
    assert_eq!(json["gateways"][1]["last_seen"], serde_json::Value::Null, "never heard");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Three offices serve five persons, taking some back; the alarms are those that a plain count gives, in whatever
    /// order and pieces the journals come.
    #[test]
    fn double_claims_are_those_of_a_plain_count(
        (acts, order) in (
            proptest::collection::vec((0..3usize, 0..5u8, any::<bool>()), 0..30),
            proptest::collection::vec((0..3usize, 1..8u64), 0..20),
        )
    ) {
        let mut offices = [Gateway::new("post-1", 1), Gateway::new("post-2", 2), Gateway::new("post-3", 3)];
        let mut standing: [[Vec<u64>; 5]; 3] = Default::default();
        for (office, person, void) in acts {
            let services = &mut standing[office][usize::from(person)];
            match (void, services.pop()) {
                (true, Some(mends)) => {
                    offices[office].write(1, voided(person, mends));
                }
                // An office serves a person once; a void of nothing is no act.
                (false, Some(seq)) => services.push(seq),
                (true, None) => {}
                (false, None) => services.push(offices[office].write(1, served(person))),
            }
        }
        let mut hub = Hub::new(&offices.each_ref());
        let mut sent = [0u64; 3];
        for (office, count) in order {
            let last = (sent[office] + count).min(offices[office].last());
            if last > sent[office] {
                hub.take(&[offices[office].batch(sent[office] + 1, last)]);
                sent[office] = last;
            }
        }
        hub.take(&offices.each_ref().map(|office| office.all()));
        let mut want = Vec::new();
        for person in 0..5u8 {
            let names: Vec<_> = (0..3)
                .filter(|office| !standing[*office][usize::from(person)].is_empty())
                .map(|office| format!("post-{}", office + 1))
                .collect();
            if names.len() > 1 {
                let subject = format!("masks-2020-10/r1/{}", format!("{person:02x}").repeat(16));
                want.push(("double_claim".to_owned(), subject, names.join(", ")));
            }
        }
        prop_assert_eq!(hub.alarms(), want);
    }
}
