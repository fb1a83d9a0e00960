//! The units in `systemd/`: systemd understands them, and each keeps what it runs in a narrow place.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first wrong thing"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use waypost_integration_tests::program;

/// The most that `systemd-analyze security` may find of each, in tenths. 15: issued for all; 45: the browser, which
/// makes code while it runs and shuts its pages into namespaces (its unit says more).
const EXPOSURE_MAX: [(&str, u32); 7] = [
    ("waypost-gateway.service", 15),
    ("waypost-radio@.service", 15),
    ("waypost-verify.service", 15),
    ("waypost-cert.service", 15),
    ("waypost-update.service", 15),
    ("waypost-hub.service", 15),
    ("waypost-kiosk.service", 45),
];

fn systemd() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("systemd")
}

fn units(ending: &str) -> Vec<String> {
    let names = fs::read_dir(systemd()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

/// Runs systemd-analyze on a file; gives whether it is content, and all it says.
fn analyze(args: &[&str], file: &Path) -> (bool, String) {
    let output =
        Command::new(program::find("systemd-analyze").unwrap()).args(args).arg(file).output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}

#[test]
fn every_unit_is_understood_by_systemd() {
    if !program::has(&["systemd-analyze"]) {
        return;
    }
    // Programs that are not installed here stand for themselves by ones that are.
    let dir = tempfile::tempdir().unwrap();
    let all = [units(".service"), units(".timer")].concat();
    assert!(all.len() >= 10, "{all:?}");
    for name in &all {
        let mut text = fs::read_to_string(systemd().join(name)).unwrap();
        for program in [
            "/usr/bin/waypost-hub",
            "/usr/bin/waypost",
            "/usr/bin/cage",
            "/usr/lib/waypost/update-check",
            "/usr/lib/waypost/backoff",
            "/usr/lib/waypost-hub/backoff",
        ] {
            text = text.replace(&format!("={program} "), "=/bin/true ");
            text = text.replace(&format!("={program}\n"), "=/bin/true\n");
        }
        fs::write(dir.path().join(name), text).unwrap();
    }
    for name in &all {
        // A template is checked by one of its units.
        let file = dir.path().join(name.replace("@.", "@hci0."));
        let (fine, said) = analyze(&["verify", "--man=no", "--recursive-errors=no"], &file);
        assert!(fine && said.trim().is_empty(), "{name}: {said}");
    }
}

#[test]
fn every_service_is_as_narrow_as_it_was_said_to_be() {
    if !program::has(&["systemd-analyze"]) {
        return;
    }
    let named: Vec<_> = EXPOSURE_MAX.iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in units(".service") {
        assert!(named.contains(&name), "{name} has no bound in this test");
    }
    for (name, bound) in EXPOSURE_MAX {
        assert_exposed_at_most(&systemd().join(name), bound);
    }
}

fn assert_exposed_at_most(unit: &Path, bound: u32) {
    let (fine, said) =
        analyze(&["security", "--no-pager", "--offline=yes", &format!("--threshold={bound}")], unit);
    let level = said.lines().rev().find(|line| line.contains("Overall exposure level")).unwrap_or(&said);
    println!("{level} (at most {}.{})", bound / 10, bound % 10);
    assert!(fine && said.contains("Overall exposure level"), "{}: {level}", unit.display());
}

#[test]
fn a_service_that_fails_again_and_again_waits_longer_each_time_and_one_that_ran_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (file, tools) = (dir.path().join("starts"), dir.path().join("tools"));
    // Sleeps are written down in place of slept.
    fs::create_dir(&tools).unwrap();
    let sleep = tools.join("sleep");
    fs::write(&sleep, format!("#!/bin/sh\necho $1 >> {}\n", dir.path().join("slept").display())).unwrap();
    fs::set_permissions(&sleep, fs::Permissions::from_mode(0o755)).unwrap();
    let start = || {
        let path = format!("{}:/usr/bin:/bin", tools.display());
        let status = Command::new(systemd().join("backoff")).arg(&file).env("PATH", path).status().unwrap();
        assert!(status.success());
    };
    let slept = || fs::read_to_string(dir.path().join("slept")).unwrap_or_default();
    for _ in 0..10 {
        start();
    }
    assert_eq!(slept(), "2\n4\n8\n16\n32\n60\n60\n");
    // As one that ran for longer than that.
    fs::write(&file, "9 1000000000\n").unwrap();
    start();
    assert_eq!(slept(), "2\n4\n8\n16\n32\n60\n60\n", "no wait was added");
}

#[test]
fn every_service_may_dump_no_core() {
    for name in units(".service") {
        let text = fs::read_to_string(systemd().join(&name)).unwrap();
        assert!(text.lines().any(|line| line == "LimitCORE=0"), "{name}");
    }
}
