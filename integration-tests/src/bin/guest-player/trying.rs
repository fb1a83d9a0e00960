//! `waypost try`, running, and what it says.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use waypost_integration_tests::program;

/// Longest wait for a line; an emulated machine is slow, and a watchdog waits itself.
const PATIENCE: Duration = Duration::from_secs(90);

/// Lines that wait to be looked at; then the command waits, and its device with it.
const LINES_MAX: usize = 1024;

/// A device that is tried.
pub struct Trying {
    process: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Trying {
    /// Starts `waypost try DEVICE --json …`.
    pub fn start(device: &str, settings: &[&str]) -> Self {
        let mut process = Command::new(program::waypost())
            .args(["try", device, "--json", "--seconds", "3600"])
            .args(settings)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::sync_channel(LINES_MAX);
        let out = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, seen: Vec::new() }
    }

    /// The next line that is as wanted. Those before it are passed over, and told where none comes.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        self.seen.clear();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("not in time: {what}; there was {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended; {what}; there was {:?}", self.seen),
            }
        }
    }

    /// It is there.
    pub fn until_up(&mut self) {
        self.until("it is there", |line| line["up"] == true);
    }

    /// It is away; gives the reason.
    pub fn until_away(&mut self) -> String {
        let line = self.until("it is away", |line| line["up"] == false);
        line["reason"].as_str().unwrap().to_owned()
    }

    /// The next line, which must not be of a code before `wanted`.
    pub fn next_code(&mut self) -> Value {
        self.until("a code", |line| ["scan", "typed"].iter().any(|how| line.get(how).is_some()))
    }

    /// Ctrl-C; it must end by itself.
    pub fn stop(mut self) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.code().is_some(), "it was ended by a signal: {status}");
    }

    /// A power cut for it alone.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
