//! A gateway is killed with SIGKILL again and again while 128 people scan. What was shown is in the journal.
//!
//! `WAYPOST_KILLS` says how often, 200 if it is not set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use waypost_integration_tests::{
    codes, export,
    gateway::{Gateway, Plan},
    hub::HubKeys,
    orders, program,
    wait::{SOON, until},
};

/// People who scan at once.
const SCANNERS: usize = 128;
/// Verdicts under way at each kill, at least.
const IN_FLIGHT_MIN: usize = 100;
/// Tubes at hand in a round: more than are ever reached before the kill.
const TUBES_A_ROUND: u64 = 900;
/// Answered requests that are asked again after the restart.
const ASKED_AGAIN: usize = 8;
/// The whole chain is verified after so many kills, and at the end.
const VERIFY_EVERY: usize = 20;

/// A request: its key and the tube.
#[derive(Clone)]
struct Job {
    key: String,
    tube: String,
}

/// What was shown: the records of the verdict.
type Shown = BTreeMap<String, (String, (u64, u64))>;

/// What the people and the killer share in a round.
struct Round {
    jobs: Mutex<VecDeque<Job>>,
    shown: Mutex<Shown>,
    unanswered: Mutex<Vec<Job>>,
    in_flight: AtomicUsize,
    answered: AtomicUsize,
    /// The kill comes when so many were answered.
    answers: usize,
    process: u32,
    in_flight_at_kill: AtomicUsize,
    killed: AtomicU32,
}

