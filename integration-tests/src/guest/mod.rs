//! An emulated machine with Debian's kernel: what a build machine's own kernel may not have (a live USB bus, a Bluetooth
//! adapter, an input device, a framebuffer) is there. `integration-tests/guest/prepare` makes it; the program
//! `guest-player` plays the devices inside and tells what was shown.

mod machine;
mod picture;

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::OnceLock};

use serde_json::Value;

use self::machine::Machine;
use crate::program;

/// What was shown, by scenario.
pub struct Shown {
    failures: BTreeMap<String, Option<String>>,
    notes: Vec<String>,
    console: String,
}

impl Shown {
    /// Stops the test unless this was shown.
    pub fn assert(&self, scenario: &str) {
        let Self { failures, notes, console } = self;
        notes.iter().filter(|note| note.starts_with(scenario)).for_each(|note| println!("{note}"));
        match failures.get(scenario) {
            Some(None) => {}
            Some(Some(failure)) => panic!("{scenario}: {failure}\nThe guest's console:\n{console}"),
            None => panic!("{scenario} was not told of\nThe guest's console:\n{console}"),
        }
    }
}

/// What the guest showed: it is started once a process, with this player inside, and its files in `dir`. None where this
/// machine cannot emulate it; then the test is told as skipped.
pub fn shown(player: &Path, dir: &Path) -> Option<&'static Shown> {
    static SHOWN: OnceLock<Result<Shown, String>> = OnceLock::new();
    match SHOWN.get_or_init(|| {
        prepare(player, dir)?;
        Ok(run(dir))
    }) {
        Ok(shown) => Some(shown),
        Err(why) => {
            program::skip(why);
            None
        }
    }
}

fn prepare(player: &Path, dir: &Path) -> Result<(), String> {
    if !cfg!(target_arch = "x86_64") {
        return Err("the guest runs programs of this machine, and is an amd64 machine".to_owned());
    }
    for name in ["apt-get", "dpkg-deb", "flock"] {
        program::find(name).ok_or_else(|| format!("{name} is not installed"))?;
    }
    fs::create_dir_all(dir).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest/prepare");
    let output = Command::new(script).arg(dir).arg(program::waypost()).arg(player).output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(format!("the guest could not be made: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn run(dir: &Path) -> Shown {
    let mut machine = Machine::start(dir);
    let mut shown = Shown { failures: BTreeMap::new(), notes: Vec::new(), console: String::new() };
    while let Some(said) = machine.next() {
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        match (said.get("ask"), said.get("end"), text("scenario"), text("note")) {
            (Some(question), ..) => machine.answer(question),
            (None, Some(_), ..) => break,
            (None, None, Some(scenario), Some(note)) => shown.notes.push(format!("{scenario}: {note}")),
            (None, None, Some(scenario), None) => {
                let failure: Option<String> = said.get("failure").and_then(Value::as_str).map(str::to_owned);
                shown.failures.insert(scenario, failure);
            }
            _ => panic!("the guest says {said}"),
        }
    }
    shown.console = machine.console();
    shown
}
