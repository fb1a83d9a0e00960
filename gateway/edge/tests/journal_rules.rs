//! The journal with the rules of the core: what it keeps is what the rules come to in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is wrong"
)]

#[allow(dead_code, reason = "the benchmark uses the rest")]
#[path = "../benches/journal/day.rs"]
mod day;

use std::collections::BTreeMap;

use futures_util::StreamExt;
use waypost_core::{
    fact::Stream,
    rule::{Ledger, RowKind},
};
use waypost_edge::journal::{Reader, Verdict, open, verify};

/// The kinds of rows that a testing centre's work leaves. A seal's row has the time in it and is left out.
const KINDS: [RowKind; 5] = [RowKind::Desk, RowKind::Tube, RowKind::Box, RowKind::Staff, RowKind::Order];

/// A row without the time at which its shift began: the disk's clock goes on while the model's stands.
fn timeless(body: &str) -> serde_json::Value {
    let mut row: serde_json::Value = serde_json::from_str(body).unwrap();
    if let Some(row) = row.as_object_mut() {
        row.remove("opened");
    }
    row
}

#[tokio::test]
async fn the_ledger_on_the_disk_is_the_one_that_the_rules_come_to_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let day = day::testing_centre(120);
    let (writer, _) = open(day.config(dir.path())).unwrap();
    // Many at once, so that groups of all sizes come about.
    let requests = day.setup.iter().chain(&day.steps).map(|step| step.request.clone());
    let verdicts: Vec<Verdict> = tokio::task::unconstrained(
        futures_util::stream::iter(requests).map(|request| writer.ask(request)).buffered(100).collect(),
    )
    .await;
    let steps = day.setup.iter().chain(&day.steps);
    let mut rows = BTreeMap::new();
    for (step, verdict) in steps.zip(&verdicts) {
        assert!(
            matches!(verdict, Verdict::Granted { first, .. } if *first == step.lines[0].0),
            "{:?}: {verdict:?}",
            step.request
        );
        for put in &step.puts {
            rows.insert((put.kind, put.id.clone()), put.body.clone());
        }
    }
    let reader = Reader::open(dir.path()).unwrap();
    for kind in KINDS {
        let expected: Vec<(&String, &String)> = rows
            .range((kind as u8, String::new())..(kind as u8 + 1, String::new()))
            .filter_map(|((_, id), body)| Some((id, body.as_ref()?)))
            .collect();
        assert!(!expected.is_empty(), "the day leaves no {kind:?}");
        assert_eq!(
            reader.ids(kind, usize::MAX).unwrap(),
            expected.iter().map(|(id, _)| (*id).clone()).collect::<Vec<_>>()
        );
        for (id, body) in expected {
            let kept = reader.body(kind, id).unwrap().unwrap();
            assert_eq!(timeless(&kept), timeless(body), "{kind:?} {id}");
        }
    }
    let verified = verify(&reader, |_, _| ()).unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!(verified.last, reader.last(Stream::Ledger).unwrap());
}
