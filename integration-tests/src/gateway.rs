//! A gateway: `waypost init`, a configuration, `waypost run`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    codes::STAFF_BADGE,
    console::{Answer, Console},
    export,
    hub_keys::HubKeys,
    port,
    process::{self, Process},
    program,
    wait::{SOON, until},
    wall::{self, Wall},
};

/// What a gateway is to be.
#[derive(Clone)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// Its site's id.
    pub site: String,
    /// `testing_centre`, `post_office`, …
    pub kind: &'static str,
    /// Tubes that a box holds.
    pub box_tubes_max: u32,
    /// More lines at the end of its configuration.
    pub more: String,
    /// More lines of its site.
    pub site_more: String,
}

impl Plan {
    /// A testing centre whose boxes hold 1,000 tubes.
    pub fn testing_centre(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            site: format!("SITE-{}", id.to_uppercase()),
            kind: "testing_centre",
            box_tubes_max: 1_000,
            more: String::new(),
            site_more: String::new(),
        }
    }

    /// A post office that hands out packs.
    pub fn post_office(id: &str) -> Self {
        let more = "[[stock]]\nitem = \"packs\"\npar = 1\n".to_owned();
        Self { kind: "post_office", more, ..Self::testing_centre(id) }
    }

    /// The same with boxes of this size.
    pub fn with_boxes_of(self, box_tubes_max: u32) -> Self {
        Self { box_tubes_max, ..self }
    }

    /// The same with more lines of its site.
    pub fn with_site(mut self, more: &str) -> Self {
        self.site_more.push_str(more);
        self
    }

    /// The same with more lines in its configuration.
    pub fn with(mut self, more: &str) -> Self {
        self.more.push_str(more);
        self
    }
}

/// A gateway that runs, or ran.
pub struct Gateway {
    /// What it is.
    pub plan: Plan,
    /// Its public key, for the hub's configuration.
    pub key: String,
    /// The one that secrets are encrypted to, likewise.
    pub secret_key: String,
    /// The wall clock of its machine from its next start on; none: the right one.
    pub wall: Option<Wall>,
    dir: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Gateway {
    /// Makes identity and configuration in `dir`; does not start it. Without a broker it has no link.
    pub fn make(dir: &Path, plan: Plan, broker_port: Option<u16>, hub: Option<&HubKeys>) -> Self {
        let dir = dir.join(&plan.id);
        let mut init = Command::new(program::waypost());
        init.arg("init").arg(dir.join("data")).args(["--gateway", &plan.id, "--json"]);
        let public: Value = serde_json::from_str(&process::run(&mut init)).unwrap();
        let [key, secret_key] = ["key", "secret_key"].map(|name| public[name].as_str().unwrap().to_owned());
        let port = port::free();
        let mut gateway = Self { plan, key, secret_key, wall: None, dir, port, process: None };
        gateway.configure(broker_port, hub);
        gateway
    }

    /// Writes its configuration.
    pub fn configure(&mut self, broker_port: Option<u16>, hub: Option<&HubKeys>) {
        let Plan { id, site, kind, box_tubes_max, more, site_more } = &self.plan;
        let mut text = format!(
            "gateway = \"{id}\"\ndata = \"data\"\n\n[site]\nid = \"{site}\"\nname = \"{id}\"\nkind = \"{kind}\"\n\
             box_tubes_max = {box_tubes_max}\nlanguage = \"en\"\n{site_more}\n[console]\nlisten = \"127.0.0.1:{}\"\n",
            self.port
        );
        if let Some(port) = broker_port {
            text.push_str(&format!("\n[mqtt]\nhost = \"127.0.0.1\"\nport = {port}\n"));
        }
        if let Some(HubKeys { ack_key, order_key }) = hub {
            text.push_str(&format!("\n[hub]\nack_key = \"{ack_key}\"\norder_keys = [\"{order_key}\"]\n"));
        }
        text.push_str(&format!("\n{more}"));
        fs::write(self.config(), text).unwrap();
    }

    /// Its configuration's file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("waypost.toml")
    }

    /// Where its journal is.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// All that it keeps and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts it, and waits until its console answers.
    pub fn start(&mut self) {
        self.launch(program::waypost(), None);
        self.wait_until_it_answers();
    }

    /// Waits until its console answers.
    pub fn wait_until_it_answers(&mut self) {
        let console = self.console();
        let process = self.process.as_mut().expect("the gateway runs");
        until(&format!("{} answers", self.plan.id), SOON, || {
            process.assert_runs();
            console.try_panel()
        });
    }

