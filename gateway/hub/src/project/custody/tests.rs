use super::*;

const MINUTE: i64 = 60_000;

fn kinds(site: &str) -> Option<SiteKind> {
    match site.get(..3)? {
        "CTC" => Some(SiteKind::TestingCentre),
        "VAN" => Some(SiteKind::Vehicle),
        "LAB" => Some(SiteKind::Laboratory),
        _ => None,
    }
}

fn event(journal: i64, seq: u64, what: What, site: &str, other: Option<&str>, minute: i64) -> Event {
    Event {
        journal,
        seq,
        what,
        site: site.to_owned(),
        other: other.map(str::to_owned),
        flagged: false,
        due_ms: (what == What::Sealed).then_some((minute + 90) * MINUTE),
        time_ms: minute * MINUTE,
    }
}

fn whole_way() -> Vec<Event> {
    vec![
        event(1, 1, What::Started, "CTC-1", None, 0),
        event(1, 60, What::Closed, "CTC-1", None, 10),
        event(1, 61, What::Sealed, "CTC-1", None, 11),
        event(1, 62, What::HandedOver, "CTC-1", Some("VAN-1"), 20),
        event(2, 5, What::Received, "VAN-1", Some("CTC-1"), 19),
        event(2, 9, What::HandedOver, "VAN-1", Some("LAB-1"), 50),
        event(3, 4, What::Received, "LAB-1", Some("VAN-1"), 48),
        event(3, 5, What::Opened, "LAB-1", None, 55),
        event(3, 99, What::Compared, "LAB-1", None, 60),
    ]
}

#[test]
fn a_box_is_where_the_last_step_of_its_way_left_it_although_clocks_differ() {
    let want = [
        ("packing", "CTC-1"),
        ("closed", "CTC-1"),
        ("sealed", "CTC-1"),
        ("handed_over", "VAN-1"),
        ("carried", "VAN-1"),
        ("handed_over", "LAB-1"),
        ("received", "LAB-1"),
        ("opened", "LAB-1"),
        ("compared", "LAB-1"),
    ];
    let way = whole_way();
    for (steps, (state, holder)) in (1..).zip(want) {
        let mut events = way[..steps].to_vec();
        let forward = view(&events, &kinds).unwrap();
        assert_eq!((forward.state, forward.holder.as_str()), (state, holder), "after {steps} steps");
        events.reverse();
        assert_eq!(view(&events, &kinds).unwrap(), forward, "the order in which events come is nothing");
    }
    assert_eq!(view(&[], &kinds), None);
}

#[test]
fn a_box_that_is_packed_again_begins_a_new_round() {
    let mut events = whole_way();
    events.push(event(3, 100, What::Emptied, "LAB-1", None, 70));
    assert!(view(&events, &kinds).unwrap().compared);
    events.push(event(1, 200, What::Started, "CTC-1", None, 600));
    let again = view(&events, &kinds).unwrap();
    assert_eq!((again.state, again.delivered, again.compared, again.due_ms), ("packing", false, false, None));
}

#[test]
fn a_reopened_box_is_being_packed_again() {
    let mut events = whole_way()[..2].to_vec();
    events.push(event(1, 61, What::Reopened, "CTC-1", None, 12));
    assert_eq!(view(&events, &kinds).unwrap().state, "packing");
}

#[test]
fn a_box_that_goes_from_van_to_van_is_in_the_second() {
    let mut events = whole_way()[..5].to_vec();
    events.push(event(2, 9, What::HandedOver, "VAN-1", Some("VAN-2"), 30));
    events.push(event(4, 3, What::Received, "VAN-2", Some("VAN-1"), 30));
    let view = view(&events, &kinds).unwrap();
    assert_eq!((view.state, view.holder.as_str()), ("carried", "VAN-2"));
}

#[test]
fn a_handover_pairs_with_its_receipt_and_with_nothing_else() {
    let way = whole_way();
    assert_eq!(unpaired(&way), []);
    let without_receipt: Vec<_> = way.iter().filter(|event| event.journal != 2).cloned().collect();
    let alone = unpaired(&without_receipt);
    assert_eq!(alone.len(), 2);
    assert!(alone.iter().any(|end| end.given && end.giver == "CTC-1" && end.taker == "VAN-1"));
    assert!(alone.iter().any(|end| !end.given && end.giver == "VAN-1" && end.taker == "LAB-1"));
}

#[test]
fn of_two_rounds_only_the_handover_without_receipt_is_unpaired() {
    let mut events = whole_way();
    events.push(event(1, 200, What::Started, "CTC-1", None, 600));
    events.push(event(1, 250, What::HandedOver, "CTC-1", Some("VAN-1"), 620));
    let alone = unpaired(&events);
    assert_eq!(alone.iter().map(|end| end.seq).collect::<Vec<_>>(), [250]);
}
