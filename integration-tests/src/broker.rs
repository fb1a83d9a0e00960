//! Debian's mosquitto on a free port of the loopback.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    port,
    process::Process,
    program,
    wait::{SOON, until_true},
    wall::{self, Wall},
};

/// A broker with a configuration of its own. It keeps its port when it is stopped and started.
pub struct Broker {
    dir: PathBuf,
    port: u16,
    wall: Option<Wall>,
    process: Option<Process>,
}

impl Broker {
    /// Starts one. `persistent`: it keeps sessions, queues and retained messages over a restart.
    pub fn start(dir: &Path, persistent: bool) -> Self {
        Self::start_with(dir, if persistent { "persistence true" } else { "persistence false" })
    }

    /// Starts one with more lines in its configuration.
    pub fn start_with(dir: &Path, lines: &str) -> Self {
        Self::start_at(dir, lines, None)
    }

    /// The same on a machine with this wall clock.
    pub fn start_at(dir: &Path, lines: &str, wall: Option<&Wall>) -> Self {
        let dir = dir.join(format!("broker-{}", port::free()));
        fs::create_dir_all(&dir).unwrap();
        let port = port::free();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nsys_interval 1\nlog_dest stderr\n\
             log_type error\nlog_type warning\nlog_type notice\nlog_type information\npersistence_location {}/\n{lines}\n",
            dir.display()
        );
        fs::write(dir.join("mosquitto.conf"), text).unwrap();
        let mut broker = Self { dir, port, wall: wall.cloned(), process: None };
        broker.resume();
        broker
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        let mosquitto = program::find("mosquitto").expect("mosquitto is installed");
        let starts = self.starts();
        let mut command = Command::new(mosquitto);
        command.arg("-c").arg(self.dir.join("mosquitto.conf"));
        wall::put_on(self.wall.as_ref(), &mut command);
        let mut process = Process::start("mosquitto", &mut command, &self.dir.join("log"));
        // It listens before it knows what to do with a SIGTERM; it says when it is ready for both.
        until_true("mosquitto runs", SOON, || {
            process.assert_runs();
            self.starts() > starts
        });
        self.process = Some(process);
    }

    /// Stops it; what it keeps is on disk.
    pub fn stop(&mut self) {
        self.process.take().expect("the broker runs").stop();
    }

    /// Kills it: what it had in memory is gone.
    pub fn kill(&mut self) {
        self.process.take().expect("the broker runs").kill();
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the broker runs")
    }

    /// Names of all clients that ever connected.
    pub fn clients(&self) -> BTreeSet<String> {
        self.log().lines().filter_map(connected).map(str::to_owned).collect()
    }

    /// How often a client of this name connected.
    pub fn connects(&self, client: &str) -> usize {
        self.log().lines().filter(|line| connected(line) == Some(client)).count()
    }

    /// How often it has said that it runs.
    fn starts(&self) -> usize {
        let says = |line: &&str| line.contains("mosquitto version ") && line.ends_with(" running");
        self.log().lines().filter(says).count()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

/// The client's name in `…: New client connected from 127.0.0.1:4 as NAME (p5, …` or `New client connected from … as …`.
fn connected(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("New client connected from ")?;
    let (_, rest) = rest.split_once(" as ")?;
    rest.split_once(" (").map(|(name, _)| name)
}
