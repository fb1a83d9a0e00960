//! What was signed by an earlier version opens for good: journals lie on cards for months before they are sent, and
//! orders lie in folders. The files under `wire/` were written once by the first version and are never written again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

use uuid::Uuid;
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        Link, Stream, WallTime,
        id::{CampaignId, RoundId, SiteId},
    },
    filter,
    rule::{
        elsewhere::{HubSays, ServedElsewhere},
        order::{Order, OrderDocument},
    },
    wire::{
        ack::{Ack, LedgerAck, TrackAck},
        ask::{Answer, Ask},
        batch::Batch,
        express::Express,
        keys::{Seed, SignKey},
        lost::{Lost, LostReason},
        order,
        part::{Part, PartHeader},
        upload::Upload,
    },
};

const JOURNAL: Uuid = Uuid::from_bytes([3; 16]);
const LINES: [&str; 2] = ["{\"seq\":1,\"fact\":{}}", "{\"seq\":2,\"fact\":{\"box\":\"香港\"}}"];

fn gateway() -> SignKey {
    SignKey::new("gate-1", &Seed::from_bytes([7; 32])).unwrap()
}

fn hub() -> SignKey {
    SignKey::new("hub", &Seed::from_bytes([8; 32])).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| Some(c.to_digit(16)? as u8)).collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

fn links() -> [Link; 2] {
    let first = Link::START.after(LINES[0].as_bytes());
    [first, first.after(LINES[1].as_bytes())]
}

fn lost() -> Lost {
    let [before, after] = links();
    let (stream, why) = (Stream::Ledger, LostReason::Damaged);
    Lost { journal: JOURNAL, stream, first: 2, last: 2, before, after, why }
}

fn ack() -> Ack {
    let ledger = LedgerAck { held: 2, safe: 1, link: links()[1] };
    let time = WallTime(1_599_091_262_345);
    Ack { epoch: 4, time, journal: JOURNAL, ledger, track: TrackAck { held: 9 } }
}

fn express() -> Express {
    Express { journal: JOURNAL, seq: 2, line: LINES[1].to_owned() }
}

fn staff() -> OrderDocument {
    let order = Order::Staff { people: Vec::new() };
    OrderDocument {
        id: "-".into(),
        epoch: 1,
        number: 2,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order,
    }
}

fn assert_batch(batch: &Batch, stream: Stream, numbers: [u64; 2]) {
    assert_eq!((batch.gateway.as_str(), batch.journal, batch.stream), ("gate-1", JOURNAL, stream));
    assert_eq!(batch.lines().collect::<Vec<_>>(), numbers.into_iter().zip(LINES).collect::<Vec<_>>());
}

#[test]
fn a_ledger_batch_opens() {
    let bytes = unhex(include_str!("wire/ledger.hex"));
    let batch = Batch::open(&bytes, |_| Some(gateway().public())).unwrap();
    assert_batch(&batch, Stream::Ledger, [1, 2]);
    assert_eq!(batch.links().unwrap(), links());
}

#[test]
fn a_track_batch_opens() {
    let bytes = unhex(include_str!("wire/track.hex"));
    assert_batch(&Batch::open(&bytes, |_| Some(gateway().public())).unwrap(), Stream::Track, [5, 9]);
}

#[test]
fn a_declaration_of_loss_opens() {
    let opened = Upload::open(&unhex(include_str!("wire/lost.hex")), |_| Some(gateway().public())).unwrap();
    assert_eq!(opened, Upload::Lost { gateway: "gate-1".into(), lost: lost() });
}

#[test]
fn an_acknowledgement_opens() {
    assert_eq!(Ack::open(&unhex(include_str!("wire/ack.hex")), &hub().public()), Ok(ack()));
}

#[test]
fn an_express_copy_opens() {
    let opened = Express::open(&unhex(include_str!("wire/express.hex")), |_| Some(gateway().public()));
    assert_eq!(opened, Ok(("gate-1".into(), express())));
}

#[test]
fn an_order_opens() {
    assert_eq!(order::open(&unhex(include_str!("wire/order.hex")), &[hub().public()]), Ok(staff()));
}

fn part() -> Part {
    let (kind, id) = ("piece".to_owned(), "masks.r1".to_owned());
    let digest = "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0".to_owned();
    let header = PartHeader { kind, id, epoch: 1, number: 7, part: 1, parts: 1, bytes: 3, digest };
    Part { header, data: b"aaa".to_vec() }
}

fn ask() -> Ask {
    let (campaign, claim) = (CampaignId::new("masks").unwrap(), ClaimToken([5; 16]));
    Ask { id: "0123456789abcdef".repeat(2), journal: JOURNAL, campaign, claim }
}

fn answer() -> Answer {
    let (round, site) = (RoundId::new("r1").unwrap(), SiteId::new("SITE-2").unwrap());
    let served = vec![ServedElsewhere { round, site, at: WallTime(1_599_091_000_000) }];
    Answer { id: ask().id, time: WallTime(1_599_091_262_345), says: HubSays { served } }
}

#[test]
fn a_part_of_an_order_or_a_filter_opens() {
    assert_eq!(Part::open(&unhex(include_str!("wire/part.hex")), &[hub().public()]), Ok(part()));
}

#[test]
fn a_question_and_its_answer_open() {
    let opened = Ask::open(&unhex(include_str!("wire/ask.hex")), |_| Some(gateway().public()));
    assert_eq!(opened.map(|(_, ask)| ask), Ok(ask()));
    assert_eq!(Answer::open(&unhex(include_str!("wire/answer.hex")), &[hub().public()]), Ok(answer()));
}

#[test]
fn a_piece_of_a_filter_is_asked() {
    let piece = unhex(include_str!("wire/piece.hex"));
    let holds = |n: u8| filter::contains(&piece, ClaimToken([n; 16])).unwrap();
    assert!((0..20).all(holds));
    assert!(!(20..=255).any(holds));
}
