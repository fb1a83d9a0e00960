use sha2::{Digest, Sha256};
use waypost_core::{
    fact::id::RoundId,
    filter,
    rule::{MemoryLedger, elsewhere::PieceEntry, ledger::store},
    wire::{
        keys::{ORDER_KEY_NAME, Seed, SignKey},
        part::{self, PART_BYTES_MAX},
    },
};

use super::*;

fn token(n: u64) -> ClaimToken {
    ClaimToken(*Sha256::digest(n.to_le_bytes()).first_chunk().unwrap())
}

fn tokens(range: std::ops::Range<u64>) -> Vec<u8> {
    filter::build(range.map(token)).unwrap()
}

fn key() -> SignKey {
    SignKey::new(ORDER_KEY_NAME, &Seed::from_bytes([1; 32])).unwrap()
}

/// A piece's parts, of at most so many bytes each.
fn parts(piece: &[u8], number: u64, message_bytes_max: usize) -> Vec<Part> {
    let like = PartHeader::like("piece", "masks.r1", (1, number));
    let cut = part::cut(piece, &like, message_bytes_max, &key()).unwrap();
    cut.iter().map(|message| Part::open(message, &[key().public()]).unwrap()).collect()
}

fn list(as_of: i64, pieces: &[&[u8]]) -> FilterList {
    let entry = |piece: &&[u8]| PieceEntry { digest: part::digest(piece), bytes: piece.len() as u64 };
    FilterList {
        campaign: CampaignId::new("masks").unwrap(),
        round: RoundId::new("r1").unwrap(),
        as_of: WallTime(as_of),
        pieces: pieces.iter().map(entry).collect(),
    }
}

fn files(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join(FILTERS_DIR)) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn hit(filters: &Filters, n: u64) -> Option<bool> {
    let said = filters.ask(&CampaignId::new("masks").unwrap(), token(n));
    assert!(said.len() <= 1);
    said.first().map(|says| says.hit)
}

/// Takes all parts of a piece.
fn take(filters: &Filters, parts: impl IntoIterator<Item = Part>) -> usize {
    parts.into_iter().map(|part| filters.take(&part).unwrap().len()).sum()
}

#[test]
fn a_filter_is_asked_once_all_its_pieces_are_here_and_its_list_is_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    let (base, delta) = (tokens(0..70_000), tokens(80_000..80_010));
    let (first, both) = (list(1, &[&base]), list(2, &[&base, &delta]));
    assert_eq!(hit(&filters, 5), None, "nothing is known");
    assert!(!filters.is_whole(&first, (1, 1), b"first"));
    let mut of_base = parts(&base, 1, PART_BYTES_MAX);
    assert!(of_base.len() > 2);
    of_base.reverse();
    let last = of_base.pop().unwrap();
    assert_eq!(take(&filters, of_base.clone()), 0);
    assert_eq!(files(dir.path()), [format!("{}.joining", part::digest(&base))]);
    // With the last part the list that waited can be taken, and repeats change nothing.
    assert_eq!(filters.take(&last).unwrap(), [b"first".to_vec()]);
    assert_eq!(take(&filters, of_base), 0);
    assert_eq!(hit(&filters, 5), None, "not in force yet");
    assert!(filters.is_whole(&first, (1, 1), b"first"));
    filters.bring_into_force(first, (1, 1));
    assert_eq!((hit(&filters, 5), hit(&filters, 80_005)), (Some(true), Some(false)));
    // A newer list needs its delta; until then the old one is asked.
    assert!(!filters.is_whole(&both, (1, 2), b"both"));
    assert_eq!(hit(&filters, 80_005), Some(false));
    assert_eq!(take(&filters, parts(&delta, 2, PART_BYTES_MAX)), 1);
    filters.bring_into_force(both.clone(), (1, 2));
    assert_eq!((hit(&filters, 5), hit(&filters, 80_005)), (Some(true), Some(true)));
    assert_eq!(filters.as_of("masks.r1"), Some(WallTime(2)));
    // After a start it is the same.
    let mut ledger = MemoryLedger::default();
    store(&mut ledger, "masks.r1", FilterRow { as_of: both.as_of, list: both }).unwrap();
    store(&mut ledger, "filter/masks.r1", OrderRow { epoch: 1, number: 2 }).unwrap();
    let again = Filters::new(dir.path());
    again.load(&ledger).unwrap();
    assert_eq!(
        (hit(&again, 5), hit(&again, 80_005), hit(&again, 99_999)),
        (Some(true), Some(true), Some(false))
    );
}

