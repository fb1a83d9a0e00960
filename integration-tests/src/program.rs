//! The programs under test and their peers: where they are, and what to say when they are not there.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The binary as it is shipped.
pub fn waypost() -> &'static Path {
    &built().0
}

/// The binary with the named crash points (feature `faults`).
pub fn waypost_with_faults() -> &'static Path {
    &built().1
}

/// Both binaries: those that `WAYPOST_BIN` and `WAYPOST_FAULTS_BIN` name, else built here in release mode.
fn built() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| match (env::var_os("WAYPOST_BIN"), env::var_os("WAYPOST_FAULTS_BIN")) {
        (Some(plain), Some(faults)) => (plain.into(), faults.into()),
        _ => build(),
    })
}

/// The one with faults first: the next build puts the shipped one in its place.
fn build() -> (PathBuf, PathBuf) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let plain = target.join("release/waypost");
    let faults = target.join("release/waypost-with-faults");
    for features in [&["--features", "faults"][..], &[]] {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .current_dir(root)
            .args(["build", "--quiet", "--release", "--package", "waypost"])
            .args(features)
            .env("CARGO_TARGET_DIR", &target)
            .status()
            .unwrap();
        assert!(status.success(), "the release build failed");
        if !features.is_empty() {
            let _ = fs::remove_file(&faults);
            fs::copy(&plain, &faults).unwrap();
        }
    }
    (plain, faults)
}

/// Where a program is: on the path, or where Debian puts those of administrators.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Says whether a test that needs these programs can run. Where one is missing the test is told as skipped; on a CI
/// machine it fails, for there `integration-tests/run` installs them.
pub fn has(names: &[&str]) -> bool {
    match names.iter().find(|name| find(name).is_none()) {
        None => true,
        Some(missing) => {
            skip(&format!("{missing} is not installed"));
            false
        }
    }
}

/// Tells that the test is skipped, and why. `integration-tests/run` counts these lines.
pub fn skip(why: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "nothing is skipped on a CI machine: {why}");
    println!("SKIPPED: {why}");
}
