//! The count at the end: every journal against the central store, and every verdict that was shown against both.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use clap::ValueEnum;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use waypost_core::fact::{Fact, Record, SiteKind, Stream};
use waypost_edge::journal::Reader;

use super::{
    Failure, Options,
    day::Events,
    report::{Boxes, Masks, Report, Spread, Tubes},
    stage::{Stage, gateway_dir},
};

/// Longest wait until the central store has everything.
const ARRIVAL_TIME_MAX: Duration = Duration::from_secs(60);
/// Looks without anything new after which everything has arrived.
const QUIET_LOOKS: u32 = 5;
/// Pause between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A way to spoil the central store before the count, which must then say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spoil {
    /// Take out one record whose verdict was shown.
    Lose,
    /// Put one record in a second time.
    Double,
}

/// One row of the store.
#[derive(Deserialize)]
struct Row {
    gateway: String,
    line: String,
}

/// Waits until everything arrived, spoils the store if asked to, and counts.
pub async fn count(
    stage: &Stage,
    options: &Options,
    events: &Events,
    fsync_us: Vec<u64>,
) -> Result<Report, Failure> {
    let hub = stage.dir.join("hub");
    let until = Instant::now() + ARRIVAL_TIME_MAX;
    let mut quiet = 0;
    let mut before = 0;
    while quiet < QUIET_LOOKS && Instant::now() < until {
        let recorded = recorded(stage)?;
        let arrived = stored(&hub)?.len() as u64 == recorded && double_claims(stage).await? > 0;
        quiet = if arrived && recorded == before { quiet + 1 } else { 0 };
        before = recorded;
        sleep(LOOK_INTERVAL).await;
    }
    let double_claims_found = double_claims(stage).await?;
    if let Some(spoil) = options.spoil {
        spoil_store(&hub, spoil, &stage.witness.records())?;
    }
    // Journals first: what is written while we count can only make the store larger.
    let recorded = recorded(stage)?;
    let rows = stored(&hub)?;
    let sum = Sum::of(stage, &rows);
    let shown = stage.witness.records();
    let (verdicts_us, hashes_us) = stage.witness.times_us();
    Ok(Report {
        seed: options.seed,
        gateways: stage.world.sites.len(),
        recorded,
        at_hub: rows.len() as u64,
        lost: shown.difference(&sum.numbers).count() as u64,
        doubled: rows.len() as u64 - sum.lines,
        tubes: sum.tubes,
        boxes: sum.boxes,
        masks: Masks { refused: events.refused, ..sum.masks },
        double_claims_found,
        outage_s: events.outage_s,
        restarts: events.restarts,
        verdict_ms: Spread::of_us(verdicts_us),
        hash_ms: Spread::of_us(hashes_us).into(),
        fsync_ms: Spread::of_us(fsync_us).into(),
    })
}

/// Ledger records in all journals.
fn recorded(stage: &Stage) -> Result<u64, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Count(error.to_string());
    let mut sum = 0;
    for site in &stage.world.sites {
        let reader = Reader::open(&gateway_dir(&stage.dir, site.gateway)).map_err(|error| failed(&error))?;
        sum += reader.last(Stream::Ledger).map_err(|error| failed(&error))?;
    }
    Ok(sum)
}

/// Ledger records in the central store.
fn stored(hub: &Path) -> Result<Vec<Row>, Failure> {
    let mut bytes = Vec::new();
    waypost_hub::store::export::export(hub, Stream::Ledger, &mut bytes)
        .map_err(|error| Failure::Count(error.to_string()))?;
    let rows = serde_json::Deserializer::from_slice(&bytes).into_iter();
    rows.collect::<Result<_, _>>().map_err(|error| Failure::Count(error.to_string()))
}

/// Persons whom the central end found served twice.
async fn double_claims(stage: &Stage) -> Result<u64, Failure> {
    #[derive(Deserialize)]
    struct Summary {
        alarms: Vec<Alarm>,
    }
    #[derive(Deserialize)]
    struct Alarm {
        kind: String,
    }
    let failed = |error: reqwest::Error| Failure::Count(error.to_string());
    let answer = reqwest::get(format!("http://{}/api/summary", stage.hub_address)).await.map_err(failed)?;
    let summary: Summary = answer.json().await.map_err(failed)?;
    Ok(summary.alarms.iter().filter(|alarm| alarm.kind == "double_claim").count() as u64)
}

