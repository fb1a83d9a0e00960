//! The bench's scanner and receiver, read by the real drivers over real pseudo-terminals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use waypost_drivers::bench::{BenchError, VirtualFix, VirtualReceiver, VirtualScanner};
use waypost_drivers::gnss::{self, GnssEvent, ReceiverConfig};
use waypost_drivers::port::PortConfig;
use waypost_drivers::scanner::{Framing, ScannerEvent, SerialScanner, run};

/// Far more than anything here takes, even on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("waypost-devices-{}-{name}", std::process::id())))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn until<E: Debug>(events: &mut mpsc::Receiver<E>, what: &str, wanted: impl Fn(&E) -> bool) -> E {
    let wait = async {
        loop {
            let event = events.recv().await.unwrap();
            if wanted(&event) {
                return event;
            }
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
}

fn read_scanner(path: &Path) -> mpsc::Receiver<ScannerEvent> {
    let (out, events) = mpsc::channel(16);
    let port = PortConfig { path: path.to_owned(), baud: 9_600 };
    tokio::spawn(run(SerialScanner { port, framing: Framing::default() }, out));
    events
}

async fn text(events: &mut mpsc::Receiver<ScannerEvent>) -> String {
    match until(events, "a scan", |event| matches!(event, ScannerEvent::Scan(_))).await {
        ScannerEvent::Scan(scan) => scan.text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_scanner_is_read_and_comes_back_after_it_was_unplugged() {
    let dir = Dir::new("scanner");
    let scanner = VirtualScanner::new(&dir.0, "scanner").unwrap();
    let mut events = read_scanner(scanner.path());
    until(&mut events, "up", |event| *event == ScannerEvent::Up).await;
    scanner.scan("T-0001").unwrap();
    assert_eq!(text(&mut events).await, "T-0001");
    for code in ["T-0002", "T-0003"] {
        scanner.unplug();
        until(&mut events, "down", |event| matches!(event, ScannerEvent::Down(_))).await;
        assert!(matches!(scanner.scan("nowhere"), Err(BenchError::Unplugged)));
        scanner.plug().unwrap();
        until(&mut events, "up again", |event| *event == ScannerEvent::Up).await;
        scanner.scan(code).unwrap();
        assert_eq!(text(&mut events).await, code);
    }
}

#[tokio::test]
async fn unplugging_is_noticed_though_a_process_was_started_while_it_was_in() {
    let dir = Dir::new("child");
    let scanner = VirtualScanner::new(&dir.0, "scanner").unwrap();
    let mut events = read_scanner(scanner.path());
    until(&mut events, "up", |event| *event == ScannerEvent::Up).await;
    // It waits for its standard input to end, and would hold what it inherited.
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    scanner.unplug();
    until(&mut events, "down", |event| matches!(event, ScannerEvent::Down(_))).await;
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[tokio::test]
async fn a_scanner_that_is_dropped_leaves_no_path_behind() {
    let dir = Dir::new("drop");
    let scanner = VirtualScanner::new(&dir.0, "scanner").unwrap();
    let path = scanner.path().to_owned();
    assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
    drop(scanner);
    assert!(std::fs::symlink_metadata(&path).is_err());
}

#[tokio::test]
async fn a_receiver_says_where_it_is_and_that_it_does_not_know() {
    let dir = Dir::new("receiver");
    let virtual_receiver = VirtualReceiver::new(&dir.0, "gnss").unwrap();
    let (out, mut events) = mpsc::channel(16);
    let config = ReceiverConfig { path: virtual_receiver.path().to_owned(), baud: Some(9_600) };
    tokio::spawn(gnss::run(config, out));
    until(&mut events, "up", |event| *event == GnssEvent::Up).await;
    let fix = VirtualFix {
        lat: 22.302_711,
        lon: 114.177_216,
        time: "2020-09-03T00:01:02Z".parse().unwrap(),
        speed_mps: 10.0,
        course_deg: 84.4,
    };
    virtual_receiver.send_fix(&fix).unwrap();
    let heard = until(&mut events, "a fix", |event| matches!(event, GnssEvent::Fix(_))).await;
    let GnssEvent::Fix(heard) = heard else { panic!("{heard:?}") };
    assert!((heard.lat - fix.lat).abs() < 1e-6 && (heard.lon - fix.lon).abs() < 1e-6, "{heard:?}");
    assert!((heard.speed_mps.unwrap() - fix.speed_mps).abs() < 0.01, "{heard:?}");
    assert_eq!((heard.course_deg, heard.time), (Some(fix.course_deg), Some(fix.time)));
    virtual_receiver.send_no_fix(fix.time).unwrap();
    until(&mut events, "no fix", |event| *event == GnssEvent::NoFix).await;
    virtual_receiver.unplug();
    until(&mut events, "down", |event| matches!(event, GnssEvent::Down(_))).await;
    virtual_receiver.plug().unwrap();
    until(&mut events, "up again", |event| *event == GnssEvent::Up).await;
}
