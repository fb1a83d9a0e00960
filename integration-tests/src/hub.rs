//! The hub: `waypost hub init`, a configuration, orders, `waypost hub`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    export,
    gateway::{Gateway, assert_crashed},
    manager::Manager,
    port,
    process::Process,
    program,
    wait::{SOON, until},
    wall::{self, Wall},
};

pub use crate::hub_keys::HubKeys;

/// A hub that runs, or ran.
pub struct Hub {
    /// Its public keys.
    pub keys: HubKeys,
    /// The wall clock of its machine; none: the right one.
    pub wall: Option<Wall>,
    dir: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Hub {
    /// Makes its keys and lays its orders; does not start it.
    pub fn make(dir: &Path, orders: &[Value]) -> Self {
        Self::make_at(dir, orders, None)
    }

    /// The same on a machine with this wall clock.
    pub fn make_at(dir: &Path, orders: &[Value], wall: Option<&Wall>) -> Self {
        let keys = HubKeys::make_at(dir, wall);
        let hub = Self { keys, wall: wall.cloned(), dir: dir.to_owned(), port: port::free(), process: None };
        let folder = dir.join("orders");
        fs::create_dir_all(&folder).unwrap();
        for order in orders {
            let name = order["order"]["kind"].as_str().unwrap();
            fs::write(folder.join(format!("{name}.json")), order.to_string()).unwrap();
        }
        hub
    }

    /// Writes its configuration: the broker and the gateways that it knows.
    pub fn configure<'a>(&self, broker_port: u16, gateways: impl IntoIterator<Item = &'a Gateway>) {
        let mut text = format!(
            "dir = \".\"\n\n[mqtt]\nhost = \"127.0.0.1\"\nport = {broker_port}\n\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            self.port
        );
        for Gateway { plan, key, secret_key, .. } in gateways {
            let (id, site, kind) = (&plan.id, &plan.site, plan.kind);
            text.push_str(&format!(
                "\n[[gateway]]\nid = \"{id}\"\nsite = \"{site}\"\nkind = \"{kind}\"\nname = \"{id}\"\nkey = \"{key}\"\n\
                 secret_key = \"{secret_key}\"\n"
            ));
        }
        fs::write(self.config(), text).unwrap();
    }

    /// The port of its pages.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its configuration's file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("hub.toml")
    }

    /// All that it keeps and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) {
        self.launch(program::waypost(), None);
        let process = self.process.as_mut().unwrap();
        let url = format!("http://127.0.0.1:{}/api/summary", self.port);
        until("the hub answers", SOON, || {
            process.assert_runs();
            reqwest::blocking::get(&url).ok().filter(|answer| answer.status().is_success())
        });
    }

    /// Starts the binary with crash points, to crash at one (`NAME` or `NAME:COUNT`).
    pub fn start_to_crash_at(&mut self, point: &str) {
        self.launch(program::waypost_with_faults(), Some(point));
    }

    /// Starts it under a service manager; `hang_at` is where its store will stand still.
    pub fn start_under(&mut self, manager: &Manager, hang_at: Option<&str>) {
        let binary = if hang_at.is_some() { program::waypost_with_faults() } else { program::waypost() };
        let mut command = self.command(binary);
        manager.environment(&mut command);
        if let Some(point) = hang_at {
            command.env("WAYPOST_HANG_AT", point);
        }
        self.process = Some(Process::start("the hub", &mut command, &self.dir.join("log")));
    }

    fn command(&self, binary: &Path) -> Command {
        assert!(self.process.is_none(), "the hub runs already");
        let mut command = Command::new(binary);
        command.arg("hub").arg("--config").arg(self.config());
        command
    }

    fn launch(&mut self, binary: &Path, crash_at: Option<&str>) {
        let mut command = self.command(binary);
        match crash_at {
            Some(point) => command.env("WAYPOST_CRASH_AT", point),
            None => command.env_remove("WAYPOST_CRASH_AT"),
        };
        wall::put_on(self.wall.as_ref(), &mut command);
        self.process = Some(Process::start("the hub", &mut command, &self.dir.join("log")));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("the hub runs").kill();
    }

    /// SIGTERM, which must end it with status 0.
    pub fn stop(&mut self) {
        self.process.take().expect("the hub runs").stop();
    }

    /// Waits until it crashed at the point that it was started for.
    pub fn wait_for_crash(&mut self, point: &str) {
        let mut process = self.process.take().expect("the hub runs");
        assert_crashed(&mut process, point);
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the hub runs")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Its ledger records, as pairs of gateway and line.
    pub fn store(&self) -> Vec<(String, String)> {
        export::store(&self.dir, "ledger")
    }

    /// `GET /api/trace/CODE`: the steps of a tube or box; none while the hub knows of none.
    pub fn trace(&self, code: &str) -> Vec<Value> {
        let url = format!("http://127.0.0.1:{}/api/trace/{code}", self.port);
        let answer = reqwest::blocking::get(url).unwrap();
        if !answer.status().is_success() {
            return Vec::new();
        }
        let trace: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        trace["trail"].as_array().unwrap().clone()
    }

    /// `GET /api/summary`.
    pub fn summary(&self) -> Value {
        let url = format!("http://127.0.0.1:{}/api/summary", self.port);
        serde_json::from_str(&reqwest::blocking::get(url).unwrap().text().unwrap()).unwrap()
    }
}
