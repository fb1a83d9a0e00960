//! Bare SQLite: the rows that the journal writes, made ahead, with nothing around them.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use crate::day::{Day, Put, Step};

const MIGRATION: &str = include_str!("../../migrations/0001_journal.sql");
const LEDGER_INSERT: &str = include_str!("../../queries/ledger_insert.sql");
const REQUEST_INSERT: &str = include_str!("../../queries/request_insert.sql");
const REQUEST_SHOWN: &str = include_str!("../../queries/request_shown.sql");
const ROW_PUT: &str = include_str!("../../queries/row_put.sql");
const ROW_UPDATE: &str = include_str!("../../queries/row_update.sql");
const ROW_REMOVE: &str = include_str!("../../queries/row_remove.sql");

/// Rows between two checkpoints, as in the journal.
const CHECKPOINT_ROWS: u64 = 4096;

pub struct Bare {
    connection: Connection,
    groups: Vec<Group>,
    /// How many of them come before the clock runs.
    setup: usize,
    /// Rows written so far.
    pub rows: u64,
    since_checkpoint: u64,
}

/// One transaction.
struct Group {
    lines: Vec<(i64, [u8; 32], String)>,
    requests: Vec<(i64, i64, String)>,
    /// Of the transaction before, where each is alone.
    shown: Option<String>,
    rows: Vec<Row>,
}

struct Row {
    put: Put,
    sum: i64,
    /// The row is there with the same parent: the index stays as it is.
    stays: bool,
}

impl Bare {
    /// Makes the transactions of a day, `size` requests each.
    pub fn open(dir: &Path, day: &Day, size: usize) -> Self {
        let connection = connect(dir);
        connection.execute_batch(MIGRATION).unwrap();
        let mut parents = HashMap::new();
        // The first ones each alone, as the journal gets them: rows that change often then lie in the same pages.
        let setup = day.setup.len();
        let groups: Vec<Group> = day
            .setup
            .chunks(1)
            .chain(day.steps.chunks(size))
            .map(|steps| Group::new(steps, &mut parents))
            .collect();
        let mut bare = Self { connection, groups, setup, rows: 0, since_checkpoint: 0 };
        if size == 1 {
            for at in setup + 1..bare.groups.len() {
                bare.groups[at].shown = Some(bare.groups[at - 1].requests[0].2.clone());
            }
        }
        for at in 0..setup {
            bare.commit_at(at);
        }
        bare.rows = 0;
        bare
    }

    /// Commits a transaction. The time is with the checkpoint where one is due: the journal makes it after its answers,
    /// but the requests that wait then wait for it too.
    pub fn commit(&mut self, group: usize) -> Duration {
        self.commit_at(self.setup + group)
    }

    fn commit_at(&mut self, at: usize) -> Duration {
        let group = &self.groups[at];
        let began = Instant::now();
        let rows = group.write(&self.connection).unwrap();
        self.rows += rows;
        self.since_checkpoint += rows;
        if self.since_checkpoint >= CHECKPOINT_ROWS {
            self.since_checkpoint = 0;
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        }
        began.elapsed()
    }
}

impl Group {
    fn new(steps: &[Step], parents: &mut HashMap<(u8, String), Option<String>>) -> Self {
        // A row that several requests of a group change is written once, as the journal does.
        let mut last = BTreeMap::new();
        for put in steps.iter().flat_map(|step| &step.puts) {
            last.insert((put.kind, put.id.clone()), put.clone());
        }
        let mut rows = Vec::new();
        for (key, put) in last {
            let stays = parents.get(&key) == Some(&put.parent);
            match put.body {
                Some(_) => parents.insert(key, put.parent.clone()),
                None => parents.remove(&key),
            };
            let mut hash = DefaultHasher::new();
            put.body.hash(&mut hash);
            rows.push(Row { sum: hash.finish() as i64, put, stays });
        }
        let lines = steps.iter().flat_map(|step| &step.lines);
        Self {
            lines: lines.map(|(seq, link, line)| (*seq as i64, *link.as_bytes(), line.clone())).collect(),
            requests: steps
                .iter()
                .map(|step| {
                    let (first, last) = (step.lines[0].0, step.lines[step.lines.len() - 1].0);
                    (first as i64, last as i64, step.request.id.as_str().to_owned())
                })
                .collect(),
            shown: None,
            rows,
        }
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<u64> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        let mut insert = connection.prepare_cached(LEDGER_INSERT)?;
        for (seq, link, line) in &self.lines {
            insert.execute(params![seq, link, line])?;
        }
        let mut insert = connection.prepare_cached(REQUEST_INSERT)?;
        for (first, last, id) in &self.requests {
            insert.execute(params![first, last, false, id])?;
        }
        if let Some(id) = &self.shown {
            connection.prepare_cached(REQUEST_SHOWN)?.execute([id])?;
        }
        let mut put = connection.prepare_cached(ROW_PUT)?;
        let mut update = connection.prepare_cached(ROW_UPDATE)?;
        let mut remove = connection.prepare_cached(ROW_REMOVE)?;
        for Row { put: Put { kind, id, parent, body }, sum, stays } in &self.rows {
            match body {
                Some(body) if *stays => update.execute(params![kind, id, body, sum])?,
                Some(body) => put.execute(params![kind, id, parent, body, sum])?,
                None => remove.execute(params![kind, id])?,
            };
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        let rows =
            self.lines.len() + self.requests.len() + self.rows.len() + usize::from(self.shown.is_some());
        Ok(rows as u64)
    }
}

/// A line into one table without any index: what the disk alone costs.
pub struct OneTable {
    connection: Connection,
}

impl OneTable {
    pub fn open(dir: &Path) -> Self {
        let connection = connect(dir);
        connection.execute_batch("CREATE TABLE line (seq INTEGER PRIMARY KEY, line TEXT NOT NULL)").unwrap();
        Self { connection }
    }

    pub fn commit(&mut self, step: &Step) -> Duration {
        let (seq, _, line) = &step.lines[0];
        let began = Instant::now();
        self.connection
            .prepare_cached("INSERT INTO line (seq, line) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![*seq as i64, line]))
            .unwrap();
        began.elapsed()
    }
}

/// The journal's settings.
fn connect(dir: &Path) -> Connection {
    fs::create_dir_all(dir).unwrap();
    let connection = Connection::open(dir.join("bare.db")).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch(
            "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;
             PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 8388608; PRAGMA temp_store = MEMORY;",
        )
        .unwrap();
    connection
}
