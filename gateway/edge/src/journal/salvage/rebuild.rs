//! A clean file of what could be read: the proven records, and the ledger that they add up to.

use std::path::Path;

use rusqlite::{Connection, params};
use uuid::Uuid;
use waypost_core::{
    fact::{
        Fact, Link, Moment, Record, SiteKind,
        id::{GatewayId, SiteId},
    },
    rule::{Act, Place, RowKind, order::OrderDocument},
};

use super::{
    proof::{Proof, SeenStore},
    read::{self, Row},
};
use crate::journal::{
    Acknowledged, chain,
    config::Rules,
    database::{self, put_meta},
    error::JournalError,
    held,
    number::to_sql,
    rows::{self, InGroup, Rows},
    sql,
    statements::Statements,
    witness::Seen,
};

/// Records brought over in one transaction.
const CHUNK: u64 = 512;

/// Rows that orders made, and the versions of those. They do not follow from records, which name orders only.
const OF_ORDERS: [RowKind; 6] =
    [RowKind::Campaign, RowKind::Staff, RowKind::Fence, RowKind::Manifest, RowKind::Order, RowKind::Filter];

/// What is rebuilt, and of what.
pub(super) struct Rebuild<'a> {
    pub(super) gateway: &'a GatewayId,
    pub(super) journal: Uuid,
    pub(super) rules: Rules,
    pub(super) seen: &'a SeenStore,
    pub(super) proof: &'a Proof,
    /// Number and link before the first record.
    pub(super) begin: (u64, Link),
    /// The damaged file as SQLite reads it, where it does.
    pub(super) damaged: Option<&'a Connection>,
    /// How far the journal had come, where its end is lost.
    pub(super) lost_tail: Option<Seen>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Rebuilt {
    pub(super) rows: u64,
    /// Rows of the damaged ledger that cannot be read or are not as they were written.
    pub(super) rows_bad: u64,
    /// Records whose effect on the ledger could not be worked out.
    pub(super) unapplied: u64,
}

