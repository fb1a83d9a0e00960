//! The hub's authority, mosquitto with mutual TLS and the access list of `waypost hub acl`, and gateways that know
//! nothing until they are enrolled.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    broker::Broker,
    gateway::{Gateway, Plan},
    hub::Hub,
    port, process, program,
    wall::{self, Wall},
    world,
};

/// All of it. What it made is kept under the system's folder for such if the test fails.
pub struct Enrolled {
    /// mosquitto.
    pub broker: Broker,
    /// The central end.
    pub hub: Hub,
    /// In the order of their plans.
    pub gateways: Vec<Gateway>,
    enrol_port: u16,
    dir: Option<TempDir>,
}

impl Enrolled {
    /// Everything made and only the broker started; the machine of hub and broker has this wall clock.
    pub fn make(plans: &[Plan], orders: &[Value], wall: Option<&Wall>) -> Self {
        let dir = tempfile::Builder::new().prefix("waypost-test-").tempdir().unwrap();
        let hub = Hub::make_at(&dir.path().join("hub"), orders, wall);
        let authority = hub.dir().join("authority");
        let acl = dir.path().join("acl");
        fs::write(&acl, "").unwrap();
        let file = |name: &str| authority.join(name).display().to_string();
        let lines = format!(
            "cafile {}\ncertfile {}\nkeyfile {}\ncrlfile {}\nrequire_certificate true\n\
             use_identity_as_username true\nallow_anonymous false\nacl_file {}\n",
            file("ca.pem"),
            file("broker.pem"),
            file("broker-key.pem"),
            file("ca.crl.pem"),
            acl.display()
        );
        let gateways: Vec<_> =
            plans.iter().map(|plan| Gateway::make(dir.path(), plan.clone(), None, None)).collect();
        let broker = Broker::start_at(dir.path(), &lines, wall);
        let mut world = Self { broker, hub, gateways, enrol_port: port::free(), dir: Some(dir) };
        world.configure("");
        world.renew_acl();
        world
    }

    /// Writes the hub's configuration; the gateways stand there without keys.
    pub fn configure(&self, more: &str) {
        let mut text = format!(
            "dir = \".\"\n\n[mqtt]\nhost = \"127.0.0.1\"\nport = {}\n[mqtt.tls]\nca = \"authority/ca.pem\"\n\
             cert = \"authority/hub.pem\"\nkey = \"authority/hub-key.pem\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n\
             [enrol]\nlisten = \"127.0.0.1:{}\"\ndays = 60\noffline_days = 2\n{more}\n",
            self.broker.port(),
            self.hub.port(),
            self.enrol_port
        );
        for Gateway { plan, .. } in &self.gateways {
            let (id, site, kind) = (&plan.id, &plan.site, plan.kind);
            text += &format!(
                "\n[[gateway]]\nid = \"{id}\"\nsite = \"{site}\"\nkind = \"{kind}\"\nname = \"{id}\"\n"
            );
        }
        fs::write(self.hub.config(), text).unwrap();
    }

    /// The access list of now, at a broker that read it.
    pub fn renew_acl(&mut self) {
        let list = process::run(waypost(&["hub", "acl", "--config"]).arg(self.hub.config()));
        fs::write(self.dir().join("acl"), list).unwrap();
        self.broker.stop();
        self.broker.resume();
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().unwrap().path()
    }

    /// A one-time code.
    pub fn code(&self, gateway: &str) -> String {
        let mut enrol = waypost(&["hub", "enrol", gateway, "--json", "--config"]);
        enrol.arg(self.hub.config());
        wall::put_on(self.hub.wall.as_ref(), &mut enrol);
        let said: Value = serde_json::from_str(&process::run(&mut enrol)).unwrap();
        said["code"].as_str().unwrap().to_owned()
    }

    /// Enrols a gateway, by its own clock.
    pub fn enrol(&self, at: usize) -> Output {
        let gateway = &self.gateways[at];
        enrol(gateway, &self.code(&gateway.plan.id))
    }

    /// mosquitto's client with somebody's certificate, on a topic.
    pub fn client(
        &self,
        program: &str,
        (ca, cert, key): &(PathBuf, PathBuf, PathBuf),
        topic: &str,
    ) -> Command {
        let mut command = Command::new(program::find(program).unwrap());
        command.args(["-h", "127.0.0.1", "-V", "mqttv5", "-q", "1", "-p", &self.broker.port().to_string()]);
        command.arg("--cafile").arg(ca).arg("--cert").arg(cert).arg("--key").arg(key).args(["-t", topic]);
        command
    }

    /// What the hub's certificate finds retained at a topic.
    pub fn retained(&self, topic: &str) -> String {
        let dir = self.hub.dir().join("authority");
        let hub = (dir.join("ca.pem"), dir.join("hub.pem"), dir.join("hub-key.pem"));
        let mut command = self.client("mosquitto_sub", &hub, topic);
        // A name of its own, so that it throws nobody out.
        let output = command.args(["-i", "looks", "-v", "-W", "2"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the central store equals the union of the journals, and verifies these.
    pub fn settle(&self) {
        world::settle(&self.hub, &self.gateways);
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        world::keep_if_panicking(&mut self.dir, &self.gateways);
    }
}

/// The program with these arguments.
pub fn waypost(args: &[&str]) -> Command {
    let mut command = Command::new(program::waypost());
    command.args(args);
    command
}

/// Enrols a gateway with a code, by its own clock.
pub fn enrol(gateway: &Gateway, code: &str) -> Output {
    let mut command = waypost(&["enrol", "--json", "--code", code]);
    command.arg(gateway.data());
    wall::put_on(gateway.wall.as_ref(), &mut command);
    command.output().unwrap()
}

/// The files of the certificate that a gateway uses first: authority, certificate, key.
pub fn certificate(gateway: &Gateway) -> (PathBuf, PathBuf, PathBuf) {
    let dir = gateway.data().join("tls");
    (dir.join("a-ca.pem"), dir.join("a.pem"), dir.join("a-key.pem"))
}

/// Stops the test unless the command ended well.
pub fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
