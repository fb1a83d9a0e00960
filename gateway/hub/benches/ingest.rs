//! Records a second from signed messages to the commit, beside the same rows into the same tables without signature,
//! decompression, chain, JSON or projection. `cargo bench -p waypost-hub --bench ingest [-- RECORDS]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark may stop at once"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use common::{DAY, Gateway, MINUTE, a_box, collected, reading, site, tube};
use rusqlite::{Connection, types::Value};
use waypost_core::{
    code::claim::ClaimToken,
    fact::{
        Checklist, Fact, WallTime,
        id::{CampaignId, RoundId},
    },
    wire::upload::Upload,
};
use waypost_hub::{
    places::Places,
    store::{Job, Store},
};

/// Lines of a batch, and batches of a commit: what a drained backlog brings.
const BATCH: u64 = 512;
const GROUP: usize = 16;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let records: u64 = arguments.next().unwrap_or(200_000);
    let gateways = [
        centre("ctc-1", 1, records / 4),
        centre("ctc-2", 2, records / 4),
        post("post-1", 3, records / 4),
        post("post-2", 4, records / 4),
    ];
    let mut messages = Vec::new();
    let mut first = 1;
    while gateways.iter().any(|gateway| gateway.last() >= first) {
        for (gateway, one) in gateways.iter().enumerate().filter(|(_, one)| one.last() >= first) {
            let last = (first + BATCH - 1).min(one.last());
            let Job::Upload(_, message) = one.batch(first, last) else { continue };
            messages.push((gateway, first, last, message));
        }
        first += BATCH;
    }
    let records: u64 = gateways.iter().map(Gateway::last).sum();
    let wire: usize = messages.iter().map(|(_, _, _, message)| message.len()).sum();

    let dir =
        tempfile::tempdir_in(std::env::var("WAYPOST_BENCH_DIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    let hub = dir.path().join("hub");
    let places = Arc::new(Places::new(gateways.iter().map(Gateway::place)));
    let mut store = Store::open(&hub, places, WallTime(DAY), 45 * MINUTE).unwrap();
    let started = Instant::now();
    for group in messages.chunks(GROUP) {
        let jobs: Vec<_> = group
            .iter()
            .map(|(gateway, _, _, message)| {
                let key = gateways[*gateway].key.public();
                Job::Upload(Box::new(Upload::open(message, |_| Some(key)).unwrap()), message.clone())
            })
            .collect();
        store.apply(&jobs, WallTime(DAY + 1_000 * MINUTE)).unwrap();
    }
    let ingest_s = started.elapsed().as_secs_f64();
    assert_eq!(store.totals().records, records);
    assert_eq!(store.totals().unreadable, 0);
    drop(store);

    let bare_s = bare(&hub.join("store.db"), &dir.path().join("bare.db"), &messages);
    let ratio = bare_s / ingest_s;
    println!(
        "{{\"records\":{records},\"ingest_per_s\":{:.0},\"bare_per_s\":{:.0},\"ratio\":{ratio:.3},\"wire_bytes_per_record\":{:.1}}}",
        records as f64 / ingest_s,
        records as f64 / bare_s,
        wire as f64 / records as f64
    );
}

/// Tubes collected and packed into boxes of 50, boxes sealed and handed over.
fn centre(name: &str, number: u8, records: u64) -> Gateway {
    let mut gateway = Gateway::new(name, number);
    let mut tubes = usize::from(number) * 10_000_000;
    let mut boxes = 0;
    while gateway.last() < records {
        let minute = (gateway.last() / 100) as i64;
        let carrier = format!("B-{name}-{boxes:05}");
        boxes += 1;
        gateway.write(minute, Fact::BoxStarted { box_id: a_box(&carrier) });
        for _ in 0..50 {
            tubes += 1;
            gateway.write(minute, collected(tubes));
            let tube = tube(&format!("T-{tubes:08}"));
            gateway.write(minute, Fact::TubePacked { tube, box_id: a_box(&carrier) });
        }
        let checklist = Checklist::COMPLETE;
        gateway.write(minute, Fact::BoxClosed { box_id: a_box(&carrier), tubes: 50, checklist });
        let due = WallTime(DAY + (minute + 90) * MINUTE);
        let sealed =
            Fact::BoxSealed { box_id: a_box(&carrier), reading: reading(), mechanical: None, tubes: 50, due };
        gateway.write(minute, sealed);
        let to = site("van-1");
        gateway.write(
            minute,
            Fact::BoxHandedOver { box_id: a_box(&carrier), to, reading: Some(reading()), remark: None },
        );
    }
    gateway
}

/// Persons served.
fn post(name: &str, number: u8, records: u64) -> Gateway {
    let mut gateway = Gateway::new(name, number);
    let mut state = u64::from(number);
    while gateway.last() < records {
        // A token is as good as random.
        let mut token = [0; 16];
        for byte in &mut token {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        let fact = Fact::ClaimServed {
            campaign: CampaignId::new("masks-2020-10").unwrap(),
            round: RoundId::new("r1").unwrap(),
            claim: ClaimToken(token),
            packs: 2,
            proxy: None,
            provisional: false,
            approved_by: None,
        };
        gateway.write((gateway.last() / 100) as i64, fact);
    }
    gateway
}

/// The same rows in the same order, in transactions of the same size.
fn bare(from: &Path, to: &Path, messages: &[(usize, u64, u64, Vec<u8>)]) -> f64 {
    const TABLES: [&str; 4] = ["record", "trail", "box_event", "claim"];
    let source = Connection::open(from).unwrap();
    /// By gateway and number: which table, and the row.
    type Rows = HashMap<(usize, u64), Vec<(usize, Vec<Value>)>>;
    let mut rows = Rows::new();
    for (table, name) in TABLES.iter().enumerate() {
        let mut query = source.prepare(&format!("select * from {name}")).unwrap();
        let columns: Vec<_> = query.column_names().map(str::to_owned).collect();
        let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
        let (journal, seq, count) = (at("journal"), at("seq"), columns.len());
        let mut found = query.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let place = (row.get::<_, usize>(journal).unwrap() - 1, row.get(seq).unwrap());
            let values = (0..count).map(|column| row.get(column).unwrap()).collect();
            rows.entry(place).or_default().push((table, values));
        }
    }
    let db = Connection::open(to).unwrap();
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    db.pragma_update(None, "synchronous", "full").unwrap();
    db.pragma_update(None, "cache_size", -32768).unwrap();
    db.pragma_update(None, "wal_autocheckpoint", 4000).unwrap();
    db.execute_batch(include_str!("../migrations/0001_init.sql")).unwrap();
    // The few rows that the many refer to.
    db.execute("attach ?1 as hub", [from.to_str().unwrap()]).unwrap();
    for few in ["journal", "round"] {
        db.execute(&format!("insert into main.{few} select * from hub.{few}"), []).unwrap();
    }
    db.execute_batch("detach hub").unwrap();
    let mut inserts: Vec<_> = TABLES
        .iter()
        .map(|name| {
            let columns = source.prepare(&format!("select * from {name}")).unwrap().column_count();
            let marks = vec!["?"; columns].join(",");
            db.prepare(&format!("insert into {name} values ({marks})")).unwrap()
        })
        .collect();
    let started = Instant::now();
    for group in messages.chunks(GROUP) {
        db.execute_batch("begin immediate").unwrap();
        for (gateway, first, last, _) in group {
            for seq in *first..=*last {
                for (table, values) in rows.get(&(*gateway, seq)).into_iter().flatten() {
                    inserts[*table].execute(rusqlite::params_from_iter(values)).unwrap();
                }
            }
        }
        db.execute_batch("commit").unwrap();
    }
    started.elapsed().as_secs_f64()
}
