use proptest::prelude::*;

use super::*;
use crate::wire::keys::{ORDER_KEY_NAME, Seed};

fn key(byte: u8) -> SignKey {
    SignKey::new(ORDER_KEY_NAME, &Seed::from_bytes([byte; 32])).unwrap()
}

fn like(id: &str, number: u64) -> PartHeader {
    PartHeader::like("staff", id, (1, number))
}

fn whole(bytes: usize, salt: u8) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8 ^ salt).collect()
}

fn parts(whole: &[u8], number: u64, message_bytes_max: usize) -> Vec<Part> {
    let messages = cut(whole, &like("-", number), message_bytes_max, &key(1)).unwrap();
    assert!(messages.iter().all(|message| message.len() <= message_bytes_max.max(MESSAGE_BYTES_MIN)));
    messages.iter().map(|message| Part::open(message, &[key(1).public()]).unwrap()).collect()
}

fn join(joiner: &mut Joiner, parts: impl IntoIterator<Item = Part>) -> Option<Vec<u8>> {
    parts.into_iter().fold(None, |found, part| joiner.take(part).unwrap().or(found))
}

proptest! {
    #[test]
    fn parts_in_any_order_with_repeats_give_the_whole_again(
        bytes in 1usize..50_000,
        message_bytes_max in 0usize..70_000,
        turn in any::<prop::sample::Index>(),
        again in any::<prop::sample::Index>(),
    ) {
        let whole = whole(bytes, 7);
        let mut parts = parts(&whole, 1, message_bytes_max);
        let turn = turn.index(parts.len());
        parts.rotate_left(turn);
        let repeat = parts[again.index(parts.len())].clone();
        parts.insert(0, repeat);
        let mut joiner = Joiner::default();
        // A repeat that comes behind the whole begins it again.
        prop_assert_eq!(join(&mut joiner, parts), Some(whole));
        prop_assert!(joiner.len() <= 1);
    }
}

#[test]
fn nothing_is_given_while_a_part_is_missing() {
    let whole = whole(300_000, 1);
    let parts = parts(&whole, 1, PART_BYTES_MAX);
    assert!(parts.len() > 3);
    for missing in 0..parts.len() {
        let mut joiner = Joiner::default();
        let others = parts.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, part)| part.clone());
        assert_eq!(join(&mut joiner, others), None);
        assert_eq!(joiner.take(parts[missing].clone()), Ok(Some(whole.clone())));
    }
}

#[test]
fn parts_of_different_versions_never_mix() {
    let (old, new) = (whole(200_000, 1), whole(200_000, 2));
    let (old_parts, new_parts) = (parts(&old, 1, PART_BYTES_MAX), parts(&new, 2, PART_BYTES_MAX));
    let mut joiner = Joiner::default();
    assert_eq!(join(&mut joiner, old_parts[..2].iter().cloned()), None);
    // The newer version takes the older one's place, and the older one does not come back into it.
    assert_eq!(join(&mut joiner, new_parts[2..].iter().cloned()), None);
    assert_eq!(joiner.take(old_parts[0].clone()), Err(JoinError::Older));
    assert_eq!(join(&mut joiner, new_parts[..2].iter().cloned()), Some(new));
    // The same version signed anew, with other bytes, is another whole.
    let again = parts(&whole(200_000, 3), 1, PART_BYTES_MAX);
    let mixed = old_parts[..2].iter().chain(&again[2..]).cloned();
    assert_eq!(join(&mut joiner, mixed), None);
}