/// What the store's records add up to.
struct Sum {
    /// Gateway and number of every record.
    numbers: BTreeSet<(String, u64)>,
    /// Different lines, each gateway's by themselves.
    lines: u64,
    tubes: Tubes,
    boxes: Boxes,
    masks: Masks,
}

impl Sum {
    fn of(stage: &Stage, rows: &[Row]) -> Self {
        let mut numbers = BTreeSet::new();
        let mut lines = BTreeSet::new();
        let (mut collected, mut packed, mut received) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut sealed, mut arrived, mut alarmed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut served: BTreeMap<_, u32> = BTreeMap::new();
        let laboratories: BTreeSet<&str> = stage
            .world
            .sites
            .iter()
            .filter(|site| site.kind == SiteKind::Laboratory)
            .map(|site| site.gateway)
            .collect();
        let boxes: BTreeSet<&str> = stage.world.crates.iter().flatten().map(|one| one.id.as_str()).collect();
        for row in rows {
            lines.insert((row.gateway.as_str(), row.line.as_str()));
            let Ok(record) = Record::from_line(&row.line) else { continue };
            numbers.insert((row.gateway.clone(), record.seq));
            match record.fact {
                Fact::TubeCollected { tube, .. } => {
                    collected.insert(tube);
                }
                Fact::TubePacked { tube, .. } => {
                    packed.insert(tube);
                }
                Fact::TubeTakenOut { tube, .. } => {
                    packed.remove(&tube);
                }
                Fact::TubeReceived { tube, .. } => {
                    received.insert(tube);
                }
                Fact::BoxSealed { box_id, .. } => {
                    sealed.insert(box_id);
                }
                Fact::BoxReceived { box_id, .. } if laboratories.contains(row.gateway.as_str()) => {
                    arrived.insert(box_id);
                }
                Fact::AlarmRaised { subject, .. } if boxes.contains(subject.as_str()) => {
                    alarmed.insert(subject);
                }
                Fact::ClaimServed { packs, .. } => {
                    served.insert((row.gateway.clone(), record.seq), packs);
                }
                Fact::ClaimVoided { mends, .. }
                | Fact::HandOutConfirmed { record: mends, handed: false, .. } => {
                    served.remove(&(row.gateway.clone(), mends));
                }
                _ => {}
            }
        }
        let count = |set: usize| set as u64;
        Self {
            lines: count(lines.len()),
            numbers,
            tubes: Tubes {
                collected: count(collected.len()),
                packed: count(packed.len()),
                received: count(received.len()),
            },
            boxes: Boxes {
                sealed: count(sealed.len()),
                received: count(arrived.len()),
                alarmed: count(alarmed.len()),
            },
            masks: Masks {
                served: count(served.len()),
                refused: 0,
                packs: served.values().map(|packs| u64::from(*packs)).sum(),
            },
        }
    }
}

/// Does to the store what must never happen to it.
fn spoil_store(hub: &Path, spoil: Spoil, shown: &BTreeSet<(String, u64)>) -> Result<(), Failure> {
    let failed = |error: rusqlite::Error| Failure::Count(error.to_string());
    let (gateway, seq) = shown.last().ok_or_else(|| Failure::Count("no verdict was shown".to_owned()))?;
    let store = Connection::open(hub.join("store.db")).map_err(failed)?;
    store.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    let journal: Option<i64> = store
        .query_row(
            "select no from journal where gateway = ?1 order by no desc limit 1",
            params![gateway],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?;
    let changed = match spoil {
        Spoil::Lose => store.execute("delete from record where journal = ?1 and stream = 0 and seq = ?2", params![journal, seq]),
        Spoil::Double => store.execute(
            "insert into record (journal, stream, seq, link, line) select journal, stream, seq + 1000000, link, line \
             from record where journal = ?1 and stream = 0 and seq = ?2",
            params![journal, seq],
        ),
    };
    match changed.map_err(failed)? {
        1 => Ok(()),
        _ => Err(Failure::Count(format!("record {seq} of {gateway} is not in the store"))),
    }
}
