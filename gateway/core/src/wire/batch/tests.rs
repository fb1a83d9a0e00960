use proptest::prelude::*;

use super::*;
use crate::wire::{keys::Seed, lost::Lost, upload::Upload};

const JOURNAL: Uuid = Uuid::from_bytes([3; 16]);

fn key() -> SignKey {
    SignKey::new("gate-1", &Seed::from_bytes([7; 32])).unwrap()
}

fn open(bytes: &[u8]) -> Result<Batch, OpenError> {
    Batch::open(bytes, |name| (name == "gate-1").then(|| key().public()))
}

/// Lines with numbers from `first` on and their links.
fn chain(first: u64, texts: &[String]) -> (Link, Vec<LineIn<'_>>) {
    let before = Link::START.after(b"what came before");
    let mut link = before;
    let lines = texts.iter().zip(first..).map(|(line, seq)| {
        link = link.after(line.as_bytes());
        LineIn { seq, line, link }
    });
    (before, lines.collect())
}

fn pack(first: u64, texts: &[String], bytes_max: usize) -> Packed {
    let (before, lines) = chain(first, texts);
    Packer::new().unwrap().pack(&key(), JOURNAL, Stream::Ledger, before, &lines, bytes_max).unwrap()
}

/// Signs a header and a body that no packer would make.
fn forge(header: &Header, body: Vec<u8>) -> Vec<u8> {
    sign::sign(&key(), Kind::Batch, bytes::to_cbor(&(header, Bytes(body))).unwrap()).unwrap()
}

fn header(first: u64, last: u64, text_bytes: usize) -> Header {
    Header {
        journal: JOURNAL,
        stream: Stream::Ledger,
        first,
        last,
        before: Link::START,
        after: Link::START,
        compression: Compression::Zstd,
        text_bytes: text_bytes as u64,
        steps: None,
    }
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(text, 3).unwrap()
}

#[test]
fn what_is_packed_opens_with_numbers_lines_and_chain() {
    let texts: Vec<_> = (0..50).map(|n| format!("{{\"seq\":{n}}}")).collect();
    let packed = pack(7, &texts, BATCH_BYTES_MAX);
    assert_eq!(packed.taken, 50);
    let batch = open(&packed.bytes).unwrap();
    assert_eq!((batch.first, batch.last, batch.count(), batch.journal), (7, 56, 50, JOURNAL));
    let expected: Vec<_> = (7..).zip(texts.iter().map(String::as_str)).collect();
    assert_eq!(batch.lines().collect::<Vec<_>>(), expected);
    let (_, lines) = chain(7, &texts);
    assert_eq!(batch.links().unwrap(), lines.iter().map(|line| line.link).collect::<Vec<_>>());
    assert_eq!(packed, pack(7, &texts, BATCH_BYTES_MAX), "the same records give the same bytes");
}

#[test]
fn a_chain_that_does_not_lead_to_its_end_is_told() {
    let body = zstd(b"{\"seq\":1}");
    let batch = open(&forge(&header(1, 1, 9), body)).unwrap();
    assert_eq!(batch.links(), Err(BrokenChain { first: 1, last: 1 }));
}

#[test]
fn a_track_keeps_its_gaps() {
    let lines = [3, 4, 9, 200].map(|seq| LineIn { seq, line: "{\"lat\":22.3}", link: Link::START });
    let mut packer = Packer::new().unwrap();
    let packed = packer.pack(&key(), JOURNAL, Stream::Track, Link::START, &lines, BATCH_BYTES_MAX).unwrap();
    let batch = open(&packed.bytes).unwrap();
    assert_eq!((batch.count(), batch.last), (4, 200));
    assert_eq!(batch.lines().map(|(seq, _)| seq).collect::<Vec<_>>(), [3, 4, 9, 200]);
    let again = [3, 3].map(|seq| LineIn { seq, line: "{}", link: Link::START });
    assert!(matches!(
        packer.pack(&key(), JOURNAL, Stream::Track, Link::START, &again, BATCH_BYTES_MAX),
        Err(PackError::Order(3))
    ));
}

#[test]
fn a_ledger_has_no_gaps() {
    let lines = [3, 5].map(|seq| LineIn { seq, line: "{}", link: Link::START });
    let mut packer = Packer::new().unwrap();
    assert!(matches!(
        packer.pack(&key(), JOURNAL, Stream::Ledger, Link::START, &lines, BATCH_BYTES_MAX),
        Err(PackError::Order(5))
    ));
}

#[test]
fn what_does_not_fit_is_left_for_the_next_batch() {
    // Lines that do not compress: numbers from a small generator.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        format!("{:08x}", state >> 32)
    };
    let texts: Vec<_> = (0..1000).map(|_| (0..50).map(|_| noise()).collect::<String>()).collect();
    let packed = pack(1, &texts, BATCH_BYTES_MAX);
    assert!(packed.taken < texts.len() && packed.taken > 100, "{} taken", packed.taken);
    assert!(packed.bytes.len() <= BATCH_BYTES_MAX);
    assert!(open(&packed.bytes).unwrap().links().is_ok());
    let small = pack(1, &texts, 2048);
    assert!(small.bytes.len() <= 2048 && small.taken >= 1);
    let (before, lines) = chain(1, &texts);
    let packed = Packer::new().unwrap().pack(&key(), JOURNAL, Stream::Ledger, before, &lines, 300);
    assert!(matches!(packed, Err(PackError::NoRoom(300))));
}

