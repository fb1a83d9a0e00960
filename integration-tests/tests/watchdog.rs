//! The service manager is told when gateway and hub serve and when they stop, and its watchdog is fed only while they move.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first wrong thing")]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use waypost_integration_tests::{
    codes,
    gateway::{Gateway, Plan},
    hub::Hub,
    manager::Manager,
    process::Process,
    program,
    wait::{SOON, until},
};

/// Long enough for a busy machine to feed it in time, four looks apart.
const PATIENCE: Duration = Duration::from_secs(6);
/// `TimeoutStopSec` of the unit.
const STOP_MAX: Duration = Duration::from_secs(5);

struct Run {
    gateway: Gateway,
    manager: Manager,
    process: Process,
    _dir: tempfile::TempDir,
}

/// A gateway under a manager; `hang_at` is where one of its threads will stand still.
fn start(hang_at: Option<&str>) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1"), None, None);
    let manager = Manager::new(dir.path(), PATIENCE);
    let binary = if hang_at.is_some() { program::waypost_with_faults() } else { program::waypost() };
    let mut command = Command::new(binary);
    command.arg("run").arg("--config").arg(gateway.config());
    if let Some(point) = hang_at {
        command.env("WAYPOST_HANG_AT", point);
    }
    manager.environment(&mut command);
    let process = Process::start("ctc-1", &mut command, &gateway.dir().join("log"));
    Run { gateway, manager, process, _dir: dir }
}

#[test]
fn the_manager_is_told_of_start_life_and_stop() {
    let mut run = start(None);
    run.manager.wait_for("READY=1");
    // Ready means ready: the console answers at the first try.
    assert!(run.gateway.console().try_panel().is_some());
    let fed = run.manager.wait_for("WATCHDOG=1");
    assert!(fed.contains("STATUS=") && fed.contains("not yet at the hub"), "{fed}");
    run.manager.wait_for("WATCHDOG=1");
    let began = Instant::now();
    run.process.stop();
    assert!(began.elapsed() < STOP_MAX, "it took {:?} to stop", began.elapsed());
    run.manager.wait_for("STOPPING=1");
}

#[test]
fn a_writer_that_stands_still_starves_the_watchdog() {
    // At the first thing that it is asked, which is the station's look at the time.
    bites(
        "after_commit_before_answer",
        "the writer stands still",
        "hang point after_commit_before_answer hit",
    );
}

#[test]
fn a_station_that_stands_still_starves_the_watchdog_and_is_left_behind_at_the_stop() {
    let mut run = bites("at_a_reading", "the station stands still", "hang point at_a_reading hit");
    let began = Instant::now();
    run.process.stop();
    assert!(began.elapsed() < STOP_MAX, "it took {:?} to stop", began.elapsed());
}

fn bites(point: &str, told: &str, logged: &str) -> Run {
    let mut run = start(Some(point));
    run.manager.wait_for("READY=1");
    // The page gets no answer any more: it is asked on a thread of its own, and left behind.
    let console = run.gateway.console();
    std::thread::spawn(move || console.try_scan(&codes::tube(1)));
    until("the thread stands still", SOON, || {
        run.process.assert_runs();
        run.gateway.log().contains(logged).then_some(())
    });
    let last = run.manager.wait_until_it_bites();
    assert!(last.contains(told), "{last}");
    assert!(run.gateway.log().contains("a part stands still"), "{}", run.gateway.log());
    run
}

fn hub(dir: &Path) -> Hub {
    let hub = Hub::make(dir, &[]);
    // It needs no broker to be alive.
    hub.configure(1, []);
    hub
}

#[test]
fn the_manager_is_told_of_a_hubs_start_life_and_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = hub(&dir.path().join("hub"));
    let manager = Manager::new(dir.path(), PATIENCE);
    hub.start_under(&manager, None);
    manager.wait_for("READY=1");
    let fed = manager.wait_for("WATCHDOG=1");
    assert!(fed.contains(&format!("STATUS=pages at http://127.0.0.1:{}", hub.port())), "{fed}");
    manager.wait_for("WATCHDOG=1");
    hub.stop();
    manager.wait_for("STOPPING=1");
}

#[test]
fn a_store_that_stands_still_starves_the_hubs_watchdog() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = hub(&dir.path().join("hub"));
    let manager = Manager::new(dir.path(), PATIENCE);
    hub.start_under(&manager, Some("before_commit"));
    manager.wait_for("READY=1");
    let last = manager.wait_until_it_bites();
    assert!(last.contains("the store stands still"), "{last}");
    assert!(hub.log().contains("a part stands still"), "{}", hub.log());
}