#[test]
fn a_part_that_is_cut_short_foreign_or_tampered_with_is_not_opened() {
    let message = cut(&whole(100_000, 1), &like("-", 1), PART_BYTES_MAX, &key(1)).unwrap().remove(0);
    let keys = [key(1).public()];
    assert!(Part::open(&message, &keys).is_ok());
    for end in [0, 1, 10, message.len() / 2, message.len() - 1] {
        assert!(Part::open(&message[..end], &keys).is_err(), "cut at {end}");
    }
    assert_eq!(Part::open(&message, &[key(2).public()]), Err(OpenError::Signature));
    assert!(matches!(Part::open(&message, &[]), Err(OpenError::UnknownKey(_))));
    for at in (0..message.len()).step_by(997) {
        let mut bad = message.clone();
        bad[at] ^= 1;
        assert!(Part::open(&bad, &keys).is_err(), "flipped at {at}");
    }
    let mut long = message.clone();
    long.resize(PART_BYTES_MAX + 1, 0);
    assert!(matches!(Part::open(&long, &keys), Err(OpenError::TooLong { .. })));
}

#[test]
fn a_signed_header_that_cannot_be_is_refused() {
    let good = PartHeader { part: 2, parts: 3, bytes: 30, digest: "0".repeat(64), ..like("-", 1) };
    let open = |header: &PartHeader, data: usize| {
        let payload = bytes::to_cbor(&(header, Bytes(vec![0; data]))).unwrap();
        Part::open(&sign::sign(&key(1), Kind::Part, payload).unwrap(), &[key(1).public()])
    };
    assert!(open(&good, 10).is_ok());
    assert!(open(&good, 9).is_err() && open(&good, 11).is_err() && open(&good, 0).is_err());
    for bad in [
        PartHeader { part: 0, ..good.clone() },
        PartHeader { part: 4, ..good.clone() },
        PartHeader { parts: 0, ..good.clone() },
        PartHeader { parts: u32::MAX, bytes: u64::MAX, ..good.clone() },
        PartHeader { bytes: u64::MAX, ..good.clone() },
        PartHeader { bytes: 0, ..good.clone() },
        PartHeader { parts: 6, bytes: 10, ..good.clone() },
        PartHeader { digest: "0".repeat(63), ..good.clone() },
        PartHeader { digest: "G".repeat(64), ..good.clone() },
        PartHeader { kind: String::new(), ..good.clone() },
        PartHeader { id: "i".repeat(300), ..good.clone() },
    ] {
        for data in [0, 2, 10] {
            assert!(open(&bad, data).is_err(), "{bad:?}");
        }
    }
}

#[test]
fn memory_for_parts_is_bounded() {
    let mut joiner = Joiner::default();
    for number in 0..100 {
        let id = format!("order-{number}");
        let message = &cut(&whole(ORDER_BYTES_MAX, 1), &like(&id, 1), PART_BYTES_MAX, &key(1)).unwrap()[0];
        let part = Part::open(message, &[key(1).public()]).unwrap();
        assert_eq!(joiner.take(part), Ok(None));
        assert!(joiner.len() <= JOINING_MAX && joiner.bytes() <= JOINING_BYTES_MAX);
    }
    let too_long = &cut(&whole(ORDER_BYTES_MAX + 1, 1), &like("-", 1), PART_BYTES_MAX, &key(1)).unwrap()[0];
    let part = Part::open(too_long, &[key(1).public()]).unwrap();
    assert!(matches!(joiner.take(part), Err(JoinError::TooLong { .. })));
}

#[test]
fn parts_that_do_not_add_up_are_refused() {
    let mut parts = parts(&whole(100_000, 1), 1, PART_BYTES_MAX);
    parts[0].data[5] ^= 1;
    let mut joiner = Joiner::default();
    let outcomes: Vec<_> = parts.into_iter().map(|part| joiner.take(part)).collect();
    assert_eq!(outcomes.last(), Some(&Err(JoinError::Digest)));
    assert!(joiner.is_empty());
}

#[test]
fn a_parts_topic_is_told_from_a_wholes() {
    let whole = "waypost/v1/all/order/staff/-";
    assert_eq!(topic(whole, 3), "waypost/v1/all/order/staff/-/part/3");
    assert!(is_topic(&topic(whole, 3)) && !is_topic(whole));
    assert!(!is_topic("waypost/v1/post-1/order/part") && !is_topic("waypost/v1/all/order/campaign/part/x"));
}