#[test]
fn a_line_that_would_break_the_batch_is_refused() {
    for line in ["", "a\nb", &"x".repeat(LINE_BYTES_MAX + 1)] {
        let lines = [LineIn { seq: 1, line, link: Link::START }];
        let packed = Packer::new().unwrap().pack(
            &key(),
            JOURNAL,
            Stream::Ledger,
            Link::START,
            &lines,
            BATCH_BYTES_MAX,
        );
        assert!(matches!(packed, Err(PackError::Line(1))));
    }
}

#[test]
fn a_header_that_lies_is_refused() {
    let text = b"{\"seq\":1}\n{\"seq\":2}";
    assert!(open(&forge(&header(1, 2, text.len()), zstd(text))).is_ok());
    let lies = [
        header(1, 1, text.len()),
        header(1, 3, text.len()),
        header(2, 1, text.len()),
        header(0, 1, text.len()),
        header(0, u64::MAX, text.len()),
        header(1, 2, text.len() - 1),
        header(1, 2, text.len() + 1),
        header(1, 2, usize::MAX),
        Header { steps: Some(vec![1]), ..header(1, 2, text.len()) },
        Header { stream: Stream::Track, ..header(1, 2, text.len()) },
        Header { stream: Stream::Track, steps: Some(vec![0]), ..header(1, 1, text.len()) },
        Header { stream: Stream::Track, steps: Some(vec![u64::MAX]), ..header(1, 0, text.len()) },
        Header { stream: Stream::Track, steps: Some(vec![5]), ..header(1, 2, text.len()) },
    ];
    for (at, lie) in lies.iter().enumerate() {
        assert!(matches!(open(&forge(lie, zstd(text))), Err(OpenError::Content(_))), "lie {at}");
    }
    assert!(matches!(open(&forge(&header(1, 2, text.len()), text.to_vec())), Err(OpenError::Content(_))));
    assert!(matches!(open(&forge(&header(1, 1, 2), zstd(&[0xff, 0xfe]))), Err(OpenError::Content(_))));
}

#[test]
fn a_bomb_is_not_unpacked_beyond_what_the_header_may_name() {
    let bomb = zstd(&vec![b'x'; 256 * 1024 * 1024]);
    assert!(bomb.len() < 32 * 1024);
    for claimed in [10, TEXT_BYTES_MAX, TEXT_BYTES_MAX + 1, 256 * 1024 * 1024] {
        let opened = open(&forge(&header(1, 1, claimed), bomb.clone()));
        assert!(matches!(opened, Err(OpenError::Content(_))), "{claimed}");
    }
}

#[test]
fn too_many_lines_are_refused() {
    let text = vec!["x"; LINES_MAX + 1].join("\n");
    let forged = forge(&header(1, LINES_MAX as u64 + 1, text.len()), zstd(text.as_bytes()));
    assert!(matches!(open(&forged), Err(OpenError::Content(_))));
}

#[test]
fn a_stream_takes_batches_and_losses_and_tells_them_apart() {
    let packed = pack(1, &["{}".to_owned()], BATCH_BYTES_MAX);
    let upload = Upload::open(&packed.bytes, |_| Some(key().public())).unwrap();
    assert!(matches!(upload, Upload::Batch(_)));
    assert_eq!((upload.gateway(), upload.stream()), ("gate-1", (JOURNAL, Stream::Ledger)));
    let lost = Lost {
        journal: JOURNAL,
        stream: Stream::Ledger,
        first: 1,
        last: 1,
        before: Link::START,
        after: Link::START,
        why: crate::wire::lost::LostReason::Damaged,
    };
    let bytes = lost.sign(&key()).unwrap();
    assert_eq!(
        Upload::open(&bytes, |_| Some(key().public())),
        Ok(Upload::Lost { gateway: "gate-1".into(), lost })
    );
    assert_eq!(open(&bytes), Err(OpenError::Kind));
}

proptest! {
    #[test]
    fn a_round_trip_changes_nothing(
        first in 1..u64::MAX / 2,
        texts in proptest::collection::vec("[ -~\u{4e00}-\u{4fff}]{1,200}", 1..60),
    ) {
        let packed = pack(first, &texts, BATCH_BYTES_MAX);
        let batch = open(&packed.bytes).unwrap();
        prop_assert_eq!(batch.lines().map(|(_, line)| line.to_owned()).collect::<Vec<_>>(), texts);
        prop_assert!(batch.links().is_ok());
    }

    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = pack(1, &["{\"seq\":1}".to_owned(), "{\"seq\":2}".to_owned()], BATCH_BYTES_MAX).bytes;
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(open(&bytes).is_err());
    }

    #[test]
    fn no_signed_content_makes_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        for kind in [Kind::Batch, Kind::Lost] {
            let bytes = sign::sign(&key(), kind, payload.clone()).unwrap();
            let _ = Upload::open(&bytes, |_| Some(key().public()));
        }
    }

    #[test]
    fn no_header_makes_it_panic(
        first in any::<u64>(),
        last in any::<u64>(),
        size in any::<u64>(),
        steps in proptest::option::of(proptest::collection::vec(any::<u64>(), 0..5)),
        track in any::<bool>(),
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let stream = if track { Stream::Track } else { Stream::Ledger };
        let header = Header { stream, text_bytes: size, steps, ..header(first, last, 0) };
        if let Ok(batch) = open(&forge(&header, body)) {
            prop_assert_eq!(batch.lines().count(), batch.count());
        }
    }
}