#[test]
fn no_verdict_that_was_shown_is_lost_however_often_the_gateway_is_killed() {
    let kills: usize = env::var("WAYPOST_KILLS").map_or(200, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1"), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut shown = Shown::new();
    let mut unanswered: Vec<Job> = Vec::new();
    let mut ledger: Vec<String> = Vec::new();
    let (mut least, mut dice) = (usize::MAX, 1_u64);
    let (began, mut restarts) = (Instant::now(), Vec::new());
    for kill in 0..kills {
        open_box(&gateway, kill);
        // Requests without an answer are made again under their keys, and some that were answered.
        let mut jobs: VecDeque<Job> = unanswered.drain(..).collect();
        jobs.extend(
            shown
                .iter()
                .rev()
                .take(ASKED_AGAIN)
                .map(|(key, (tube, _))| Job { key: key.clone(), tube: tube.clone() }),
        );
        let first = u64::try_from(kill).unwrap() * TUBES_A_ROUND;
        jobs.extend(
            (first..first + TUBES_A_ROUND).map(|n| Job { key: format!("key-{n:08}"), tube: codes::tube(n) }),
        );
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let round = Round {
            jobs: Mutex::new(jobs),
            shown: Mutex::new(Shown::new()),
            unanswered: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            answers: SCANNERS + usize::try_from(dice >> 33).unwrap() % 300,
            process: gateway.process().id(),
            in_flight_at_kill: AtomicUsize::new(0),
            killed: AtomicU32::new(0),
        };
        runtime.block_on(scan_until_killed(&round, gateway.console().port()));
        gateway.kill();
        least = least.min(round.in_flight_at_kill.load(Ordering::SeqCst));

        let restarted = Instant::now();
        gateway.start();
        restarts.push(restarted.elapsed());

        unanswered = round.unanswered.into_inner().unwrap();
        ledger.extend(export::journal(&gateway.data(), "ledger", u64::try_from(ledger.len()).unwrap()));
        for (key, (tube, records)) in round.shown.into_inner().unwrap() {
            assert_written(&ledger, &tube, records);
            // The same key again: the first answer.
            if let Some((_, first)) = shown.get(&key) {
                assert_eq!(*first, records, "{key} was answered with other records before");
            }
            shown.insert(key, (tube, records));
        }
        if kill % VERIFY_EVERY == 0 {
            gateway.verify();
        }
    }
    let seconds = began.elapsed().as_secs_f64();

    gateway.stop();
    gateway.verify();
    let whole = gateway.ledger();
    assert!(whole.starts_with(&ledger), "what was written stays as it was");
    for (at, line) in (1..).zip(&whole) {
        assert_eq!(export::seq(line), at, "numbers have no gaps");
    }
    for (tube, records) in shown.values() {
        assert_written(&whole, tube, *records);
    }
    let mut boxes: BTreeMap<String, usize> = BTreeMap::new();
    for line in &whole {
        let fact = &export::record(line)["fact"];
        if fact["kind"] == "tube_packed" {
            *boxes.entry(fact["tube"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(boxes.len() >= shown.len(), "{} tubes packed, {} shown", boxes.len(), shown.len());
    assert!(boxes.values().all(|count| *count == 1), "a tube is in two boxes");
    assert!(least >= IN_FLIGHT_MIN, "only {least} verdicts in flight at a kill");
    restarts.sort_unstable();
    println!(
        "{kills} kills in {seconds:.1} s, {} verdicts shown, {} records, at least {least} in flight; restart {} ms at \
         the median, {} ms at most",
        shown.len(),
        whole.len(),
        restarts[restarts.len() / 2].as_millis(),
        restarts[restarts.len() - 1].as_millis(),
    );
}

/// Closes the box of the round before and opens a new one.
fn open_box(gateway: &Gateway, round: usize) {
    let console = gateway.console();
    if round > 0 {
        console.scan("CMD-CLOSE-BOX");
        console.yes("CMD-CHECK-ALL");
    }
    console.yes(&codes::box_code(u64::try_from(round).unwrap()));
}

async fn scan_until_killed(round: &Round, port: u16) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(SCANNERS)
        .timeout(Duration::from_secs(20));
    let client = client.build().unwrap();
    let url = format!("http://127.0.0.1:{port}/scan");
    let people = (0..SCANNERS).map(|_| scan(round, &client, &url));
    futures_join(people).await;
    assert_eq!(round.killed.load(Ordering::SeqCst), 1, "it was killed once");
}

/// Runs all at once, on this one thread.
async fn futures_join(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// One person: scans until the gateway is gone.
async fn scan(round: &Round, client: &reqwest::Client, url: &str) {
    loop {
        let Some(job) = round.jobs.lock().unwrap().pop_front() else {
            panic!("no tubes are left before the kill")
        };
        round.in_flight.fetch_add(1, Ordering::SeqCst);
        let answer = ask(client, url, &job).await;
        round.in_flight.fetch_sub(1, Ordering::SeqCst);
        let Some(answer) = answer else {
            round.unanswered.lock().unwrap().push(job);
            return;
        };
        assert_eq!(answer["tone"], "yes", "{}: {answer}", job.tube);
        let records = (answer["records"][0].as_u64().unwrap(), answer["records"][1].as_u64().unwrap());
        round.shown.lock().unwrap().insert(job.key, (job.tube, records));
        if round.answered.fetch_add(1, Ordering::SeqCst) + 1 >= round.answers
            && round.in_flight.load(Ordering::SeqCst) >= IN_FLIGHT_MIN
            && round.killed.swap(1, Ordering::SeqCst) == 0
        {
            round.in_flight_at_kill.store(round.in_flight.load(Ordering::SeqCst), Ordering::SeqCst);
            let id = rustix::process::Pid::from_raw(i32::try_from(round.process).unwrap()).unwrap();
            rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
        }
    }
}

/// None where the gateway went away.
async fn ask(client: &reqwest::Client, url: &str, job: &Job) -> Option<Value> {
    let body = json!({ "text": job.tube }).to_string();
    let request = client.post(url).header("Content-Type", "application/json");
    let answer = request.header("Idempotency-Key", &job.key).body(body).send().await.ok()?;
    let status = answer.status();
    let text = answer.text().await.ok()?;
    assert!(status.is_success(), "{status}: {text}");
    Some(serde_json::from_str(&text).unwrap())
}

fn assert_written(ledger: &[String], tube: &str, (first, last): (u64, u64)) {
    for seq in first..=last {
        let line = ledger.get(usize::try_from(seq - 1).unwrap());
        let line = line.unwrap_or_else(|| panic!("record {seq} was shown for {tube} and is lost"));
        assert!(line.contains(&format!("\"{tube}\"")), "record {seq} was shown for {tube} and says {line}");
    }
}

#[test]
fn a_restart_is_quick_and_the_counter_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let keys_dir = dir.path().join("keys");
    let keys = HubKeys::make(&keys_dir);
    let mut gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1"), None, Some(&keys));
    gateway.lay_orders(&keys_dir, &[orders::staff()]);
    gateway.start();
    gateway.sign_in();
    gateway.console().yes(&codes::box_code(1));
    gateway.console().yes(&codes::tube(1));
    gateway.kill();
    gateway.start();
    let panel = until("the panel is there", SOON, || gateway.console().try_panel());
    assert!(panel.0["status"]["person"].is_string(), "who was signed in still is: {}", panel.0);
    let answer = gateway.console().yes(&codes::tube(2));
    assert_eq!(answer.0["progress"]["done"], 2, "the box is still open: {}", answer.0);
    let _ = program::waypost();
}
