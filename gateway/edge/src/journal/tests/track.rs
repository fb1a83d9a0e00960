//! The track is bounded: the oldest positions go first, and a record says which.

use waypost_core::fact::{Record, Stream};

use super::*;
use crate::journal::{Acknowledged, Position, Reader};

fn dropped(reader: &Reader) -> Vec<(u64, u64)> {
    let lines = reader.lines(Stream::Ledger, 0, 1000, usize::MAX).unwrap();
    let facts = lines.iter().map(|line| Record::from_line(&line.line).unwrap().fact);
    facts
        .filter_map(|fact| match fact {
            Fact::TrackDropped { first, last } => Some((first, last)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_oldest_positions_go_at_the_bound_and_a_record_names_them() {
    let dir = TempDir::new().unwrap();
    let mut engine = engine(&dir);
    for _ in 0..103 {
        engine.position(r#"{"lat":22.3,"lon":114.2}"#);
        engine.group(&[]).unwrap();
    }
    let reader = Reader::open(dir.path()).unwrap();
    let lines = reader.lines(Stream::Track, 0, 1000, usize::MAX).unwrap();
    assert!(lines.len() <= 100, "{} positions", lines.len());
    let dropped = dropped(&reader);
    assert_eq!(dropped.first().map(|range| range.0), Some(1));
    assert_eq!(dropped.last().map(|range| range.1 + 1), Some(lines[0].seq), "{dropped:?}");
    assert_eq!(lines.last().map(|line| line.seq), Some(103));
    let position: Position = serde_json::from_str(&lines[0].line).unwrap();
    assert_eq!((position.seq, position.fix.get()), (lines[0].seq, r#"{"lat":22.3,"lon":114.2}"#));
}

#[test]
fn positions_that_the_hub_has_go_without_a_record() {
    let dir = TempDir::new().unwrap();
    let mut writer = engine(&dir);
    for _ in 0..90 {
        writer.position("{}");
    }
    writer.group(&[]).unwrap();
    let tail = writer.tail();
    let ack = Acknowledged {
        epoch: 1,
        time: WallTime(0),
        journal: JOURNAL,
        held: 0,
        safe: 0,
        link: waypost_core::fact::Link::START,
        track_held: tail.track_last,
    };
    assert_eq!(writer.acknowledge(ack), Ok(true));
    for _ in 0..90 {
        writer.position("{}");
    }
    writer.group(&[]).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(dropped(&reader), []);
    assert_eq!(reader.last(Stream::Track).unwrap(), 180);
    drop(writer);
    // A number is not used again, whatever went.
    let mut next = engine(&dir);
    next.position("{}");
    next.group(&[]).unwrap();
    assert_eq!(reader.last(Stream::Track).unwrap(), 181);
}

#[tokio::test]
async fn a_position_is_written_without_any_request() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(&dir);
    let mut tail = writer.watch_tail();
    writer.note_fix(r#"{"lat":1.0}"#.to_owned()).await;
    writer.note_fix("not JSON".to_owned()).await;
    tail.wait_for(|tail| tail.track_last == 1).await.unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.lines(Stream::Track, 0, 10, usize::MAX).unwrap().len(), 1);
}