#[test]
fn a_new_base_takes_the_place_of_the_old_pieces_on_the_card() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    let (base, delta, new) = (tokens(0..100), tokens(100..110), tokens(0..200));
    take(&filters, [parts(&base, 1, PART_BYTES_MAX), parts(&delta, 2, PART_BYTES_MAX)].concat());
    filters.bring_into_force(list(2, &[&base, &delta]), (1, 2));
    // The pieces of the newer list come before it, and the older list once more.
    take(&filters, parts(&new, 3, PART_BYTES_MAX));
    filters.bring_into_force(list(2, &[&base, &delta]), (1, 2));
    assert_eq!(files(dir.path()).len(), 3);
    filters.bring_into_force(list(3, &[&new]), (1, 3));
    assert_eq!(files(dir.path()), [part::digest(&new)]);
    assert_eq!(hit(&filters, 150), Some(true));
    // What the broker still keeps of the replaced ones is not written again, and their list is not asked again.
    take(&filters, parts(&delta, 2, PART_BYTES_MAX));
    filters.bring_into_force(list(2, &[&base, &delta]), (1, 2));
    assert_eq!(files(dir.path()), [part::digest(&new)]);
    assert_eq!(filters.as_of("masks.r1"), Some(WallTime(3)));
}

#[test]
fn a_piece_that_was_changed_on_the_card_is_not_asked_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    let base = tokens(0..1_000);
    take(&filters, parts(&base, 1, PART_BYTES_MAX));
    let mut ledger = MemoryLedger::default();
    let of_base = list(1, &[&base]);
    store(&mut ledger, "masks.r1", FilterRow { as_of: of_base.as_of, list: of_base.clone() }).unwrap();
    store(&mut ledger, "filter/masks.r1", OrderRow { epoch: 1, number: 1 }).unwrap();
    let path = dir.path().join(FILTERS_DIR).join(part::digest(&base));
    for damage in 0..3 {
        let mut bytes = base.clone();
        match damage {
            0 => bytes[500] ^= 1,
            1 => bytes.truncate(700),
            _ => bytes.clear(),
        }
        fs::write(&path, &bytes).unwrap();
        let filters = Filters::new(dir.path());
        filters.load(&ledger).unwrap();
        assert_eq!(hit(&filters, 5), None);
        // It comes again, as the broker retains it, and the list with it.
        assert!(!filters.is_whole(&of_base, (1, 1), b"again"));
        assert_eq!(take(&filters, parts(&base, 1, PART_BYTES_MAX)), 1);
        filters.bring_into_force(of_base.clone(), (1, 1));
        assert_eq!(hit(&filters, 5), Some(true));
    }
    // One that is gone or cut short while the gateway runs is not asked either.
    fs::write(&path, &base[..100]).unwrap();
    assert_eq!(hit(&filters, 5), None);
}

#[test]
fn what_is_no_piece_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    let junk: Vec<u8> = (0..100_000u32).map(|at| at as u8).collect();
    let outcomes: Vec<_> =
        parts(&junk, 1, PART_BYTES_MAX).iter().map(|part| filters.take(part).is_ok()).collect();
    assert_eq!(outcomes, [true, false]);
    let mut tampered = parts(&tokens(0..50_000), 1, PART_BYTES_MAX);
    tampered[0].data[50] ^= 1;
    let outcomes: Vec<_> = tampered.iter().map(|part| filters.take(part)).collect();
    assert!(matches!(outcomes.last(), Some(Err(PieceError::Digest))));
    assert!(files(dir.path()).is_empty());
}

#[test]
fn room_for_pieces_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    for n in 0..3 * JOINING_MAX as u64 {
        let piece = tokens(10_000 * n..10_000 * n + 2_000);
        let first = parts(&piece, n, 4_000).swap_remove(0);
        filters.take(&first).unwrap();
        assert!(files(dir.path()).len() <= JOINING_MAX);
    }
    let mut part = parts(&tokens(0..2_000), 1, 4_000).swap_remove(0);
    part.header.bytes = filter::PIECE_BYTES_MAX + 1;
    assert!(matches!(filters.take(&part), Err(PieceError::Filter(FilterError::TooLong))));
}

#[test]
fn the_same_piece_cut_anew_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let filters = Filters::new(dir.path());
    let piece = tokens(0..20_000);
    let (long, short) = (parts(&piece, 1, PART_BYTES_MAX / 2), parts(&piece, 1, 10_000));
    assert!(long.len() > 1 && short.len() > long.len());
    filters.take(&long[0]).unwrap();
    take(&filters, short);
    filters.bring_into_force(list(1, &[&piece]), (1, 1));
    assert_eq!(hit(&filters, 19_999), Some(true));
}
