//! A start with many records that the hub does not have.

use std::{path::Path, time::Instant};

use rusqlite::{Connection, params};
use waypost_edge::journal::{FILE, Reader, open, verify};

use crate::day;

/// Fills a journal with `queued` records, and measures how long the next start takes, and a whole check.
pub fn measure(dir: &Path, queued: usize) {
    let day = day::testing_centre(1);
    {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (writer, _) = open(day.config(dir)).unwrap();
        runtime.block_on(writer.stop());
    }
    fill(dir, queued);
    let began = Instant::now();
    let (writer, opened) = open(day.config(dir)).unwrap();
    let took = began.elapsed();
    println!(
        "\nstart with {} records queued: {} ms (under 1000)",
        writer.tail().unsynced(),
        took.as_millis()
    );
    let began = Instant::now();
    let verified = verify(&Reader::open(dir).unwrap(), |_, _| ()).unwrap();
    assert!(verified.is_whole() && verified.last == opened.last);
    println!("verify of {} records: {} ms", verified.last, began.elapsed().as_millis());
}

/// Puts linked records behind those that are there, as fast as the disk takes them.
fn fill(dir: &Path, count: usize) {
    let (mut seq, mut link) = {
        let reader = Reader::open(dir).unwrap();
        let last = reader.last(waypost_core::fact::Stream::Ledger).unwrap();
        (last, reader.link_at(last).unwrap().unwrap())
    };
    let mut connection = Connection::open(dir.join(FILE)).unwrap();
    let transaction = connection.transaction().unwrap();
    {
        let mut line_insert = transaction.prepare(include_str!("../../queries/ledger_insert.sql")).unwrap();
        let mut request_insert =
            transaction.prepare(include_str!("../../queries/request_insert.sql")).unwrap();
        for number in 0..count {
            seq += 1;
            let line = format!(
                r#"{{"seq":{seq},"boot":1,"up_ms":{number},"at":"2020-09-03T04:00:00.000Z","clock":"gnss","by":"s-7f3a","fact":{{"kind":"tube_packed","tube":"T-{number:08}","box":"800300950109390000000000000001"}}}}"#
            );
            link = link.after(line.as_bytes());
            line_insert.execute(params![seq as i64, link.as_bytes(), line]).unwrap();
            request_insert
                .execute(params![seq as i64, seq as i64, true, format!("ctc-kwai-chung/1/{number}")])
                .unwrap();
        }
    }
    transaction.commit().unwrap();
}