    /// Starts the binary with crash points, to crash at one (`NAME` or `NAME:COUNT`). It may be gone before its
    /// console answers.
    pub fn start_to_crash_at(&mut self, point: &str) {
        self.launch(program::waypost_with_faults(), Some(point));
    }

    /// Starts this binary without waiting.
    pub fn launch(&mut self, binary: &Path, crash_at: Option<&str>) {
        assert!(self.process.is_none(), "{} runs already", self.plan.id);
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(self.config());
        match crash_at {
            Some(point) => command.env("WAYPOST_CRASH_AT", point),
            None => command.env_remove("WAYPOST_CRASH_AT"),
        };
        wall::put_on(self.wall.as_ref(), &mut command);
        self.process = Some(Process::start(&self.plan.id, &mut command, &self.dir.join("log")));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("the gateway runs").kill();
    }

    /// SIGTERM, which must end it with status 0.
    pub fn stop(&mut self) {
        self.process.take().expect("the gateway runs").stop();
    }

    /// Waits until it crashed at the point that it was started for: by its own signal, after saying so.
    pub fn wait_for_crash(&mut self, point: &str) {
        let mut process = self.process.take().expect("the gateway runs");
        assert_crashed(&mut process, point);
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the gateway runs")
    }

    /// Its process, to look at.
    pub fn running(&self) -> &Process {
        self.process.as_ref().expect("the gateway runs")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Its console.
    pub fn console(&self) -> Console {
        Console::new(self.port)
    }

    /// Signs the clerk in, as soon as the staff order is in force. Gives the panel.
    pub fn sign_in(&self) -> Answer {
        self.sign_in_with("CMD-DAY")
    }

    /// The same; a gateway that asks for the day is told it by this command.
    pub fn sign_in_with(&self, day: &str) -> Answer {
        let console = self.console();
        until(&format!("{} knows its staff", self.plan.id), SOON, || {
            let mut answer = console.scan(STAFF_BADGE);
            if answer.tone() == "ask" {
                answer = console.scan(day);
            }
            answer.0["status"]["person"].is_string().then_some(answer)
        })
    }

    /// Its ledger's lines, in order.
    pub fn ledger(&self) -> Vec<String> {
        export::journal(&self.data(), "ledger", 0)
    }

    /// Records of its ledger that name a code.
    pub fn facts_of(&self, code: &str) -> usize {
        let quoted = format!("\"{code}\"");
        self.ledger().iter().filter(|line| line.contains(&quoted)).count()
    }

    /// Recomputes its whole chain; stops the test where it breaks.
    pub fn verify(&self) {
        process::run(Command::new(program::waypost()).args(["journal", "verify"]).arg(self.data()));
    }

    /// Lays signed orders into its `orders/`, for a gateway without a hub.
    pub fn lay_orders(&self, keys_dir: &Path, orders: &[Value]) {
        let dir = self.data().join("orders");
        fs::create_dir_all(&dir).unwrap();
        // Secrets are encrypted to the gateways that the hub's configuration names.
        let Self { plan: Plan { id, site, kind, .. }, key, secret_key, .. } = self;
        let config = self.dir.join("hub.toml");
        let text = format!(
            "dir = \".\"\n[mqtt]\nhost = \"localhost\"\n[http]\nlisten = \"127.0.0.1:0\"\n[[gateway]]\nid = \"{id}\"\n\
             site = \"{site}\"\nkind = \"{kind}\"\nkey = \"{key}\"\nsecret_key = \"{secret_key}\"\n"
        );
        fs::write(&config, text).unwrap();
        for order in orders {
            let name = order["order"]["kind"].as_str().unwrap();
            // A campaign's key goes to post offices and to nobody else.
            if name == "campaign" && *kind != "post_office" {
                continue;
            }
            let json = self.dir.join(format!("{name}.json"));
            fs::write(&json, order.to_string()).unwrap();
            let mut sign = Command::new(program::waypost());
            sign.args(["hub", "order", "sign", "--dir"]).arg(keys_dir).arg("--config").arg(&config);
            sign.arg("--out").arg(dir.join(format!("{name}.cose"))).arg(&json);
            process::run(&mut sign);
            fs::remove_file(json).unwrap();
        }
    }
}

/// Waits until a process crashed at a named point.
pub fn assert_crashed(process: &mut Process, point: &str) {
    const SIGABRT: i32 = 6;
    let name = point.split(':').next().unwrap();
    let status = until("it crashes where it was told to", SOON, || process.ended());
    assert!(process.ended_by(SIGABRT), "it ended with {status}, not by abort:\n{}", process.log());
    assert!(process.log().contains(&format!("crash point {name} hit")), "{}", process.log());
}
