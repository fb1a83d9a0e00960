//! How much the journal costs above bare SQLite: `cargo bench -p waypost-edge --bench journal`.
//!
//! Bare means: the same rows into the same tables and indexes with prepared statements, one transaction of the same
//! size, `synchronous=FULL`, no rule, JSON or hash. Both bring their log into the file after the same number of rows,
//! and both times hold that: rows that come without a pause wait for it, whoever writes them. Both run in turns on the
//! same disk, so that what else the machine does falls on both. Beside them, for the reader, an insert into one table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark stops at the first thing that is wrong and prints what it found"
)]

mod bare;
mod day;
mod figures;
mod start;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use waypost_edge::journal::{GROUP_MAX, Request, Verdict, Writer, open};

use bare::{Bare, OneTable};
use day::{Day, Step};
use figures::{Written, percentile};

/// Requests in a turn when each is committed alone.
const TURN_ALONE: usize = 50;
/// Groups in a turn when 64 are committed together.
const TURN_GROUPS: usize = 16;
/// Requests that wait at the writer, so that every group is full.
const WAITING: usize = 4 * GROUP_MAX;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test --benches` does not: then a small day shows that it runs.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let full = arguments.iter().any(|argument| argument == "--bench");
    // `-- alone`, `-- groups` or `-- start` measures that part alone.
    let parts: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| *wanted == part);
    let (alone, grouped, queued) = if full { (1_000, 16_000, 300_000) } else { (60, 200, 1_000) };
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-bench-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    println!("fdatasync of 4 KiB appended: p50 {:.0} us", figures::fsync_us(&dir, 200));
    for day in [day::testing_centre(alone), day::post_office(alone)].iter().filter(|_| wanted("alone")) {
        run_alone(&dir.join(format!("{}-alone", day.name)), day);
    }
    for day in [day::testing_centre(grouped), day::post_office(grouped)].iter().filter(|_| wanted("groups")) {
        run_groups(&dir.join(format!("{}-groups", day.name)), day);
    }
    if wanted("start") {
        start::measure(&dir.join("start"), queued);
    }
    fs::remove_dir_all(&dir).unwrap();
}

/// Every request alone: the time of each verdict beside the time of each bare commit.
fn run_alone(dir: &std::path::Path, day: &Day) {
    let (writer, _) = open(day.config(&dir.join("journal"))).unwrap();
    let mut bare = Bare::open(&dir.join("bare"), day, 1);
    let mut one_table = OneTable::open(&dir.join("one"));
    set_up(&writer, day);
    let (mut verdicts, mut commits, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut journal_bytes, mut bare_bytes) = (Written::default(), Written::default());
    let mut shown = None;
    for (turn, steps) in day.steps.chunks(TURN_ALONE).enumerate() {
        let before = Written::now();
        for step in steps {
            if let Some(id) = shown.take() {
                futures_util::FutureExt::now_or_never(writer.shown(id)).unwrap();
            }
            let request = step.request.clone();
            shown = Some(request.id.clone());
            let began = Instant::now();
            let verdict = writer.ask_blocking(request);
            verdicts.push(began.elapsed());
            check(step, &verdict);
        }
        journal_bytes += Written::now() - before;
        let before = Written::now();
        for group in turn * TURN_ALONE..turn * TURN_ALONE + steps.len() {
            commits.push(bare.commit(group));
        }
        bare_bytes += Written::now() - before;
        for step in steps {
            inserts.push(one_table.commit(step));
        }
    }
    let sum = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64();
    println!("\n{}, each alone: {} requests, {} rows", day.name, verdicts.len(), bare.rows);
    println!("  rows a second: {}", figures::rate(bare.rows, sum(&verdicts), sum(&commits)));
    let times =
        [("verdict", &mut verdicts), ("bare commit", &mut commits), ("one-table insert", &mut inserts)];
    let mut p50 = Vec::new();
    for (name, times) in times {
        p50.push(percentile(times, 50));
        println!("  {name}: p50 {} us, p99 {} us", p50.last().unwrap(), percentile(times, 99));
    }
    println!("  verdict p50 / bare commit p50: {:.2} (at most 1.5)", p50[0] as f64 / p50[1] as f64);
    println!("  written a request: journal {}, bare {}", journal_bytes.each(day), bare_bytes.each(day));
}

/// Sixty-four together, as when scanners of several lanes and seals come at once.
fn run_groups(dir: &std::path::Path, day: &Day) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (writer, _) = open(day.config(&dir.join("journal"))).unwrap();
    let mut bare = Bare::open(&dir.join("bare"), day, GROUP_MAX);
    set_up(&writer, day);
    let (mut journal, mut plain) = (Duration::ZERO, Duration::ZERO);
    for (turn, steps) in day.steps.chunks(TURN_GROUPS * GROUP_MAX).enumerate() {
        let requests: Vec<Request> = steps.iter().map(|step| step.request.clone()).collect();
        let began = Instant::now();
        let asked = futures_util::stream::iter(requests).map(|request| writer.ask(request)).buffered(WAITING);
        // Unconstrained: asked in order, as the bare rows were made.
        let verdicts: Vec<Verdict> = runtime.block_on(tokio::task::unconstrained(asked.collect()));
        journal += began.elapsed();
        steps.iter().zip(&verdicts).for_each(|(step, verdict)| check(step, verdict));
        let groups = steps.len().div_ceil(GROUP_MAX);
        for group in turn * TURN_GROUPS..turn * TURN_GROUPS + groups {
            plain += bare.commit(group);
        }
    }
    println!("\n{}, groups of {GROUP_MAX}: {} requests, {} rows", day.name, day.steps.len(), bare.rows);
    println!("  rows a second: {}", figures::rate(bare.rows, journal.as_secs_f64(), plain.as_secs_f64()));
}

fn set_up(writer: &Writer, day: &Day) {
    for step in &day.setup {
        check(step, &writer.ask_blocking(step.request.clone()));
    }
}

/// The writer came to the same numbers as the bare rows were made with.
fn check(step: &Step, verdict: &Verdict) {
    match verdict {
        Verdict::Granted { first, last, repeated: false, .. }
            if *first == step.lines[0].0 && *last == step.lines[step.lines.len() - 1].0 => {}
        other => panic!("{:?}: {other:?}", step.request),
    }
}