impl Rebuild<'_> {
    /// Writes `journal.db` into a directory in which there is none.
    pub(super) fn write(&self, into: &Path) -> Result<Rebuilt, JournalError> {
        let connection = database::open_writer(into)?;
        let failed = JournalError::sqlite("writing what was read");
        let mut orders = self.damaged.map(read::orders).unwrap_or_default();
        let mut rebuilt = Rebuilt::default();
        let mut boot = 0;
        let mut site = None;
        let mut kind = SiteKind::TestingCentre;
        let mut after = 0;
        loop {
            let lines = self.seen.proven(after, CHUNK)?;
            let Some((last, _, _)) = lines.last() else { break };
            after = *last;
            connection.execute_batch("BEGIN").map_err(&failed)?;
            let statements = &Statements::new(&connection);
            let mut changed = Rows::default();
            for (seq, link, line) in &lines {
                connection
                    .prepare_cached(sql::LEDGER_INSERT)
                    .and_then(|mut insert| insert.execute(params![to_sql(*seq), link.as_bytes(), line]))
                    .map_err(&failed)?;
                let Ok(record) = Record::from_line(line) else {
                    rebuilt.unapplied += 1;
                    continue;
                };
                boot = boot.max(record.boot);
                match &record.fact {
                    Fact::JournalStarted { site: at, .. } => site = Some(at.clone()),
                    // Only vehicles have trips, and a box is theirs only while they carry it.
                    Fact::TripStarted { .. } | Fact::TripEnded { .. } => kind = SiteKind::Vehicle,
                    // The damaged file may be from before that, and have it still.
                    Fact::CampaignKeysDestroyed { campaign } => {
                        orders.retain(|order| {
                            order.order.kind() != "campaign" || order.id != campaign.as_str()
                        });
                    }
                    _ => {}
                }
                let site = match &site {
                    Some(site) => site.clone(),
                    None => SiteId::new(self.gateway.as_str())
                        .map_err(|error| JournalError::Damaged { what: error.to_string() })?,
                };
                if !self.apply(statements, &mut changed, &record, &site, kind, &orders) {
                    rebuilt.unapplied += 1;
                }
            }
            changed.write(statements).map_err(&failed)?;
            connection.execute_batch("COMMIT").map_err(&failed)?;
        }
        self.keep_rows(&connection, &mut rebuilt)?;
        self.keep_values(&connection, boot, &orders)?;
        rebuilt.rows = connection
            .query_row("SELECT count(*) FROM row", [], |row| row.get::<_, i64>(0))
            .map(|count| u64::try_from(count).unwrap_or_default())
            .map_err(&failed)?;
        Ok(rebuilt)
    }

    fn apply(
        &self,
        statements: &Statements<'_>,
        changed: &mut Rows,
        record: &Record,
        site: &SiteId,
        kind: SiteKind,
        orders: &[OrderDocument],
    ) -> bool {
        let mut act = Act::Tick;
        if let Fact::OrderApplied { order, id, epoch, number } = &record.fact {
            let same = |known: &&OrderDocument| {
                known.order.kind() == order
                    && known.id == *id
                    && (known.epoch, known.number) == (*epoch, *number)
            };
            // Its version is noted only with its content, or it would never come again.
            let Some(document) = orders.iter().find(same) else { return true };
            act = Act::ApplyOrder { document: Box::new(document.clone()) };
        }
        let place = Place {
            gateway: self.gateway,
            site,
            kind,
            now: Moment { up_ms: record.up_ms, at: record.at, clock: record.clock },
            boot: record.boot,
            next_seq: record.seq,
            by: record.by.as_ref(),
            box_tubes_max: u32::MAX,
            par: &[],
        };
        changed.mark();
        let applied = (self.rules.apply)(
            &place,
            &mut InGroup::new(statements, changed),
            record.seq,
            &record.fact,
            &act,
        );
        if applied.is_err() {
            changed.back_to_mark();
        }
        applied.is_ok()
    }

    /// Rows of the damaged ledger that are as they were written. Those of orders always; the others where records
    /// are missing, so that what those changed is not forgotten: in place of what the records give if the ledger was
    /// as new as they are, else beside it.
    fn keep_rows(&self, connection: &Connection, rebuilt: &mut Rebuilt) -> Result<(), JournalError> {
        let Some(damaged) = self.damaged else { return Ok(()) };
        let failed = JournalError::sqlite("writing what was read");
        let complete = self.begin.0 == 0 && self.proof.lost.is_empty();
        let as_new = read::last(damaged) == self.proof.last.0;
        let (rows, bad) = read::rows(damaged);
        rebuilt.rows_bad = bad;
        let transaction = connection.unchecked_transaction().map_err(&failed)?;
        for Row { kind, id, parent, body } in rows {
            let of_order = OF_ORDERS.iter().any(|of| *of as u8 == kind);
            // With rows missing an order must come again, so its version is left out.
            if kind == RowKind::Order as u8 && bad > 0 || complete && !of_order {
                continue;
            }
            let put = if of_order || as_new { sql::ROW_PUT } else { ROW_ADD };
            let sum = rows::sum(kind, &id, parent.as_deref(), &body);
            transaction
                .prepare_cached(put)
                .and_then(|mut put| put.execute(params![kind, id, parent, body, sum]))
                .map_err(&failed)?;
        }
        transaction.commit().map_err(&failed)
    }

    fn keep_values(
        &self,
        connection: &Connection,
        boot: u32,
        orders: &[OrderDocument],
    ) -> Result<(), JournalError> {
        let failed = JournalError::sqlite("writing what was read");
        let transaction = connection.unchecked_transaction().map_err(&failed)?;
        let put = |name: &str, value: &str| put_meta(&transaction, name, value).map_err(&failed);
        put("journal", &self.journal.to_string())?;
        put("boot", &boot.to_string())?;
        for lost in &self.proof.lost {
            if let Some(link) = lost.after {
                put(&chain::gap_name(lost.last), &link.to_string())?;
            }
        }
        if let Some(seen) = &self.lost_tail {
            chain::note_lost_tail(&transaction, seen)?;
        }
        if let Some(damaged) = self.damaged {
            for name in ["boundary", "track_last"] {
                if let Ok(Some(value)) = database::meta(damaged, name) {
                    put(name, &value)?;
                }
            }
            if let Ok(Some(ack)) = held::stored(damaged)
                && believable(&ack, self.proof)
                && let Ok(value) = serde_json::to_string(&ack)
            {
                put(held::NAME, &value)?;
            }
            for (seq, line) in read::track(damaged) {
                transaction
                    .prepare_cached(sql::TRACK_INSERT)
                    .and_then(|mut insert| insert.execute(params![seq, line]))
                    .map_err(&failed)?;
            }
        }
        for document in orders {
            let Ok(body) = serde_json::to_string(document) else { continue };
            let order = params![
                document.order.kind(),
                document.id,
                to_sql(document.epoch),
                to_sql(document.number),
                body
            ];
            transaction
                .prepare_cached(sql::ORDER_PUT)
                .and_then(|mut put| put.execute(order))
                .map_err(&failed)?;
        }
        transaction.commit().map_err(&failed)
    }
}

/// A row that is there already stays.
const ROW_ADD: &str = "INSERT INTO row (kind, id, parent, body, sum) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, id) DO NOTHING";

/// An acknowledgement that lies ahead of what was read is not taken over: the hub says it again.
fn believable(held: &Acknowledged, proof: &Proof) -> bool {
    held.held <= proof.last.0
}
