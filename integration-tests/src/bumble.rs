//! A real peer for the seal reader: Bumble's Bluetooth controller behind a pseudo-terminal, and seals that advertise to
//! it (`bumble_seals.py`).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::{program, python};

/// How the seals advertise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advertising {
    /// At most 31 bytes.
    Legacy,
    /// More, which only controllers of Bluetooth 5 hear.
    Extended,
}

/// A seal that advertises.
#[derive(Debug, Clone)]
pub struct BumbleSeal {
    /// Its address, such as `C0:5E:A1:00:00:01`.
    pub address: String,
    /// Its key, in hex.
    pub key: String,
    /// How it advertises.
    pub advertising: Advertising,
}

/// The air around a radio.
#[derive(Debug, Clone)]
pub struct AirPlan {
    /// The radio knows no extended advertising.
    pub legacy: bool,
    /// Milliseconds between two advertisements of one sender.
    pub interval_ms: u32,
    /// Telephones that advertise beside the seals.
    pub telephones: u32,
    /// The seals.
    pub seals: Vec<BumbleSeal>,
}

/// A radio and seals, as a process that ends with this.
pub struct Bumble {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    pty: PathBuf,
}

/// A Python with Bumble. Without one the test is told as skipped.
pub fn python() -> Option<PathBuf> {
    python::with("bumble").map_err(|why| program::skip(&why)).ok()
}

impl Bumble {
    /// Starts it, with the radio at `dir/radio`.
    pub fn start(python: &Path, dir: &Path, plan: &AirPlan) -> Self {
        let pty = dir.join("radio");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bumble_seals.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&pty);
        command.args(["--interval-ms", &plan.interval_ms.to_string()]);
        command.args(["--telephones", &plan.telephones.to_string()]);
        if plan.legacy {
            command.arg("--legacy");
        }
        command.args(plan.seals.iter().map(|seal| {
            let kind = match seal.advertising {
                Advertising::Legacy => "legacy",
                Advertising::Extended => "extended",
            };
            format!("{},{},{kind}", seal.address, seal.key)
        }));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut bumble = Self { child, commands, answers, pty };
        assert_eq!(bumble.line().trim(), "ready");
        bumble
    }

    /// Where the radio is.
    pub fn pty(&self) -> &Path {
        &self.pty
    }

    /// Gives it a command, and returns its answer.
    pub fn tell(&mut self, command: &str) -> Value {
        writeln!(self.commands, "{command}").unwrap();
        let answer = self.line();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{command}: {answer}: {error}"))
    }

    /// The counters that each seal has sent while the radio scanned.
    pub fn sent(&mut self) -> BTreeMap<String, BTreeSet<u32>> {
        serde_json::from_value(self.tell("sent")).unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).unwrap();
        assert!(length > 0, "Bumble ended; what it said stands above");
        line
    }
}

impl Drop for Bumble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
