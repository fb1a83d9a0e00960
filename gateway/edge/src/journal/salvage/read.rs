//! What SQLite still reads of a damaged file: each row by its number, so that one that cannot be read hides no other.

use rusqlite::{Connection, OptionalExtension};
use waypost_core::rule::order::OrderDocument;

use crate::journal::{rows, sql};

/// Numbers looked at together; where one fails, each by itself.
const CHUNK: i64 = 256;
/// Largest number of a row that is looked for: a damaged one may say anything.
const NUMBER_MAX: i64 = 50_000_000;
/// Chunks without any row after which the end is taken as found.
const EMPTY_MAX: u32 = 64;

/// A row of the ledger that is as it was written.
pub(super) struct Row {
    pub(super) kind: u8,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) body: String,
}

/// The rows that are as they were written, and how many are not.
pub(super) fn rows(damaged: &Connection) -> (Vec<Row>, u64) {
    let mut bad = 0;
    let query = "SELECT kind, id, parent, body, sum FROM row WHERE number BETWEEN ?1 AND ?2";
    let found = by_number(damaged, query, &mut bad, |row| {
        let (row, stored) = (
            Row { kind: row.get(0)?, id: row.get(1)?, parent: row.get(2)?, body: row.get(3)? },
            row.get::<_, i64>(4)?,
        );
        let whole = rows::sum(row.kind, &row.id, row.parent.as_deref(), &row.body) == stored;
        Ok(whole.then_some(row))
    });
    let all = found.len() as u64;
    let whole: Vec<Row> = found.into_iter().flatten().collect();
    bad += all - whole.len() as u64;
    (whole, bad)
}

/// Positions, by number.
pub(super) fn track(damaged: &Connection) -> Vec<(i64, String)> {
    let query = "SELECT seq, line FROM track WHERE seq BETWEEN ?1 AND ?2";
    by_number(damaged, query, &mut 0, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Orders that hold secrets.
pub(super) fn orders(damaged: &Connection) -> Vec<OrderDocument> {
    let Ok(mut statement) = damaged.prepare(sql::ORDER_ALL) else { return Vec::new() };
    let Ok(mut found) = statement.query([]) else { return Vec::new() };
    let mut orders = Vec::new();
    while let Ok(Some(row)) = found.next() {
        let body: rusqlite::Result<String> = row.get(0);
        orders.extend(body.ok().and_then(|body| serde_json::from_str(&body).ok()));
    }
    orders
}

/// Number of the last record as SQLite reads it; 0 where it does not.
pub(super) fn last(damaged: &Connection) -> u64 {
    let last = damaged.query_row(sql::LEDGER_TAIL, [], |row| row.get::<_, i64>(0)).optional();
    last.ok().flatten().and_then(|last| u64::try_from(last).ok()).unwrap_or(0)
}

fn by_number<T>(
    damaged: &Connection,
    query: &str,
    bad: &mut u64,
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let Ok(mut statement) = damaged.prepare(query) else {
        *bad += 1;
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut empty = 0;
    let mut first = 1;
    while first < NUMBER_MAX && empty < EMPTY_MAX {
        let mut chunk = |from: i64, to: i64| -> rusqlite::Result<Vec<T>> {
            statement.query_map([from, to], &read)?.collect()
        };
        let before = found.len();
        match chunk(first, first + CHUNK - 1) {
            Ok(rows) => found.extend(rows),
            Err(_) => {
                for number in first..first + CHUNK {
                    match chunk(number, number) {
                        Ok(rows) => found.extend(rows),
                        Err(_) => *bad += 1,
                    }
                }
            }
        }
        empty = if found.len() == before { empty + 1 } else { 0 };
        first += CHUNK;
    }
    found
}
