//! Under systemd the log goes to the journal with its fields, and not to standard error; elsewhere the other way round.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fs,
    os::{linux::fs::MetadataExt as _, unix::net::UnixDatagram},
    process::Command,
    time::Duration,
};

use waypost_integration_tests::{
    gateway::{Gateway, Plan},
    process::Process,
    program,
    wait::{SOON, until},
};

const SCANNER: &str = "[[scanner]]\nname = \"counter scanner\"\nport = \"/nowhere/at/all\"\nbaud = 9600\n";

#[test]
fn under_systemd_the_log_goes_to_the_journal_with_the_device_in_a_field() {
    if !program::has(&["unshare", "mount"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // The journal listens at one place alone; the gateway gets a /run of its own, and the test plays the journal in it.
    let run = dir.path().join("run");
    fs::create_dir_all(run.join("systemd/journal")).unwrap();
    let journal = UnixDatagram::bind(run.join("systemd/journal/socket")).unwrap();
    journal.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let plan = Plan::testing_centre("ctc-1").with(SCANNER);
    let gateway = Gateway::make(dir.path(), plan, None, None);
    let log = gateway.dir().join("log");
    fs::write(&log, "").unwrap();
    let stderr = fs::metadata(&log).unwrap();

    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--map-root-user",
        "sh",
        "-c",
        "mount --bind \"$1\" /run && shift && exec \"$@\"",
        "sh",
    ]);
    command.arg(&run).arg(program::waypost()).arg("run").arg("--config").arg(gateway.config());
    command.env("JOURNAL_STREAM", format!("{}:{}", stderr.st_dev(), stderr.st_ino()));
    let mut process = Process::start("ctc-1", &mut command, &log);
    let told = until("the journal is told that the scanner is away", SOON, || {
        process.assert_runs();
        let mut buffer = [0; 8192];
        let length = journal.recv(&mut buffer).ok()?;
        let told = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
        told.contains("a device is away").then_some(told)
    });
    assert!(told.contains("WAYPOST_DEVICE") && told.contains("counter scanner"), "{told}");
    assert!(told.contains("SYSLOG_IDENTIFIER"), "{told}");
    assert!(!process.log().contains("a device is away"), "{}", process.log());
    process.stop();
}

#[test]
fn a_child_that_inherits_the_journals_stream_and_writes_elsewhere_logs_where_it_writes() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::make(dir.path(), Plan::testing_centre("ctc-1").with(SCANNER), None, None);
    let mut command = Command::new(program::waypost());
    command.arg("run").arg("--config").arg(gateway.config()).env("JOURNAL_STREAM", "1:1");
    let mut process = Process::start("ctc-1", &mut command, &gateway.dir().join("log"));
    until("the log tells it", SOON, || process.log().contains("a device is away").then_some(()));
    process.stop();
}
